//! The API and the pages as a process of their own.

use clap::Parser;
use std::process::ExitCode;

/// Serves the JSON API and the pages.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(flatten)]
    config: api::Config,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| "info,sqlx=error".into());
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match std::env::var("TRIBUTARY_LOG").as_deref() {
        Ok("json") => lines.json().init(),
        _ => lines.init(),
    }
    match api::run(Arguments::parse().config, stopped()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("api: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Ctrl-C or SIGTERM.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}
