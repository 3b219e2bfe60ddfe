//! Days whose rollups a reconciliation must rebuild: kept until it has.

use chrono::NaiveDate;
use sqlx::PgConnection;
use std::collections::BTreeSet;

use crate::error::Result;

/// Adds days.
pub(crate) async fn put(db: &mut PgConnection, days: &BTreeSet<NaiveDate>) -> Result<()> {
    let days: Vec<NaiveDate> = days.iter().copied().collect();
    sqlx::query!(
        "INSERT INTO pipeline_touched_day (day) SELECT unnest($1::date[]) ON CONFLICT DO NOTHING",
        &days,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// All of them.
pub(crate) async fn all(db: &mut PgConnection) -> Result<Vec<NaiveDate>> {
    let rows =
        sqlx::query!("SELECT day FROM pipeline_touched_day ORDER BY day").fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| row.day).collect())
}

/// They are rebuilt.
pub(crate) async fn clear(db: &mut PgConnection) -> Result<()> {
    sqlx::query!("DELETE FROM pipeline_touched_day").execute(db).await?;
    Ok(())
}
