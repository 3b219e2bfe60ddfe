//! `tributary repair …`: makes what is derived from the raw events true again.

use std::process::ExitCode;

use chrono::NaiveDate;

use crate::operator::{Target, processor_config};
use crate::process;
use crate::progress::Waiting;

/// Which installation, and what.
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Makes every rollup of a day the sums of its raw rows. Sending to ClickHouse pauses meanwhile; nobody sees a
    /// day half rebuilt.
    Rollup {
        /// The day, as `2026-11-23`, in the site's reporting time zone.
        day: NaiveDate,
    },
}

pub(super) fn run(options: Options) -> anyhow::Result<ExitCode> {
    let installation = options.target.attach()?;
    let What::Rollup { day } = options.what;
    let config = processor_config(&installation)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let waiting = Waiting::show("waiting until no insert is under way, then comparing");
    let repaired =
        runtime.block_on(processor::repair::rollup(&config.stores, &config.window, day))?;
    waiting.done();
    for rollup in repaired {
        let verdict = match rollup.rows {
            0 => "was right".to_owned(),
            rows => format!("{rows} rows put right"),
        };
        process::print(&format!("{day} {:28} {verdict}\n", rollup.table))?;
    }
    Ok(ExitCode::SUCCESS)
}
