//! The command line: one module per command, each a thin layer over a library function.

mod account;
mod audit;
mod dead_letters;
mod demo;
mod import;
mod journal;
mod keys;
mod repair;
mod run_engine;
mod run_postgres;
mod run_service;
mod serve;
mod status;
mod stores;
mod visitor;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Affiliate tracking you can trust with money: clicks and conversions in, commissions out.
#[derive(Parser)]
#[command(name = "tributary", version, propagate_version = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs everything on this machine until Ctrl-C; the first start makes the data folder.
    Serve(serve::Options),
    /// Runs everything on real traffic: four days imported, then played live until Ctrl-C.
    Demo(demo::Options),
    /// Says what runs, how fresh and how far behind it is, and what it keeps.
    Status(status::Options),
    /// Imports clicks and conversions from a file.
    Import(import::Options),
    /// Looks into the durable log of clicks and conversions.
    Journal(journal::Options),
    /// Compares what was announced, received, decided and stored; exits with 1 where it differs.
    Audit(audit::Options),
    /// Reads records that could not be decoded, and has them decided again.
    DeadLetters(dead_letters::Options),
    /// Makes what is derived from the raw events true again.
    Repair(repair::Options),
    /// Makes tokens for programs of this machine.
    Account(account::Options),
    /// Adds a secret to the file of keys, and seals what is kept anew.
    Keys(keys::Options),
    /// Deletes a visitor's data, and changes no number.
    Visitor(visitor::Options),
    /// Runs a command with a private PostgreSQL and the ClickHouse engine, as `make test` does.
    Stores(stores::Options),
    /// Serves the embedded ClickHouse engine (started by `serve` and `demo`).
    #[command(hide = true)]
    RunEngine(run_engine::Options),
    /// Watches over the private PostgreSQL (started by `serve` and `demo`).
    #[command(hide = true)]
    RunPostgres(run_postgres::Options),
    /// Answers visitors and advertisers (started by `serve` and `demo`).
    #[command(hide = true)]
    RunCollector(Box<run_service::Collector>),
    /// Decides on every event (started by `serve` and `demo`).
    #[command(hide = true)]
    RunProcessor(Box<run_service::Processor>),
    /// Serves the API and the pages (started by `serve` and `demo`).
    #[command(hide = true)]
    RunApi(Box<run_service::Api>),
}

/// Runs the command the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    let line = CommandLine::parse();
    logging();
    let outcome = match line.command {
        Command::Serve(options) => serve::run(options),
        Command::Demo(options) => demo::run(options),
        Command::Status(options) => status::run(options),
        Command::Import(options) => import::run(options),
        Command::Journal(options) => journal::run(&options),
        Command::Audit(options) => audit::run(options),
        Command::DeadLetters(options) => dead_letters::run(options),
        Command::Repair(options) => repair::run(options),
        Command::Account(options) => account::run(options),
        Command::Keys(options) => keys::run(options),
        Command::Visitor(options) => visitor::run(options),
        Command::Stores(options) => stores::run(options),
        Command::RunEngine(options) => run_engine::run(options),
        Command::RunPostgres(options) => run_postgres::run(options),
        Command::RunCollector(options) => run_service::collector(*options),
        Command::RunProcessor(options) => run_service::processor(*options),
        Command::RunApi(options) => run_service::api(*options),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("tributary: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Logs go to standard error; `RUST_LOG` chooses what is said, `TRIBUTARY_LOG=json` that machines read it. The database
/// client's notices are no news to anybody.
fn logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| {
        tracing_subscriber::EnvFilter::new("info,sqlx=error,sqlx_core::pool=off")
    });
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    match std::env::var("TRIBUTARY_LOG").as_deref() {
        Ok("json") => lines.json().init(),
        _ => lines.init(),
    }
}
