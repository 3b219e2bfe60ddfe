//! `tributary account`: what whoever runs the machine does with accounts.

use std::process::ExitCode;

use anyhow::Context;
use sqlx::{Connection, PgConnection};

use crate::accounts;
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
    /// Makes a token for a program of this machine and prints it, once: `Authorization: Bearer …` at the API of the
    /// platform's own site, with an admin's reach.
    Token(Token),
    /// Takes away the second factors of somebody who lost them: the last admin, whom nobody else can help. All their
    /// sessions end; they come in by their password.
    ResetFactors(ResetFactors),
}

#[derive(clap::Args)]
struct ResetFactors {
    /// Their name, or an address of theirs.
    name: String,
}

#[derive(clap::Args)]
struct Token {
    /// What it is for; shown where tokens are listed.
    name: String,
    /// It may change something, too.
    #[arg(long)]
    write: bool,
    /// Days until it ends.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(i32).range(1..=366))]
    days: i32,
}

pub(super) fn run(options: Options) -> anyhow::Result<ExitCode> {
    let installation = options.target.attach()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let said = runtime.block_on(async {
        let url = installation.owner_url()?;
        let mut owner =
            PgConnection::connect(url.as_str()).await.context("PostgreSQL does not answer")?;
        let said = match options.action {
            Action::Token(token) => {
                let wish = (token.name.as_str(), token.write, token.days);
                accounts::make_token(&mut owner, wish).await?
            }
            Action::ResetFactors(whose) => {
                let name = accounts::reset_factors(&mut owner, &whose.name).await?;
                format!("{name} comes in by the password alone now, and sets up others")
            }
        };
        owner.close().await?;
        anyhow::Ok(said)
    })?;
    process::print(&format!("{said}\n"))?;
    Ok(ExitCode::SUCCESS)
}
