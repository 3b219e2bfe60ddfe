//! What an operator's command needs of the processor's library: its settings for this installation.

use clap::Parser;

use crate::config::Folder;
use crate::installation::{Installation, Role};

/// Which installation a command asks.
#[derive(clap::Args)]
pub struct Target {
    #[command(flatten)]
    folder: Folder,
    /// The PostgreSQL that `serve` was started with, if it was given one.
    #[arg(long, global = true, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
}

impl Target {
    /// The installation, as it runs or ran last.
    ///
    /// # Errors
    /// When there is none in the folder.
    pub fn attach(self) -> anyhow::Result<Installation> {
        Installation::attach(self.folder, self.database_url)
    }
}

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    config: processor::Config,
}

/// The processor's settings, read from its own definitions, so that a further one has its default here too. Its role
/// is used: what it may not do, an operator's command may not either.
///
/// # Errors
/// When PostgreSQL does not run.
pub fn processor_config(installation: &Installation) -> anyhow::Result<processor::Config> {
    let path = |path: std::path::PathBuf| path.display().to_string();
    let settings = [
        ("--database-url", installation.role_url(Role::Processor)?.into()),
        ("--clickhouse-url", installation.clickhouse_url("owner")),
        ("--journal", path(installation.layout.journals())),
        ("--keys", path(installation.layout.keys())),
        ("--slots", installation.slots().join(",")),
    ];
    let line = settings.into_iter().flat_map(|(flag, value): (_, String)| [flag.to_owned(), value]);
    Ok(Line::try_parse_from(std::iter::once("tributary".to_owned()).chain(line))?.config)
}
