//! Further addresses of a person, every one confirmed. The first one stands in `accounts_user`.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};

/// An address beside the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    /// Its number.
    pub id: i64,
    /// The address.
    pub email: String,
    /// Since when it is known that they read it.
    pub verified_at: DateTime<Utc>,
}

/// Somebody's, oldest first.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn list(db: impl PgExecutor<'_>, user: i64) -> Result<Vec<Email>, sqlx::Error> {
    sqlx::query_as!(
        Email,
        "SELECT id, email, verified_at FROM accounts_email WHERE user_id = $1 ORDER BY id",
        user
    )
    .fetch_all(db)
    .await
}

/// Keeps one.
///
/// # Errors
/// `sqlx::Error`: somebody has it (`accounts_email_email`), or PostgreSQL does not answer.
pub async fn insert(
    db: impl PgExecutor<'_>,
    user: i64,
    email: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO accounts_email (user_id, email, verified_at) VALUES ($1, $2, $3)",
        user,
        email,
        now
    )
    .execute(db)
    .await
    .map(drop)
}

/// Takes one away; what it was, where it was theirs.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn delete(
    db: impl PgExecutor<'_>,
    user: i64,
    id: i64,
) -> Result<Option<Email>, sqlx::Error> {
    sqlx::query_as!(
        Email,
        "DELETE FROM accounts_email WHERE user_id = $1 AND id = $2 RETURNING id, email, verified_at",
        user,
        id
    )
    .fetch_optional(db)
    .await
}

/// Puts an address in the first place; what stood there becomes a further one.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn put_first(
    db: &mut PgConnection,
    user: i64,
    first: &Email,
) -> Result<String, sqlx::Error> {
    let before = sqlx::query!(
        "SELECT email, email_verified_at FROM accounts_user WHERE id = $1 FOR UPDATE",
        user
    )
    .fetch_one(&mut *db)
    .await?;
    sqlx::query!(
        "UPDATE accounts_user SET email = $2, email_verified_at = $3 WHERE id = $1",
        user,
        first.email,
        first.verified_at
    )
    .execute(&mut *db)
    .await?;
    if let Some(at) = before.email_verified_at {
        insert(db, user, &before.email, at).await?;
    }
    Ok(before.email)
}
