//! `tributary audit`: whether everything announced was received, decided and stored, once, in both stores.

use std::process::ExitCode;

use processor::audit::Extent;

use crate::operator::{Target, processor_config};
use crate::process;

/// Which installation, and how to say it.
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    target: Target,
    /// Compare only the events of these days of UTC, as 2026-11-20 or 2026-11-20..2026-11-22, by what both stores
    /// keep: journals and Kafka are not asked.
    #[arg(long, value_name = "DAYS")]
    range: Option<Extent>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// Exits with 1 when something does not agree, and names it.
pub(super) fn run(options: Options) -> anyhow::Result<ExitCode> {
    let installation = options.target.attach()?;
    let config = processor_config(&installation)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let extent = options.range.unwrap_or_default();
    let report = runtime.block_on(processor::audit::run_over(&config, &extent))?;
    let text =
        if options.json { serde_json::to_string_pretty(&report)? } else { report.to_string() };
    process::print(&format!("{}\n", text.trim_end()))?;
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
