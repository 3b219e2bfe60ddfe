//! The site: its name, its time zone, its currency.

use chrono_tz::Tz;
use schemas::ids::SiteId;
use sqlx::PgExecutor;
use std::collections::HashMap;

use crate::{hosts::Known, tenant::Db};

/// What pages and reports need to know of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// As shown in the navigation.
    pub name: String,
    /// Days in rollups are days of this zone.
    pub zone: Tz,
    /// What new programs are paid in, unless they say otherwise.
    pub currency: String,
}

/// The site itself.
///
/// # Errors
/// `RowNotFound`, or PostgreSQL does not answer.
pub async fn get(db: &Db) -> Result<Site, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT name, time_zone, currency FROM whitelabel_whitelabelsite WHERE id = $1",
        db.site.to_sql()
    )
    .fetch_one(&mut *db.begin().await?)
    .await?;
    // An unknown zone counts as UTC, as it does in the processor.
    Ok(Site {
        name: row.name,
        zone: row.time_zone.parse().unwrap_or(Tz::UTC),
        currency: row.currency,
    })
}

/// Whether anybody may make an account on a site; its settings say where not.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn takes_sign_ups(db: &Db) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT coalesce(settings ->> 'sign_up', 'open') = 'open' AS "open!"
           FROM whitelabel_whitelabelsite WHERE id = $1"#,
        db.site.to_sql()
    )
    .fetch_one(&mut *db.begin().await?)
    .await
}

/// Every host and its site.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn hosts(db: impl PgExecutor<'_>) -> Result<HashMap<String, Known>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT host AS "host!", site_id AS "site_id!", name AS "name!" FROM whitelabel_hosts()"#
    );
    let rows = rows.fetch_all(db).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            (row.host, Known { site: SiteId(super::narrow(row.site_id)), name: row.name.into() })
        })
        .collect())
}
