//! What a process of Tributary needs of the system: to die with its parent, and to hear that it shall stop.

use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use tokio::signal::unix::{SignalKind, signal};

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

/// Completes when the process is asked to stop (Ctrl-C, SIGTERM).
pub async fn stop_signal() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut stream) => {
                stream.recv().await;
            }
            Err(error) => {
                tracing::warn!(%error, "SIGTERM can't be heard");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = terminated => {}
        result = tokio::signal::ctrl_c() => {
            if let Err(error) = result {
                tracing::warn!(%error, "Ctrl-C can't be heard");
            }
        }
    }
}

/// Removes a file that may not be there.
///
/// # Errors
/// When it is there and stays.
pub fn remove_file(path: &std::path::Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes to standard output: what a person or a script asked for, never a log. A reader that has enough, as `head`,
/// is no error.
///
/// # Errors
/// When the output can't be written.
pub fn print(text: &str) -> std::io::Result<()> {
    use std::io::{ErrorKind, Write};
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
