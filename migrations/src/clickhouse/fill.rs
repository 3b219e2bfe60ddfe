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

mod beside;
mod since;

/// Events, a row each: what knows its block.
const RAW: [&str; 2] = ["clicks", "conversions"];

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
        let (source, select) = view(client, sums).await?;
        let months: Vec<u32> = client
            .query(&format!("SELECT DISTINCT toYYYYMM(time) AS month FROM {source} ORDER BY month"))
            .fetch_all()
            .await?;
        let columns = columns(client, sums).await?;
        for month in months {
            let rows = format!("toYYYYMM(time) = {month}");
            match RAW.contains(&source.as_str()) {
                true => self.sum(client, (sums, &columns), (&source, &select), rows).await?,
                false => {
                    self.sum_beside(client, (sums, &columns), (&source, &select), rows).await?
                }
            }
        }
        since::note(client, sums, &source).await
    }

    /// Makes sums of a file before in the way of a later one (`made` makes their table): beside them, then in their place
    /// at once, so that at every moment their view fills what they are, whenever a migrator is killed. They are copied,
    /// since events of their days may be gone, but for the days of blocks still to be sent: a new table does not know which
    /// of those it has, and would count them twice.
    pub(super) async fn remake(
        &self,
        client: &Client,
        sums: &str,
        made: &str,
    ) -> Result<(), Error> {
        let next = format!("{sums}{NEXT}");
        run(client, &format!("DROP TABLE IF EXISTS {next} SYNC")).await?;
        let named = format!("IF NOT EXISTS {sums}");
        run(client, &made.replacen(&named, &format!("IF NOT EXISTS {next}"), 1)).await?;
        keep_as(client, &next, sums).await?;
        let (columns, (source, select)) = (columns(client, sums).await?, view(client, sums).await?);
        let days = self.days(client, &source).await?;
        let others =
            if days.is_empty() { String::new() } else { format!(" WHERE day NOT IN ({days})") };
        client
            .query(&format!("INSERT INTO {next} ({columns}) SELECT {columns} FROM {sums}{others}"))
            .with_setting("insert_deduplicate", "0")
            .with_setting("async_insert", "0")
            .with_setting("max_partitions_per_insert_block", "1000")
            .execute()
            .await?;
        if !days.is_empty() {
            let rows = format!("day IN ({})", days.replace('\'', "\\'"));
            self.sum(client, (&next, &columns), (&source, &select), rows).await?;
        }
        run(client, &format!("EXCHANGE TABLES {sums} AND {next}")).await?;
        run(client, &format!("DROP TABLE {next} SYNC")).await
    }

    /// Days of rows of blocks still to be sent that are in already, as a list; empty where there are none.
    async fn days(&self, client: &Client, source: &str) -> Result<String, Error> {
        if self.open.is_empty() {
            return Ok(String::new());
        }
        let open = self.open.join("', '");
        let days = format!("SELECT DISTINCT toString(day) FROM {source} WHERE block IN ('{open}')");
        let days: Vec<String> = client.query(&days).fetch_all().await?;
        Ok(days.iter().map(|day| format!("'{day}'")).collect::<Vec<_>>().join(", "))
    }

    /// Sums some rows as a view does, but for those of blocks still to be sent: no view counts the others any more.
    async fn sum(
        &self,
        client: &Client,
        (into, columns): (&str, &str),
        (source, select): (&str, &str),
        mut rows: String,
    ) -> Result<(), Error> {
        if !self.open.is_empty() {
            // Hexadecimal digits.
            rows += &format!(" AND block NOT IN (\\'{}\\')", self.open.join("\\', \\'"));
        }
        let filter = format!("{{'{source}': '{rows}'}}");
        insert(client, (into, columns), select, &filter).await
    }
}

/// Inserts what a SELECT sums, with a setting that leaves rows of tables out.
async fn insert(
    client: &Client,
    (into, columns): (&str, &str),
    select: &str,
    filter: &str,
) -> Result<(), Error> {
    let sum = format!("INSERT INTO {into} ({columns}) SELECT {columns} FROM ({select})");
    client
        .query(&escaped(&sum))
        .with_setting("additional_table_filters", filter)
        .with_setting("insert_deduplicate", "0")
        .with_setting("async_insert", "0")
        .with_setting("max_partitions_per_insert_block", "1000")
        .with_setting("max_bytes_before_external_group_by", GROUPS)
        .execute()
        .await?;
    Ok(())
}

/// What stands behind the name of sums that are being made in another way.
const NEXT: &str = "_next";

/// Makes room for sums that no file before made: what a run before this one left of them goes.
pub(super) async fn drop_remains(client: &Client, sums: &str) -> Result<(), Error> {
    run(client, &format!("DROP VIEW IF EXISTS {sums}_mv SYNC")).await?;
    run(client, &format!("DROP TABLE IF EXISTS {sums} SYNC")).await
}

/// The table of which sums are, and their view's SELECT.
async fn view(client: &Client, sums: &str) -> Result<(String, String), Error> {
    let asked = client.query(
        "SELECT s.name, v.as_select FROM system.tables AS v, system.tables AS s
         WHERE v.database = currentDatabase() AND v.name = concat(?, '_mv')
             AND s.database = currentDatabase() AND has(s.dependencies_table, v.name)",
    );
    Ok(asked.bind(sums).fetch_one().await?)
}

/// Keeps a table's rows as long as another one's.
async fn keep_as(client: &Client, table: &str, other: &str) -> Result<(), Error> {
    let asked = client.query(
        "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = ?",
    );
    let engine: String = asked.bind(other).fetch_one().await?;
    if let Some((_, kept)) = engine.split_once(" TTL ") {
        let ttl = kept.split_once(" SETTINGS ").map_or(kept, |(ttl, _)| ttl);
        run(client, &format!("ALTER TABLE {table} {LIGHT}")).await?;
        run(client, &format!("ALTER TABLE {table} MODIFY TTL {ttl}")).await?;
    }
    Ok(())
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
    let named = sums.iter().flat_map(|name| ["", LOCAL].map(|end| format!("{name}{end}")));
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
