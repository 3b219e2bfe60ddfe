//! `tributary serve`: the whole pipeline on this machine, until Ctrl-C.

use std::process::ExitCode;
use std::time::Duration;

use crate::config::Config;
use crate::installation::Installation;
use crate::process::{self, StopSignals};
use crate::progress::Waiting;
use crate::serve;
use crate::supervisor::Supervisor;

/// Two signals within this time are one.
const SAME_SIGNAL: Duration = Duration::from_secs(1);

/// The folder and the addresses.
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    config: Config,
}

pub(super) fn run(options: Options) -> anyhow::Result<ExitCode> {
    let installation = Installation::open(options.config)?;
    with_everything(&installation, async |_| Ok(()), async |_| std::future::pending().await)
}

/// Starts everything, runs `first`, prints where it is, and runs `then` until it shall stop.
pub(super) fn with_everything(
    installation: &Installation,
    first: impl AsyncFnOnce(&Installation) -> anyhow::Result<()>,
    then: impl AsyncFnOnce(&Installation) -> anyhow::Result<()>,
) -> anyhow::Result<ExitCode> {
    let _lock = installation.layout.lock()?;
    installation.config.addresses.check_free()?;
    installation.remember_addresses()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut signals = StopSignals::listen()?;
        let mut supervisor = Supervisor::default();
        let outcome = tokio::select! {
            outcome = async {
                let started = serve::start(installation, &mut supervisor).await?;
                let work = async {
                    first(installation).await?;
                    process::print(&format!("ready {}\n", installation.first_url().await?))?;
                    then(installation).await
                };
                tokio::select! {
                    outcome = work => outcome,
                    outcome = serve::follow_postgres(installation, started, &mut supervisor) => outcome,
                }
            } => outcome,
            () = signals.wait() => Ok(()),
        };
        end(&mut supervisor, &mut signals).await;
        outcome.map(|()| ExitCode::SUCCESS)
    })
}

/// Ends everything in order; another Ctrl-C does not wait for it, unless it comes so soon that it is the same one,
/// sent to a whole group of processes.
async fn end(supervisor: &mut Supervisor, signals: &mut StopSignals) {
    let waiting = Waiting::show("stopping");
    let again = async {
        tokio::time::timeout(SAME_SIGNAL, signals.wait()).await.ok();
        signals.wait().await;
    };
    tokio::select! {
        () = supervisor.stop() => {}
        () = again => eprintln!("not waiting: the rest ends by itself, nothing acknowledged is lost"),
    }
    waiting.done();
}
