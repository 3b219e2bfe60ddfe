//! What happened to an account: written once, read by its owner.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgExecutor;

/// The words of what can happen.
pub const KINDS: [&str; 42] = [
    "signed_in",
    "signed_out",
    "signed_up",
    "sign_in_failed",
    "second_factor_failed",
    "second_factor_limited",
    "recovery_code_used",
    "recovery_codes_made",
    "totp_added",
    "totp_removed",
    "passkey_added",
    "passkey_removed",
    "proved",
    "proof_failed",
    "password_changed",
    "profile_changed",
    "session_ended",
    "sessions_ended",
    "session_elsewhere",
    "token_made",
    "token_revoked",
    "refresh_reused",
    "email_confirmed",
    "reset_asked",
    "password_reset",
    "role_changed",
    "suspended",
    "resumed",
    "invitation_accepted",
    "impersonated",
    "impersonates",
    "looked_at",
    "email_added",
    "email_changed",
    "email_removed",
    "sign_in_code_sent",
    "exported",
    "identity_added",
    "identity_removed",
    "factors_reset",
    "avatar_changed",
    "enrolment_decided",
];

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// What: `signed_in`, `password_changed`, …
    pub kind: String,
    /// Where.
    pub host: String,
    /// From where.
    pub network: String,
    /// By what.
    pub agent: String,
    /// More of it.
    pub details: Value,
}

/// Who, where and by what.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The host asked.
    pub host: &'a str,
    /// /24 or /56.
    pub network: &'a str,
    /// What the browser calls itself.
    pub agent: &'a str,
}

/// Writes one.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn insert(
    db: impl PgExecutor<'_>,
    user: Option<i64>,
    (kind, details): (&str, Value),
    from: Origin<'_>,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO accounts_securityevent (user_id, at, kind, host, network, agent, details)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        user,
        now,
        kind,
        from.host,
        from.network,
        from.agent,
        details,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Somebody's, newest first; `after` is the last one of the page before.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn list(
    db: impl PgExecutor<'_>,
    user: i64,
    after: Option<i64>,
    limit: i64,
) -> Result<Vec<Event>, sqlx::Error> {
    sqlx::query_as!(
        Event,
        "SELECT id, at, kind, host, network, agent, details FROM accounts_securityevent
         WHERE user_id = $1 AND ($2::bigint IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
        user,
        after,
        limit,
    )
    .fetch_all(db)
    .await
}
