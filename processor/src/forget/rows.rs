//! ClickHouse's rows of a visitor: found, counted, emptied by mutations that are waited for.

use clickhouse::Row;
use schemas::{click_id::ClickId, ids::SiteId};
use serde::Deserialize;
use std::time::{Duration, Instant};

use super::{Visitor, columns};
use crate::{
    engine::Engine,
    error::{Error, Result},
    journals::ALIAS,
    stores::forgets::Place,
};

/// Ids of conversions in one statement.
const IDS: usize = 5000;
const LOOK: Duration = Duration::from_millis(100);

/// The clicks of a visitor.
pub(super) struct Rows {
    /// A condition that they fulfil.
    condition: String,
}

#[derive(Row, Deserialize)]
struct Found {
    site: u32,
    visitor: u64,
}

#[derive(Row, Deserialize)]
struct FoundPlace {
    time_ms: i64,
    shard: u16,
    seq: u64,
    journal: u64,
}

/// Mutations that were begun before are over: one that was cut short goes on by itself, and until then some rows have
/// lost their key and others have not.
pub(super) async fn settle(engine: &Engine, patience: Duration) -> Result<()> {
    let sql = "SELECT latest_fail_reason FROM system.mutations
               WHERE database = currentDatabase() AND NOT is_done
                   AND table IN ('clicks', 'conversions', 'clicks_local', 'conversions_local')";
    let begun = Instant::now();
    loop {
        let going: Vec<String> = engine.client().query(sql).fetch_all().await?;
        let Some(why) = going.first() else { return Ok(()) };
        if begun.elapsed() >= patience {
            return Err(Error::Config(format!(
                "clickhouse is still at an earlier change of these tables, ask again later: {why}"
            )));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Site and visitor key of a click; `None` where it is not stored.
pub(super) async fn find_click(engine: &Engine, click: &ClickId) -> Result<Option<(SiteId, u64)>> {
    let sql = format!("SELECT site, visitor FROM clicks WHERE {} LIMIT 1", at(click));
    let found: Option<Found> = engine.client().query(&sql).fetch_optional().await?;
    Ok(found.map(|found| (SiteId(found.site), found.visitor)))
}

fn at(click: &ClickId) -> String {
    let ClickId { link, time_ms, shard, seq, journal, .. } = *click;
    format!(
        "link = {link} AND time = fromUnixTimestamp64Milli(toInt64({time_ms})) AND shard = {shard} AND seq = {seq} \
         AND bitAnd(journal, {ALIAS}) = {journal}"
    )
}

impl Rows {
    /// Those of a key, or where none is known, the click itself.
    pub(super) fn of(visitor: &Visitor) -> Self {
        let Visitor { site, key, click } = visitor;
        let site = site.get();
        let condition = match (key, click) {
            (0, Some(click)) => format!("site = {site} AND {}", at(click)),
            _ => format!("site = {site} AND visitor = {key}"),
        };
        Self { condition }
    }

    /// Whether there are any, emptied or not.
    pub(super) async fn exist(&self, engine: &Engine) -> Result<bool> {
        let sql = format!("SELECT count() FROM clicks WHERE {}", self.condition);
        Ok(engine.client().query(&sql).fetch_one::<u64>().await? > 0)
    }

    /// Where they are: what conversions name them by.
    pub(super) async fn places(&self, engine: &Engine) -> Result<Vec<Place>> {
        let sql = format!(
            "SELECT toUnixTimestamp64Milli(time) AS time_ms, shard, seq, journal FROM clicks WHERE {} AND count = 1",
            self.condition
        );
        let found: Vec<FoundPlace> = engine.client().query(&sql).fetch_all().await?;
        let place = |found: FoundPlace| Place {
            time_ms: u64::try_from(found.time_ms).unwrap_or(0),
            shard: found.shard,
            seq: found.seq,
            journal: found.journal & ALIAS,
        };
        Ok(found.into_iter().map(place).collect())
    }

    /// How many still tell something.
    pub(super) async fn told(&self, engine: &Engine) -> Result<u64> {
        let told = columns::told(&columns::CLICKS);
        let sql = format!("SELECT count() FROM clicks WHERE {} AND {told}", self.condition);
        Ok(engine.client().query(&sql).fetch_one().await?)
    }

    /// Empties them, and waits until it is done.
    pub(super) async fn empty(&self, engine: &Engine) -> Result<()> {
        let told = columns::told(&columns::CLICKS);
        let condition = format!("{} AND {told}", self.condition);
        update(engine, "clicks", &columns::set(&columns::CLICKS), &condition).await
    }
}

fn conversions(site: SiteId, ids: &[i64]) -> String {
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    let told = columns::told(&columns::CONVERSIONS);
    format!("site = {} AND conversion IN ({}) AND {told}", site.get(), ids.join(", "))
}

/// How many of these conversions still tell something.
pub(super) async fn told_conversions(engine: &Engine, site: SiteId, ids: &[i64]) -> Result<u64> {
    let mut rows = 0;
    for some in ids.chunks(IDS) {
        let sql = format!("SELECT count() FROM conversions WHERE {}", conversions(site, some));
        rows += engine.client().query(&sql).fetch_one::<u64>().await?;
    }
    Ok(rows)
}

/// Empties them, and waits until it is done.
pub(super) async fn empty_conversions(engine: &Engine, site: SiteId, ids: &[i64]) -> Result<()> {
    for some in ids.chunks(IDS) {
        let set = columns::set(&columns::CONVERSIONS);
        update(engine, "conversions", &set, &conversions(site, some)).await?;
    }
    Ok(())
}

/// A mutation: it is kept by ClickHouse, and goes on by itself should anybody be killed meanwhile.
async fn update(engine: &Engine, table: &str, set: &str, condition: &str) -> Result<()> {
    let count = format!("SELECT count() FROM {table} WHERE {condition}");
    if engine.client().query(&count).fetch_one::<u64>().await? == 0 {
        return Ok(());
    }
    let holding: String = engine
        .client()
        .query(
            "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = ?",
        )
        .bind(table)
        .fetch_one()
        .await?;
    let sql = format!("ALTER TABLE {} UPDATE {set} WHERE {condition}", held_by(table, &holding));
    // On every replica.
    engine.client().query(&sql).with_setting("mutations_sync", "2").execute().await?;
    Ok(())
}

/// Which table of which servers has a table's rows: one that stands for those of a cluster has none itself.
fn held_by(table: &str, engine_full: &str) -> String {
    let within = engine_full.strip_prefix("Distributed(").and_then(|rest| rest.split(')').next());
    let names: Vec<&str> = within
        .into_iter()
        .flat_map(|names| names.split(','))
        .map(|name| name.trim().trim_matches('\''))
        .collect();
    match names[..] {
        [cluster, database, local, ..] => format!("{database}.{local} ON CLUSTER '{cluster}'"),
        _ => table.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_cluster_are_changed_where_they_are() {
        for (engine, expected) in [
            ("MergeTree PARTITION BY toYYYYMM(time) ORDER BY site", "clicks"),
            (
                "Distributed('eu-1', 'shop', 'clicks_local', shard)",
                "shop.clicks_local ON CLUSTER 'eu-1'",
            ),
            (
                "Distributed('{cluster}', 'shop', 'clicks_local')",
                "shop.clicks_local ON CLUSTER '{cluster}'",
            ),
        ] {
            assert_eq!(held_by("clicks", engine), expected);
        }
    }
}
