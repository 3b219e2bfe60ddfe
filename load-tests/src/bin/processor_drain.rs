//! `processor_drain`: how fast the processor takes a journal of clicks that do not repeat into both
//! stores, everything included: rollups, merges, positions, claims.
//!
//! Starts private stores of its own (`tributary stores`), writes the journal, drains it, waits until
//! ClickHouse has merged, audits, and measures what a click takes on the disk. The control is the
//! journal read to its end by its reader alone.

#[path = "processor_drain/log.rs"]
mod log;
#[path = "processor_drain/measure.rs"]
mod measure;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use load_tests::{generate::Shape, links, stores, table::print};
use migrations::testing::{Clickhouse, Postgres, Role};
use processor::Config;

use measure::{Cpu, per_second};

/// Drains a journal of generated clicks into both stores.
#[derive(Parser)]
struct Arguments {
    /// Clicks in the journal.
    #[arg(long, default_value_t = 10_000_000)]
    clicks: u64,
    /// Links that take them, by popularity.
    #[arg(long, default_value_t = 10_000)]
    links: u32,
    /// Most clicks in one transaction.
    #[arg(long, default_value_t = 250_000)]
    rows: usize,
    /// Where journal and stores lie; a temporary folder if not given.
    #[arg(long)]
    folder: Option<std::path::PathBuf>,
}

#[derive(Parser)]
struct Settings {
    #[command(flatten)]
    config: Config,
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
    let bytes = log::write(root, arguments.clicks, shape(arguments)?)?;

    let control = control(root)?;
    let cpu = Cpu::own()?;
    let all = Cpu::machine()?;
    let begun = Instant::now();
    processor::drain(config.clone()).await?;
    let (drained, own) = (begun.elapsed(), Cpu::own()?.since(&cpu));
    measure::wait_for_merges(&clickhouse).await?;
    let (merged, busy) = (begun.elapsed(), Cpu::machine()?.since(&all));

    let report = processor::audit::run(&config).await?;
    ensure!(report.is_clean(), "{report}");
    let rows = measure::rows(&clickhouse).await?;
    ensure!(rows == arguments.clicks, "{rows} rows of {} clicks", arguments.clicks);
    let (raw, days) = measure::stored(&clickhouse).await?;
    let clicks = arguments.clicks;
    let line = |what: &str, time: Duration| {
        let each = time.as_secs_f64() * 1e6 / clicks as f64;
        vec![
            what.to_owned(),
            format!("{:.1}", time.as_secs_f64()),
            format!("{each:.2}"),
            per_second(clicks, time),
        ]
    };
    let mut table = vec![
        line("control: journal read alone", control),
        line("processor, its own CPU time", own),
        line("whole machine, CPU time", busy),
        line("wall, every row in ClickHouse", drained),
        line("wall, merges done too", merged),
    ];
    for (what, stored) in [("journal", bytes), ("clicks in ClickHouse", raw), ("day rollups", days)]
    {
        let each = stored as f64 / clicks as f64;
        table.push(vec![
            format!("{what}, bytes"),
            stored.to_string(),
            format!("{each:.2}"),
            String::new(),
        ]);
    }
    print(
        &[&format!("{clicks} clicks"), "seconds", "per click (µs, bytes)", "clicks/s"],
        &table,
        &format!("rate {}", (clicks as f64 / merged.as_secs_f64()) as u64),
    )?;
    Ok(())
}

/// The latest days of visits: what the stores empty or forget with age is still there to be measured.
#[expect(clippy::disallowed_methods, reason = "the visits end now")]
fn shape(arguments: &Arguments) -> Result<Shape> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let shape = Shape { links: arguments.links, ..Shape::default() };
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

/// The journal read to its end, and nothing done with it.
fn control(root: &Path) -> Result<Duration> {
    let begun = Instant::now();
    let read = log::read(root)?;
    ensure!(read > 0, "the journal is empty");
    Ok(begun.elapsed())
}
