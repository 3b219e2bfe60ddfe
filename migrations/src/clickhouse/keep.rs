//! How long ClickHouse keeps addresses, raw events and their sums: asked for in days, written into the tables, which do
//! the rest by themselves.
//!
//! Rows go by whole parts, those of a month or a year together, so that nothing is ever written anew to leave some out:
//! with the end of theirs, once that is so many days ago. Addresses go to the day, each part's column alone.
//! Refuses to keep anything shorter than it was kept, unless told so in a word of its own: a typo must not delete years.

use clickhouse::{Client, Row};
use serde::Deserialize;
use std::{collections::HashMap, fmt};

use super::{Database, cluster};
use crate::Error;

mod rule;

use rule::Change;
pub use rule::{Keep, Kind};

/// What is, or would be, kept otherwise from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The table, as a report asks it.
    pub table: String,
    /// What of it.
    pub kind: Kind,
    /// Days until now; 0: for ever.
    pub from: u32,
    /// Days from now on; 0: for ever. The same days: in whole parts from now on.
    pub to: u32,
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, kind, from, to } = self;
        let days = |days: u32| match days {
            0 => "for ever".to_owned(),
            days => format!("for {days} days"),
        };
        let (what, to_days) = (kind.what(), days(*to));
        match from == to {
            true => write!(f, "{table}: {what} {to_days}, by whole parts"),
            false => write!(f, "{table}: {what} {to_days}, not {}", days(*from)),
        }
    }
}

/// A table of the database.
#[derive(Debug, Row, Deserialize)]
struct Table {
    name: String,
    engine_full: String,
    created: String,
    partition_key: String,
}

/// A change, and what the table shall say.
struct Step {
    kept: Kept,
    ttl: String,
    /// Parts need not be written anew to learn it.
    is_light: bool,
}

/// Parts that are there must learn when they expire: one that never merges again never would. With this they learn it in
/// the background by their time column alone, and are not written anew.
pub(super) const LIGHT: &str = "MODIFY SETTING materialize_ttl_recalculate_only = 1";

/// What is done to the empty tables of some files: each table's changes.
pub(super) fn of_files<'a>(
    files: impl Iterator<Item = &'a str>,
    keep: &Keep,
) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (table, partition_key) in files.flat_map(cluster::partitions) {
        let kinds = Kind::of(&table).iter();
        let changes: Vec<String> = kinds
            .map(|kind| kind.change(&kind.ttl(&partition_key, keep.wanted(*kind).days)))
            .filter(|change| *change != rule::EVER)
            .collect();
        if !changes.is_empty() {
            all.push((table.clone(), LIGHT.to_owned()));
        }
        all.extend(changes.into_iter().map(|change| (table.clone(), change)));
    }
    all
}

impl Database<'_> {
    /// Keeps things as long as asked for. Gives what changed; nothing where it was so already.
    ///
    /// # Errors
    /// `Shorter` where something would be kept for fewer days, and nobody said that it shall; nothing is changed then.
    pub async fn keep(&self, keep: &Keep) -> Result<Vec<Kept>, Error> {
        let client = super::client(self.url, self.name)?;
        let steps = self.keep_steps(&client, keep).await?;
        for step in &steps {
            self.apply_keep(&client, step).await?;
        }
        Ok(steps.into_iter().map(|step| step.kept).collect())
    }

    /// What `keep` would change. Changes nothing.
    ///
    /// # Errors
    /// As `keep`.
    pub async fn plan_keep(&self, keep: &Keep) -> Result<Vec<Kept>, Error> {
        // The database may not be there yet.
        let client = super::engine(self.url)?;
        super::checked(self.name)?;
        Ok(self.keep_steps(&client, keep).await?.into_iter().map(|step| step.kept).collect())
    }

    async fn keep_steps(&self, client: &Client, keep: &Keep) -> Result<Vec<Step>, Error> {
        let mut tables: Vec<Table> = client
            .query(
                "SELECT name, engine_full, create_table_query AS created, partition_key FROM system.tables
                 WHERE database = ? AND engine LIKE '%MergeTree' ORDER BY name",
            )
            .bind(self.name)
            .fetch_all()
            .await?;
        let name_of = |table: &'_ Table| match self.cluster {
            Some(_) => table.name.strip_suffix(cluster::LOCAL).unwrap_or(&table.name).to_owned(),
            None => table.name.clone(),
        };
        // What follows another table comes behind it.
        tables.sort_by_key(|table| rule::follows(&name_of(table)).is_some());
        let (mut steps, mut refused) = (Vec::new(), Vec::new());
        let mut events: HashMap<String, u32> = HashMap::new();
        for table in &tables {
            let name = &name_of(table);
            for &kind in Kind::of(name) {
                let stored = kind.stored(&table.engine_full, &table.created);
                let (from, wanted) = (rule::days(&stored), keep.wanted(kind));
                let may = keep.shorten_retention
                    || rule::is_shorter(from, wanted.days) && self.is_empty(client, name).await?;
                let kept = |to| Kept { table: name.clone(), kind, from, to };
                let change = match rule::follows(name).and_then(|other| events.get(other)) {
                    Some(&days) => Change::To(days),
                    None => rule::change(from, wanted, may),
                };
                let to = match change {
                    Change::Refused(to) => {
                        refused.push(kept(to));
                        continue;
                    }
                    Change::To(to) => to,
                    // The same days, or longer than the default ones; a version before removed rows one by one.
                    Change::Nothing => from,
                };
                if kind == Kind::Events {
                    events.insert(name.clone(), to);
                }
                let ttl = kind.ttl(&table.partition_key, to);
                let is_light = table.engine_full.contains("materialize_ttl_recalculate_only = 1");
                if !rule::is_same(&stored, &ttl) {
                    steps.push(Step { kept: kept(to), ttl, is_light });
                }
            }
        }
        if refused.is_empty() { Ok(steps) } else { Err(Error::Shorter(refused)) }
    }

    async fn apply_keep(&self, client: &Client, step: &Step) -> Result<(), Error> {
        let Step { kept: Kept { table, kind, .. }, ttl, is_light } = step;
        if !is_light {
            client.query(&self.alter(table, LIGHT)).execute().await?;
        }
        let statement = self.alter(table, &kind.change(ttl));
        client
            .query(&statement)
            .with_setting("materialize_ttl_after_modify", "1")
            .with_setting("mutations_sync", "0")
            .execute()
            .await?;
        Ok(())
    }

    /// Whether there is nothing that could go.
    async fn is_empty(&self, client: &Client, table: &str) -> Result<bool, Error> {
        let sql = format!("SELECT count() FROM (SELECT 1 FROM {}.{table} LIMIT 1)", self.name);
        Ok(client.query(&sql).fetch_one::<u64>().await? == 0)
    }
}
