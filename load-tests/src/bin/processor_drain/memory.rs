//! Memory of this process while something goes on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

const LOOK: Duration = Duration::from_millis(100);

/// A watch that is on.
pub(crate) struct Watch {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Vec<u64>>,
    before: u64,
}

/// What it saw, in bytes.
pub(crate) struct Memory {
    before: u64,
    seen: Vec<u64>,
}

impl Memory {
    /// Begins to watch.
    pub(crate) fn watch() -> Watch {
        let over = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let over = Arc::clone(&over);
            move || {
                let mut seen = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    seen.extend(resident("self"));
                    std::thread::sleep(LOOK);
                }
                seen
            }
        });
        Watch { over, thread, before: resident("self").unwrap_or(0) }
    }

    /// The most in each half of the time: a growth shows.
    pub(crate) fn lines(&self) -> [(&'static str, u64); 3] {
        let (first, second) = self.seen.split_at(self.seen.len() / 2);
        let most = |of: &[u64]| of.iter().max().copied().unwrap_or(0);
        [
            ("memory before, MB", self.before),
            ("memory, most in the first half, MB", most(first)),
            ("memory, most in the second half, MB", most(second)),
        ]
    }
}

impl Watch {
    /// Ends it.
    pub(crate) fn end(self) -> Memory {
        self.over.store(true, Ordering::Relaxed);
        Memory { before: self.before, seen: self.thread.join().unwrap_or_default() }
    }
}

/// Memory of a process now: `VmRSS`.
pub(crate) fn resident(process: &str) -> Option<u64> {
    field(process, "VmRSS:")
}

/// The most it ever had: `VmHWM`.
pub(crate) fn peak(process: &str) -> Option<u64> {
    field(process, "VmHWM:")
}

fn field(process: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

/// For the table.
pub(crate) fn megabytes(bytes: u64) -> String {
    (bytes / 1_000_000).to_string()
}
