//! Who a person is at other houses.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

/// Somebody at another house.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its number.
    pub id: i64,
    /// Whose.
    pub user_id: i64,
    /// The house, by its name here.
    pub provider: String,
    /// As they are called there.
    pub called: String,
    /// When they signed in by it last.
    pub used_at: Option<DateTime<Utc>>,
}

/// Who it is.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn find(
    db: impl PgExecutor<'_>,
    provider: &str,
    subject: &str,
) -> Result<Option<Identity>, sqlx::Error> {
    sqlx::query_as!(
        Identity,
        "SELECT id, user_id, provider, called, used_at FROM accounts_identity WHERE provider = $1 AND subject = $2",
        provider,
        subject
    )
    .fetch_optional(db)
    .await
}

/// Somebody's.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn list(db: impl PgExecutor<'_>, user: i64) -> Result<Vec<Identity>, sqlx::Error> {
    sqlx::query_as!(
        Identity,
        "SELECT id, user_id, provider, called, used_at FROM accounts_identity WHERE user_id = $1 ORDER BY id",
        user
    )
    .fetch_all(db)
    .await
}

/// Keeps one; `false` where it is somebody's already.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn insert(
    db: impl PgExecutor<'_>,
    user: i64,
    (provider, subject, called): (&str, &str, &str),
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "INSERT INTO accounts_identity (user_id, provider, subject, called, created_at, used_at)
         VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (provider, subject) DO NOTHING",
        user,
        provider,
        subject,
        called,
        now
    );
    Ok(done.execute(db).await?.rows_affected() == 1)
}

/// It was signed in by.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn touch(
    db: impl PgExecutor<'_>,
    id: i64,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE accounts_identity SET used_at = $2 WHERE id = $1", id, now)
        .execute(db)
        .await
        .map(drop)
}

/// Takes one away; `false` where it was none of theirs.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn delete(db: impl PgExecutor<'_>, user: i64, id: i64) -> Result<bool, sqlx::Error> {
    let done =
        sqlx::query!("DELETE FROM accounts_identity WHERE user_id = $1 AND id = $2", user, id);
    Ok(done.execute(db).await?.rows_affected() == 1)
}
