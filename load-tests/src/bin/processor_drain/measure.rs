//! Times, sizes, and when ClickHouse has come to rest.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use migrations::testing::Clickhouse;

/// How long rows may take.
const PATIENCE: Duration = Duration::from_secs(600);
const LOOK: Duration = Duration::from_millis(100);

/// CPU time, of this process or of the whole machine.
#[derive(Clone, Copy)]
pub(crate) struct Cpu(Duration);

impl Cpu {
    /// This process and its threads.
    pub(crate) fn own() -> Result<Self> {
        // Fields 14 and 15 behind the name: user and system time in clock ticks.
        let text = std::fs::read_to_string("/proc/self/stat")?;
        let (_, fields) = text.rsplit_once(')').context("/proc/self/stat")?;
        let ticks: u64 =
            fields.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
        Ok(Self(ticks_to_time(ticks)))
    }

    /// Everything on this machine that was not idle.
    pub(crate) fn machine() -> Result<Self> {
        let text = std::fs::read_to_string("/proc/stat")?;
        let line = text.lines().next().context("/proc/stat")?;
        let fields: Vec<u64> =
            line.split_whitespace().skip(1).filter_map(|n| n.parse().ok()).collect();
        // user nice system idle iowait irq softirq steal
        let busy = fields
            .iter()
            .take(8)
            .enumerate()
            .filter(|(n, _)| !(3..=4).contains(n))
            .map(|(_, t)| t)
            .sum();
        Ok(Self(ticks_to_time(busy)))
    }

    /// Time between two looks.
    pub(crate) fn since(&self, before: &Self) -> Duration {
        self.0.saturating_sub(before.0)
    }
}

fn ticks_to_time(ticks: u64) -> Duration {
    Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second())
}

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
    let sql = "SELECT assumeNotNull((SELECT count() FROM clicks)) AS clicks,
                   assumeNotNull((SELECT count() FROM conversions)) AS conversions";
    let (mut last, mut moved) = ((0, 0), std::time::Instant::now());
    loop {
        let found = clickhouse.client().query(sql).fetch_one::<(u64, u64)>().await?;
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

/// Rows in `clicks`.
pub(crate) async fn rows(clickhouse: &Clickhouse) -> Result<u64> {
    Ok(clickhouse.client().query("SELECT count() FROM clicks").fetch_one().await?)
}

/// Bytes on disk of the raw clicks and of their rollups by day, merged as they are.
pub(crate) async fn stored(clickhouse: &Clickhouse) -> Result<(u64, u64)> {
    let sql = "SELECT sumIf(bytes_on_disk, table = 'clicks') AS raw,
                   sumIf(bytes_on_disk, table LIKE 'clicks_by_day%') AS days
               FROM system.parts WHERE active AND database = currentDatabase()";
    Ok(clickhouse.client().query(sql).fetch_one::<(u64, u64)>().await?)
}
