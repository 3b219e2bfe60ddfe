//! `tributary run-processor|run-api|run-collector`: the services as children of `serve` and `demo`.
//!
//! Each is the very library its own binary runs; what it needs comes in its environment.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::layout::Layout;
use crate::process;

/// The folder whose tributary this child belongs to.
#[derive(clap::Args)]
pub(super) struct Parent {
    /// The data folder.
    #[arg(long, env = "TRIBUTARY_DATA")]
    data: PathBuf,
}

/// Of the processor.
#[derive(clap::Args)]
pub(super) struct Processor {
    #[command(flatten)]
    parent: Parent,
    #[command(flatten)]
    config: processor::Config,
}

/// Of the API.
#[derive(clap::Args)]
pub(super) struct Api {
    #[command(flatten)]
    parent: Parent,
    #[command(flatten)]
    config: api::Config,
}

/// Of the collector.
#[derive(clap::Args)]
pub(super) struct Collector {
    #[command(flatten)]
    parent: Parent,
    #[command(flatten)]
    config: collector::Config,
}

pub(super) fn processor(options: Processor) -> anyhow::Result<ExitCode> {
    let _joined = process::join_supervisor(&Layout::existing(&options.parent.data)?)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(processor::run(options.config, process::stop_signal()))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn api(options: Api) -> anyhow::Result<ExitCode> {
    let _joined = process::join_supervisor(&Layout::existing(&options.parent.data)?)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(api::run(options.config, process::stop_signal()))?;
    Ok(ExitCode::SUCCESS)
}

/// The collector makes runtimes of its own, one for each core.
pub(super) fn collector(options: Collector) -> anyhow::Result<ExitCode> {
    let _joined = process::join_supervisor(&Layout::existing(&options.parent.data)?)?;
    collector::run(options.config, process::stop_signal())?;
    Ok(ExitCode::SUCCESS)
}
