//! Durability behind the writer's back: one thread that calls `fdatasync`, group commit for those who wait.
//! It never syncs a file again after a failure: the kernel may have dropped the pages, and a second "ok" would lie.
//! It decides nothing about which event waits: that is the caller's acknowledge mode.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::disk::DiskFile;
use crate::error::SyncError;
use crate::ids::{CommitMark, Position};

/// Most marks waited for at once; more are refused, so that a hanging disk cannot fill the memory.
const MAX_WAITERS: usize = 65_536;

/// When bytes written become durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syncing {
    /// A thread syncs this long after a write at the latest (and at once when somebody waits).
    /// Power loss then costs at most this and the time of one sync.
    Every(Duration),
    /// Only in [`SyncHandle::sync_now`]: for imports, which sync at their checkpoints, and for tests.
    ByHand,
}

/// What the thread did so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SyncStats {
    pub synced: u64,
    pub failed: u64,
    /// Of all of them together.
    pub time: Duration,
}

/// Told once, on the syncing thread (or at once if the answer is known): must not block.
/// For tokio, send on a `oneshot` inside.
type Tell = Box<dyn FnOnce(Result<(), SyncError>) + Send>;

/// Asks when a commit is durable. Cheap to clone, usable from any thread.
#[derive(Clone)]
pub struct SyncHandle(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    /// One round at a time, so that answers are about all that was written before it.
    round: Mutex<()>,
    /// The latest segment whose sync failed (0: none), read by the writer before each commit.
    failed: AtomicU32,
}

#[derive(Default)]
struct State {
    /// Segments with bytes to sync, oldest first; the last is the one being written.
    files: VecDeque<Written>,
    waiters: Vec<(CommitMark, Tell)>,
    /// (segment, durable up to) of those whose sync failed.
    lost: Vec<Position>,
    stats: SyncStats,
    idle: bool,
    stop: bool,
}

struct Written {
    segment: u32,
    file: Arc<DiskFile>,
    written: u64,
    durable: u64,
    failed: bool,
}

impl State {
    fn dirty(&self) -> bool {
        self.files.iter().any(|f| !f.failed && f.durable < f.written)
    }

    /// `None` while it is still open.
    fn answer(&self, mark: CommitMark) -> Option<Result<(), SyncError>> {
        let Position { segment, offset } = mark.0;
        if let Some(lost) = self.lost.iter().find(|lost| lost.segment == segment) {
            return Some(if offset <= lost.offset { Ok(()) } else { Err(SyncError::Failed) });
        }
        match self.files.iter().find(|f| f.segment == segment) {
            Some(file) => (offset <= file.durable).then_some(Ok(())),
            // Segments leave the list once they are durable to their end.
            None if self.files.front().is_some_and(|f| segment < f.segment) => Some(Ok(())),
            None => Some(Err(SyncError::Closed)),
        }
    }
}

impl SyncHandle {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Shared {
            state: Mutex::default(),
            wake: Condvar::new(),
            round: Mutex::new(()),
            failed: AtomicU32::new(0),
        }))
    }

    /// Calls `tell` once the mark is durable, or will never be. It is called on the syncing thread, or before this
    /// returns if the answer is known already; it must not block.
    pub fn when_durable(
        &self,
        mark: CommitMark,
        tell: impl FnOnce(Result<(), SyncError>) + Send + 'static,
    ) {
        let mut state = self.lock();
        let answer = match state.answer(mark) {
            None if state.stop => Some(Err(SyncError::Closed)),
            None if state.waiters.len() >= MAX_WAITERS => Some(Err(SyncError::TooMany)),
            known => known,
        };
        if let Some(answer) = answer {
            drop(state);
            return tell(answer);
        }
        state.waiters.push((mark, Box::new(tell)));
        drop(state);
        self.0.wake.notify_one();
    }

    /// Blocks until the mark is durable, or will never be. Not with [`Syncing::ByHand`].
    pub fn wait(&self, mark: CommitMark) -> Result<(), SyncError> {
        let (tell, told) = mpsc::sync_channel(1);
        self.when_durable(mark, move |answer| {
            // The receiver waits below.
            let _ = tell.send(answer);
        });
        told.recv().unwrap_or(Err(SyncError::Closed))
    }

    /// Makes everything committed before the call durable, on this thread. An error means that some segment
    /// could not be; the next commit begins a new one.
    pub fn sync_now(&self) -> Result<(), SyncError> {
        self.round()
    }

    pub fn stats(&self) -> SyncStats {
        self.lock().stats
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the segment must not be written to any more.
    pub(crate) fn has_failed(&self, segment: u32) -> bool {
        self.0.failed.load(Ordering::Acquire) == segment
    }

    /// A new segment is being written, its header and base up to `written`.
    pub(crate) fn opened(&self, segment: u32, file: Arc<DiskFile>, written: u64) {
        let mut state = self.lock();
        state.files.push_back(Written { segment, file, written, durable: 0, failed: false });
        self.wake_if_idle(state);
    }

    pub(crate) fn wrote(&self, written: u64) {
        let mut state = self.lock();
        if let Some(file) = state.files.back_mut() {
            file.written = written;
        }
        self.wake_if_idle(state);
    }

    fn wake_if_idle(&self, mut state: MutexGuard<'_, State>) {
        if std::mem::take(&mut state.idle) {
            drop(state);
            self.0.wake.notify_one();
        }
    }

    fn round(&self) -> Result<(), SyncError> {
        let _one = self.0.round.lock().unwrap_or_else(PoisonError::into_inner);
        let todo: Vec<(u32, Arc<DiskFile>, u64)> = self
            .lock()
            .files
            .iter()
            .filter(|f| !f.failed && f.durable < f.written)
            .map(|f| (f.segment, f.file.clone(), f.written))
            .collect();
        let mut result = Ok(());
        for (segment, file, written) in todo {
            let begun = Instant::now();
            let synced = file.sync_data().is_ok();
            self.lock().stats.time += begun.elapsed();
            if !synced {
                // Before anyone is told: no commit may go there after the first "failed".
                self.0.failed.store(segment, Ordering::Release);
                result = Err(SyncError::Failed);
            }
            self.settle(segment, written, synced);
        }
        result
    }

    /// Notes the outcome for one segment and answers who waited for it.
    fn settle(&self, segment: u32, written: u64, synced: bool) {
        let mut state = self.lock();
        if let Some(file) = state.files.iter_mut().find(|f| f.segment == segment) {
            if synced {
                file.durable = written;
            } else {
                file.failed = true;
                let durable = file.durable;
                state.lost.push(Position { segment, offset: durable });
            }
        }
        if synced {
            state.stats.synced += 1;
        } else {
            state.stats.failed += 1;
        }
        while state.files.len() > 1 && state.files[0].is_settled() {
            state.files.pop_front();
        }
        let waiters = std::mem::take(&mut state.waiters);
        let mut answered = Vec::new();
        for (mark, tell) in waiters {
            match state.answer(mark) {
                Some(answer) => answered.push((tell, answer)),
                None => state.waiters.push((mark, tell)),
            }
        }
        drop(state);
        for (tell, answer) in answered {
            // A waiter that panics must not take the thread with it, and the durability of all others.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| tell(answer)));
        }
    }

    fn run(&self, interval: Duration) {
        loop {
            let mut state = self.lock();
            while !state.stop && !state.dirty() {
                state.idle = true;
                state = self.0.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            state.idle = false;
            let wait = |s: &mut State| !s.stop && s.waiters.is_empty();
            state = match self.0.wake.wait_timeout_while(state, interval, wait) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
            let stop = state.stop;
            drop(state);
            // Waiters and the writer learn of a failure by themselves.
            let _ = self.round();
            if stop {
                return;
            }
        }
    }

    pub(crate) fn start(&self, interval: Duration) -> std::io::Result<JoinHandle<()>> {
        let handle = self.clone();
        std::thread::Builder::new().name("journal-sync".into()).spawn(move || handle.run(interval))
    }

    /// No more commits: the thread syncs what there is and ends. Who still waits is told.
    pub(crate) fn stop(&self, thread: Option<JoinHandle<()>>) {
        self.lock().stop = true;
        self.0.wake.notify_all();
        if let Some(thread) = thread {
            // It does not panic; if it did, the panic hook has told.
            let _ = thread.join();
        }
        let left = std::mem::take(&mut self.lock().waiters);
        for (_, tell) in left {
            tell(Err(SyncError::Closed));
        }
    }
}

impl Written {
    fn is_settled(&self) -> bool {
        self.failed || self.durable >= self.written
    }
}
