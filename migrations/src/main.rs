//! `migrate`: brings PostgreSQL, ClickHouse and Kafka's topics up to date, or says what it would do
//! (`--dry-run`).
//!
//! Run it with the role that owns the tables; no service runs with that one. `migrate scratch` makes a
//! throw-away database, for what needs to look at the tables and nothing in them.

use clap::Parser;
use kafka::{Found, Layout};
use migrations::{
    Step,
    clickhouse::{self, Cluster, Database, Outbox},
    postgres,
};
use std::{
    io::{Write, stdout},
    process::ExitCode,
    time::Duration,
};

/// Longest wait for an answer of Kafka's.
const KAFKA_LIMIT: Duration = Duration::from_secs(30);

/// Brings the stores' tables and the event log's topics up to date. Give the addresses of those there are.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// PostgreSQL, with the role that owns the database: postgres://owner@host/tributary
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// ClickHouse over HTTP: http://user:password@host:8123/
    #[arg(long, env = "TRIBUTARY_CLICKHOUSE_URL", hide_env_values = true)]
    clickhouse_url: Option<String>,
    /// ClickHouse's database
    #[arg(long, env = "TRIBUTARY_CLICKHOUSE_DATABASE", default_value = clickhouse::DATABASE)]
    clickhouse_database: String,
    /// The cluster whose servers all get the tables, as they know its name: replicated within each shard, one table over
    /// all of them (docs/scaling.md, "A ClickHouse cluster")
    #[arg(long, env = "TRIBUTARY_CLICKHOUSE_CLUSTER", value_name = "NAME")]
    clickhouse_cluster: Option<Cluster>,
    /// Print every statement that makes the cluster's tables, and ask nobody
    #[arg(long, requires = "clickhouse_cluster")]
    print: bool,
    #[command(flatten)]
    keep: clickhouse::Keep,
    /// As the processors have it: what they sent before comes in within this time, or not at all
    #[arg(long, env = "TRIBUTARY_INSERT_LIMIT_MS", default_value_t = 8_000)]
    insert_limit_ms: u64,
    /// As the processors have it
    #[arg(long, env = "TRIBUTARY_IDLE_LIMIT_MS", default_value_t = 3_000)]
    idle_limit_ms: u64,
    #[command(flatten)]
    kafka: kafka::Config,
    /// Partitions of both topics, as the collectors have them; changed in topics that are there only by --grow
    #[arg(long, env = "TRIBUTARY_PARTITIONS", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=4096))]
    partitions: u16,
    /// Copies of each partition; default: three, or one for each broker where there are fewer
    #[arg(long, env = "TRIBUTARY_KAFKA_COPIES", value_parser = clap::value_parser!(u16).range(1..=9))]
    kafka_copies: Option<u16>,
    /// Hours that Kafka keeps messages: longer than processors are ever away
    #[arg(long, env = "TRIBUTARY_KAFKA_KEEP_HOURS", default_value_t = 168, value_parser = clap::value_parser!(u64).range(1..=87_600))]
    kafka_keep_hours: u64,
    /// Give topics that are there more partitions, as --partitions says. Refused while records written for fewer are
    /// undecided: see docs/scaling.md, "More partitions"
    #[arg(long, requires = "database_url")]
    grow: bool,
    /// Print what would be applied, and change nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Makes a freshly migrated PostgreSQL database to be thrown away, and prints its URL. The one of
    /// the time before is dropped
    Scratch {
        /// The server, with a role that may create databases: postgres://owner@host/postgres
        #[arg(long)]
        server: String,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("migrate: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    if let Some(Command::Scratch { server }) = &arguments.command {
        writeln!(stdout(), "{}", postgres::scratch(server).await?)?;
        return Ok(());
    }
    if let (true, Some(cluster)) = (arguments.print, &arguments.clickhouse_cluster) {
        let mut out = stdout().lock();
        for statement in
            clickhouse::print(&arguments.clickhouse_database, cluster, &arguments.keep)?
        {
            writeln!(out, "{statement};\n")?;
        }
        return Ok(());
    }
    let stores = arguments.database_url.is_some() || arguments.clickhouse_url.is_some();
    if !stores && !arguments.kafka.is_set() {
        anyhow::bail!("give at least one of --database-url, --clickhouse-url and --kafka");
    }
    if let Some(url) = &arguments.database_url {
        let steps = match arguments.dry_run {
            true => postgres::plan(url).await?,
            false => postgres::migrate(url).await?,
        };
        report("postgres", &steps, arguments.dry_run)?;
    }
    if let Some(url) = &arguments.clickhouse_url {
        let (name, cluster) =
            (&arguments.clickhouse_database, arguments.clickhouse_cluster.as_ref());
        let outbox = arguments.database_url.as_deref();
        let rest = Duration::from_millis(arguments.insert_limit_ms + arguments.idle_limit_ms);
        let outbox = outbox.map(|url| Outbox { url, rest });
        let database = Database { url, name, cluster, outbox };
        let steps = match arguments.dry_run {
            true => database.plan().await?,
            false => database.migrate().await?,
        };
        report("clickhouse", &steps, arguments.dry_run)?;
        let kept = match arguments.dry_run {
            true => database.plan_keep(&arguments.keep).await?,
            false => database.keep(&arguments.keep).await?,
        };
        let verb = if arguments.dry_run { "would keep" } else { "keeps" };
        for kept in kept {
            writeln!(stdout(), "clickhouse: {verb} {kept}")?;
        }
    }
    if arguments.kafka.is_set() {
        topics(&arguments).await?;
    }
    Ok(())
}

/// Makes Kafka's topics. A dry run only looks: one with other partitions is told all the same.
async fn topics(arguments: &Arguments) -> anyhow::Result<()> {
    let layout = Layout {
        partitions: arguments.partitions,
        copies: arguments.kafka_copies,
        keep_hours: arguments.kafka_keep_hours,
    };
    if let (true, Some(url)) = (arguments.grow, &arguments.database_url) {
        let open = postgres::journals_open_below(url, layout.partitions).await?;
        anyhow::ensure!(
            open.is_empty(),
            "records for fewer than {} partitions are not all decided: {}",
            layout.partitions,
            open.join("; ")
        );
    }
    let mut out = stdout().lock();
    if arguments.dry_run {
        if arguments.grow {
            kafka::check_growing(&arguments.kafka, layout.partitions, KAFKA_LIMIT)?;
            writeln!(out, "kafka: would have {} partitions", layout.partitions)?;
            return Ok(());
        }
        match kafka::check(&arguments.kafka, layout.partitions, KAFKA_LIMIT) {
            Ok(()) => writeln!(out, "kafka: up to date")?,
            Err(kafka::Error::NoTopic(name)) => writeln!(out, "kafka: would make {name}")?,
            Err(error) => return Err(error.into()),
        }
        return Ok(());
    }
    let done = match arguments.grow {
        true => kafka::grow(&arguments.kafka, layout, KAFKA_LIMIT).await?,
        false => kafka::create(&arguments.kafka, layout, KAFKA_LIMIT).await?,
    };
    for found in done {
        match found {
            Found::Made(name) => writeln!(
                out,
                "kafka: made {name}, {} partitions, kept {} hours",
                layout.partitions, layout.keep_hours
            )?,
            Found::There(name) => writeln!(out, "kafka: {name} is there")?,
            Found::Grown(name, from) => {
                writeln!(out, "kafka: {name} has {} partitions, it had {from}", layout.partitions)?
            }
        }
    }
    Ok(())
}

fn report(store: &str, steps: &[Step], dry_run: bool) -> std::io::Result<()> {
    let mut out = stdout().lock();
    let verb = if dry_run { "would apply" } else { "applied" };
    for step in steps {
        writeln!(out, "{store}: {verb} {:04} {}", step.version, step.name)?;
    }
    if steps.is_empty() {
        writeln!(out, "{store}: up to date")?;
    }
    Ok(())
}
