//! Second factors that are typed: codes of an app, recovery codes.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};

use crate::accounts::secret::Hash;

/// What somebody has beside their password.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Factors {
    /// Codes of an app.
    pub has_totp: bool,
    /// Recovery codes left.
    pub recovery_codes: i64,
    /// Passkeys of the host asked.
    pub passkeys: i64,
}

impl Factors {
    /// Whether a password alone is not enough.
    pub const fn any(self) -> bool {
        self.has_totp || self.passkeys > 0
    }
}

/// What somebody has, at a host.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn of(db: impl PgExecutor<'_>, user: i64, host: &str) -> Result<Factors, sqlx::Error> {
    sqlx::query_as!(
        Factors,
        r#"SELECT EXISTS (SELECT FROM accounts_totp WHERE user_id = $1 AND confirmed_at IS NOT NULL) AS "has_totp!",
             (SELECT count(*) FROM accounts_recoverycode WHERE user_id = $1 AND used_at IS NULL) AS "recovery_codes!",
             (SELECT count(*) FROM accounts_passkey WHERE user_id = $1 AND host = $2) AS "passkeys!""#,
        user,
        host
    )
    .fetch_one(db)
    .await
}

/// Somebody's sealed secret: the confirmed one, or the one to be confirmed.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn totp(
    db: impl PgExecutor<'_>,
    user: i64,
    is_confirmed: bool,
) -> Result<Option<Vec<u8>>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT secret FROM accounts_totp WHERE user_id = $1 AND (confirmed_at IS NOT NULL) = $2",
        user,
        is_confirmed
    )
    .fetch_optional(db)
    .await
}

/// Keeps a secret to be confirmed, unless one is confirmed already.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn put_totp(
    db: impl PgExecutor<'_>,
    user: i64,
    sealed: &[u8],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO accounts_totp (user_id, secret) VALUES ($1, $2)
         ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, last_step = 0
             WHERE accounts_totp.confirmed_at IS NULL",
        user,
        sealed
    )
    .execute(db)
    .await
    .map(drop)
}

/// Uses a step up: `false` where it, or a later one, was used already. A first one confirms the secret.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn use_step(
    db: impl PgExecutor<'_>,
    user: i64,
    step: i64,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE accounts_totp SET last_step = $2, confirmed_at = coalesce(confirmed_at, $3)
         WHERE user_id = $1 AND last_step < $2",
        user,
        step,
        now
    );
    Ok(done.execute(db).await?.rows_affected() == 1)
}

/// Takes the app away.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn delete_totp(db: impl PgExecutor<'_>, user: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM accounts_totp WHERE user_id = $1", user).execute(db).await.map(drop)
}

/// Puts new recovery codes in place of all older ones; none takes them away.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn put_recovery_codes(
    db: &mut PgConnection,
    user: i64,
    codes: &[Hash],
) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM accounts_recoverycode WHERE user_id = $1", user)
        .execute(&mut *db)
        .await?;
    let codes: Vec<Vec<u8>> = codes.iter().map(|code| code.to_vec()).collect();
    sqlx::query!(
        "INSERT INTO accounts_recoverycode (user_id, code_hash) SELECT $1, unnest($2::bytea[])",
        user,
        &codes
    )
    .execute(db)
    .await
    .map(drop)
}

/// Uses a recovery code up: `false` for one that is none, or was used.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn use_recovery_code(
    db: impl PgExecutor<'_>,
    user: i64,
    code: &Hash,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE accounts_recoverycode SET used_at = $3
         WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL",
        user,
        &code[..],
        now
    );
    Ok(done.execute(db).await?.rows_affected() == 1)
}
