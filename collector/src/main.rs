//! The collector as a process of its own.

use clap::Parser;
use collector::Config;
use tokio::signal::unix::{SignalKind, signal};

/// Answers visitors of tracking links and advertisers' servers.
#[derive(Debug, Parser)]
#[command(name = "collector", version)]
struct Arguments {
    #[command(flatten)]
    config: Config,
}

fn main() -> anyhow::Result<()> {
    let filter =
        tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match std::env::var("TRIBUTARY_LOG").as_deref() {
        Ok("json") => lines.json().init(),
        _ => lines.init(),
    }
    let Arguments { config } = Arguments::parse();
    let bound = collector::bind(config)?;
    let (address, admin) = (bound.address(), bound.admin_address());
    tracing::info!(%address, admin = %admin.map_or_else(String::new, |at| at.to_string()), "collector");
    Ok(bound.run(shutdown())?)
}

/// Ends with SIGTERM or SIGINT.
async fn shutdown() {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        // Without handlers the signals' defaults end the process.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
