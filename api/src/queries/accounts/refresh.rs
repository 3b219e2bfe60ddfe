//! Refresh tokens: each good once; those of a session are one family.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use crate::accounts::secret::Hash;

/// Keeps a new one of a session.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn insert(
    db: impl PgExecutor<'_>,
    session: i64,
    token: &Hash,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO accounts_refresh (token_hash, session_id, created_at) VALUES ($1, $2, $3)",
        &token[..],
        session,
        now
    )
    .execute(db)
    .await
    .map(drop)
}

/// What became of one that was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// The first time: its session.
    First(i64),
    /// Once more: somebody has a copy. Its session, and whose that is.
    Again(i64, i64),
    /// Unknown, or its session is over.
    Unknown,
}

/// Uses one up, at its host.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn take(
    db: impl PgExecutor<'_>,
    token: &Hash,
    host: &str,
    now: DateTime<Utc>,
) -> Result<Shown, sqlx::Error> {
    // The row is locked by the update; of two at once the second reads it as used.
    let row = sqlx::query!(
        r#"WITH found AS (
               SELECT r.token_hash, r.used_at, s.id, s.user_id FROM accounts_refresh r JOIN accounts_session s ON s.id = r.session_id
               WHERE r.token_hash = $1 AND s.host = $2 FOR UPDATE OF r),
           used AS (
               UPDATE accounts_refresh r SET used_at = $3 FROM found
               WHERE r.token_hash = found.token_hash AND found.used_at IS NULL RETURNING r.token_hash)
           SELECT id, user_id, EXISTS (SELECT FROM used) AS "first!" FROM found"#,
        &token[..],
        host,
        now
    )
    .fetch_optional(db)
    .await?;
    Ok(match row {
        None => Shown::Unknown,
        Some(row) if row.first => Shown::First(row.id),
        Some(row) => Shown::Again(row.id, row.user_id),
    })
}
