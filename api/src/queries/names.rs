//! What people call things, for reports that know only ids.

use crate::tenant::Db;
use std::collections::HashMap;

/// Names by id.
pub type Names = HashMap<u32, String>;

/// Names of the ids asked for, of one site.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    /// Program id → name.
    pub programs: Names,
    /// Affiliate id → name.
    pub affiliates: Names,
    /// Link id → code.
    pub links: Names,
}

impl Labels {
    /// Loads them; an empty list asks nothing.
    ///
    /// # Errors
    /// `sqlx::Error` when PostgreSQL does not answer.
    pub async fn load(
        db: &Db,
        (programs, affiliates, links): (&[u32], &[u32], &[u32]),
    ) -> Result<Self, sqlx::Error> {
        let labels = Self {
            programs: if programs.is_empty() {
                Names::new()
            } else {
                self::programs(db, programs).await?
            },
            affiliates: if affiliates.is_empty() {
                Names::new()
            } else {
                self::affiliates(db, affiliates).await?
            },
            links: if links.is_empty() { Names::new() } else { self::links(db, links).await? },
        };
        Ok(labels)
    }
}

/// Names of programs.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn programs(db: &Db, ids: &[u32]) -> Result<Names, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT id, name FROM affiliate_program WHERE site_id = $1 AND id = ANY($2)",
        db.site.to_sql(),
        &sql(ids)
    );
    Ok(rows
        .fetch_all(&mut *db.begin().await?)
        .await?
        .into_iter()
        .map(|row| (super::narrow(row.id), row.name))
        .collect())
}

/// Names of affiliates.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn affiliates(db: &Db, ids: &[u32]) -> Result<Names, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT id, name FROM affiliate_affiliate WHERE site_id = $1 AND id = ANY($2)",
        db.site.to_sql(),
        &sql(ids)
    );
    Ok(rows
        .fetch_all(&mut *db.begin().await?)
        .await?
        .into_iter()
        .map(|row| (super::narrow(row.id), row.name))
        .collect())
}

/// Codes of links.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn links(db: &Db, ids: &[u32]) -> Result<Names, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT id, code FROM affiliate_affiliatelink WHERE site_id = $1 AND id = ANY($2)",
        db.site.to_sql(),
        &sql(ids)
    );
    Ok(rows
        .fetch_all(&mut *db.begin().await?)
        .await?
        .into_iter()
        .map(|row| (super::narrow(row.id), row.code))
        .collect())
}

fn sql(ids: &[u32]) -> Vec<i64> {
    ids.iter().map(|&id| i64::from(id)).collect()
}
