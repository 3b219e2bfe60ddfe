//! Sums that come to a store with events in it: made from those, once and exactly, while nothing is sent.
//!
//! A block of the outbox may be in ClickHouse already, its answer lost. It will be sent again, and a view that was not
//! there the first time counts it then; so rows of blocks still to be sent are left out here. That is right only for
//! views made while nothing is sent: those of a run that was cut short are made anew. Sums of a file before that are made
//! in another way are copied, since events of their days may be gone.

use clickhouse::Client;
use sqlx::{Connection, PgConnection};
use std::time::Duration;

use super::{
    cluster::{self, LOCAL},
    escaped,
    keep::LIGHT,
};
use crate::Error;

/// What senders share and whoever makes sums holds alone, in PostgreSQL. The processor says the same.
pub const SEND_LOCK: i64 = 0x7472_6962_0002;

/// The most memory of groups before they go to the disk.
const GROUPS: &str = "2000000000";

/// Whose blocks are sent.
#[derive(Debug, Clone, Copy)]
pub struct Outbox<'a> {
    /// PostgreSQL, with the role that owns the tables.
    pub url: &'a str,
    /// How long an insert begun before now may go on whose sender lost PostgreSQL: both limits of the processor's
    /// inserts together.
    pub rest: Duration,
}

impl<'a> Outbox<'a> {
    /// With the processor's own limits, as they are unless somebody changes them.
    #[must_use]
    pub const fn of(url: &'a str) -> Self {
        Self { url, rest: Duration::from_secs(11) }
    }
}

/// While it lives nobody sends.
pub(super) struct Pause {
    db: PgConnection,
    /// Blocks still to be sent.
    open: Vec<String>,
}

impl Pause {
    /// Waits until nobody sends, and nothing sent before is on its way any more.
    pub(super) async fn begin(outbox: &Outbox<'_>, has_events: bool) -> Result<Self, Error> {
        let mut db = PgConnection::connect(outbox.url).await?;
        sqlx::query("SELECT pg_advisory_lock($1)").bind(SEND_LOCK).execute(&mut db).await?;
        let ever_sent: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM pipeline_block) OR EXISTS (SELECT FROM pipeline_block_sum)",
        )
        .fetch_one(&mut db)
        .await?;
        // Nothing is on its way into stores that are both new: a first start need not wait.
        if has_events || ever_sent {
            // A sender whose connection to PostgreSQL failed holds no lock any more, but may still write.
            tokio::time::sleep(outbox.rest).await;
        }
        let open = sqlx::query_scalar("SELECT encode(id, 'hex') FROM outbox_block ORDER BY commit")
            .fetch_all(&mut db)
            .await?;
        Ok(Self { db, open })
    }

    /// Sending goes on. A connection that ends otherwise gives the lock back, too.
    pub(super) async fn end(self) -> Result<(), Error> {
        Ok(self.db.close().await?)
    }

    /// Fills sums that were just made, a month of events after the other.
    pub(super) async fn fill(&self, client: &Client, sums: &str) -> Result<(), Error> {
        let (source, select): (String, String) = client
            .query(
                "SELECT s.name, v.as_select FROM system.tables AS v, system.tables AS s
                 WHERE v.database = currentDatabase() AND v.name = concat(?, '_mv')
                     AND s.database = currentDatabase() AND has(s.dependencies_table, v.name)",
            )
            .bind(sums)
            .fetch_one()
            .await?;
        let columns = columns(client, sums).await?;
        let months: Vec<u32> = client
            .query(&format!("SELECT DISTINCT toYYYYMM(time) AS month FROM {source} ORDER BY month"))
            .fetch_all()
            .await?;
        let fill = format!("INSERT INTO {sums} ({columns}) SELECT {columns} FROM ({select})");
        for month in months {
            client
                .query(&escaped(&fill))
                .with_setting("additional_table_filters", self.rows_of(&source, month))
                .with_setting("insert_deduplicate", "0")
                .with_setting("async_insert", "0")
                .with_setting("max_bytes_before_external_group_by", GROUPS)
                .execute()
                .await?;
        }
        Ok(())
    }

    /// Rows of a month that no view counts any more: those of blocks that are done.
    fn rows_of(&self, source: &str, month: u32) -> String {
        let mut rows = format!("toYYYYMM(time) = {month}");
        if !self.open.is_empty() {
            // Hexadecimal digits.
            rows += &format!(" AND block NOT IN (\\'{}\\')", self.open.join("\\', \\'"));
        }
        format!("{{'{source}': '{rows}'}}")
    }
}

/// What stands behind the name of sums that are being made in another way, as they were before.
const BEFORE: &str = "_before";

/// Makes room for sums of a file that is not recorded as applied. Those of files before it (`known`) are set aside; what
/// a run before this one left of others goes.
pub(super) async fn make_room(
    client: &Client,
    sums: &[String],
    known: &[String],
) -> Result<(), Error> {
    for sums in sums {
        run(client, &format!("DROP VIEW IF EXISTS {sums}_mv SYNC")).await?;
        match known.contains(sums) && state(client, sums).await?.is_none() {
            true => run(client, &format!("RENAME TABLE {sums} TO {sums}{BEFORE}")).await?,
            false => run(client, &format!("DROP TABLE IF EXISTS {sums} SYNC")).await?,
        }
    }
    Ok(())
}

/// Copies sums that were set aside, and keeps them as long as they were kept; whether there were any.
pub(super) async fn copy(client: &Client, sums: &str) -> Result<bool, Error> {
    let Some(engine) = state(client, sums).await? else { return Ok(false) };
    if let Some((_, kept)) = engine.split_once(" TTL ") {
        let ttl = kept.split_once(" SETTINGS ").map_or(kept, |(ttl, _)| ttl);
        run(client, &format!("ALTER TABLE {sums} {LIGHT}")).await?;
        run(client, &format!("ALTER TABLE {sums} MODIFY TTL {ttl}")).await?;
    }
    let columns = columns(client, sums).await?;
    client
        .query(&format!("INSERT INTO {sums} ({columns}) SELECT {columns} FROM {sums}{BEFORE}"))
        .with_setting("insert_deduplicate", "0")
        .with_setting("async_insert", "0")
        .with_setting("max_partitions_per_insert_block", "1000")
        .execute()
        .await?;
    run(client, &format!("DROP TABLE {sums}{BEFORE} SYNC")).await?;
    Ok(true)
}

/// How sums that were set aside were kept; `None` where none are.
async fn state(client: &Client, sums: &str) -> Result<Option<String>, Error> {
    let asked = client.query(
        "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = concat(?, ?)",
    );
    Ok(asked.bind(sums).bind(BEFORE).fetch_optional().await?)
}

async fn run(client: &Client, statement: &str) -> Result<(), Error> {
    Ok(client.query(&escaped(statement)).execute().await?)
}

async fn columns(client: &Client, sums: &str) -> Result<String, Error> {
    let columns: Vec<String> = client
        .query(
            "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = ?
             ORDER BY position",
        )
        .bind(sums)
        .fetch_all()
        .await?;
    Ok(columns.join(", "))
}

/// Whether events are stored, or any of these sums: they outlive their events. `None` where not even the tables are.
pub(super) async fn has_any(client: &Client, sums: &[String]) -> Result<Option<bool>, Error> {
    let found = has_events(client).await?;
    if found != Some(false) {
        return Ok(found);
    }
    let named = sums.iter().flat_map(|name| ["", BEFORE, LOCAL].map(|end| format!("{name}{end}")));
    let any: u8 = client
        .query(
            "SELECT toUInt8(count() > 0) FROM system.tables
             WHERE database = currentDatabase() AND name IN ? AND total_rows > 0",
        )
        .bind(named.collect::<Vec<_>>())
        .fetch_one()
        .await?;
    Ok(Some(any == 1))
}

/// Whether any event is stored; `None` where not even the tables are.
async fn has_events(client: &Client) -> Result<Option<bool>, Error> {
    let tables: u64 = client
        .query(
            "SELECT count() FROM system.tables
             WHERE database = currentDatabase() AND name IN ('clicks', 'conversions')",
        )
        .fetch_one()
        .await?;
    if tables < 2 {
        return Ok(None);
    }
    let any: u8 = client
        .query(
            "SELECT toUInt8(EXISTS (SELECT 1 FROM clicks) OR EXISTS (SELECT 1 FROM conversions))",
        )
        .fetch_one()
        .await?;
    Ok(Some(any == 1))
}

/// Sums that a file makes: the targets of its views.
pub(super) fn made_by(sql: &str) -> Vec<String> {
    super::statements(sql).filter_map(cluster::target).collect()
}
