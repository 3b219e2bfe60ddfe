//! The same files for a cluster: every statement becomes one for all servers.
//!
//! A table `clicks` becomes `clicks_local`, replicated within its shard, and `clicks`, which stands for
//! those of all shards: who reads or writes `clicks` needs not know. Views read and fill local tables.
//! Refuses a statement whose kind it does not know, instead of running it on one server only. Pure.

use regex::{Captures, Regex};
use std::{collections::BTreeSet, str::FromStr, sync::LazyLock};

use super::statements;
use crate::Error;

/// How long a replicated table remembers what was inserted, beside how many. A block that was inserted and whose answer
/// was lost is sent again when the processor is back: this is the longest outage after which it still counts once.
const REMEMBERED_S: u32 = 30 * 86_400;

/// A cluster's name, as the servers know it; `{cluster}` for the macro.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster(String);

impl FromStr for Cluster {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.{}".contains(&b);
        match name.len() {
            1..=63 if name.bytes().all(plain) => Ok(Self(name.to_owned())),
            _ => Err(Error::ClusterName),
        }
    }
}

#[expect(clippy::expect_used, reason = "the patterns are literals; a test makes all of them")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern is a literal")
}

static TABLE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^CREATE TABLE IF NOT EXISTS (\w+)\s*\("));
static VIEW: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^CREATE MATERIALIZED VIEW IF NOT EXISTS (\w+)_mv TO (\w+)\s+AS\b"));
static ALTER: LazyLock<Regex> = LazyLock::new(|| pattern(r"^ALTER TABLE (\w+)\s+"));
static DROP: LazyLock<Regex> = LazyLock::new(|| pattern(r"^DROP (TABLE|VIEW) IF EXISTS (\w+)\s*$"));
static ENGINE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\bENGINE\s*=\s*(\w*MergeTree)\b(?:\s*\(([^()]*)\))?"));
static WINDOW: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\bnon_replicated_deduplication_window\s*=\s*(\d+)"));
static PARTITION: LazyLock<Regex> = LazyLock::new(|| pattern(r"\bPARTITION BY (\w+\([^()]*\))"));
static SOURCE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(FROM|JOIN)\s+(\w+)\b"));
/// The visitor's shard, by which rows are spread: it stands in raw tables only.
static SHARD: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^\s*shard UInt16\b"));
/// What changes the columns that a table of all shards has too.
/// How a column's parts are written, which is the business of whoever has parts.
static CODECS: LazyLock<Regex> = LazyLock::new(|| pattern(r"\bMODIFY COLUMN \w+ CODEC\b"));
static COLUMNS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b(ADD|DROP|MODIFY|RENAME|COMMENT) COLUMN\b"));

impl Cluster {
    /// Makes the database everywhere.
    pub(super) fn database(&self, database: &str) -> String {
        format!("CREATE DATABASE IF NOT EXISTS {database} ON CLUSTER '{}'", self.0)
    }

    /// The record of what was applied: one for the whole cluster, a replica on every server.
    pub(super) fn record(&self, database: &str, columns: &str) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {database}.schema_migrations ON CLUSTER '{}' {columns} \
             ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{database}/schema_migrations', '{{shard}}-{{replica}}') \
             ORDER BY version",
            self.0
        )
    }

    /// A file's statements; `None` and what it begins with where one of them is of no kind known here.
    pub(super) fn file(
        &self,
        database: &str,
        tables: &BTreeSet<String>,
        sql: &str,
    ) -> Result<Vec<String>, String> {
        let mut all = Vec::new();
        for statement in statements(sql) {
            let code = without_remarks(statement);
            let names = Names { database, cluster: &self.0, tables };
            let made = names.statement(code);
            all.extend(made.ok_or_else(|| code.lines().next().unwrap_or_default().to_owned())?);
        }
        Ok(all)
    }

    /// Something done to a raw or summed table's rows or parts, which are in the local ones.
    pub(super) fn alter(&self, database: &str, table: &str, change: &str) -> String {
        format!("ALTER TABLE {database}.{} ON CLUSTER '{}' {change}", local(table), self.0)
    }
}

/// What stands behind the name of the table that has a table's rows on one server.
pub(super) const LOCAL: &str = "_local";

fn local(table: &str) -> String {
    format!("{table}{LOCAL}")
}

/// Tables that the files make.
pub(super) fn tables<'a>(files: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for sql in files {
        let made = statements(sql).filter_map(|one| TABLE.captures(without_remarks(one)));
        found.extend(made.map(|table| table[1].to_owned()));
    }
    found
}

/// Tables that a file makes, and what their parts are by.
pub(super) fn partitions(sql: &str) -> Vec<(String, String)> {
    let made = statements(sql).filter_map(|one| {
        let code = without_remarks(one);
        let name = TABLE.captures(code)?[1].to_owned();
        Some((name, PARTITION.captures(code)?[1].to_owned()))
    });
    made.collect()
}

/// The table that a statement's view fills, where it makes one.
pub(super) fn target(statement: &str) -> Option<String> {
    VIEW.captures(without_remarks(statement)).map(|view| view[2].to_owned())
}

/// The table that a statement makes, where it makes one.
pub(super) fn made(statement: &str) -> Option<String> {
    TABLE.captures(without_remarks(statement)).map(|table| table[1].to_owned())
}

/// The table that a statement makes or drops, or whose view it does.
pub(super) fn subject(statement: &str) -> Option<String> {
    let dropped = || DROP.captures(without_remarks(statement)).map(|found| found[2].to_owned());
    let name = made(statement).or_else(|| target(statement)).or_else(dropped)?;
    Some(name.strip_suffix("_mv").unwrap_or(&name).to_owned())
}

/// The lines from the first one that is no remark.
fn without_remarks(statement: &str) -> &str {
    let mut rest = statement.trim_start();
    while rest.starts_with("--") {
        rest = rest.split_once('\n').map_or("", |(_, rest)| rest).trim_start();
    }
    rest
}

struct Names<'a> {
    database: &'a str,
    cluster: &'a str,
    tables: &'a BTreeSet<String>,
}

impl Names<'_> {
    fn statement(&self, code: &str) -> Option<Vec<String>> {
        if let Some(found) = TABLE.captures(code) {
            return self.table(code, &found);
        }
        if let Some(found) = VIEW.captures(code) {
            return self.view(code, &found);
        }
        if let Some(found) = ALTER.captures(code) {
            return self.alter(code, &found);
        }
        DROP.captures(code).map(|found| self.drop(&found))
    }

    fn on(&self, name: &str) -> String {
        format!("{}.{name} ON CLUSTER '{}'", self.database, self.cluster)
    }

    fn table(&self, code: &str, found: &Captures<'_>) -> Option<Vec<String>> {
        let (whole, name) = (found.get(0)?, &found[1]);
        ENGINE.captures(code)?;
        let local = ENGINE.replace(&code[whole.end()..], |engine: &Captures<'_>| {
            let more = engine.get(2).map_or("", |more| more.as_str().trim());
            let more = if more.is_empty() { String::new() } else { format!(", {more}") };
            format!(
                "ENGINE = Replicated{}('/clickhouse/tables/{{shard}}/{{database}}/{{table}}', '{{replica}}'{more})",
                &engine[1]
            )
        });
        let local = remembering(&local);
        let key = if SHARD.is_match(code) { ", shard" } else { "" };
        let (database, cluster) = (self.database, self.cluster);
        Some(vec![
            format!("CREATE TABLE IF NOT EXISTS {}\n({local}", self.on(&format!("{name}_local"))),
            format!(
                "CREATE TABLE IF NOT EXISTS {} AS {database}.{name}_local\n\
                 ENGINE = Distributed('{cluster}', '{database}', '{name}_local'{key})",
                self.on(name)
            ),
        ])
    }

    /// Named as its target with `_mv` behind, which is how the processor finds it.
    fn view(&self, code: &str, found: &Captures<'_>) -> Option<Vec<String>> {
        let (whole, target) = (found.get(0)?, &found[2]);
        if found[1] != *target {
            return None;
        }
        let database = self.database;
        let select = SOURCE.replace_all(&code[whole.end()..], |source: &Captures<'_>| {
            let name = &source[2];
            match self.tables.contains(name) {
                true => format!("{} {database}.{name}_local", &source[1]),
                false => source[0].to_owned(),
            }
        });
        let view = self.on(&format!("{target}_local_mv"));
        Some(vec![format!(
            "CREATE MATERIALIZED VIEW IF NOT EXISTS {view} TO {database}.{target}_local AS{select}"
        )])
    }

    fn alter(&self, code: &str, found: &Captures<'_>) -> Option<Vec<String>> {
        let (whole, name) = (found.get(0)?, &found[1]);
        if !self.tables.contains(name) {
            return None;
        }
        let change = &code[whole.end()..];
        let mut all = vec![format!(
            "ALTER TABLE {} {}",
            self.on(&format!("{name}_local")),
            remembering(change)
        )];
        if COLUMNS.is_match(&CODECS.replace_all(change, "")) {
            // One of all shards has columns and nothing else.
            all.push(format!("ALTER TABLE {} {change}", self.on(name)));
        }
        Some(all)
    }

    fn drop(&self, found: &Captures<'_>) -> Vec<String> {
        let (kind, name) = (&found[1], &found[2]);
        let dropped = |name: &str| format!("DROP {kind} IF EXISTS {} SYNC", self.on(name));
        match name.strip_suffix("_mv") {
            Some(target) => vec![dropped(&format!("{target}_local_mv"))],
            None => vec![dropped(name), dropped(&format!("{name}_local"))],
        }
    }
}

/// The settings about repeated inserts, as replicated tables call them.
fn remembering(code: &str) -> String {
    let window = format!(
        "replicated_deduplication_window = $1, replicated_deduplication_window_seconds = {REMEMBERED_S}"
    );
    WINDOW.replace_all(code, window).into_owned()
}

#[cfg(test)]
mod tests;
