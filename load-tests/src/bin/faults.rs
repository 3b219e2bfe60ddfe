//! `faults`: plays traffic against two collectors, three brokers, two processors and both stores while
//! they are killed, frozen and cut off, and asks every store for every number afterwards.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Result, ensure};
use clap::Parser;
use load_tests::{
    faults::{self, schedule::Plan, stage::Stage},
    stores,
};

/// Tries to break the promise that nothing acknowledged is lost and nothing counts twice.
#[derive(Parser)]
struct Arguments {
    /// How many seeds to try.
    #[arg(long, default_value_t = 20)]
    seeds: u64,
    /// The first of them; one that failed is repeated by its number.
    #[arg(long, default_value_t = 1)]
    first_seed: u64,
    /// Seconds of traffic and faults for each seed.
    #[arg(long, default_value_t = 12)]
    seconds: u64,
    /// Freeze one processor for so many seconds in each seed, which is then as long as that takes: 60, or 600.
    #[arg(long)]
    frozen_s: Option<u64>,
    /// Print each seed's schedule, also where all went well.
    #[arg(long)]
    verbose: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if !stores::are_around() {
        return stores::around(None).await;
    }
    let mut stage = Stage::set().await?;
    let mut failed = Vec::new();
    let plan = Plan {
        length: Duration::from_secs(arguments.seconds),
        frozen: arguments.frozen_s.map(Duration::from_secs),
    };
    for seed in arguments.first_seed..arguments.first_seed + arguments.seeds {
        let begun = std::time::Instant::now();
        let outcome = faults::run(&mut stage, seed, &plan).await?;
        let held = outcome.wrong.is_empty();
        let mut out = std::io::stdout().lock();
        writeln!(
            out,
            "seed {seed}: {} clicks and {} conversions acknowledged, {} faults, {:.0} s: {}",
            outcome.clicks,
            outcome.conversions,
            outcome.schedule.len(),
            begun.elapsed().as_secs_f64(),
            if held { "held" } else { "BROKEN" },
        )?;
        if !held || arguments.verbose {
            for event in &outcome.schedule {
                writeln!(out, "  {event}")?;
            }
            for what in &outcome.wrong {
                writeln!(out, "  wrong: {what}")?;
            }
        }
        if !held {
            let kept = keep(&outcome.logs, seed)?;
            writeln!(out, "  logs: {}", kept.display())?;
            failed.push(seed);
        }
    }
    ensure!(
        failed.is_empty(),
        "broken by seeds {failed:?}: `make faults FIRST_SEED=n SEEDS=1` repeats one"
    );
    Ok(())
}

/// Copies the logs of a seed that failed to where they outlive this program.
fn keep(logs: &Path, seed: u64) -> Result<PathBuf> {
    let kept = PathBuf::from(format!("target/faults/seed-{seed}"));
    fs::create_dir_all(&kept)?;
    for entry in fs::read_dir(logs)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "log")
            && let Some(name) = path.file_name()
        {
            fs::copy(&path, kept.join(name))?;
        }
    }
    Ok(kept)
}
