//! One child's watcher: start, wait until ready, wait until it ends, start again; stop when told to.

use std::io;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep, timeout};

use super::service::Service;

/// How often readiness is asked for.
const ASK: Duration = Duration::from_millis(50);
/// The first and the longest wait before another start.
const SHORTEST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(10);
/// A child that lived this long was well: its next failure is a new one.
const WELL: Duration = Duration::from_secs(30);

/// How the first start went.
#[derive(Debug, Clone)]
pub(super) enum FirstStart {
    Ready,
    Ended(String),
    Silent(Duration),
    NotSpawned(io::ErrorKind),
}

/// Why a wait ended.
enum End {
    Stop,
    Exit(String),
}

/// Keeps a child running until `stop`. Reports its first start, and gives up if that fails.
pub(super) async fn keep(
    service: Service,
    mut stop: oneshot::Receiver<()>,
    report: watch::Sender<Option<FirstStart>>,
) {
    let tell = |verdict| drop(report.send(Some(verdict)));
    let mut child = match service.spawn() {
        Ok(child) => child,
        Err(error) => return tell(FirstStart::NotSpawned(error.kind())),
    };
    tokio::select! {
        verdict = first_start(&service, &mut child) => {
            let failed = !matches!(verdict, FirstStart::Ready);
            tell(verdict);
            if failed {
                return end(&service, child).await;
            }
        }
        _ = &mut stop => return end(&service, child).await,
    }
    let mut pause = SHORTEST;
    loop {
        let started = Instant::now();
        let status = match live(&mut child, &mut stop).await {
            End::Stop => return end(&service, child).await,
            End::Exit(status) => status,
        };
        pause = if started.elapsed() > WELL { SHORTEST } else { (pause * 2).min(LONGEST) };
        tracing::warn!("{} has died ({status}): starting it again", service.name);
        child = loop {
            tokio::select! {
                () = sleep(pause) => {}
                _ = &mut stop => return,
            }
            match service.spawn() {
                Ok(child) => break child,
                Err(error) => {
                    tracing::error!(%error, "{} can't be started; trying again", service.name)
                }
            }
            pause = (pause * 2).min(LONGEST);
        };
    }
}

async fn first_start(service: &Service, child: &mut Child) -> FirstStart {
    let ready = async {
        while !service.ready.is_ready().await {
            sleep(ASK).await;
        }
    };
    tokio::select! {
        status = child.wait() => FirstStart::Ended(describe(status)),
        outcome = timeout(service.start_limit, ready) => match outcome {
            Ok(()) => FirstStart::Ready,
            Err(_) => FirstStart::Silent(service.start_limit),
        },
    }
}

async fn live(child: &mut Child, stop: &mut oneshot::Receiver<()>) -> End {
    tokio::select! {
        status = child.wait() => End::Exit(describe(status)),
        _ = stop => End::Stop,
    }
}

/// Asks the child to end, waits, and kills it if it does not.
async fn end(service: &Service, mut child: Child) {
    let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) else {
        return;
    };
    if let Err(error) = kill_process(pid, Signal::TERM) {
        tracing::debug!(%error, "{} was gone already", service.name);
    }
    if timeout(service.stop_limit, child.wait()).await.is_err() {
        tracing::warn!(
            "{} did not end within {}s and is killed",
            service.name,
            service.stop_limit.as_secs()
        );
        if let Err(error) = child.kill().await {
            tracing::error!(%error, "{} can't be killed", service.name);
        }
    }
}

fn describe(status: io::Result<std::process::ExitStatus>) -> String {
    status.map_or_else(|error| error.to_string(), |status| status.to_string())
}
