//! `tributary import …`: brings events of a file into a running installation.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::demo;
use crate::operator::Target;
use crate::process;
use crate::traffic::log;

/// Where to, and what.
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    source: Source,
}

#[derive(clap::Subcommand)]
enum Source {
    /// A web server's log in combined format, plain or gzip. Its times are moved so that it ends now. Killed, it
    /// goes on where it was; repeated, it changes nothing.
    AccessLog {
        /// The log.
        file: PathBuf,
        /// First make the programs, affiliates and links that the log asks for.
        #[arg(long)]
        create_links: bool,
    },
}

pub(super) fn run(options: Options) -> anyhow::Result<ExitCode> {
    let installation = options.target.attach()?;
    let Source::AccessLog { file, create_links } = options.source;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let imported = runtime.block_on(async {
        if create_links {
            demo::seed_links(&installation, log::open(&file)?).await?;
        }
        demo::import_log(&installation, file).await
    })?;
    let counts = imported.counts;
    let verb = match (imported.repeated, imported.went_on_after) {
        (true, _) => "was imported before".to_owned(),
        (false, Some(line)) => format!("went on after line {line} and imported"),
        (false, None) => "imported".to_owned(),
    };
    process::print(&format!(
        "{verb}: {} lines, {} clicks, {} conversions, {} skipped, {} broken; times moved by {} s; journal {}\n",
        counts.lines,
        counts.clicks,
        counts.conversions,
        counts.skipped,
        counts.broken,
        imported.shift_ms / 1000,
        imported.journal,
    ))?;
    Ok(ExitCode::SUCCESS)
}
