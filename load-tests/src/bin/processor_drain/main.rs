//! `processor_drain`: how fast the processor takes clicks (and conversions) that do not repeat into both
//! stores, everything included: rollups, merges, positions, claims.
//!
//! Starts private stores of its own (`tributary stores`), writes the journal, drains it, waits until
//! ClickHouse has merged, audits, and measures what a click takes on the disk. With `--kafka` a collector
//! ships the journal to a broker first, and the processor reads it from there. The control is the same
//! log read to its end and nothing done with it.

mod event_log;
mod log;
mod measure;
mod memory;
mod takeover;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use load_tests::{generate::Shape, links, merges, stores, table::print};
use migrations::testing::{Clickhouse, Postgres, Role};
use processor::Config;

use event_log::EventLog;
use measure::{Cpu, per_second};
use memory::{Memory, megabytes};

/// Drains a log of generated clicks into both stores.
#[derive(Parser)]
struct Arguments {
    /// Clicks in the log.
    #[arg(long, default_value_t = 10_000_000)]
    clicks: u64,
    /// Conversions in it, spread over the clicks evenly.
    #[arg(long, default_value_t = 0)]
    conversions: u64,
    /// Links that take them, by popularity.
    #[arg(long, default_value_t = 10_000)]
    links: u32,
    /// Most clicks in one transaction.
    #[arg(long, default_value_t = 250_000)]
    rows: usize,
    /// Through a Kafka broker on this machine.
    #[arg(long)]
    kafka: bool,
    /// Nobody comes twice, and afterwards another processor takes over.
    #[arg(long)]
    takeover: bool,
    /// Where log and stores lie; a temporary folder if not given.
    #[arg(long)]
    folder: Option<std::path::PathBuf>,
}

#[derive(Parser)]
struct Settings {
    #[command(flatten)]
    config: Config,
}

/// What draining took.
struct Drained {
    /// The log read alone.
    control: Duration,
    /// CPU time of that.
    control_cpu: Duration,
    /// Until every row was in ClickHouse.
    wall: Duration,
    /// Until it had merged, too.
    merged: Duration,
    /// CPU time of the processor.
    own: Duration,
    /// CPU time of everything.
    machine: Duration,
    memory: Memory,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        match stores::are_around() {
            true => run(&arguments).await,
            false => stores::around(arguments.folder.as_deref()).await,
        }
    })
}

async fn run(arguments: &Arguments) -> Result<()> {
    let folder = load_tests::system::folder()?;
    let root = arguments.folder.as_deref().unwrap_or(folder.path());
    let (postgres, clickhouse) = (Postgres::fresh().await, Clickhouse::fresh().await);
    links::seed(&postgres.pool(Role::Owner).await, arguments.links).await?;
    let config = settings(root, &postgres, &clickhouse, arguments.rows)?;
    let bytes = log::write(root, arguments.clicks, arguments.conversions, shape(arguments)?)?;
    let events = match arguments.kafka {
        true => Some(EventLog::fill(root, &postgres, bytes).await?),
        false => None,
    };
    let stores = (&postgres, &clickhouse);
    let drained = drain(arguments, root, &config, events.as_ref(), stores).await?;

    let report = processor::audit::run(&config).await?;
    ensure!(report.is_clean(), "{report}");
    let rows = measure::rows(&clickhouse).await?;
    ensure!(rows == arguments.clicks, "{rows} rows of {} clicks", arguments.clicks);
    ensure!(
        report.conversions == arguments.conversions && report.ledger_txs == arguments.conversions,
        "of {} conversions {} are stored and {} paid",
        arguments.conversions,
        report.conversions,
        report.ledger_txs
    );
    tell(arguments, &drained, bytes, measure::stored(&clickhouse).await?)?;
    if arguments.takeover {
        takeover::measure(root, &postgres, &clickhouse).await?;
    }
    Ok(())
}

async fn drain(
    arguments: &Arguments,
    root: &Path,
    config: &Config,
    events: Option<&EventLog>,
    (postgres, clickhouse): (&Postgres, &Clickhouse),
) -> Result<Drained> {
    let (begun, cpu) = (Instant::now(), Cpu::own()?);
    let records = match events {
        Some(events) => events.read(arguments.clicks)?,
        None => log::read(root)?,
    };
    ensure!(records >= arguments.clicks, "the log has {records} records");
    let (control, control_cpu) = (begun.elapsed(), Cpu::own()?.since(&cpu));
    let memory = Memory::watch();
    let (cpu, all, begun) = (Cpu::own()?, Cpu::machine()?, Instant::now());
    match events {
        Some(events) => {
            let owner = postgres.pool(Role::Owner).await;
            let (clicks, conversions) = (arguments.clicks, arguments.conversions);
            let stored = measure::wait_for_rows(&owner, clickhouse, clicks, conversions);
            let config = Config { kafka: events.config(), ..config.clone() };
            let (send, stop) = tokio::sync::oneshot::channel();
            let running = processor::run(config, async {
                let _ = stop.await;
            });
            let waiting = async {
                let waited = stored.await;
                let _ = send.send(());
                waited
            };
            let (ran, waited) = tokio::join!(running, waiting);
            ran?;
            waited?;
        }
        None => processor::drain(config.clone()).await?,
    }
    let (wall, own) = (begun.elapsed(), Cpu::own()?.since(&cpu));
    let memory = memory.end();
    merges::wait(&clickhouse.client()).await?;
    let (merged, machine) = (begun.elapsed(), Cpu::machine()?.since(&all));
    Ok(Drained { control, control_cpu, wall, merged, own, machine, memory })
}

fn tell(
    arguments: &Arguments,
    drained: &Drained,
    bytes: u64,
    (raw, days): (u64, u64),
) -> Result<()> {
    let (clicks, conversions) = (arguments.clicks, arguments.conversions);
    let events = clicks + conversions;
    let line = |what: &str, time: Duration| {
        let each = time.as_secs_f64() * 1e6 / events as f64;
        vec![
            what.to_owned(),
            format!("{:.1}", time.as_secs_f64()),
            format!("{each:.2}"),
            per_second(events, time),
        ]
    };
    let source = if arguments.kafka { "Kafka" } else { "journal" };
    let mut table = vec![
        line(&format!("control: {source} read and decoded alone"), drained.control),
        line("the same, CPU time", drained.control_cpu),
        line("processor, its own CPU time", drained.own),
        line("whole machine, CPU time", drained.machine),
        line("wall, every row in ClickHouse", drained.wall),
        line("wall, merges done too", drained.merged),
    ];
    for (what, stored) in [("journal", bytes), ("clicks in ClickHouse", raw), ("day rollups", days)]
    {
        let each = stored as f64 / events as f64;
        table.push(vec![
            format!("{what}, bytes"),
            stored.to_string(),
            format!("{each:.2}"),
            String::new(),
        ]);
    }
    for (what, bytes) in drained.memory.lines() {
        table.push(vec![what.to_owned(), megabytes(bytes), String::new(), String::new()]);
    }
    let paid = per_second(conversions, drained.wall);
    print(
        &[&format!("{clicks} clicks"), "seconds", "per event (µs, bytes)", "events/s"],
        &table,
        &format!(
            "{conversions} conversions, {paid}/s\nrate {}",
            per_second(events, drained.merged)
        ),
    )?;
    Ok(())
}

/// The latest days of visits: what the stores empty or forget with age is still there to be measured.
#[expect(clippy::disallowed_methods, reason = "the visits end now")]
fn shape(arguments: &Arguments) -> Result<Shape> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let mut shape = Shape { links: arguments.links, ..Shape::default() };
    if arguments.takeover {
        (shape.bots, shape.returning) = (0.0, 0.0);
        // All of them within the window of a day.
        shape.per_second = (arguments.clicks as f64 / 40_000.0).max(1.0);
    }
    let length = Duration::from_secs_f64(arguments.clicks as f64 / shape.per_second);
    // The hours of a day differ: half as much again is enough for any part of one.
    let start = now.saturating_sub(length + length / 2);
    Ok(Shape { start_ms: u64::try_from(start.as_millis())?, ..shape })
}

fn settings(
    root: &Path,
    postgres: &Postgres,
    clickhouse: &Clickhouse,
    rows: usize,
) -> Result<Config> {
    let path = |name: &str| root.join(name).display().to_string();
    std::fs::create_dir_all(root.join("journal")).context("the folder of journals")?;
    std::fs::write(root.join("keys"), log::KEYS)?;
    let rows = rows.to_string();
    let flags = [
        ("--database-url", postgres.url(Role::Processor)),
        ("--clickhouse-url", clickhouse.url().to_owned()),
        ("--clickhouse-database", clickhouse.database().to_owned()),
        ("--journal", path("journal")),
        ("--keys", path("keys")),
        ("--claims-dir", path("claims")),
        ("--rows", rows),
    ];
    let mut arguments = vec!["processor_drain".to_owned()];
    arguments.extend(flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]));
    if let Some(geo) = std::env::var_os("TRIBUTARY_GEO") {
        arguments.extend(["--geo".to_owned(), geo.to_string_lossy().into_owned()]);
    }
    Ok(Settings::try_parse_from(arguments)?.config)
}
