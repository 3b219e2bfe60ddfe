//! CPU time: of this process, of others by what they are, of the whole machine.

use std::{collections::HashMap, time::Duration};

use anyhow::{Context, Result};

/// CPU time, since whatever it belongs to began.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cpu(Duration);

/// One process, as `/proc` tells of it.
struct Process {
    parent: u32,
    command: String,
    /// Its own and that of the children it has waited for, in clock ticks.
    ticks: u64,
}

impl Cpu {
    /// This process and its threads.
    pub(crate) fn own() -> Result<Self> {
        Self::of("self")
    }

    /// A process and its threads.
    pub(crate) fn of(process: &str) -> Result<Self> {
        let fields = fields(process).with_context(|| format!("/proc/{process}/stat"))?;
        Ok(Self(ticks_to_time(fields.iter().skip(11).take(2).sum())))
    }

    /// Everything on this machine that was not idle.
    pub(crate) fn machine() -> Result<Self> {
        let text = std::fs::read_to_string("/proc/stat")?;
        let line = text.lines().next().context("/proc/stat")?;
        let fields: Vec<u64> =
            line.split_whitespace().skip(1).filter_map(|n| n.parse().ok()).collect();
        // user nice system idle iowait irq softirq steal
        let busy = fields
            .iter()
            .take(8)
            .enumerate()
            .filter(|(n, _)| !(3..=4).contains(n))
            .map(|(_, t)| t)
            .sum();
        Ok(Self(ticks_to_time(busy)))
    }

    /// Time between two looks.
    pub(crate) fn since(&self, before: &Self) -> Duration {
        self.0.saturating_sub(before.0)
    }
}

/// CPU time of the stores and the broker around this program, which may not be the only ones on the machine.
#[derive(Clone, Copy, Default)]
pub(crate) struct Stores {
    pub(crate) clickhouse: Cpu,
    pub(crate) postgres: Cpu,
    pub(crate) kafka: Cpu,
}

impl Stores {
    /// Now. What is a relation of this program's parent, who started the stores, is ours.
    pub(crate) fn look() -> Self {
        let all = processes();
        let root = std::os::unix::process::parent_id();
        let ours = |mut pid: u32| {
            while pid > 1 && pid != root {
                let Some(process) = all.get(&pid) else { return false };
                pid = process.parent;
            }
            pid == root
        };
        let sum = |is: fn(&str) -> bool| {
            let ours = all.iter().filter(|(pid, process)| is(&process.command) && ours(**pid));
            Cpu(ticks_to_time(ours.map(|(_, process)| process.ticks).sum()))
        };
        Self {
            clickhouse: sum(|command| command.contains("run-engine")),
            postgres: sum(|command| command.contains("postgres")),
            kafka: sum(|command| command.contains("java")),
        }
    }
}

fn processes() -> HashMap<u32, Process> {
    let Ok(folder) = std::fs::read_dir("/proc") else { return HashMap::new() };
    let names = folder.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let process = |name: String| {
        let pid = name.parse().ok()?;
        let command = std::fs::read_to_string(format!("/proc/{name}/cmdline")).ok()?;
        // Up to the first argument that says what it is; the rest of a server's may name anything.
        let command = command.split('\0').take(2).collect::<Vec<_>>().join(" ");
        let fields = fields(&name)?;
        let parent = u32::try_from(*fields.get(1)?).ok()?;
        Some((pid, Process { parent, command, ticks: fields.iter().skip(11).take(4).sum() }))
    };
    names.filter_map(process).collect()
}

/// The fields behind the name, numbers only: the first, a letter, is 0. Fields 14 to 17 are user and system time, and
/// those of children waited for.
fn fields(process: &str) -> Option<Vec<u64>> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    Some(fields.split_whitespace().map(|n| n.parse().unwrap_or(0)).collect())
}

fn ticks_to_time(ticks: u64) -> Duration {
    Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second())
}
