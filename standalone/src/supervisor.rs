//! Stores and services as child processes: started in order, restarted when they die, stopped in the reverse order.
//!
//! Each child is watched by a task of one single-threaded runtime: the kernel tells a child of its parent's death by
//! the thread that started it, which must therefore live as long as the process.

mod service;
mod task;

use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

pub use self::service::{Ready, Service};

/// A child that would not start, with what to do about it on the lines above.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It ended before it was ready.
    #[error("{name} ended before it was ready ({status}): the lines above say why")]
    Ended {
        /// Which.
        name: &'static str,
        /// Its exit status.
        status: String,
    },
    /// It lives and does not answer.
    #[error("{name} was started and is not ready after {}s", .limit.as_secs())]
    Silent {
        /// Which.
        name: &'static str,
        /// How long it had.
        limit: Duration,
    },
    /// The system gave no process.
    #[error("{name} can't be started ({error})")]
    Spawn {
        /// Which.
        name: &'static str,
        /// Why.
        error: std::io::Error,
    },
}

/// The children, in the order of their start.
#[derive(Default)]
pub struct Supervisor {
    children: Vec<Child>,
}

struct Child {
    name: &'static str,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Supervisor {
    /// Starts a child and waits until it is ready. From then on it is started again whenever it ends.
    ///
    /// # Errors
    /// When it ends before, or does not get ready in time.
    pub async fn start(&mut self, service: Service) -> Result<(), Error> {
        let name = service.name;
        let (stop, stopped) = oneshot::channel();
        let (report, mut reports) = watch::channel(None);
        let task = tokio::spawn(task::keep(service, stopped, report));
        self.children.push(Child { name, stop, task });
        // The task sends its verdict on the first start and keeps the channel open.
        let verdict =
            reports.wait_for(Option::is_some).await.ok().and_then(|verdict| verdict.clone());
        match verdict {
            Some(task::FirstStart::Ready) => Ok(()),
            Some(task::FirstStart::Ended(status)) => Err(Error::Ended { name, status }),
            Some(task::FirstStart::Silent(limit)) => Err(Error::Silent { name, limit }),
            Some(task::FirstStart::NotSpawned(kind)) => {
                Err(Error::Spawn { name, error: kind.into() })
            }
            None => Err(Error::Ended { name, status: "its watcher ended".to_owned() }),
        }
    }

    /// How many it keeps.
    #[must_use]
    pub fn count(&self) -> usize {
        self.children.len()
    }

    /// Ends the children one after the other, the last started first, and waits for each.
    pub async fn stop(&mut self) {
        self.stop_down_to(0).await;
    }

    /// As [`stop`](Self::stop), but the first `count` stay.
    pub async fn stop_down_to(&mut self, count: usize) {
        while self.children.len() > count {
            let Some(child) = self.children.pop() else { return };
            tracing::debug!(name = child.name, "stopping");
            // A watcher that has given up already needs no word.
            let _ = child.stop.send(());
            if let Err(error) = child.task.await {
                tracing::error!(%error, name = child.name, "a watcher failed");
            }
        }
    }
}
