//! Private stores around a measuring program: it runs again, as their command, with their URLs in its environment.

use std::path::Path;

use anyhow::{Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::Command,
    signal::unix::{SignalKind, signal},
};

/// True in the program that runs with stores around it.
pub fn are_around() -> bool {
    std::env::var_os("TRIBUTARY_TEST_CLICKHOUSE_URL").is_some()
}

/// Runs this program again with private stores around it, in `folder` or in one that is removed afterwards. Ctrl-C ends
/// the program first and then the stores, and is waited for.
///
/// # Errors
/// When `tributary` is not built, or the program fails.
pub async fn around(folder: Option<&Path>) -> Result<()> {
    let program = std::env::current_exe()?;
    let tributary = program.with_file_name("tributary");
    ensure!(tributary.exists(), "{} is not built: cargo build -p standalone", tributary.display());
    let temporary = crate::system::folder()?;
    let data =
        folder.map_or_else(|| temporary.path().join("stores"), |folder| folder.join("stores"));
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut command = Command::new(tributary);
    command.args(["stores", "--data"]).arg(&data).arg("--").arg(program);
    // Not in the group that a terminal's Ctrl-C is sent to, so that it comes once, from here.
    command.args(std::env::args_os().skip(1)).process_group(0);
    // What it leaves behind when it is killed goes with the rest.
    let mut child = command.env("TMPDIR", temporary.path()).spawn()?;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        if let Some(pid) = child.id().and_then(|id| Pid::from_raw(id as i32)) {
            // It may have ended by itself just now.
            let _ = kill_process(pid, Signal::TERM);
        }
    };
    ensure!(status.success(), "the measurement failed ({status})");
    Ok(())
}
