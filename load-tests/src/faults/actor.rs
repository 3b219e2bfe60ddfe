//! A process of the cast: started, struck, and started again.

use std::{
    fs::File,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

use super::cast::LIMIT;

/// One process, started again when it was killed.
pub(super) struct Actor {
    pub(super) name: String,
    pub(super) binary: PathBuf,
    pub(super) environment: Vec<(String, String)>,
    pub(super) log: PathBuf,
    /// Where it says that it is ready.
    pub(super) ready: String,
    pub(super) child: Option<Child>,
}

impl Actor {
    pub(super) fn begin(&mut self) -> Result<()> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let child = Command::new(&self.binary)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env("NO_COLOR", "1")
            .env("RUST_LOG", "info")
            .stdin(Stdio::null())
            // Some log here, some there.
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{} can't be started", self.binary.display()))?;
        self.child = Some(child);
        Ok(())
    }

    pub(super) fn signal(&self, signal: Signal) {
        let pid = self.child.as_ref().and_then(|child| Pid::from_raw(child.id() as i32));
        if let Some(pid) = pid {
            let _ = kill_process(pid, signal);
        }
    }

    /// Kills it and starts it again.
    pub(super) fn kill(&mut self) -> Result<()> {
        self.strike();
        self.begin()
    }

    pub(super) fn strike(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it again where it ended by itself: a service that a supervisor keeps.
    /// Whether it had ended.
    pub(super) fn revive(&mut self) -> Result<bool> {
        let ended = match &mut self.child {
            Some(child) => child.try_wait()?.is_some(),
            None => true,
        };
        if ended {
            self.begin()?;
        }
        Ok(ended)
    }

    /// Ends it as an operator does, and waits.
    pub(super) async fn end(&mut self) -> Result<()> {
        self.signal(Signal::CONT);
        self.signal(Signal::TERM);
        let deadline = Instant::now() + LIMIT;
        if let Some(child) = &mut self.child {
            while child.try_wait()?.is_none() {
                ensure!(Instant::now() < deadline, "{} does not end", self.name);
                sleep(Duration::from_millis(20)).await;
            }
        }
        self.child = None;
        Ok(())
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        self.strike();
    }
}
