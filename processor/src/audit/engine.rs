//! ClickHouse's side: rows by place in the log, rows by block, conversions by reason.

use clickhouse::Row;
use serde::Deserialize;
use sqlx::PgPool;
use std::collections::{BTreeMap, BTreeSet};

use super::{
    Extent, Report,
    postgres::{Group, Held, Snapshot, Sums, name_of_sum},
};
use crate::{
    engine::Engine,
    error::{Error, Result},
    stores::{
        block_sums::{self, Stretches},
        outbox::{self, BlockId},
        unsigned,
    },
};

#[derive(Row, Deserialize)]
struct Place {
    journal: u64,
    shard: u16,
    rows: u64,
}

#[derive(Row, Deserialize)]
struct Block {
    held: String,
    journal: u64,
    rows: u64,
    checksum: u64,
    first: u64,
    last: u64,
    commit: u64,
}

#[derive(Row, Deserialize)]
struct Money {
    site: u32,
    program: u32,
    affiliate: u32,
    name: String,
    reason: String,
    currency: String,
    events: i64,
    value: String,
    earned: String,
}

/// Compares ClickHouse with a snapshot whose blocks are all there.
pub(super) async fn compare(
    engine: &Engine,
    pool: &PgPool,
    snapshot: &Snapshot,
    report: &mut Report,
) -> Result<()> {
    for table in ["clicks", "conversions"] {
        if snapshot.extent == Extent::Whole {
            places(engine, snapshot, table, report).await?;
        }
        blocks(engine, pool, snapshot, table, report).await?;
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
    let expiring = expiring(snapshot, table);
    let wrong: Vec<String> = report
        .lanes
        .iter()
        .filter(|lane| lane.topic == table)
        .filter(|lane| {
            let expired = expiring.get(&(lane.journal.clone(), lane.partition)).unwrap_or(&0);
            lane.stored > lane.decided || lane.stored + expired < lane.decided
        })
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

/// How many rows of each lane may have expired.
fn expiring(snapshot: &Snapshot, table: &str) -> BTreeMap<(String, u16), u64> {
    let mut rows: BTreeMap<(String, u16), u64> = BTreeMap::new();
    let blocks = snapshot.blocks.values().filter(|block| block.table == table && block.expiring);
    for held in blocks.flat_map(|block| &block.lanes) {
        let lane = (format!("{:016x}", held.key.journal), held.key.partition);
        *rows.entry(lane).or_default() += held.rows;
    }
    rows
}

/// Rows of each block against what was committed, by number and by a checksum of their places, so that
/// one lost and one doubled do not make up for each other: names the records of one that is wrong.
async fn blocks(
    engine: &Engine,
    pool: &PgPool,
    snapshot: &Snapshot,
    table: &str,
    report: &mut Report,
) -> Result<()> {
    let committed = || snapshot.blocks.iter().filter(|(_, block)| block.table == table);
    let mut stored = stored_blocks(engine, snapshot, table).await?;
    for (id, block) in committed() {
        let mut journals: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
        for held in &block.lanes {
            let (rows, checksum) = journals.entry(held.key.journal).or_default();
            (*rows, *checksum) = (*rows + held.rows, checksum.wrapping_add(held.checksum));
        }
        for (journal, expected) in journals {
            let found = stored.remove(&(id.clone(), journal));
            let found = found.map_or((0, 0), |row| (row.rows, row.checksum));
            // Of rows that are expiring only too many are wrong.
            if found == expected || block.expiring && found.0 < expected.0 {
                continue;
            }
            let what = if found.0 == expected.0 { ", not the same ones" } else { "" };
            let range = format!(
                "{table} block {id}: committed {}, in clickhouse {}{what}; {}",
                expected.0,
                found.0,
                ranges(&block.lanes, journal)
            );
            report.say("block", range);
        }
        report.blocks += 1;
    }
    strangers(pool, snapshot, table, stored, report).await
}

/// Blocks whose rows lie where those of the extent's blocks do.
async fn stored_blocks(
    engine: &Engine,
    snapshot: &Snapshot,
    table: &str,
) -> Result<BTreeMap<(String, u64), Block>> {
    // The checksum is that of `batch::Held`.
    let sql = format!(
        "SELECT {} AS held, journal, count() AS rows,
             sum(intHash64(bitXor(seq, bitShiftLeft(toUInt64(shard), 40)))) AS checksum,
             min(seq) AS first, max(seq) AS last, max(t.commit) AS commit
         FROM {table} AS t WHERE t.commit <= ?{} GROUP BY held, journal",
        name(snapshot, table),
        around(snapshot, table)
    );
    let rows: Vec<Block> = engine.client().query(&sql).bind(snapshot.commit).fetch_all().await?;
    Ok(rows.into_iter().map(|row| ((row.held.clone(), row.journal), row)).collect())
}

/// What a row is compared by: its block, or the stretch of commits that its block was put together with.
fn name(snapshot: &Snapshot, table: &str) -> String {
    let Stretches { firsts, last } = &snapshot.stretches;
    if firsts.is_empty() {
        return "block".to_owned();
    }
    let firsts: Vec<String> = firsts.iter().map(i64::to_string).collect();
    let first = format!("', toString(roundDown(t.commit, [{}])), '", firsts.join(", "));
    format!("if(t.commit <= {last}, concat('{}'), block)", name_of_sum(table, first))
}

/// A condition on `time` that every row of the extent's blocks fulfils; nothing for all events.
fn around(snapshot: &Snapshot, table: &str) -> String {
    let Some(extent) = snapshot.extent.bounds() else { return String::new() };
    let times = snapshot.blocks.values().filter(|block| block.table == table);
    let (since, until) = times.fold((extent.start, extent.end), |(since, until), block| {
        (since.min(block.times.start), until.max(block.times.end))
    });
    between(since, Some(until))
}

/// A condition on `time`.
fn between(since_ms: u64, until_ms: Option<u64>) -> String {
    let at = |ms: u64| format!("fromUnixTimestamp64Milli(toInt64({ms}))");
    let until = until_ms.map(|ms| format!(" AND time < {}", at(ms))).unwrap_or_default();
    format!(" AND time >= {}{until}", at(since_ms))
}

/// Rows whose block nobody committed. Beside some days' blocks lie others', which may be right as they are.
async fn strangers(
    pool: &PgPool,
    snapshot: &Snapshot,
    table: &str,
    mut stored: BTreeMap<(String, u64), Block>,
    report: &mut Report,
) -> Result<()> {
    if snapshot.extent != Extent::Whole && !stored.is_empty() {
        let ids: Vec<BlockId> = stored.keys().filter_map(|(id, _)| BlockId::parse(id)).collect();
        let known: BTreeSet<String> =
            outbox::committed(pool, &ids).await?.iter().map(BlockId::to_string).collect();
        // Put together since the snapshot; and of a stretch without an event of these days only some rows lie here.
        let mut db = pool.acquire().await?;
        let summed = unsigned(block_sums::stretches(&mut db).await?.last);
        let asked = |id: &str, row: &Block| match BlockId::parse(id) {
            Some(_) => row.commit > summed,
            None => snapshot.blocks.contains_key(id),
        };
        stored.retain(|(id, _), row| asked(id, row) && !known.contains(id));
    }
    for ((id, _), row) in stored {
        let range = format!(
            "{table} block {id} was never committed: {} rows of journal {:016x}, seq {} to {}",
            row.rows, row.journal, row.first, row.last
        );
        report.say("block", range);
    }
    Ok(())
}

/// The records that a block holds of a journal, as a person reads them.
fn ranges(lanes: &[Held], journal: u64) -> String {
    let of_journal = lanes.iter().filter(|held| held.key.journal == journal);
    let ranges: Vec<String> =
        of_journal.map(|held| super::range(held.key, held.first, held.last)).collect();
    ranges.join(", ")
}

/// Conversions and commissions between the stores.
async fn conversions(engine: &Engine, snapshot: &Snapshot, report: &mut Report) -> Result<()> {
    // PostgreSQL's text has no NUL.
    let sql = format!(
        "SELECT site, program, affiliate, replaceAll(event, char(0), '\u{fffd}') AS name, reason, currency,
                   toInt64(sum(toInt64(count))) AS events,
                   toString(sum(toInt128(count) * amount)) AS value,
                   toString(sum(toInt128(count) * commission)) AS earned
               FROM conversions WHERE commit <= ?{}
               GROUP BY site, program, affiliate, name, reason, currency",
        between(snapshot.times.since_ms, snapshot.times.until_ms)
    );
    let question = engine.client().query(&sql).bind(snapshot.commit);
    let rows: Vec<Money> = question.fetch_all().await?;
    let mut stored: BTreeMap<Group, Sums> = BTreeMap::new();
    for row in rows {
        let sum = |text: &str| text.parse().map_err(|_| Error::Stored { what: "a sum" });
        let (amount, commission) = (sum(&row.value)?, sum(&row.earned)?);
        let group = Group {
            site: row.site.into(),
            program: row.program.into(),
            affiliate: row.affiliate.into(),
            event: row.name,
            reason: row.reason,
            currency: row.currency,
        };
        stored.insert(group, Sums { count: row.events, amount, commission });
    }
    let mut count = 0;
    for (group, expected) in &snapshot.conversions {
        let found = stored.remove(group).unwrap_or_default();
        if found != *expected {
            report.say("conversions", differs(group, *expected, found));
        }
        count += expected.count;
    }
    for (group, found) in stored.iter().filter(|(_, found)| **found != Sums::default()) {
        report.say("conversions", differs(group, Sums::default(), *found));
    }
    report.conversions = count.unsigned_abs();
    report.ledger_txs = snapshot.ledger_txs;
    Ok(())
}

fn differs(group: &Group, expected: Sums, found: Sums) -> String {
    let Group { site, program, affiliate, event, reason, currency } = group;
    let of = if reason.is_empty() { "accepted" } else { reason };
    format!(
        "site {site} program {program} affiliate {affiliate} {event:?} {of} {currency}: \
         postgresql {expected:?}, clickhouse {found:?}"
    )
}
