//! Which processes are this cluster's: told by the folder they work in, never by a number alone.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long processes of a dead server may take to notice.
const ORPHANS_LIMIT: Duration = Duration::from_secs(5);

/// What `postmaster.pid` says of a running server.
pub(super) struct Running {
    pub(super) pid: u32,
    pub(super) port: u16,
    pub(super) ready: bool,
}

impl Running {
    /// The server of the cluster in `data`, if it lives.
    pub(super) fn of(data: &Path) -> Option<Self> {
        let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
        let mut lines = text.lines();
        let pid = lines.next()?.trim().parse().ok()?;
        let port = lines.nth(2)?.trim().parse().ok()?;
        let ready = lines.nth(3).is_some_and(|state| state.trim() == "ready");
        is_server(pid, data).then_some(Self { pid, port, ready })
    }
}

/// A number alone proves nothing: it may be another process's now, another cluster's server even, or a dead one's that
/// nobody has waited for.
fn is_server(pid: u32, data: &Path) -> bool {
    if !lives(pid, &["postgres"]) {
        return false;
    }
    match fs::read_link(format!("/proc/{pid}/cwd")) {
        Ok(folder) => is_same(&folder, data),
        // A container's root may not ask where another user's process works; its arguments say it too.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.split(|byte| *byte == 0).any(|word| word == data.as_os_str().as_encoded_bytes())
        }
        Err(_) => false,
    }
}

fn lives(pid: u32, names: &[&str]) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let name = stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(") "));
    name.is_some_and(|(name, rest)| names.contains(&name) && !rest.starts_with(['Z', 'X']))
}

fn is_same(one: &Path, other: &Path) -> bool {
    one == other || other.canonicalize().is_ok_and(|other| one == other)
}

/// Ends what a dead server, or an interrupted `initdb`, left at work in one of the folders: sessions in the middle of
/// a statement notice late that their server is gone, and two servers' processes in one cluster would damage it.
pub(super) fn end_orphans(folders: &[&Path]) {
    let limit = Instant::now() + ORPHANS_LIMIT;
    loop {
        let left = processes_in(folders);
        if left.is_empty() {
            return;
        }
        if Instant::now() > limit {
            for pid in left {
                tracing::warn!(
                    pid = pid.as_raw_nonzero(),
                    "a process of a dead postgresql is killed"
                );
                // It may have ended by itself just now.
                let _ = kill_process(pid, Signal::KILL);
            }
            // Killed is not gone: a last look follows, and `postgres` itself refuses where one holds its memory.
            std::thread::sleep(Duration::from_millis(100));
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn processes_in(folders: &[&Path]) -> Vec<Pid> {
    let numbers = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let works_here = |pid: &u32| {
        lives(*pid, &["postgres", "initdb"])
            && fs::read_link(format!("/proc/{pid}/cwd"))
                .is_ok_and(|at| folders.iter().any(|folder| is_same(&at, folder)))
    };
    numbers.filter(works_here).filter_map(|pid| Pid::from_raw(pid.try_into().ok()?)).collect()
}
