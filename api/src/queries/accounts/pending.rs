//! Half-way steps: what a browser began and has ten minutes to end, once.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use sqlx::PgExecutor;

use crate::accounts::secret::Hash;

/// What is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A second factor, the password being right.
    SecondFactor,
    /// A new passkey.
    PasskeyNew,
    /// A passkey to sign in with.
    PasskeySignIn,
    /// What another house says.
    Provider,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::SecondFactor => "second_factor",
            Self::PasskeyNew => "passkey_new",
            Self::PasskeySignIn => "passkey_sign_in",
            Self::Provider => "provider",
        }
    }
}

/// A step that was begun.
#[derive(Debug, Clone, PartialEq)]
pub struct Pending {
    /// Whose, where that is known.
    pub user_id: Option<i64>,
    /// What was kept.
    pub state: Value,
}

/// How long a browser has.
pub const LIFE: TimeDelta = TimeDelta::minutes(10);

/// Begins one.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn insert(
    db: impl PgExecutor<'_>,
    (kind, host): (Kind, &str),
    token: &Hash,
    pending: &Pending,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO accounts_pending (token_hash, kind, user_id, host, state, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        &token[..],
        kind.name(),
        pending.user_id,
        host,
        pending.state,
        now + LIFE
    )
    .execute(db)
    .await
    .map(drop)
}

/// Looks at one that is still good.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn find(
    db: impl PgExecutor<'_>,
    (kind, host): (Kind, &str),
    token: &Hash,
    now: DateTime<Utc>,
) -> Result<Option<Pending>, sqlx::Error> {
    sqlx::query_as!(
        Pending,
        "SELECT user_id, state FROM accounts_pending
         WHERE token_hash = $1 AND kind = $2 AND host = $3 AND expires_at > $4",
        &token[..],
        kind.name(),
        host,
        now
    )
    .fetch_optional(db)
    .await
}

/// Uses one up: of two who come at once, one gets it.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn take(
    db: impl PgExecutor<'_>,
    (kind, host): (Kind, &str),
    token: &Hash,
    now: DateTime<Utc>,
) -> Result<Option<Pending>, sqlx::Error> {
    sqlx::query_as!(
        Pending,
        "DELETE FROM accounts_pending WHERE token_hash = $1 AND kind = $2 AND host = $3 AND expires_at > $4
         RETURNING user_id, state",
        &token[..],
        kind.name(),
        host,
        now
    )
    .fetch_optional(db)
    .await
}

/// Keeps something more with one.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn put(
    db: impl PgExecutor<'_>,
    token: &Hash,
    key: &str,
    value: &Value,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE accounts_pending SET state = state || jsonb_build_object($2::text, $3::jsonb) WHERE token_hash = $1",
        &token[..],
        key,
        value
    )
    .execute(db)
    .await
    .map(drop)
}
