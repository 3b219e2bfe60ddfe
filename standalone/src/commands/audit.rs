//! `tributary audit`: whether everything announced was received, decided and stored, once, in both stores.

use std::process::ExitCode;

use crate::operator::{Target, processor_config};
use crate::process;

/// Which installation, and how to say it.
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    target: Target,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// Exits with 1 when something does not agree, and names it.
pub(super) fn run(options: Options) -> anyhow::Result<ExitCode> {
    let installation = options.target.attach()?;
    let config = processor_config(&installation)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(processor::audit::run(&config))?;
    let text =
        if options.json { serde_json::to_string_pretty(&report)? } else { report.to_string() };
    process::print(&format!("{}\n", text.trim_end()))?;
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
