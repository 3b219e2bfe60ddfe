//! `tributary demo`: `serve` on real traffic: four days imported, then played live for ever.

use std::process::ExitCode;

use super::serve::with_everything;
use crate::config::Config;
use crate::demo;
use crate::installation::Installation;
use crate::reset;

/// As `serve`, and how to play.
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    config: Config,
    /// Forget everything in the data folder and begin anew.
    #[arg(long)]
    reset: bool,
    /// Events played a second.
    #[arg(long, default_value_t = 20.0, value_name = "EVENTS")]
    per_second: f64,
}

pub(super) fn run(options: Options) -> anyhow::Result<ExitCode> {
    if options.reset {
        reset::reset(&options.config.folder.data, options.config.database_url.as_deref())?;
    }
    let per_second = options.per_second;
    let mut installation = Installation::open(options.config)?;
    installation.is_demo = true;
    with_everything(
        &installation,
        async |installation| {
            demo::seed_links(installation, demo::lines()?).await?;
            demo::seed_accounts(installation).await?;
            demo::import_bundled(installation).await?;
            Ok(())
        },
        async |installation| demo::play_for_ever(installation, per_second).await,
    )
}
