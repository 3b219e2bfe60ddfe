//! ClickHouse: a database of its own for each test.

use clickhouse::Client;

use super::{finish, name, variable};
use crate::clickhouse::{client, migrate};

/// A fresh migrated database. Dropped with this value.
#[derive(Debug)]
pub struct Clickhouse {
    name: String,
    url: String,
}

impl Clickhouse {
    /// Makes one.
    ///
    /// # Panics
    /// Without `TRIBUTARY_TEST_CLICKHOUSE_URL`, or when the engine refuses.
    pub async fn fresh() -> Self {
        let made = Self { name: name(), url: variable("TRIBUTARY_TEST_CLICKHOUSE_URL") };
        drop_database(&made.url, &made.name).await;
        migrate(&made.url, &made.name)
            .await
            .unwrap_or_else(|error| panic!("migrating the test database: {error}"));
        made
    }

    /// The engine's URL, `http://user:password@host:port/`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The database's name.
    pub fn database(&self) -> &str {
        &self.name
    }

    /// A client on the database.
    ///
    /// # Panics
    /// When the engine's URL is none.
    pub fn client(&self) -> Client {
        client(&self.url, &self.name).expect("TRIBUTARY_TEST_CLICKHOUSE_URL is http://…")
    }
}

impl Drop for Clickhouse {
    fn drop(&mut self) {
        let (url, name) = (self.url.clone(), self.name.clone());
        finish(async move { drop_database(&url, &name).await });
    }
}

async fn drop_database(url: &str, name: &str) {
    let engine = client(url, "default").expect("TRIBUTARY_TEST_CLICKHOUSE_URL is http://…");
    let statement = format!("DROP DATABASE IF EXISTS {name} SYNC");
    if let Err(error) = engine.query(&statement).execute().await {
        panic!("{statement}: {error}");
    }
}
