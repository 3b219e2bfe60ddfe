//! ClickHouse's files: statement by statement, each of them repeatable.
//!
//! A file is recorded when all its statements are done. Whoever is cut short repeats statements that are done already,
//! and that changes nothing. Files that make sums wait for each other where an outbox is given: in them tables are dropped.

use clickhouse::{Client, Compression, Row};
use serde::Deserialize;
use sqlx::migrate::{Migration, Migrator};
use std::{collections::BTreeMap, fmt::Write};
use url::Url;

use crate::{Error, Step, pending, steps};

mod cluster;
mod fill;
mod keep;

pub use cluster::Cluster;
pub use fill::{Outbox, SEND_LOCK};
pub use keep::{Keep, Kept, Kind};

/// The files, embedded. Only read: sqlx runs none of them.
pub static FILES: Migrator = sqlx::migrate!("./clickhouse");

/// The database of an installation, unless it says otherwise.
pub const DATABASE: &str = "tributary";

const STORE: &str = "clickhouse";

/// What is kept of what was applied.
const RECORD: &str =
    "(version UInt32, name String, checksum String, applied_at DateTime DEFAULT now())";

/// A client for the engine at `url` (`http://user:password@host:port/`), on `database`.
///
/// # Errors
/// `Address` for another kind of URL, `DatabaseName` for a name that would need quoting.
pub fn client(url: &str, database: &str) -> Result<Client, Error> {
    Ok(engine(url)?.with_database(checked(database)?))
}

/// A database, of one server or of a cluster.
#[derive(Debug, Clone, Copy)]
pub struct Database<'a> {
    /// `http://user:password@host:port/`; of a cluster any of its servers.
    pub url: &'a str,
    /// Its name.
    pub name: &'a str,
    /// The cluster, where it is one's.
    pub cluster: Option<&'a Cluster>,
    /// Where blocks are sent from: needed where sums come to a store that has events.
    pub outbox: Option<Outbox<'a>>,
}

/// Brings a database of one server up to date.
///
/// # Errors
/// As [`Database::migrate`].
pub async fn migrate(url: &str, database: &str) -> Result<Vec<Step>, Error> {
    Database::one(url, database).migrate().await
}

/// What `migrate` would apply. Changes nothing.
///
/// # Errors
/// As [`Database::plan`].
pub async fn plan(url: &str, database: &str) -> Result<Vec<Step>, Error> {
    Database::one(url, database).plan().await
}

impl<'a> Database<'a> {
    /// Of one server.
    #[must_use]
    pub const fn one(url: &'a str, name: &'a str) -> Self {
        Self { url, name, cluster: None, outbox: None }
    }

    /// The same, with the outbox that is sent into it.
    #[must_use]
    pub const fn sent_from(self, outbox: Outbox<'a>) -> Self {
        Self { outbox: Some(outbox), ..self }
    }

    /// Brings it up to date, and creates it where it is absent. Gives what was applied; nothing when it was up to date.
    ///
    /// # Errors
    /// See [`Error`]. What was done of the file that failed is done again by the next try.
    pub async fn migrate(&self) -> Result<Vec<Step>, Error> {
        let engine = engine(self.url)?;
        self.refuse_other_kind(&engine, checked(self.name)?).await?;
        for statement in preparing(self.name, self.cluster) {
            engine.query(&escaped(&statement)).execute().await?;
        }
        let client = engine.with_database(self.name);
        let left = pending(STORE, FILES.iter(), &applied(&client).await?)?;
        for file in &left {
            self.apply(&client, file).await?;
        }
        Ok(steps(&left))
    }

    /// One file, and its record. Sums that it makes where events are stored already are filled while nothing is sent.
    async fn apply(&self, client: &Client, file: &Migration) -> Result<(), Error> {
        let (version, statements) = (file.version, of_file(self.name, self.cluster, file)?);
        let sums = fill::made_by(file.sql.as_str());
        let pause = match (fill::has_any(client, &sums).await?, self.outbox) {
            (Some(true), None) if !sums.is_empty() => return Err(Error::NotPaused { version }),
            (Some(any), Some(outbox)) if !sums.is_empty() => {
                fill::Pause::begin(&outbox, any).await?
            }
            _ => return apply(client, file, &statements).await,
        };
        // Nobody has sent since; and another migrator may have been here while this one waited.
        let is_empty = fill::has_any(client, &sums).await? != Some(true);
        let applied = applied(client).await?;
        if applied.contains_key(&version) {
            return pause.end().await;
        }
        if is_empty {
            apply(client, file, &statements).await?;
            return pause.end().await;
        }
        if self.cluster.is_some() {
            return Err(Error::SumsOfCluster { version });
        }
        let before = FILES.iter().filter(|file| applied.contains_key(&file.version));
        let known: Vec<String> = before.flat_map(|file| fill::made_by(file.sql.as_str())).collect();
        for made in &statements {
            if let Some(sums) = cluster::made(made).filter(|name| known.contains(name)) {
                pause.remake(client, &sums, made).await?;
            }
        }
        let fresh: Vec<&String> = sums.iter().filter(|name| !known.contains(name)).collect();
        for sums in &fresh {
            fill::drop_remains(client, sums).await?;
        }
        let others = statements
            .into_iter()
            .filter(|one| cluster::subject(one).is_none_or(|name| !known.contains(&name)));
        run(client, version, &others.collect::<Vec<_>>()).await?;
        for sums in fresh {
            pause.fill(client, sums).await?;
        }
        record(client, file).await?;
        pause.end().await
    }

    /// What `migrate` would apply. Changes nothing.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn plan(&self) -> Result<Vec<Step>, Error> {
        let engine = engine(self.url)?;
        let applied = match self.refuse_other_kind(&engine, checked(self.name)?).await? {
            true => applied(&engine.with_database(self.name)).await?,
            false => BTreeMap::new(),
        };
        Ok(steps(&pending(STORE, FILES.iter(), &applied)?))
    }

    fn alter(&self, table: &str, change: &str) -> String {
        match self.cluster {
            Some(cluster) => cluster.alter(self.name, table, change),
            None => format!("ALTER TABLE {table} {change}"),
        }
    }

    /// A database is of one server or of a cluster, from its first day. Whether it was made at all.
    async fn refuse_other_kind(&self, engine: &Client, database: &str) -> Result<bool, Error> {
        let found: Option<String> = engine
            .query(
                "SELECT engine FROM system.tables WHERE database = ? AND name = 'schema_migrations'",
            )
            .bind(database)
            .fetch_optional()
            .await?;
        match (&found, self.cluster) {
            (Some(engine), Some(_)) if !engine.starts_with("Replicated") => Err(Error::OneServer),
            (Some(engine), None) if engine.starts_with("Replicated") => Err(Error::OfCluster),
            _ => Ok(found.is_some()),
        }
    }
}

/// Every statement that makes a cluster's tables, in order. Asks nobody.
///
/// # Errors
/// `DatabaseName`.
pub fn print(database: &str, cluster: &Cluster, keep: &Keep) -> Result<Vec<String>, Error> {
    let mut all = preparing(checked(database)?, Some(cluster));
    for file in FILES.iter() {
        all.extend(of_file(database, Some(cluster), file)?);
    }
    for (table, change) in keep::of_files(FILES.iter().map(|file| file.sql.as_str()), keep) {
        all.push(cluster.alter(database, &table, &change));
    }
    Ok(all)
}

/// The database, and the record of what was applied.
fn preparing(database: &str, cluster: Option<&Cluster>) -> Vec<String> {
    match cluster {
        Some(cluster) => vec![cluster.database(database), cluster.record(database, RECORD)],
        None => vec![
            format!("CREATE DATABASE IF NOT EXISTS {database}"),
            format!(
                "CREATE TABLE IF NOT EXISTS {database}.schema_migrations {RECORD} \
                 ENGINE = ReplacingMergeTree ORDER BY version"
            ),
        ],
    }
}

fn of_file(
    database: &str,
    cluster: Option<&Cluster>,
    file: &Migration,
) -> Result<Vec<String>, Error> {
    let sql = file.sql.as_str();
    let Some(cluster) = cluster else {
        return Ok(statements(sql).map(str::to_owned).collect());
    };
    let tables = cluster::tables(FILES.iter().map(|file| file.sql.as_str()));
    let version = file.version;
    cluster.file(database, &tables, sql).map_err(|head| Error::NotForCluster { version, head })
}

/// The statements of a file: each ends with a semicolon at the end of a line.
pub(crate) fn statements(sql: &str) -> impl Iterator<Item = &str> {
    sql.split(";\n").map(str::trim).filter(|statement| !statement.is_empty())
}

async fn apply(client: &Client, file: &Migration, statements: &[String]) -> Result<(), Error> {
    run(client, file.version, statements).await?;
    record(client, file).await
}

async fn run(client: &Client, version: i64, statements: &[String]) -> Result<(), Error> {
    for statement in statements {
        client.query(&escaped(statement)).execute().await.map_err(|error| Error::Failed {
            store: STORE,
            version,
            reason: error.to_string(),
        })?;
    }
    Ok(())
}

async fn record(client: &Client, file: &Migration) -> Result<(), Error> {
    // By SELECT, so that no setting about asynchronous inserts can hold the row back.
    client
        .query("INSERT INTO schema_migrations (version, name, checksum) SELECT ?, ?, ?")
        .bind(file.version)
        .bind(&*file.description)
        .bind(hex(&file.checksum))
        .execute()
        .await?;
    Ok(())
}

/// The client would read `?` as a placeholder.
fn escaped(statement: &str) -> String {
    statement.replace('?', "??")
}

#[derive(Row, Deserialize)]
struct Applied {
    version: u32,
    checksum: String,
}

async fn applied(client: &Client) -> Result<BTreeMap<i64, Vec<u8>>, Error> {
    let rows = client
        .query("SELECT version, checksum FROM schema_migrations ORDER BY version, applied_at")
        .fetch_all::<Applied>()
        .await?;
    let known = |row: &Applied| FILES.iter().find(|file| file.version == i64::from(row.version));
    let checksum = |row: &Applied| match known(row) {
        Some(file) if hex(&file.checksum) == row.checksum => file.checksum.to_vec(),
        _ => row.checksum.clone().into_bytes(),
    };
    Ok(rows.iter().map(|row| (i64::from(row.version), checksum(row))).collect())
}

fn engine(url: &str) -> Result<Client, Error> {
    let mut url = Url::parse(url).map_err(|_| Error::Address)?;
    if url.scheme() != "http" || url.host().is_none() {
        return Err(Error::Address);
    }
    let user = url.username().to_owned();
    let password = url.password().unwrap_or_default().to_owned();
    url.set_username("").and_then(|()| url.set_password(None)).map_err(|()| Error::Address)?;
    // Said, since another crate of the build may turn compression on for everybody.
    let client = Client::default().with_url(url).with_compression(Compression::None);
    Ok(if user.is_empty() { client } else { client.with_user(user).with_password(password) })
}

fn checked(database: &str) -> Result<&str, Error> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    match database.len() {
        1..=63 if database.bytes().all(plain) => Ok(database),
        _ => Err(Error::DatabaseName),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statement_can_be_repeated() {
        for file in FILES.iter() {
            for statement in statements(file.sql.as_str()) {
                let code: Vec<&str> = statement
                    .lines()
                    .filter(|line| !line.is_empty() && !line.starts_with("--"))
                    .collect();
                let code = code.join(" ");
                let repeatable = code.starts_with("CREATE") && code.contains(" IF NOT EXISTS ")
                    || code.starts_with("ALTER TABLE")
                        && [" IF NOT EXISTS ", " IF EXISTS ", " MODIFY "]
                            .iter()
                            .any(|word| code.contains(word))
                    || code.starts_with("DROP") && code.contains(" IF EXISTS ");
                assert!(repeatable, "{:04}: {code}", file.version);
            }
        }
    }

    #[test]
    fn only_plain_addresses_and_names_are_taken() {
        assert!(client("http://owner:dev@127.0.0.1:8123/", "tributary").is_ok());
        for url in ["", "127.0.0.1:8123", "https://host/", "file:///etc/passwd"] {
            assert!(matches!(client(url, "tributary"), Err(Error::Address)), "{url}");
        }
        for name in ["", "a b", "a`b", "Tributary", "a;b"] {
            let made = client("http://127.0.0.1:8123/", name);
            assert!(matches!(made, Err(Error::DatabaseName)), "{name}");
        }
    }
}
