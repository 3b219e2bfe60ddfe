//! What a process of Tributary needs of the system: to die with its parent, and to hear that it shall stop.

use std::io;
use std::path::Path;

use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use tokio::signal::unix::{self, SignalKind};

use crate::layout::{Layout, Lock};

/// Makes this process a child of the folder's tributary: it ends when that one does, and is waited for by the next.
/// Keep the value for as long as it works.
///
/// # Errors
/// When the supervisor is gone already, or the folder can't be used.
pub fn join_supervisor(layout: &Layout) -> anyhow::Result<Lock> {
    set_parent_process_death_signal(Some(Signal::TERM))?;
    let joined = layout.join_children()?;
    // A supervisor that ended before the first line sends nothing; its child now belongs to another process.
    let expected = std::env::var("TRIBUTARY_SUPERVISOR").ok().and_then(|id| id.parse::<i32>().ok());
    let parent = getppid().map(|parent| parent.as_raw_nonzero().get());
    if expected.is_some() && parent != expected {
        anyhow::bail!("the supervisor has ended already");
    }
    Ok(joined)
}

/// Ctrl-C and SIGTERM, heard from the moment this is made: one that comes before it is waited for is not lost, and does
/// not end the process in the middle of something.
pub struct StopSignals {
    terminate: unix::Signal,
    interrupt: unix::Signal,
}

impl StopSignals {
    /// Begins to listen; within a runtime.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: unix::signal(SignalKind::terminate())?,
            interrupt: unix::signal(SignalKind::interrupt())?,
        })
    }

    /// Completes when the process is asked to stop; again at the next such signal.
    pub async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Completes when the process is asked to stop (Ctrl-C, SIGTERM), heard from the first poll on.
pub async fn stop_signal() {
    match StopSignals::listen() {
        Ok(mut signals) => signals.wait().await,
        Err(error) => {
            tracing::warn!(%error, "signals can't be heard");
            std::future::pending::<()>().await;
        }
    }
}

/// Writes a file whole or not at all, for readers that look at any moment.
///
/// # Errors
/// When the disk or the folder refuses.
pub fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_extension("new");
    std::fs::write(&beside, text)?;
    std::fs::rename(beside, path)
}

/// Removes a file that may not be there.
///
/// # Errors
/// When it is there and stays.
pub fn remove_file(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes to standard output: what a person or a script asked for, never a log. A reader that has enough, as `head`,
/// is no error.
///
/// # Errors
/// When the output can't be written.
pub fn print(text: &str) -> io::Result<()> {
    use io::{ErrorKind, Write};
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
