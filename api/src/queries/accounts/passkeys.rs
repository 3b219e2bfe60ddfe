//! Passkeys: public keys of somebody's devices, each at one host.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgExecutor;

/// A passkey as its owner knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Passkey {
    /// Its number.
    pub id: i64,
    /// Whose.
    pub user_id: i64,
    /// What its owner calls it.
    pub name: String,
    /// The key and its counter.
    pub credential: Value,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was used last.
    pub used_at: Option<DateTime<Utc>>,
}

/// Somebody's at a host, newest first.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn list(
    db: impl PgExecutor<'_>,
    user: i64,
    host: &str,
) -> Result<Vec<Passkey>, sqlx::Error> {
    sqlx::query_as!(
        Passkey,
        "SELECT id, user_id, name, credential, created_at, used_at FROM accounts_passkey
         WHERE user_id = $1 AND host = $2 ORDER BY id DESC LIMIT 50",
        user,
        host
    )
    .fetch_all(db)
    .await
}

/// By its own id, at the host it was made for.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn find(
    db: impl PgExecutor<'_>,
    credential_id: &[u8],
    host: &str,
) -> Result<Option<Passkey>, sqlx::Error> {
    sqlx::query_as!(
        Passkey,
        "SELECT id, user_id, name, credential, created_at, used_at FROM accounts_passkey
         WHERE credential_id = $1 AND host = $2",
        credential_id,
        host
    )
    .fetch_optional(db)
    .await
}

/// Keeps a new one; `false` where it is known already.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn insert(
    db: impl PgExecutor<'_>,
    (user, host, name): (i64, &str, &str),
    (credential_id, credential): (&[u8], &Value),
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "INSERT INTO accounts_passkey (user_id, host, credential_id, credential, name, created_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (credential_id) DO NOTHING",
        user,
        host,
        credential_id,
        credential,
        name,
        now
    );
    Ok(done.execute(db).await?.rows_affected() == 1)
}

/// It was used, and may have counted.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn touch(
    db: impl PgExecutor<'_>,
    credential_id: &[u8],
    changed: Option<&Value>,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE accounts_passkey SET used_at = $3, credential = coalesce($2, credential) WHERE credential_id = $1",
        credential_id,
        changed,
        now
    )
    .execute(db)
    .await
    .map(drop)
}

/// Takes all of somebody's away, at every host.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn delete_all(db: impl PgExecutor<'_>, user: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM accounts_passkey WHERE user_id = $1", user)
        .execute(db)
        .await
        .map(drop)
}

/// Takes one of somebody's away; `false` for one that is none of theirs.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn delete(db: impl PgExecutor<'_>, user: i64, id: i64) -> Result<bool, sqlx::Error> {
    let done =
        sqlx::query!("DELETE FROM accounts_passkey WHERE user_id = $1 AND id = $2", user, id);
    Ok(done.execute(db).await?.rows_affected() == 1)
}
