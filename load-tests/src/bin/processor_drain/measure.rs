//! Times, sizes, and when ClickHouse has come to rest.

use std::time::Duration;

use anyhow::{Result, ensure};
use migrations::testing::Clickhouse;

/// How long rows may take.
const PATIENCE: Duration = Duration::from_secs(600);
const LOOK: Duration = Duration::from_millis(100);

/// A rate for the table.
pub(crate) fn per_second(clicks: u64, time: Duration) -> String {
    format!("{:.0}", clicks as f64 / time.as_secs_f64())
}

/// Waits until ClickHouse has so many of each, and nothing is on its way.
pub(crate) async fn wait_for_rows(
    owner: &sqlx::PgPool,
    clickhouse: &Clickhouse,
    clicks: u64,
    conversions: u64,
) -> Result<()> {
    let (mut last, mut moved) = ((0, 0), std::time::Instant::now());
    loop {
        let found = rows(clickhouse).await?;
        let asked = sqlx::query_scalar("SELECT count(*) FROM outbox_block").fetch_one(owner).await;
        let on_the_way: i64 = asked?;
        if found.0 >= clicks && found.1 >= conversions && on_the_way == 0 {
            return Ok(());
        }
        if found != last {
            (last, moved) = (found, std::time::Instant::now());
        }
        ensure!(
            moved.elapsed() < PATIENCE,
            "{found:?} of {clicks} clicks are in, and no more come"
        );
        tokio::time::sleep(LOOK).await;
    }
}

/// Clicks and conversions that are stored.
pub(crate) async fn rows(clickhouse: &Clickhouse) -> Result<(u64, u64)> {
    let sql = "SELECT assumeNotNull((SELECT count() FROM clicks)) AS clicks,
                   assumeNotNull((SELECT count() FROM conversions)) AS conversions";
    Ok(clickhouse.client().query(sql).fetch_one().await?)
}

/// Bytes on disk of the raw clicks and of their rollups by day, merged as they are.
pub(crate) async fn stored(clickhouse: &Clickhouse) -> Result<(u64, u64)> {
    let sql = "SELECT sumIf(bytes_on_disk, table = 'clicks') AS raw,
                   sumIf(bytes_on_disk, table LIKE 'clicks_by_day%') AS days
               FROM system.parts WHERE active AND database = currentDatabase()";
    Ok(clickhouse.client().query(sql).fetch_one::<(u64, u64)>().await?)
}
