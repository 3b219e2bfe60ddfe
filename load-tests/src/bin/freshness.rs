//! `freshness`: how long from a click's answer until the API's numbers hold it, at a steady rate.
//!
//! Some clicks are marked in `sub10`; the API is asked for the marks again and again, and a mark's
//! time is that of the first answer with it. The control is what the engine alone needs to take one row
//! and give it back; the ratio is of the 99th percentiles.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use chrono::Utc;
use clap::Parser;
use load_tests::{
    api::Api,
    broker,
    clicker::{self, Pace, Request},
    generate::{Shape, Visits},
    system::System,
    table::{percentile, print},
};
use tokio::time::{Instant, sleep, timeout};

/// Marks fit into one answer of the API.
const MOST_MARKS: u64 = 3000;
/// Clicks happen before they are answered, so much at most.
const BEFORE: Duration = Duration::from_secs(5);
/// How long the last marks may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Measures how soon a click shows in the API.
#[derive(Parser)]
struct Arguments {
    /// Clicks a second.
    #[arg(long, default_value_t = 1000)]
    per_second: u64,
    /// How long.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Between collector and processor, through a broker on this machine.
    #[arg(long)]
    kafka: bool,
}

/// When each marked click was answered, and what is not seen yet.
#[derive(Default)]
struct Marks {
    waiting: HashMap<String, Instant>,
    seen: Vec<Duration>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let folder = load_tests::system::folder()?;
    let broker = match arguments.kafka {
        true => Some(broker::start(folder.path(), broker::PARTITIONS).await?),
        false => None,
    };
    let servers = broker.as_ref().map(|broker| broker.config().servers.join(","));
    let mut environment = vec![("RUST_LOG", "warn")];
    environment.extend(servers.iter().map(|servers| ("TRIBUTARY_KAFKA", servers.as_str())));
    let system = System::start(folder.path(), &environment).await?;
    system.seed().await?;
    system.knows_links(24).await?;
    let api = Api::of(&system);

    let control = control(&system).await?;
    let marks = Arc::new(Mutex::new(Marks::default()));
    let clicking = async {
        let begun = Instant::now();
        let sent = send(&system, &arguments, &marks).await?;
        let rate = sent as f64 / begun.elapsed().as_secs_f64();
        wait_for_all(&marks).await?;
        anyhow::Ok((sent, rate))
    };
    let mut watching = tokio::spawn(watch(api.clone(), Arc::clone(&marks)));
    let (sent, rate) = tokio::select! {
        clicked = clicking => clicked?,
        // It ends only with an error, and without it nothing is ever seen.
        failed = &mut watching => bail!("the API was not watched to the end: {:?}", failed?),
    };
    watching.abort();
    system.stop().await?;

    let mut seen = marks.lock().ok().context("the watcher failed")?.seen.clone();
    // In the order they were seen in: a growth shows.
    let (first, second) = seen.split_at(seen.len() / 2);
    let (mut first, mut second) = (first.to_vec(), second.to_vec());
    [&mut seen, &mut first, &mut second].into_iter().for_each(|times| times.sort_unstable());
    let rows = [
        row("click to API", &seen),
        row("first half of them", &first),
        row("second half", &second),
        row("control: engine alone, one row", &control),
    ];
    let p99 = |times: &[Duration]| percentile(times, 99.0).context("nothing was measured");
    let ratio = p99(&seen)?.as_secs_f64() / p99(&control)?.as_secs_f64();
    let watched = seen.len();
    let last = format!("{sent} clicks at {rate:.0}/s, {watched} of them watched\nratio {ratio:.2}");
    print(&["seconds", "p50", "p90", "p99", "worst"], &rows, &last)?;
    Ok(())
}

fn row(name: &str, sorted: &[Duration]) -> Vec<String> {
    let at = |p| format!("{:.3}", percentile(sorted, p).unwrap_or_default().as_secs_f64());
    vec![name.to_owned(), at(50.0), at(90.0), at(99.0), at(100.0)]
}

/// Sends clicks at the rate, one in `every` marked.
async fn send(system: &System, arguments: &Arguments, marks: &Arc<Mutex<Marks>>) -> Result<u64> {
    let clicks = arguments.per_second * arguments.seconds;
    let every = clicks.div_ceil(MOST_MARKS).max(1);
    let codes = codes(system).await?;
    let shape = Shape { links: codes.len() as u32, ..Shape::default() };
    let requests = (0..clicks).zip(Visits::new(shape)).map(|(n, visit)| {
        let mark = (n % every == 0).then(|| format!("mark{n}"));
        Request::click(&format!("/c/{}", codes[visit.link as usize]), &visit, mark)
    });
    let pace = Pace { per_second: arguments.per_second, clicks };
    let marks = Arc::clone(marks);
    let answered = move |mark, at| {
        if let Ok(mut marks) = marks.lock() {
            marks.waiting.insert(mark, at);
        }
    };
    clicker::send(&system.collector, pace, requests, answered).await
}

async fn codes(system: &System) -> Result<Vec<String>> {
    let mut owner = system.owner().await?;
    let codes = sqlx::query_scalar("SELECT code FROM affiliate_affiliatelink ORDER BY id");
    Ok(codes.fetch_all(&mut owner).await?)
}

/// Asks for the marks until it is stopped: for those of the time since the oldest that is not seen, or the question
/// itself would take longer and longer.
#[expect(clippy::disallowed_methods, reason = "what is asked for ends now")]
async fn watch(api: Api, marks: Arc<Mutex<Marks>>) -> Result<()> {
    loop {
        let since = Utc::now() - longest(&marks) - BEFORE;
        let since_ms = since.timestamp_millis();
        let answer = api.stats_since(since_ms, &["sub10"], "&sub10=-(none)").await?;
        let now = Instant::now();
        if let Ok(mut marks) = marks.lock() {
            for mark in answer.keys() {
                if let Some(answered) = marks.waiting.remove(mark) {
                    marks.seen.push(now - answered);
                }
            }
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// How long ago the oldest mark was answered that is not seen.
fn longest(marks: &Mutex<Marks>) -> Duration {
    let oldest = marks.lock().ok().and_then(|marks| marks.waiting.values().min().copied());
    oldest.map_or(Duration::ZERO, |answered| answered.elapsed())
}

async fn wait_for_all(marks: &Mutex<Marks>) -> Result<()> {
    let left = || marks.lock().map_or(usize::MAX, |marks| marks.waiting.len());
    let all = async {
        while left() > 0 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    if timeout(PATIENCE, all).await.is_err() {
        bail!("{} marked clicks do not show after {PATIENCE:?}", left());
    }
    Ok(())
}

/// One row into a table of the engine's, and back.
async fn control(system: &System) -> Result<Vec<Duration>> {
    let ask = async |statement: String| system.clickhouse("owner", &statement).await;
    ask("CREATE TABLE control (n UInt64) ENGINE = MergeTree ORDER BY n".to_owned()).await?;
    let mut took = Vec::new();
    for n in 0..100 {
        let begun = Instant::now();
        ask(format!("INSERT INTO control VALUES ({n})")).await?;
        let found = ask(format!("SELECT count() FROM control WHERE n = {n} FORMAT TSV")).await?;
        ensure!(found.trim() == "1", "the engine lost a row");
        took.push(begun.elapsed());
    }
    ask("DROP TABLE control".to_owned()).await?;
    took.sort_unstable();
    Ok(took)
}
