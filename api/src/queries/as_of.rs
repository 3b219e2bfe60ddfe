//! Until when the numbers are complete.

use crate::tenant::Db;
use chrono::{DateTime, Utc};

/// What stands beside every number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AsOf {
    /// Everything up to here is counted; `None` while a collector was never heard of.
    pub at: Option<DateTime<Utc>>,
    /// Whether every declared collector is heard of.
    pub complete: bool,
    /// What holds it, in words; empty when nothing does.
    pub note: String,
}

/// One row of a view, cheap enough for once a second.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn get(db: &Db) -> Result<AsOf, sqlx::Error> {
    sqlx::query_as!(
        AsOf,
        r#"SELECT as_of AS at, complete AS "complete!", note AS "note!" FROM pipeline_as_of"#
    )
    .fetch_one(db.of_no_site())
    .await
}
