//! Which processes are this cluster's: told by the folder they work in, never by a number alone.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// How often dying processes are looked at.
const LOOK: Duration = Duration::from_millis(20);
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
    stat(pid).is_some_and(|(name, _)| names.contains(&name.as_str()))
}

/// The name and the process group of a process that has not ended; one that nobody has waited for yet has.
fn stat(pid: u32) -> Option<(String, i32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (name, rest) = stat.split_once('(')?.1.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let runs = !matches!(fields.next()?, "Z" | "X");
    // proc_pid_stat(5): the state is field 3, the group field 5.
    let group = fields.nth(1)?.parse().ok()?;
    runs.then(|| (name.to_owned(), group))
}

/// Kills a process group. When this returns nothing of it runs any more: killed is not gone, and what a killed program
/// had started is nobody's child to wait for.
pub(super) fn kill_group(group: Pid) {
    // It may have ended just now.
    let _ = kill_process_group(group, Signal::KILL);
    let is_of_it =
        |pid: &u32| stat(*pid).is_some_and(|(_, its)| its == group.as_raw_nonzero().get());
    wait_while(ORPHANS_LIMIT, || all().any(|pid| is_of_it(&pid)));
}

/// Looks until something holds no more, or for so long; true if it holds no more.
fn wait_while(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let limit = Instant::now() + limit;
    while holds() {
        if Instant::now() > limit {
            return false;
        }
        std::thread::sleep(LOOK);
    }
    true
}

fn is_same(one: &Path, other: &Path) -> bool {
    one == other || other.canonicalize().is_ok_and(|other| one == other)
}

/// Ends what a dead server, or an interrupted `initdb`, left at work in one of the folders: sessions in the middle of
/// a statement notice late that their server is gone, and two servers' processes in one cluster would damage it.
pub(super) fn end_orphans(folders: &[&Path]) {
    if wait_while(ORPHANS_LIMIT, || processes_in(folders).next().is_some()) {
        return;
    }
    let left: Vec<u32> = processes_in(folders).collect();
    for pid in &left {
        tracing::warn!(pid, "a process of a dead postgresql is killed");
        // It may have ended by itself just now.
        let pid = i32::try_from(*pid).ok().and_then(Pid::from_raw);
        let _ = pid.map(|pid| kill_process(pid, Signal::KILL));
    }
    wait_while(ORPHANS_LIMIT, || left.iter().any(|pid| stat(*pid).is_some()));
}

fn processes_in<'a>(folders: &'a [&Path]) -> impl Iterator<Item = u32> + 'a {
    all().filter(|pid| {
        lives(*pid, &["postgres", "initdb"])
            && fs::read_link(format!("/proc/{pid}/cwd"))
                .is_ok_and(|at| folders.iter().any(|folder| is_same(&at, folder)))
    })
}

fn all() -> impl Iterator<Item = u32> {
    let numbers = fs::read_dir("/proc").into_iter().flatten().flatten();
    numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}
