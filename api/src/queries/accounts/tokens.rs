//! Personal tokens: what somebody's program sends, on one site.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use crate::{
    accounts::secret::Hash,
    error::Error,
    tenant::{Db, Tx},
};

/// A token, the person behind it, and what they are on its site.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the columns of migrations/postgres/0024, where each is told")]
pub struct Found {
    pub token_id: i64,
    pub user_id: i64,
    pub scopes: Vec<String>,
    pub level: i16,
    pub used_at: Option<DateTime<Utc>>,
    pub expires_at: DateTime<Utc>,
    pub username: String,
    pub name: String,
    pub email: String,
    pub language: String,
    pub time_zone: String,
    pub role: String,
    pub programs: Option<Vec<i64>>,
    pub affiliates: Option<Vec<i64>>,
    pub two_factors: bool,
}

/// By its hash, on its site and on no other; not a revoked one.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn find(
    db: impl PgExecutor<'_>,
    hash: &Hash,
    site: i64,
) -> Result<Option<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"SELECT token_id AS "token_id!", user_id AS "user_id!", scopes AS "scopes!", level AS "level!", used_at,
             expires_at AS "expires_at!", username AS "username!", name AS "name!", email AS "email!",
             language AS "language!", time_zone AS "time_zone!", role AS "role!", programs, affiliates,
             two_factors AS "two_factors!"
           FROM accounts_token_find($1, $2)"#,
        &hash[..],
        site,
    )
    .fetch_optional(db)
    .await
}

/// A token as its owner knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its number.
    pub id: i64,
    /// What its owner calls it.
    pub name: String,
    /// Its first letters.
    pub prefix: String,
    /// `read`, `write`.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// When it was used last.
    pub used_at: Option<DateTime<Utc>>,
}

/// Somebody's tokens that were not revoked, newest first.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn list(db: &Db, user: i64) -> Result<Vec<Token>, sqlx::Error> {
    sqlx::query_as!(
        Token,
        "SELECT id, name, prefix, scopes, created_at, expires_at, used_at FROM accounts_token
         WHERE site_id = $1 AND user_id = $2 AND revoked_at IS NULL ORDER BY id DESC LIMIT 200",
        db.site.to_sql(),
        user
    )
    .fetch_all(&mut *db.begin().await?)
    .await
}

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct New<'a> {
    /// Whose.
    pub user: i64,
    /// What its owner calls it.
    pub name: &'a str,
    /// Its first letters.
    pub prefix: &'a str,
    /// `read`, `write`.
    pub scopes: &'a [String],
    /// Factors its maker has shown.
    pub level: i16,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// Makes one and gives its number.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn insert(tx: &mut Tx, hash: &Hash, new: &New<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        "INSERT INTO accounts_token (site_id, user_id, name, token_hash, prefix, scopes, level, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
        tx.site.to_sql(),
        new.user,
        new.name,
        &hash[..],
        new.prefix,
        new.scopes,
        new.level,
        new.expires_at,
    )
    .fetch_one(&mut **tx)
    .await
}

/// Makes one worthless at once.
///
/// # Errors
/// `NotFound` for one that is none of theirs, `Sql`.
pub async fn revoke(tx: &mut Tx, user: i64, id: i64) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE accounts_token SET revoked_at = now()
         WHERE site_id = $1 AND user_id = $2 AND id = $3 AND revoked_at IS NULL",
        tx.site.to_sql(),
        user,
        id
    )
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(Error::NotFound("token")) }
}

/// It was used.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn touch(db: &Db, id: i64, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let mut tx = db.begin().await?;
    sqlx::query!(
        "UPDATE accounts_token SET used_at = $3 WHERE site_id = $1 AND id = $2",
        db.site.to_sql(),
        id,
        now
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}
