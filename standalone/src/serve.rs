//! Everything on one machine: PostgreSQL, ClickHouse, the migrations, then the services, in that order.
//!
//! Nothing here decides anything about clicks or money; it starts processes and tells them where the others are.

use std::time::Duration;

use anyhow::Context;
use migrations::clickhouse::{DATABASE, Database, Outbox};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::installation::{Installation, Role};
use crate::progress::Waiting;
use crate::services;
use crate::supervisor::Supervisor;

/// How often PostgreSQL's port is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Starts all of it. On an error the caller stops what was started.
///
/// # Errors
/// With a sentence that says what is wrong and what to do.
pub async fn start(
    installation: &Installation,
    supervisor: &mut Supervisor,
) -> anyhow::Result<Started> {
    start_stores(installation, supervisor).await?;
    let stores = supervisor.count();
    migrate(installation).await?;
    let port = start_services(installation, supervisor).await?;
    Ok(Started { stores, port })
}

/// What was started.
#[derive(Debug, Clone, Copy)]
pub struct Started {
    /// How many of the supervisor's children are stores; the services come after them.
    stores: usize,
    /// The port of the private PostgreSQL that the services were told.
    port: Option<u16>,
}

/// The services, all of them told the same port of PostgreSQL.
async fn start_services(
    installation: &Installation,
    supervisor: &mut Supervisor,
) -> anyhow::Result<Option<u16>> {
    let waiting = Waiting::show("starting the services");
    let port = installation.postgres_port();
    for service in services::all(installation)? {
        supervisor.start(service).await?;
    }
    waiting.done();
    Ok(port)
}

/// Starts the services again whenever the private PostgreSQL comes back on another port, which it does only when
/// somebody else has taken its own.
///
/// # Errors
/// When they do not start again.
pub async fn follow_postgres(
    installation: &Installation,
    started: Started,
    supervisor: &mut Supervisor,
) -> anyhow::Result<()> {
    let mut known = started.port;
    loop {
        tokio::time::sleep(LOOK).await;
        let port = installation.postgres_port();
        // While it is away there is none, and the services wait for it by themselves.
        if installation.has_private_postgres() && port.is_some() && port != known {
            tracing::warn!("postgresql has another port: starting the services again");
            supervisor.stop_down_to(started.stores).await;
            known = start_services(installation, supervisor).await?;
        }
    }
}

/// PostgreSQL, unless one was given, and the engine.
async fn start_stores(
    installation: &Installation,
    supervisor: &mut Supervisor,
) -> anyhow::Result<()> {
    if installation.has_private_postgres() {
        let waiting = Waiting::show("starting PostgreSQL");
        supervisor.start(services::postgres(&installation.layout)).await?;
        waiting.done();
    }
    let waiting = Waiting::show("starting the ClickHouse engine");
    let engine = services::engine(&installation.layout, installation.config.addresses.clickhouse);
    supervisor.start(engine).await?;
    waiting.done();
    Ok(())
}

/// Brings both stores up to date and gives the services' roles their passwords.
async fn migrate(installation: &Installation) -> anyhow::Result<()> {
    let waiting = Waiting::show("bringing the tables up to date");
    let owner = installation.owner_url()?;
    let steps = migrations::postgres::migrate(owner.as_str()).await?;
    let clickhouse = installation.clickhouse_url("owner");
    let tables = Database::one(&clickhouse, DATABASE);
    let more = tables.sent_from(Outbox::of(owner.as_str())).migrate().await?;
    for kept in tables.keep(&installation.config.keep).await? {
        // Of tables just made it is no news.
        match more.is_empty() {
            true => tracing::info!("clickhouse keeps {kept}"),
            false => tracing::debug!("clickhouse keeps {kept}"),
        }
    }
    let mut database =
        PgConnection::connect(owner.as_str()).await.context("PostgreSQL does not answer")?;
    for role in Role::ALL {
        // Both come from this installation: a fixed name, and hexadecimal digits.
        let statement =
            format!("ALTER ROLE {} PASSWORD '{}'", role.name(), installation.password(role));
        let done = database.execute(AssertSqlSafe(statement)).await;
        done.with_context(|| format!("the role {} can't be given its password", role.name()))?;
    }
    database.close().await?;
    waiting.done();
    tracing::debug!(postgres = steps.len(), clickhouse = more.len(), "migrations applied");
    Ok(())
}
