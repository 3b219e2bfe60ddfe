//! The stores to be filled and asked: a database in each with a name of its own, so that they can be kept.

use std::io::Write;

use ::clickhouse::Client;
use anyhow::{Context, Result, ensure};
use load_tests::merges;
use migrations::{
    clickhouse::{self, Database, Outbox},
    postgres,
};
use sqlx::PgPool;
use url::Url;

const NAME: &str = "tributary_dashboard";

/// Where they are.
pub(crate) struct Place {
    postgres: Url,
    clickhouse: String,
    /// As the owner of the tables.
    pub(crate) owner: PgPool,
    /// ClickHouse's database.
    pub(crate) client: Client,
}

impl Place {
    /// Brought up to date, or made.
    pub(crate) async fn prepare() -> Result<Self> {
        let variable =
            |name: &str| std::env::var(name).with_context(|| format!("{name} is not set"));
        let mut url = Url::parse(&variable("TRIBUTARY_TEST_DATABASE_URL")?)?;
        url.set_path(NAME);
        let engine = variable("TRIBUTARY_TEST_CLICKHOUSE_URL")?;
        postgres::migrate(url.as_str()).await?;
        let database = Database::one(&engine, NAME).sent_from(Outbox::of(url.as_str()));
        database.migrate().await?;
        let owner = PgPool::connect(url.as_str()).await?;
        for role in ["processor", "api"] {
            let password = url.password().unwrap_or_default();
            let change = format!("ALTER ROLE tributary_{role} PASSWORD '{password}'");
            sqlx::raw_sql(sqlx::AssertSqlSafe(change)).execute(&owner).await?;
        }
        let client = clickhouse::client(&engine, NAME)?;
        Ok(Self { postgres: url, clickhouse: engine, owner, client })
    }

    /// PostgreSQL for a service.
    pub(crate) fn postgres(&self, role: &str) -> Result<String> {
        let mut url = self.postgres.clone();
        ensure!(url.set_username(role).is_ok(), "the server of the stores has no address");
        Ok(url.into())
    }

    /// PostgreSQL's address for the owner of the tables.
    pub(crate) fn owner(&self) -> String {
        self.postgres.to_string()
    }

    /// ClickHouse's address and database.
    pub(crate) fn clickhouse(&self) -> (&str, &str) {
        (&self.clickhouse, NAME)
    }

    /// Whether an earlier run filled it to the end: said last, by a comment on the database.
    pub(crate) async fn is_filled(&self) -> Result<bool> {
        let said: Option<String> = sqlx::query_scalar(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()",
        )
        .fetch_one(&self.owner)
        .await?;
        let clicks: u64 = self.client.query("SELECT count() FROM clicks").fetch_one().await?;
        ensure!(
            said.is_some() || clicks == 0,
            "the stores are filled in part: an earlier run was ended, remove the folder and begin again"
        );
        Ok(said.is_some())
    }

    /// Everything is in.
    pub(crate) async fn set_filled(&self) -> Result<()> {
        let said = format!("COMMENT ON DATABASE {NAME} IS 'filled'");
        sqlx::raw_sql(sqlx::AssertSqlSafe(said)).execute(&self.owner).await?;
        Ok(())
    }

    /// Prints what is stored, when nothing is merged any more.
    pub(crate) async fn tell(&self) -> Result<()> {
        merges::wait(&self.client).await?;
        let tables: Vec<(String, u64, u64, u64)> = self
            .client
            .query(
                "SELECT table, sum(rows) AS rows, sum(bytes_on_disk) AS bytes, count() AS parts FROM system.parts
                 WHERE active AND database = currentDatabase() AND table != 'schema_migrations'
                 GROUP BY table ORDER BY bytes DESC",
            )
            .fetch_all()
            .await?;
        let aside: Vec<(String, u64, u64)> = self
            .client
            .query(
                "SELECT concat(table, ', projection ', name) AS name, sum(rows) AS rows, sum(bytes_on_disk) AS bytes
                 FROM system.projection_parts
                 WHERE active AND database = currentDatabase() GROUP BY table, name ORDER BY name",
            )
            .fetch_all()
            .await?;
        let clicks = tables.iter().find(|(table, ..)| table == "clicks").map_or(1, |found| found.1);
        let mut out = std::io::stdout().lock();
        for (table, rows, bytes, parts) in tables {
            let each = bytes as f64 / clicks as f64;
            writeln!(out, "{table}: {rows} rows, {bytes} bytes, {each:.2} a click, {parts} parts")?;
        }
        for (name, rows, bytes) in aside {
            let each = bytes as f64 / clicks as f64;
            writeln!(
                out,
                "{name}: {rows} rows, {bytes} bytes (in those above), {each:.2} a click"
            )?;
        }
        Ok(())
    }
}
