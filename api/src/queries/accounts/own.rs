//! What is kept of a person wherever they are: their sites, all of it, and that it is forgotten.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgExecutor;

/// A site that somebody is something on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Its number.
    pub site_id: i64,
    /// Its host.
    pub domain: String,
    /// What it is called.
    pub name: String,
    /// What they are there.
    pub role: String,
    /// Not suspended.
    pub is_active: bool,
    /// Without them nobody runs it.
    pub is_last_admin: bool,
}

/// Somebody's sites.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn sites(db: impl PgExecutor<'_>, user: i64) -> Result<Vec<Site>, sqlx::Error> {
    sqlx::query_as!(
        Site,
        r#"SELECT site_id AS "site_id!", domain AS "domain!", name AS "name!", role AS "role!",
             is_active AS "is_active!", is_last_admin AS "is_last_admin!" FROM accounts_sites_of($1)"#,
        user
    )
    .fetch_all(db)
    .await
}

/// Everything that is kept of somebody, without a secret.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn export(db: impl PgExecutor<'_>, user: i64) -> Result<Value, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT accounts_export($1) AS "all!""#, user).fetch_one(db).await
}

/// Forgets somebody: what must stay stays as a pseudonym.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn forget(
    db: impl PgExecutor<'_>,
    user: i64,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT accounts_forget($1, $2)", user, now).fetch_one(db).await.map(drop)
}
