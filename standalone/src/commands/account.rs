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
    let Action::Token(token) = options.action;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let made = runtime.block_on(async {
        let url = installation.owner_url()?;
        let mut owner =
            PgConnection::connect(url.as_str()).await.context("PostgreSQL does not answer")?;
        let made = accounts::make_token(&mut owner, (&token.name, token.write, token.days)).await?;
        owner.close().await?;
        anyhow::Ok(made)
    })?;
    process::print(&format!("{made}\n"))?;
    Ok(ExitCode::SUCCESS)
}
