//! `tributary keys`: another secret for the installation, in steps that stop nothing.

use std::process::ExitCode;

use anyhow::Context;
use api::accounts::{rotation, seal::Seal};
use sqlx::{Connection, PgConnection};

use crate::operator::Target;
use crate::process;

/// Which installation, and what.
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Adds a secret to the file of keys. Start `tributary serve` again afterwards: from then on it signs and seals with
    /// the new one, and still reads what the older ones did.
    Add,
    /// Seals everything at rest anew with the newest secret (secrets of apps, letters that wait).
    Seal,
}

pub(super) fn run(options: Options) -> anyhow::Result<ExitCode> {
    let installation = options.target.attach()?;
    let said = match options.action {
        Action::Add => {
            let version = installation.add_key()?;
            format!(
                "key {version} is added: start `tributary serve` again, then `tributary keys seal`\n"
            )
        }
        Action::Seal => {
            let seal = Seal::new(&installation.keys()?);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let url = installation.owner_url()?;
                let owner = PgConnection::connect(url.as_str()).await;
                let mut owner = owner.context("PostgreSQL does not answer")?;
                let done = rotation::seal_anew(&mut owner, &seal).await?;
                owner.close().await?;
                let line = |(column, count): &(api::queries::sealed::Column, usize)| {
                    format!("{count} {} sealed by key {}\n", column.name(), seal.version())
                };
                anyhow::Ok(done.iter().map(line).collect::<String>())
            })?
        }
    };
    process::print(&said)?;
    Ok(ExitCode::SUCCESS)
}
