//! `dashboard`: how long people and programs wait for an answer with many clicks stored.
//!
//! Starts private stores (`tributary stores`), fills them with generated clicks of the latest days and their
//! conversions, encoded and inserted as the processor does it, waits until ClickHouse has merged, starts the real API
//! and asks over HTTP what its pages and its JSON ask, each question many times with other values. The control is a
//! question that both stores answer with a constant. No journal is written: what decides is measured by
//! `processor_drain`.

mod ask;
mod fill;
mod place;
mod questions;
mod rows;
mod seed;
mod traffic;

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use load_tests::stores;

use ask::Api;
use place::Place;

/// Asks the dashboard's questions with many clicks stored.
#[derive(Parser)]
struct Arguments {
    /// Clicks, about.
    #[arg(long, default_value_t = 100_000_000)]
    clicks: u64,
    /// Days that they are spread over, to this minute.
    #[arg(long, default_value_t = 90)]
    days: u16,
    /// How often each question is asked.
    #[arg(long, default_value_t = 40)]
    times: usize,
    /// Ask only questions with this in their name.
    #[arg(long, default_value = "")]
    only: String,
    /// A folder for the stores, kept and used again as it is filled. A temporary one if not given.
    #[arg(long)]
    keep: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        if !stores::are_around() {
            if let Some(folder) = &arguments.keep {
                std::fs::create_dir_all(folder)?;
            }
            return stores::around(arguments.keep.as_deref()).await;
        }
        run(&arguments).await
    })
}

async fn run(arguments: &Arguments) -> Result<()> {
    let place = Place::prepare().await?;
    if !place.is_filled().await? {
        fill::fill(&place, arguments.clicks, arguments.days).await?;
    }
    place.tell().await?;
    let api = Api::start(&place).await?;
    let known = questions::Known::of(&place).await?;
    ask::all(&api, &known, arguments).await
}
