//! Who is who in the process table, by `/proc`.

use std::{collections::HashMap, fs};

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
    /// Whether a process is of this part, by its name and its command line.
    fn owns(self, name: &str, command: &str) -> bool {
        match self {
            Self::Collector => command.contains("run-collector"),
            Self::Processor => command.contains("run-processor"),
            Self::Api => command.contains("run-api"),
            Self::Engine => command.contains("run-engine"),
            Self::Postgres => name == "postgres",
        }
    }
}

/// The processes of a part below `root`.
pub(super) fn find(root: u32, part: Part) -> Result<Vec<Pid>> {
    let is_part = |pid: &Pid| {
        let read = |file| fs::read(format!("/proc/{}/{file}", pid.as_raw_nonzero()));
        let name = read("comm").unwrap_or_default();
        let command = read("cmdline").unwrap_or_default();
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        part.owns(String::from_utf8_lossy(&name).trim(), &command)
    };
    Ok(below(root)?.into_iter().filter(is_part).collect())
}

/// All processes below `root`, at any depth.
pub(super) fn below(root: u32) -> Result<Vec<Pid>> {
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
