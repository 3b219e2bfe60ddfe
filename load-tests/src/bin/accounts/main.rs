//! `accounts`: what signing in and being signed in cost. Pages of who is signed in at a steady rate on one core; the same
//! while hundreds sign in each second; the question each request asks; and ten thousand sessions.
//!
//! The control of pages is `/health` at the same rate in the same run, of the question `SELECT 1`.

mod load;
mod sessions;

use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use load_tests::{
    system::{Part, System},
    table::{percentile, print},
};

use load::{Rate, asked, sign_ins};

/// Measures what accounts cost.
#[derive(Parser)]
struct Arguments {
    /// Pages a second.
    #[arg(long, default_value_t = 200)]
    pages_per_second: u64,
    /// Attempts to sign in a second.
    #[arg(long, default_value_t = 500)]
    sign_ins_per_second: u64,
    /// How long each part takes.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Sessions.
    #[arg(long, default_value_t = 10_000)]
    sessions: u32,
}

/// What is asked for as somebody signed in.
const PAGES: [&str; 3] = ["/accounts/profile/", "/affiliate/links/", "/affiliate/programs/"];
/// Attempts come from one address here, which no rule would let through.
const LIMITS: &str = "sign_in_address=1000000/60,sign_in_network=1000000/60,api_address=1000000/60";

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let folder = load_tests::system::folder()?;
    let environment = [("RUST_LOG", "warn"), ("TRIBUTARY_LIMITS", LIMITS)];
    let system = System::start(folder.path(), &environment).await?;
    system.seed().await?;
    let pids = system.pids(Part::Api).await?;
    load::keep_to_one_core(&pids).await?;
    let cookies = sessions::make(&system, arguments.sessions).await?;
    let rate = |per_second| Rate { per_second, seconds: arguments.seconds };

    let mut rows = Vec::new();
    let health = asked(&system, &["/health"], &cookies, rate(arguments.pages_per_second)).await?;
    rows.push(row("control: /health", &health));
    for page in PAGES {
        let times = asked(&system, &[page], &cookies, rate(arguments.pages_per_second)).await?;
        rows.push(row(page, &times));
    }
    let quiet = rate(50);
    let (flood, during) = tokio::join!(
        sign_ins(&system, rate(arguments.sign_ins_per_second)),
        asked(&system, &PAGES, &cookies, quiet),
    );
    let (judged, busy) = flood?;
    rows.push(row("pages while many sign in", &during?));
    let (control, question) = sessions::question(&system, &cookies).await?;
    rows.push(row("control: SELECT 1", &control));
    rows.push(row("whose session it is", &question));
    let (before, after, table) = sessions::memory(&system, &cookies).await?;
    system.stop().await?;

    let last = format!(
        "{} sign-ins a second: {judged} judged, {busy} told to come back\n{} sessions, each asked with: api {before} to {after} kB, their table {table} kB",
        arguments.sign_ins_per_second,
        cookies.len()
    );
    print(&["milliseconds", "p50", "p95", "p99", "worst"], &rows, &last)?;
    Ok(())
}

fn row(name: &str, times: &[Duration]) -> Vec<String> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let at = |p| {
        let time = percentile(&sorted, p).unwrap_or_default();
        format!("{:.3}", time.as_secs_f64() * 1000.0)
    };
    vec![name.to_owned(), at(50.0), at(95.0), at(99.0), at(100.0)]
}
