//! A machine that tries to break the promise: nothing acknowledged is lost, nothing counts twice.
//!
//! Real stores, three real brokers, two collectors and two processors as processes; traffic with a number
//! in each event; faults drawn from a seed. At the end every store is asked for every number. Refuses to
//! reach inside: it sees ports, processes, files and tables, as an operator does.

mod actor;
pub mod cast;
pub mod disk;
pub mod proxy;
pub mod schedule;
mod settle;
pub mod stage;
pub mod traffic;
pub mod verdict;

use std::path::PathBuf;

use anyhow::{Context, Result};
use tokio::time::{Instant, sleep_until};

use cast::Cast;
use schedule::{Event, Plan, schedule};
use stage::Stage;
use traffic::Traffic;

/// What a run showed.
#[derive(Debug)]
pub struct Outcome {
    /// What was done to it, and when.
    pub schedule: Vec<Event>,
    /// Clicks acknowledged.
    pub clicks: usize,
    /// Conversions acknowledged.
    pub conversions: usize,
    /// Everything that is not as it should be; empty when the promise held.
    pub wrong: Vec<String>,
    /// Where the processes' logs lie, as long as the stage stands.
    pub logs: PathBuf,
}

/// Plays under the faults of a seed, lets everything settle, and judges.
///
/// # Errors
/// When the machine itself does not work: what the system does wrong is in the outcome.
pub async fn run(stage: &mut Stage, seed: u64, plan: &Plan) -> Result<Outcome> {
    let events = schedule(seed, plan);
    let mut cast = Cast::start(stage, seed).await.context("the processes do not start")?;
    let traffic = Traffic::begin(&cast, seed);
    let begun = Instant::now();
    for event in &events {
        sleep_until(begun + event.at).await;
        cast.suffer(stage, &event.fault).await.with_context(|| format!("{event}"))?;
    }
    sleep_until(begun + plan.length()).await;
    let told = traffic.end().await;
    let wrong = match cast.calm(stage).await {
        Ok(()) => verdict::judge(&mut cast, &told).await?,
        Err(error) => vec![format!("somebody does not come back: {error:#}")],
    };
    let logs = cast.folder().to_owned();
    cast.end().await;
    let (clicks, conversions) = (told.clicks.len(), told.conversions.len());
    Ok(Outcome { schedule: events, clicks, conversions, wrong, logs })
}
