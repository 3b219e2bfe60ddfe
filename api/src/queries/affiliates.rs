//! Affiliates: who promotes and is paid.

use chrono::{DateTime, Utc};
use schemas::ids::AffiliateId;

use super::{Cursor, Page, narrow};
use crate::{
    error::Error,
    tenant::{Db, Tx},
};

/// An affiliate as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affiliate {
    /// Its id.
    pub id: AffiliateId,
    /// How it is called.
    pub name: String,
    /// Where it is written to; may be empty.
    pub email: String,
    /// Whether its links lead anywhere.
    pub is_active: bool,
    /// When it came.
    pub created_at: DateTime<Utc>,
    /// Goes up with every change.
    pub version: i64,
}

/// Which ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Find {
    /// This one alone.
    pub id: Option<AffiliateId>,
    /// Switched on, or off.
    pub is_active: Option<bool>,
    /// A part of the name or of the address.
    pub q: Option<String>,
}

/// An affiliate to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAffiliate {
    /// 1 to 200 characters.
    pub name: String,
    /// An address of mail, or empty.
    pub email: String,
    /// Switched on.
    pub is_active: bool,
}

/// What changes; `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AffiliateChange {
    /// How it is called.
    pub name: Option<String>,
    /// Where it is written to.
    pub email: Option<String>,
    /// On or off.
    pub is_active: Option<bool>,
}

/// Newest first.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn list(db: &Db, find: &Find, cursor: Cursor) -> Result<Page<Affiliate>, sqlx::Error> {
    let rows = sqlx::query_file!(
        "src/queries/affiliates.list.sql",
        db.site.to_sql(),
        cursor.starting_after,
        cursor.ending_before,
        cursor.limit_sql(),
        find.id.map(AffiliateId::to_sql),
        find.is_active,
        find.q,
    )
    .map(|row| Affiliate {
        id: AffiliateId(narrow(row.id)),
        name: row.name,
        email: row.email,
        is_active: row.is_active,
        created_at: row.created_at,
        version: row.version,
    })
    .fetch_all(&mut *db.begin().await?)
    .await?;
    Ok(cursor.page(rows))
}

/// One of them.
///
/// # Errors
/// `NotFound`, also for another site's; `Sql`.
pub async fn get(db: &Db, id: AffiliateId) -> Result<Affiliate, Error> {
    let find = Find { id: Some(id), ..Find::default() };
    let page = list(db, &find, Cursor::default()).await?;
    page.rows.into_iter().next().ok_or(Error::NotFound("affiliate"))
}

/// Makes one.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn insert(tx: &mut Tx, affiliate: &NewAffiliate) -> Result<AffiliateId, sqlx::Error> {
    let id = sqlx::query_scalar!(
        "INSERT INTO affiliate_affiliate (site_id, name, email, is_active)
         VALUES ($1, $2, $3, $4) RETURNING id",
        tx.site.to_sql(),
        affiliate.name,
        affiliate.email,
        affiliate.is_active,
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(AffiliateId(narrow(id)))
}

/// Changes one.
///
/// # Errors
/// `NotFound`, also for another site's; `Sql`.
pub async fn update(tx: &mut Tx, id: AffiliateId, change: &AffiliateChange) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE affiliate_affiliate SET name = coalesce($3, name), email = coalesce($4, email),
             is_active = coalesce($5, is_active)
         WHERE site_id = $1 AND id = $2",
        tx.site.to_sql(),
        id.to_sql(),
        change.name,
        change.email,
        change.is_active,
    )
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 0 { Err(Error::NotFound("affiliate")) } else { Ok(()) }
}
