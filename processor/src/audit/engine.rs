//! ClickHouse's side: rows by place in the log, rows by block, conversions by reason.

use clickhouse::Row;
use serde::Deserialize;
use std::collections::BTreeMap;

use super::{
    Report,
    postgres::{Snapshot, Sums},
};
use crate::{engine::Engine, error::Result};

#[derive(Row, Deserialize)]
struct Place {
    journal: u64,
    shard: u16,
    rows: u64,
}

#[derive(Row, Deserialize)]
struct Block {
    block: String,
    rows: u64,
    first: u64,
    last: u64,
}

#[derive(Row, Deserialize)]
struct Money {
    reason: String,
    currency: String,
    events: i64,
    value: i64,
    earned: i64,
}

/// Compares ClickHouse with a snapshot whose blocks are all there.
pub(super) async fn compare(
    engine: &Engine,
    snapshot: &Snapshot,
    report: &mut Report,
) -> Result<()> {
    for table in ["clicks", "conversions"] {
        places(engine, snapshot, table, report).await?;
        blocks(engine, snapshot, table, report).await?;
    }
    conversions(engine, snapshot, report).await
}

/// Rows of each (journal, topic, partition) against what was decided.
async fn places(
    engine: &Engine,
    snapshot: &Snapshot,
    table: &str,
    report: &mut Report,
) -> Result<()> {
    let sql = format!(
        "SELECT journal, shard, count() AS rows FROM {table} WHERE commit <= ? AND count = 1 GROUP BY journal, shard"
    );
    let rows: Vec<Place> = engine.client().query(&sql).bind(snapshot.commit).fetch_all().await?;
    let mut stored: BTreeMap<(String, u16), u64> = BTreeMap::new();
    for row in rows {
        let partitions = snapshot.journals.get(&row.journal).map_or(1, |known| known.partitions);
        *stored.entry((format!("{:016x}", row.journal), row.shard % partitions)).or_default() +=
            row.rows;
    }
    for lane in report.lanes.iter_mut().filter(|lane| lane.topic == table) {
        lane.stored = stored.remove(&(lane.journal.clone(), lane.partition)).unwrap_or(0);
    }
    let wrong: Vec<String> = report
        .lanes
        .iter()
        .filter(|lane| lane.topic == table && lane.stored != lane.decided)
        .map(|lane| {
            format!(
                "journal {} {table} partition {}: decided {}, in clickhouse {}",
                lane.journal, lane.partition, lane.decided, lane.stored
            )
        })
        .collect();
    wrong.into_iter().for_each(|range| report.say("stored", range));
    for ((journal, partition), rows) in stored {
        report.say(
            "stored",
            format!("journal {journal} {table} partition {partition}: {rows} rows nobody decided"),
        );
    }
    Ok(())
}

/// Rows of each block against what was committed: names the records of one that is short or double.
async fn blocks(
    engine: &Engine,
    snapshot: &Snapshot,
    table: &str,
    report: &mut Report,
) -> Result<()> {
    let sql = format!(
        "SELECT block, count() AS rows, min(seq) AS first, max(seq) AS last FROM {table} WHERE commit <= ? GROUP BY block"
    );
    let rows: Vec<Block> = engine.client().query(&sql).bind(snapshot.commit).fetch_all().await?;
    let stored: BTreeMap<String, Block> =
        rows.into_iter().map(|row| (row.block.clone(), row)).collect();
    for (id, block) in snapshot.blocks.iter().filter(|(_, block)| block.table == table) {
        let rows = stored.get(id).map_or(0, |row| row.rows);
        if rows != block.rows {
            report.say(
                "block",
                format!(
                    "{table} block {id}: committed {}, in clickhouse {rows}; {}",
                    block.rows, block.ranges
                ),
            );
        }
        report.blocks += 1;
    }
    for (id, row) in stored.iter().filter(|(id, _)| !snapshot.blocks.contains_key(*id)) {
        report.say(
            "block",
            format!(
                "{table} block {id} was never committed: {} rows, seq {} to {}",
                row.rows, row.first, row.last
            ),
        );
    }
    Ok(())
}

/// Conversions and commissions between the stores.
async fn conversions(engine: &Engine, snapshot: &Snapshot, report: &mut Report) -> Result<()> {
    let sql = "SELECT reason, currency, toInt64(sum(toInt64(count))) AS events,
                   toInt64(sum(toInt64(count) * amount)) AS value,
                   toInt64(sum(toInt64(count) * commission)) AS earned
               FROM conversions WHERE commit <= ? GROUP BY reason, currency";
    let rows: Vec<Money> = engine.client().query(sql).bind(snapshot.commit).fetch_all().await?;
    let mut stored: BTreeMap<(String, String), Sums> = rows
        .into_iter()
        .map(|row| {
            let sums = Sums { count: row.events, amount: row.value, commission: row.earned };
            ((row.reason, row.currency), sums)
        })
        .collect();
    let mut say = |(reason, currency): &(String, String), expected: Sums, found: Sums| {
        let of = if reason.is_empty() { "accepted" } else { reason };
        report.say(
            "conversions",
            format!("{of} {currency}: postgresql {expected:?}, clickhouse {found:?}"),
        );
    };
    let mut count = 0;
    for (key, expected) in &snapshot.conversions {
        let found = stored.remove(key).unwrap_or_default();
        if found != *expected {
            say(key, *expected, found);
        }
        count += expected.count;
    }
    for (key, found) in stored.into_iter().filter(|(_, found)| *found != Sums::default()) {
        say(&key, Sums::default(), found);
    }
    report.conversions = count.unsigned_abs();
    report.ledger_txs = snapshot.ledger_txs;
    Ok(())
}
