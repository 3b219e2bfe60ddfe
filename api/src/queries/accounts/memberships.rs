//! What somebody is on a site.

use crate::{
    accounts::role::Role,
    tenant::{Db, Tx},
};

/// Makes somebody an affiliate of a site: the affiliate and what they are, together. Nothing where they are
/// something already.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn join_as_affiliate(
    tx: &mut Tx,
    user: i64,
    (name, email): (&str, &str),
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "WITH person AS (
             INSERT INTO affiliate_affiliate (site_id, user_id, name, email)
             SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT FROM accounts_membership WHERE site_id = $1 AND user_id = $2)
             RETURNING id)
         INSERT INTO accounts_membership (site_id, user_id, role, affiliates)
         SELECT $1, $2, 'affiliate', ARRAY[id] FROM person",
        tx.site.to_sql(),
        user,
        name,
        email,
    )
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Makes somebody what they are on a site, with all of it in reach.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn insert(tx: &mut Tx, user: i64, role: Role) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO accounts_membership (site_id, user_id, role) VALUES ($1, $2, $3)
         ON CONFLICT (site_id, user_id) DO UPDATE SET role = excluded.role, programs = NULL, affiliates = NULL,
             is_active = true, changed_at = now()",
        tx.site.to_sql(),
        user,
        role.name(),
    )
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Somebody of a demonstration, as the sign-in page shows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demo {
    /// Their name.
    pub username: String,
    /// What they are.
    pub role: String,
}

/// The accounts of a demonstration on a site.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn demo(db: &Db) -> Result<Vec<Demo>, sqlx::Error> {
    sqlx::query_as!(
        Demo,
        "SELECT u.username, m.role FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id
         WHERE m.site_id = $1 AND u.email LIKE '%@demo.example' ORDER BY m.id LIMIT 20",
        db.site.to_sql()
    )
    .fetch_all(&mut *db.begin().await?)
    .await
}

/// Whether a site has somebody who runs it.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn has_admin(db: &Db) -> Result<bool, sqlx::Error> {
    has_admin_within(&mut db.begin().await?).await
}

/// Lets nobody else make a first admin meanwhile.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn lock(tx: &mut Tx) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('tributary first admin'))")
        .fetch_one(&mut **tx)
        .await
        .map(drop)
}

/// The same as [`has_admin`], within a transaction.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn has_admin_within(tx: &mut Tx) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id
             WHERE m.site_id = $1 AND m.role = 'admin' AND u.password <> '!') AS "has!""#,
        tx.site.to_sql()
    )
    .fetch_one(&mut **tx)
    .await
}
