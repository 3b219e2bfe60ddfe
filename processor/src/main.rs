//! The processor as a process of its own: settings, log, signals. Everything else is in the library.

use clap::Parser;
use processor::Config;

#[derive(Parser)]
#[command(
    name = "processor",
    version,
    about = "Decides on every event and writes it to both stores, exactly once"
)]
struct Arguments {
    #[command(flatten)]
    config: Config,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter =
        tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match std::env::var("TRIBUTARY_LOG").as_deref() {
        Ok("json") => lines.json().init(),
        _ => lines.init(),
    }
    let config = Arguments::parse().config;
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let shutdown = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    processor::run(config, shutdown).await?;
    Ok(())
}
