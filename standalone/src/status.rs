//! How an installation is: what runs, how fresh and how far behind it is, what it keeps and how much disk it takes.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

use clickhouse::Row;
use journal::{Key, Position};
use serde::Deserialize;
use sqlx::{Connection, PgConnection};

use crate::clock;
use crate::health;
use crate::installation::{Installation, Role};
use crate::services::connectable;

/// All of it; what could not be asked says why.
pub struct Status {
    /// Each process and whether it answers.
    pub processes: Vec<Process>,
    /// What PostgreSQL knows, or why it was not asked.
    pub pipeline: Result<Pipeline, String>,
    /// What ClickHouse keeps, or why it was not asked.
    pub tables: Result<Vec<Table>, String>,
    /// Bytes of journals that the processor has not committed yet.
    pub journal_lag: Option<u64>,
    /// Folders of the data folder with their bytes.
    pub disk: Vec<(&'static str, u64)>,
    /// Bytes left on the disk.
    pub free: u64,
    /// Hours a journal's segment stays after everything in it was committed.
    pub journal_keep_hours: u64,
}

/// A store or a service.
pub struct Process {
    /// Which.
    pub name: &'static str,
    /// Where it listens.
    pub address: String,
    /// Whether it answers.
    pub runs: bool,
}

/// What PostgreSQL knows of the pipeline.
pub struct Pipeline {
    /// Until when the numbers are complete, and how many milliseconds ago that is.
    pub as_of: Option<(chrono::DateTime<chrono::Utc>, i64)>,
    /// What holds it, if something does.
    pub note: String,
    /// Blocks not in ClickHouse yet, and their rows.
    pub blocks: (i64, i64),
    /// Conversions that wait for their click.
    pub waiting: i64,
    /// Dead letters that nobody has dealt with.
    pub dead_letters: i64,
    /// Records that one stage counted and the next one did not: never right.
    pub unexplained: i64,
    /// The last audit the processor made by itself: when, how many milliseconds ago, what did not agree.
    pub audit: Option<(chrono::DateTime<chrono::Utc>, i64, i32)>,
    /// Journals the processor knows of, and where each was read to; nothing of one it is through with.
    journals: HashMap<i64, Option<Position>>,
}

/// A table of ClickHouse.
#[derive(Row, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Rows, before merging for rollups.
    pub rows: u64,
    /// Bytes on disk.
    pub bytes: u64,
    created: String,
}

impl Table {
    /// What it forgets, and when: columns, or whole rows; empty if nothing.
    #[must_use]
    pub fn retention(&self) -> String {
        let mut found = Vec::new();
        let mut rest = self.created.as_str();
        while let Some((before, after)) = rest.split_once(" TTL ") {
            let ends =
                [", `", ") ENGINE", " SETTINGS"].iter().filter_map(|end| after.find(end)).min();
            let when = &after[..ends.unwrap_or(after.len())];
            // A column's TTL stands within the parentheses before the engine, behind its name in backquotes.
            let column =
                after.contains(") ENGINE").then(|| before.rsplit('`').nth(1).unwrap_or_default());
            let days =
                when.rsplit_once("toIntervalDay(").and_then(|(_, days)| days.split(')').next());
            let when = match days {
                Some(days) if when.contains("toStartOfMonth") => {
                    format!("after {days} days, by months")
                }
                Some(days) if when.contains("toStartOfYear") => {
                    format!("after {days} days, by years")
                }
                Some(days) => format!("after {days} days"),
                None => format!("at {when}"),
            };
            found.push(format!("{} {when}", column.unwrap_or("rows")));
            rest = after;
        }
        found.join("; ")
    }
}

/// Asks everything; nothing that is down stops the rest.
pub async fn status(installation: &Installation) -> Status {
    let addresses = &installation.config.addresses;
    let pipeline = pipeline(installation).await.map_err(|error| format!("{error:#}"));
    let mut processes = vec![Process {
        name: "postgresql",
        address: installation
            .owner_url()
            .map(|url| {
                format!("{}:{}", url.host_str().unwrap_or_default(), url.port().unwrap_or(5432))
            })
            .unwrap_or_default(),
        runs: pipeline.is_ok(),
    }];
    let api = addresses.api_address().ok();
    for (name, listens, asked, path) in [
        (
            "clickhouse",
            addresses.clickhouse.to_string(),
            Some(connectable(addresses.clickhouse)),
            "/ping",
        ),
        ("processor", addresses.processor.to_string(), Some(addresses.processor), "/health"),
        ("collector", addresses.collector.to_string(), Some(addresses.admin), "/health"),
        ("api", addresses.api.clone(), api, "/health"),
    ] {
        let runs = match asked {
            Some(asked) => health::is_well(asked, path).await,
            None => false,
        };
        processes.push(Process { name, address: listens, runs });
    }
    let root = installation.layout.root();
    Status {
        processes,
        journal_lag: pipeline
            .as_ref()
            .ok()
            .and_then(|pipeline| journal_lag(installation, pipeline)),
        pipeline,
        tables: tables(installation).await.map_err(|error| format!("{error:#}")),
        disk: vec![
            ("postgresql", folder_bytes(&installation.postgres_folder())),
            ("clickhouse", folder_bytes(&installation.layout.clickhouse())),
            ("journals", folder_bytes(&installation.layout.journals())),
            ("collector", folder_bytes(&installation.layout.collector())),
        ],
        free: rustix::fs::statvfs(root)
            .map_or(0, |disk| disk.f_bavail.saturating_mul(disk.f_frsize)),
        journal_keep_hours: installation.settings.journal_keep_hours,
    }
}

async fn pipeline(installation: &Installation) -> anyhow::Result<Pipeline> {
    let mut database =
        PgConnection::connect(installation.role_url(Role::Processor)?.as_str()).await?;
    let as_of = sqlx::query!(r#"SELECT as_of, coalesce(note, '') AS "note!" FROM pipeline_as_of"#)
        .fetch_one(&mut database)
        .await?;
    let counts = sqlx::query!(
        r#"SELECT (SELECT count(*) FROM outbox_block) AS "blocks!",
                  (SELECT coalesce(sum(rows), 0)::bigint FROM outbox_block) AS "rows!",
                  (SELECT count(*) FROM pipeline_waiting) AS "waiting!",
                  (SELECT count(*) FROM pipeline_dead_letter WHERE resolved_by IS NULL) AS "dead_letters!",
                  (SELECT coalesce(sum(unexplained), 0)::bigint FROM pipeline_loss_ledger) AS "unexplained!""#
    )
    .fetch_one(&mut database)
    .await?;
    let audit = sqlx::query!(
        "SELECT begun_at, discrepancies FROM pipeline_audit ORDER BY begun_at DESC LIMIT 1"
    )
    .fetch_optional(&mut database)
    .await?;
    let journals = sqlx::query!(
        r#"SELECT journal AS "journal!", state = 'live' AS "live!", coalesce(p.next_segment, 0) AS "segment!",
                  coalesce(p.next_offset, 0) AS "offset!"
           FROM pipeline_journal LEFT JOIN pipeline_position p USING (journal)"#
    )
    .fetch_all(&mut database)
    .await?;
    database.close().await?;
    let now = i64::try_from(clock::now_ms()).unwrap_or(i64::MAX);
    Ok(Pipeline {
        as_of: as_of.as_of.map(|at| (at, now - at.timestamp_millis())),
        note: as_of.note,
        blocks: (counts.blocks, counts.rows),
        waiting: counts.waiting,
        dead_letters: counts.dead_letters,
        unexplained: counts.unexplained,
        audit: audit
            .map(|row| (row.begun_at, now - row.begun_at.timestamp_millis(), row.discrepancies)),
        journals: journals
            .into_iter()
            .map(|row| {
                let position = Position {
                    segment: u32::try_from(row.segment).unwrap_or_default(),
                    offset: u64::try_from(row.offset).unwrap_or_default(),
                };
                (row.journal, row.live.then_some(position))
            })
            .collect(),
    })
}

async fn tables(installation: &Installation) -> anyhow::Result<Vec<Table>> {
    let client = migrations::clickhouse::client(
        &installation.clickhouse_url("reader"),
        migrations::clickhouse::DATABASE,
    )?;
    let tables = client.query(
        "SELECT name, ifNull(total_rows, 0) AS rows, ifNull(total_bytes, 0) AS bytes, create_table_query AS created
         FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' ORDER BY bytes DESC",
    );
    Ok(tables.fetch_all().await?)
}

/// Bytes between where each live journal was read to and its end.
fn journal_lag(installation: &Installation, pipeline: &Pipeline) -> Option<u64> {
    let key: Key = installation.keys().ok()?.journal();
    let mut behind = 0;
    for place in journal::journals(&installation.layout.journals()).ok()? {
        let Ok(found) = journal::inspect(&place.root, &place.slot, place.journal, &key) else {
            continue;
        };
        // PostgreSQL keeps the same 64 bits with a sign.
        let read = match pipeline.journals.get(&place.journal.0.cast_signed()) {
            Some(Some(read)) => *read,
            Some(None) => continue,
            // Nobody has read it: all of it is to be decided, whether it has ended or not.
            None => Position::START,
        };
        let segments = found.segments.iter().map(|segment| (segment.number, segment.bytes));
        behind += unread(segments, read, found.position);
    }
    Some(behind)
}

/// Bytes of a journal's segments (number, bytes) between where it was read to and its end.
fn unread(segments: impl Iterator<Item = (u32, u64)>, read: Position, end: Position) -> u64 {
    let behind = segments.map(|(number, bytes)| {
        let bytes = match number.cmp(&end.segment) {
            Ordering::Less => bytes,
            Ordering::Equal => end.offset,
            Ordering::Greater => 0,
        };
        match number.cmp(&read.segment) {
            Ordering::Less => 0,
            Ordering::Equal => bytes.saturating_sub(read.offset),
            Ordering::Greater => bytes,
        }
    });
    behind.sum()
}

/// Bytes of the files below a folder, links not followed.
fn folder_bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => folder_bytes(&entry.path()),
            Ok(found) => found.len(),
            Err(_) => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unread_bytes_are_those_between_two_positions() {
        let at = |segment, offset| Position { segment, offset };
        let segments = || [(1, 100), (2, 100), (3, 4096)].into_iter();
        assert_eq!(unread(segments(), Position::START, at(3, 50)), 250);
        assert_eq!(unread(segments(), at(2, 40), at(3, 50)), 110);
        assert_eq!(unread(segments(), at(3, 50), at(3, 50)), 0);
        assert_eq!(unread([(2, 100)].into_iter(), at(1, 100), at(2, 30)), 30);
    }

    #[test]
    fn retention_is_read_from_the_definition() {
        let check = |created: &str, expected: &str| {
            let table =
                Table { name: String::new(), rows: 0, bytes: 0, created: created.to_owned() };
            assert_eq!(table.retention(), expected);
        };
        check("CREATE TABLE d.t (`a` String) ENGINE = MergeTree ORDER BY a", "");
        check(
            "CREATE TABLE d.t (`ip` String TTL toDateTime(time) + toIntervalDay(30), `b` Int8) ENGINE = MergeTree \
             ORDER BY b TTL day + toIntervalYear(1) SETTINGS index_granularity = 8192",
            "ip after 30 days; rows at day + toIntervalYear(1)",
        );
        check(
            "CREATE TABLE d.t (`b` Int8) ENGINE = MergeTree ORDER BY b \
             TTL (toDateTime(toStartOfMonth(time), 'UTC') + toIntervalMonth(1)) + toIntervalDay(400) SETTINGS a = 1",
            "rows after 400 days, by months",
        );
    }
}
