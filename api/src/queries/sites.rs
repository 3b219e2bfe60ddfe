//! The site: its name, its time zone, its currency.

use chrono_tz::Tz;
use schemas::ids::SiteId;
use sqlx::PgExecutor;

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
pub async fn get(db: impl PgExecutor<'_>, site: SiteId) -> Result<Site, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT name, time_zone, currency FROM whitelabel_whitelabelsite WHERE id = $1",
        site.to_sql()
    )
    .fetch_one(db)
    .await?;
    // An unknown zone counts as UTC, as it does in the processor.
    Ok(Site {
        name: row.name,
        zone: row.time_zone.parse().unwrap_or(Tz::UTC),
        currency: row.currency,
    })
}
