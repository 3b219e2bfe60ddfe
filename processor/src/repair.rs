//! Rollups: whether they are the sums of the raw rows, and making them so again.
//!
//! A difference is put right by inserting the difference, so that no reader ever sees a day half
//! rebuilt. The sums are those of the materialized views themselves, asked of ClickHouse: a rollup
//! that is added later is compared and repaired without a line here.

use chrono::{Days, NaiveDate};
use clickhouse::Row;
use serde::Deserialize;

use crate::{
    config::{Stores, Window},
    engine::Engine,
    error::{Error, Result},
    retention::Retention,
    stores::server::{self, Lock},
};

/// A rollup and the view that fills it.
#[derive(Debug, Clone)]
pub(crate) struct Rollup {
    /// The table with the sums.
    pub(crate) table: String,
    /// The raw table.
    pub(crate) source: String,
    /// The view's SELECT over the raw table.
    select: String,
    keys: Vec<String>,
    values: Vec<String>,
}

/// A day whose sums are not those of the raw rows.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub(crate) struct Difference {
    /// As `2026-11-23`.
    pub(crate) day: String,
    /// Rows of the rollup that are wrong or missing.
    pub(crate) rows: u64,
}

#[derive(Row, Deserialize)]
struct View {
    name: String,
    select: String,
}

#[derive(Row, Deserialize)]
struct Source {
    name: String,
    views: Vec<String>,
}

#[derive(Row, Deserialize)]
struct Column {
    name: String,
    key: u8,
}

/// Every rollup of the database.
pub(crate) async fn rollups(engine: &Engine) -> Result<Vec<Rollup>> {
    let client = engine.client();
    let views: Vec<View> = client
        .query(
            "SELECT name, as_select AS select FROM system.tables
             WHERE database = currentDatabase() AND engine = 'MaterializedView' ORDER BY name",
        )
        .fetch_all()
        .await?;
    let sources: Vec<Source> = client
        .query(
            "SELECT name, dependencies_table AS views FROM system.tables
             WHERE database = currentDatabase() AND notEmpty(dependencies_table) ORDER BY name",
        )
        .fetch_all()
        .await?;
    let mut all = Vec::with_capacity(views.len());
    for view in views {
        // By convention a view is named as its target, with `_mv` behind.
        let Some(table) = view.name.strip_suffix("_mv") else { continue };
        let columns: Vec<Column> = client
            .query(
                "SELECT name, is_in_sorting_key AS key FROM system.columns
                 WHERE database = currentDatabase() AND table = ? ORDER BY position",
            )
            .bind(table)
            .fetch_all()
            .await?;
        let names = |key: u8| -> Vec<String> {
            columns
                .iter()
                .filter(|column| column.key == key)
                .map(|column| column.name.clone())
                .collect()
        };
        let source = sources.iter().find(|source| source.views.contains(&view.name));
        all.push(Rollup {
            table: table.to_owned(),
            source: source.map(|source| source.name.clone()).unwrap_or_default(),
            select: view.select,
            keys: names(1),
            values: names(0),
        });
    }
    Ok(all)
}

impl Rollup {
    /// Whether its sums depend on a column of the raw table.
    pub(crate) fn reads(&self, column: &str) -> bool {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        self.select.split(|c| !is_word(c)).any(|word| word == column)
    }

    /// The rows that must be added to make the rollup what the raw rows say, for days that `days`
    /// (a condition on `day`) names.
    fn differences(&self, days: &str) -> String {
        let Self { table, select, keys, values, .. } = self;
        let keys = keys.join(", ");
        let plus = values.join(", ");
        let minus: Vec<String> =
            values.iter().map(|value| format!("-{value} AS {value}")).collect();
        let minus = minus.join(", ");
        let sums: Vec<String> =
            values.iter().map(|value| format!("sum({value}) AS of_{value}")).collect();
        let sums = sums.join(", ");
        let any: Vec<String> = values.iter().map(|value| format!("of_{value} != 0")).collect();
        let any = any.join(" OR ");
        format!(
            "SELECT {keys}, {sums} FROM (
                 SELECT {keys}, {plus} FROM ({select}) WHERE {days}
                 UNION ALL
                 SELECT {keys}, {minus} FROM {table} WHERE {days}
             ) GROUP BY {keys} HAVING {any}"
        )
    }

    /// Days that differ, of those whose raw rows are all kept; of some days, where some are meant.
    pub(crate) async fn compare(
        &self,
        engine: &Engine,
        kept: &Retention,
        days: Option<(NaiveDate, NaiveDate)>,
    ) -> Result<Vec<Difference>> {
        let first_kept = kept.first_day_of(&self.table);
        let (condition, raw) = match days {
            None => (format!("day >= '{first_kept}'"), String::new()),
            Some((first, last)) => (
                format!("day BETWEEN '{}' AND '{last}'", first.max(first_kept)),
                self.raw_rows_of(first, last),
            ),
        };
        let sql = format!(
            "SELECT toString(day) AS day, count() AS rows FROM ({}) GROUP BY day ORDER BY day",
            self.differences(&condition)
        );
        let question = engine.client().query(&sql).with_setting("additional_table_filters", raw);
        Ok(question.fetch_all().await?)
    }

    /// A setting that spares reading raw rows of other days: a day of any zone begins and ends within a day of
    /// that day in UTC.
    fn raw_rows_of(&self, first: NaiveDate, last: NaiveDate) -> String {
        let since = first.checked_sub_days(Days::new(1)).unwrap_or(first);
        let until = last.checked_add_days(Days::new(2)).unwrap_or(last);
        let table = &self.source;
        format!(
            "{{'{table}': 'time >= toDateTime64(\\'{since} 00:00:00\\', 3, \\'UTC\\') AND time < toDateTime64(\\'{until} 00:00:00\\', 3, \\'UTC\\')'}}"
        )
    }

    /// Adds what is missing, and takes back what is too much.
    pub(crate) async fn rebuild(&self, engine: &Engine, days: &[NaiveDate]) -> Result<()> {
        let days: Vec<String> = days.iter().map(|day| format!("'{day}'")).collect();
        let condition = format!("day IN ({})", days.join(", "));
        let columns = [self.keys.join(", "), self.values.join(", ")].join(", ");
        let sql =
            format!("INSERT INTO {} ({columns}) {}", self.table, self.differences(&condition));
        // The same difference twice is two repairs, not one repeated.
        let client = engine.client().clone();
        client.query(&sql).with_setting("insert_deduplicate", "0").execute().await?;
        Ok(())
    }
}

/// What a repair did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Repaired {
    /// The rollup.
    pub table: String,
    /// Rows that were wrong or missing.
    pub rows: u64,
}

/// `tributary repair rollup DAY`: makes every rollup of a day the sums of its raw rows. Sending
/// pauses meanwhile.
///
/// # Errors
/// `Postgres`, `ClickHouse`.
pub async fn rollup(stores: &Stores, window: &Window, day: NaiveDate) -> Result<Vec<Repaired>> {
    let engine = Engine::new(stores, window)?;
    let (pool, _) = server::connect(&stores.database_url).await?;
    let mut db = pool.acquire().await?;
    server::lock(&mut db, Lock::Send).await?;
    // A sender whose connection to PostgreSQL failed holds no lock any more, but may still write.
    tokio::time::sleep(window.both()).await;
    let repaired = repair(&engine, day).await;
    let unlocked = server::unlock(&mut db, Lock::Send).await;
    let repaired = repaired?;
    unlocked?;
    Ok(repaired)
}

async fn repair(engine: &Engine, day: NaiveDate) -> Result<Vec<Repaired>> {
    let kept = Retention::ask(engine).await?;
    if day < kept.first_day() {
        return Err(Error::Config(format!(
            "raw events of {day} have expired: its sums are all that is kept, and stay as they are"
        )));
    }
    let mut repaired = Vec::new();
    for rollup in rollups(engine).await? {
        // Sums by hour go before their rows do, and are not made again.
        let differences = rollup.compare(engine, &kept, Some((day, day))).await?;
        let of_day = |one: &&Difference| one.day == day.to_string();
        let rows = differences.iter().filter(of_day).map(|one| one.rows).sum();
        if rows > 0 {
            rollup.rebuild(engine, std::slice::from_ref(&day)).await?;
        }
        repaired.push(Repaired { table: rollup.table, rows });
    }
    if repaired.is_empty() {
        return Err(Error::Config("the database has no rollups: run migrate".to_owned()));
    }
    Ok(repaired)
}
