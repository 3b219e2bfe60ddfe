//! Sessions: a browser that is signed in at a host.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use crate::accounts::secret::Hash;

/// A session, the person behind it, and what they are on the site asked.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the columns of migrations/postgres/0024, where each is told")]
pub struct Found {
    pub session_id: i64,
    pub user_id: i64,
    pub level: i16,
    pub methods: Vec<String>,
    pub proved_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub seen_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub impersonator_id: Option<i64>,
    pub is_remembered: bool,
    pub username: String,
    pub name: String,
    pub email: String,
    pub language: String,
    pub time_zone: String,
    pub theme: String,
    pub role: Option<String>,
    pub programs: Option<Vec<i64>>,
    pub affiliates: Option<Vec<i64>>,
    pub two_factors: bool,
}

/// A session to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct New<'a> {
    /// Whose.
    pub user: i64,
    /// Where.
    pub host: &'a str,
    /// 1 or 2.
    pub level: i16,
    /// How they proved who they are.
    pub methods: &'a [String],
    /// Outlives the browser.
    pub is_remembered: bool,
    /// /24 or /56.
    pub network: &'a str,
    /// What the browser calls itself.
    pub agent: &'a str,
    /// Now.
    pub now: DateTime<Utc>,
    /// The end, however it is used.
    pub expires_at: DateTime<Utc>,
    /// Somebody of the site's people who looks through this user's eyes.
    pub impersonator: Option<i64>,
}

/// By its secret's hash, at the host it was made for and at no other.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn find(
    db: impl PgExecutor<'_>,
    hash: &Hash,
    (host, site): (&str, i64),
) -> Result<Option<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"SELECT session_id AS "session_id!", user_id AS "user_id!", level AS "level!", methods AS "methods!",
             proved_at AS "proved_at!", created_at AS "created_at!", seen_at AS "seen_at!",
             expires_at AS "expires_at!", impersonator_id, is_remembered AS "is_remembered!", username AS "username!", name AS "name!",
             email AS "email!", language AS "language!", time_zone AS "time_zone!", theme AS "theme!", role,
             programs, affiliates, two_factors AS "two_factors!"
           FROM accounts_session_find($1, $2, $3)"#,
        &hash[..],
        host,
        site,
    )
    .fetch_optional(db)
    .await
}

/// Whose session this is, where it was made for another host.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn owner_elsewhere(
    db: impl PgExecutor<'_>,
    hash: &Hash,
    host: &str,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT user_id FROM accounts_session WHERE token_hash = $1 AND host <> $2",
        &hash[..],
        host
    )
    .fetch_optional(db)
    .await
}

/// Makes one and gives its number.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn insert(
    db: impl PgExecutor<'_>,
    hash: &Hash,
    new: &New<'_>,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        "INSERT INTO accounts_session (token_hash, user_id, host, level, methods, proved_at, created_at, seen_at,
             expires_at, is_remembered, network, agent, impersonator_id)
         VALUES ($1, $2, $3, $4, $5, $6, $6, $6, $7, $8, $9, $10, $11) RETURNING id",
        &hash[..],
        new.user,
        new.host,
        new.level,
        new.methods,
        new.now,
        new.expires_at,
        new.is_remembered,
        new.network,
        new.agent,
        new.impersonator,
    )
    .fetch_one(db)
    .await
}

/// Gives it a new secret and a fresh proof; the old secret is dead.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn renew(
    db: impl PgExecutor<'_>,
    id: i64,
    hash: &Hash,
    (level, method): (i16, &str),
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE accounts_session SET token_hash = $2, level = greatest(level, $3), proved_at = $5,
             methods = CASE WHEN $4 = ANY (methods) THEN methods ELSE methods || $4::text END
         WHERE id = $1",
        id,
        &hash[..],
        level,
        method,
        now
    )
    .execute(db)
    .await
    .map(drop)
}

/// Gives it a new secret and nothing else; the old secret is dead.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn change_secret(
    db: impl PgExecutor<'_>,
    id: i64,
    hash: &Hash,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE accounts_session SET token_hash = $2, seen_at = greatest(seen_at, $3) WHERE id = $1",
        id,
        &hash[..],
        now
    )
    .execute(db)
    .await
    .map(drop)
}

/// It was used.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn touch(
    db: impl PgExecutor<'_>,
    id: i64,
    network: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE accounts_session SET seen_at = greatest(seen_at, $3), network = $2 WHERE id = $1",
        id,
        network,
        now
    )
    .execute(db)
    .await
    .map(drop)
}

/// Ends the one with this secret, whoever's it is.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn delete(db: impl PgExecutor<'_>, hash: &Hash) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM accounts_session WHERE token_hash = $1", &hash[..])
        .execute(db)
        .await
        .map(drop)
}

/// Ends one of somebody's own; `false` where there is none.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn delete_one(db: impl PgExecutor<'_>, user: i64, id: i64) -> Result<bool, sqlx::Error> {
    let done =
        sqlx::query!("DELETE FROM accounts_session WHERE user_id = $1 AND id = $2", user, id);
    Ok(done.execute(db).await?.rows_affected() == 1)
}

/// Ends all of somebody's at a host.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn delete_at(db: impl PgExecutor<'_>, user: i64, host: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM accounts_session WHERE user_id = $1 AND host = $2", user, host)
        .execute(db)
        .await
        .map(drop)
}

/// Ends all of somebody's but one (none: all), and says how many.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn delete_others(
    db: impl PgExecutor<'_>,
    user: i64,
    but: Option<i64>,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM accounts_session WHERE user_id = $1 AND id IS DISTINCT FROM $2",
        user,
        but
    );
    Ok(done.execute(db).await?.rows_affected())
}

/// A session as its owner knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its number.
    pub id: i64,
    /// Where.
    pub host: String,
    /// What the browser calls itself.
    pub agent: String,
    /// From where it was seen last.
    pub network: String,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it was seen last.
    pub seen_at: DateTime<Utc>,
    /// 1 or 2.
    pub level: i16,
    /// Somebody of the site's people is behind it.
    pub is_impersonated: bool,
}

/// Somebody's sessions that stand, the one seen last first.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn list(
    db: impl PgExecutor<'_>,
    user: i64,
    now: DateTime<Utc>,
) -> Result<Vec<Session>, sqlx::Error> {
    sqlx::query_as!(
        Session,
        r#"SELECT id, host, agent, network, created_at, seen_at, level,
             impersonator_id IS NOT NULL AS "is_impersonated!"
           FROM accounts_session WHERE user_id = $1 AND expires_at > $2 AND seen_at > $2 - interval '24 hours'
           ORDER BY seen_at DESC, id DESC LIMIT 200"#,
        user,
        now
    )
    .fetch_all(db)
    .await
}

/// Whether somebody was ever signed in by such a browser from such a network before.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn is_known_device(
    db: impl PgExecutor<'_>,
    user: i64,
    (network, agent): (&str, &str),
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM accounts_securityevent WHERE user_id = $1 AND kind = 'signed_in'
             AND (network = $2 OR agent = $3)) OR NOT EXISTS (SELECT FROM accounts_securityevent
             WHERE user_id = $1 AND kind = 'signed_in') AS "known!""#,
        user,
        network,
        agent
    )
    .fetch_one(db)
    .await
}
