//! Who is who in the process table, by `/proc`.

use std::{collections::HashMap, fs, path::Path};

use anyhow::Result;
use rustix::process::Pid;

/// A part of the system that can be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Answers visitors.
    Collector,
    /// Decides.
    Processor,
    /// The API and its pages.
    Api,
    /// PostgreSQL's server and its backends.
    Postgres,
    /// The ClickHouse engine.
    Engine,
}

impl Part {
    /// Whether a process is of this part, by its command line.
    fn owns(self, command: &str) -> bool {
        command.contains(match self {
            Self::Collector => "run-collector",
            Self::Processor => "run-processor",
            Self::Api => "run-api",
            Self::Engine => "run-engine",
            Self::Postgres => "run-postgres",
        })
    }
}

/// PostgreSQL's server of a data folder and its backends, whoever started it; none while there is none.
pub(crate) fn postgres(folder: &Path) -> Result<Vec<Pid>> {
    let file = fs::read_to_string(folder.join("postgres/cluster/postmaster.pid"));
    let server = file.ok().and_then(|text| text.lines().next()?.trim().parse::<u32>().ok());
    let Some(server) = server.filter(|pid| name(*pid) == "postgres") else { return Ok(Vec::new()) };
    let mut found = below(server)?;
    found.extend(Pid::from_raw(server as i32));
    Ok(found)
}

fn name(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned()
}

/// The processes of a part below `root`.
pub(crate) fn find(root: u32, part: Part) -> Result<Vec<Pid>> {
    let is_part = |pid: &Pid| {
        let command = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero()));
        let command = String::from_utf8_lossy(&command.unwrap_or_default()).replace('\0', " ");
        part.owns(&command)
    };
    Ok(below(root)?.into_iter().filter(is_part).collect())
}

/// All processes below `root`, at any depth.
pub(crate) fn below(root: u32) -> Result<Vec<Pid>> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if let Some(parent) = parent(pid) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(pid) = found.get(next).copied() {
        found.extend(children.get(&pid).into_iter().flatten());
        next += 1;
    }
    Ok(found[1..].iter().filter_map(|pid| Pid::from_raw(*pid as i32)).collect())
}

/// The fourth field of `/proc/PID/stat`, behind the name in parentheses.
fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}
