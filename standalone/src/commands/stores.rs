//! `tributary stores`: a private PostgreSQL and the ClickHouse engine around one command, or until Ctrl-C.

use std::ffi::OsString;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus};

use anyhow::Context;

use kafka::local::Cluster;

use crate::layout::Layout;
use crate::passwords::Passwords;
use crate::process::{self, StopSignals};
use crate::services;
use crate::supervisor::Supervisor;
use crate::vendor;

/// Which stores, and what to run with them.
#[derive(clap::Args)]
pub(super) struct Options {
    /// The data folder; made if it is not there, kept afterwards.
    #[arg(long, env = "TRIBUTARY_DATA", default_value = "./data")]
    data: PathBuf,
    /// Where the engine listens; a free port of 127.0.0.1 if not given.
    #[arg(long)]
    clickhouse: Option<SocketAddr>,
    /// A Kafka broker too, from the jars that deploy/fetch-kafka.sh brings; empty at every start.
    #[arg(long)]
    kafka: bool,
    /// The command to run with the stores' URLs in its environment.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub(super) fn run(options: Options) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut signals = StopSignals::listen()?;
        let mut supervisor = Supervisor::default();
        let outcome = tokio::select! {
            outcome = with_stores(&mut supervisor, &options) => outcome,
            () = signals.wait() => Ok(ExitCode::from(130)),
        };
        supervisor.stop().await;
        outcome
    })
}

async fn with_stores(supervisor: &mut Supervisor, options: &Options) -> anyhow::Result<ExitCode> {
    let layout = Layout::open(&options.data)?;
    let _lock = layout.lock()?;
    let passwords = Passwords::load_or_create(&layout.passwords())?;
    let clickhouse = match options.clickhouse {
        Some(address) => address,
        None => TcpListener::bind("127.0.0.1:0")
            .and_then(|free| free.local_addr())
            .context("no free port")?,
    };
    supervisor.start(services::postgres(&layout)).await?;
    supervisor.start(services::engine(&layout, clickhouse)).await?;
    let jars = options.kafka.then(|| jars(&layout)).transpose()?;
    let broker = jars.as_deref().map(|jars| broker(&layout, jars)).transpose()?;
    let mut environment = vec![
        ("TRIBUTARY_TEST_DATABASE_URL", services::postgres_url(&layout, &passwords, "postgres")?),
        ("DATABASE_URL", services::postgres_url(&layout, &passwords, "postgres")?),
        ("TRIBUTARY_TEST_CLICKHOUSE_URL", services::engine_url(clickhouse, &passwords, "owner")),
    ];
    if let (Some(broker), Some(jars)) = (&broker, &jars) {
        environment.push(("TRIBUTARY_TEST_KAFKA", broker.config().servers.join(",")));
        // For those that start and kill brokers of their own.
        environment.push(("TRIBUTARY_TEST_KAFKA_JARS", jars.display().to_string()));
    }
    let Some((program, arguments)) = options.command.split_first() else {
        let mut lines = String::new();
        for (name, value) in &environment {
            lines.push_str(&format!("export {name}='{value}'\n"));
        }
        process::print(&lines)?;
        std::future::pending::<()>().await;
        return Ok(ExitCode::SUCCESS);
    };
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).envs(environment).kill_on_drop(true);
    let status =
        command.status().await.with_context(|| format!("{} can't be run", program.display()))?;
    Ok(exit_code(status))
}

/// Where Kafka's jars are, or should be.
fn jars(layout: &Layout) -> anyhow::Result<PathBuf> {
    let places = vendor::places(layout.root(), "kafka");
    let jars = places.iter().find(|place| place.is_dir()).or(places.first());
    let jars = jars.context("no place to look for Kafka's jars")?;
    Ok(std::path::absolute(jars)?)
}

/// One broker, which ends with this process.
fn broker(layout: &Layout, jars: &Path) -> anyhow::Result<Cluster> {
    Ok(Cluster::start(jars, &layout.root().join("kafka"), 1)?)
}

/// The command's own code; 128 and the signal's number when it was killed, as shells say it.
fn exit_code(status: ExitStatus) -> ExitCode {
    use std::os::unix::process::ExitStatusExt;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
