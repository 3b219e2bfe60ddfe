//! One append per event-loop tick: what a tick's requests staged is written with one `write`.
//!
//! A handler stages its record and gets a ticket; the first of a tick wakes the committer, which the
//! runtime runs after every task that was ready before it. It commits, says how it ended, and wakes
//! those who hold tickets. Everything lives on one core: cells, no lock, no atomic. Refuses to say
//! "kept" for a batch the journal did not take.

use journal::{CommitMark, Partition, SyncHandle, TopicId, Writer};
use schemas::topic::{Shard, Topic};
use std::{
    cell::{Cell, RefCell},
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};
use tokio::sync::oneshot;

use crate::{
    config::Ack,
    metrics::{Counts, Event, Metrics},
};

/// The record could not be kept; the sender should try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unrecorded;

/// A core's journal and the batch being staged.
pub(crate) struct Batch {
    writer: RefCell<Option<Writer>>,
    sync: SyncHandle,
    partitions: u16,
    tick: RefCell<Rc<Tick>>,
    committer: RefCell<Option<Waker>>,
    /// The last commit failed: told once, until one succeeds.
    failing: Cell<bool>,
    bytes: Cell<u64>,
}

#[derive(Default)]
struct Tick {
    staged: Cell<bool>,
    outcome: Cell<Option<Result<CommitMark, Unrecorded>>>,
    waiting: RefCell<Vec<Waker>>,
}

impl Batch {
    /// Over a fresh journal.
    pub(crate) fn new(writer: Writer) -> Self {
        Self {
            sync: writer.sync_handle(),
            partitions: writer.partitions(),
            writer: RefCell::new(Some(writer)),
            tick: RefCell::default(),
            committer: RefCell::default(),
            failing: Cell::new(false),
            bytes: Cell::new(0),
        }
    }

    /// Stages a record: `encode` gets its seq and an empty buffer, and answers what the caller wants
    /// to know of it. `None` (an id that can't be signed: a clock beyond 2109) leaves a record that the
    /// processor dead-letters, and nobody is told it was kept.
    pub(crate) fn stage<T>(
        &self,
        topic: Topic,
        shard: Shard,
        encode: impl FnOnce(u64, &mut Vec<u8>) -> Option<T>,
    ) -> Result<(T, Ticket), Unrecorded> {
        let partition = Partition(shard.partition(self.partitions));
        let mut answer = None;
        let mut writer = self.writer.borrow_mut();
        let writer = writer.as_mut().ok_or(Unrecorded)?;
        let staged =
            writer.stage_with(TopicId(topic.id()), partition, |seq, out| answer = encode(seq, out));
        let tick = self.tick.borrow();
        if staged.is_err() {
            return Err(Unrecorded);
        }
        if !tick.staged.replace(true) {
            self.committer.borrow().as_ref().inspect(|waker| waker.wake_by_ref());
        }
        let answer = answer.ok_or(Unrecorded)?;
        Ok((answer, Ticket { tick: Rc::clone(&tick), waiting: false }))
    }

    /// Waits until what a ticket stands for is kept as `ack` says.
    pub(crate) async fn kept(&self, ticket: Ticket, ack: Ack) -> Result<(), Unrecorded> {
        let mark = ticket.await?;
        if ack == Ack::PageCache {
            return Ok(());
        }
        let (tell, told) = oneshot::channel();
        self.sync.when_durable(mark, move |durable| {
            // Whoever waited may have hung up.
            let _ = tell.send(durable);
        });
        told.await.map_err(|_| Unrecorded)?.map_err(|_| Unrecorded)
    }

    /// The committer: one commit whenever something was staged. Never ends by itself.
    pub(crate) async fn commit_each_tick(&self, counts: &Counts) {
        std::future::poll_fn(|cx| {
            self.committer.replace(Some(cx.waker().clone()));
            if self.tick.borrow().staged.get() {
                self.commit(counts);
            }
            Poll::Pending
        })
        .await
    }

    /// Commits what is staged, tells whoever waits, and begins the next tick.
    pub(crate) fn commit(&self, counts: &Counts) {
        let tick = self.tick.take();
        let outcome = match self.writer.borrow_mut().as_mut() {
            Some(writer) => {
                self.bytes.set(self.bytes.get() + writer.staged_len() as u64);
                writer.commit().map_err(|error| self.tell_failure(&error))
            }
            None => Err(Unrecorded),
        };
        match outcome {
            Ok(_) if self.failing.replace(false) => {
                tracing::info!("the journal takes events again")
            }
            Ok(_) => {}
            Err(Unrecorded) => counts.event(Event::CommitFailed),
        }
        tick.outcome.set(Some(outcome));
        let mut waiting = tick.waiting.take();
        waiting.drain(..).for_each(Waker::wake);
        // The next tick takes the list's memory over.
        self.tick.borrow().waiting.replace(waiting);
    }

    fn tell_failure(&self, error: &journal::Error) -> Unrecorded {
        if !self.failing.replace(true) {
            tracing::error!(%error, "the journal takes no events: answering 503 until it does");
        }
        Unrecorded
    }

    /// Once a second: what is staged, and a sign of life stamped `now_ms`.
    pub(crate) fn heartbeat(&self, now_ms: u64, counts: &Counts) {
        let staged = self.writer.borrow_mut().as_mut().map(|writer| writer.heartbeat(now_ms));
        if let Some(Err(error)) = staged {
            self.tell_failure(&error);
        }
        self.commit(counts);
    }

    /// Hands over the bytes appended since the last time.
    pub(crate) fn hand_over(&self, metrics: &Metrics) {
        metrics.journal_bytes.inc_by(self.bytes.take());
    }

    /// Whether the last commit was taken.
    pub(crate) fn is_taking(&self) -> bool {
        !self.failing.get()
    }

    /// Ends the journal gracefully: nothing can be staged after this.
    ///
    /// # Errors
    /// What the journal says; it is then found unended, as after a crash, and loses nothing.
    pub(crate) fn end(&self) -> journal::Result<()> {
        self.writer.borrow_mut().take().map_or(Ok(()), |writer| writer.end(None))
    }
}

/// A record's place in a tick.
pub(crate) struct Ticket {
    tick: Rc<Tick>,
    waiting: bool,
}

impl Future for Ticket {
    type Output = Result<CommitMark, Unrecorded>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(outcome) = self.tick.outcome.get() {
            return Poll::Ready(outcome);
        }
        if !self.waiting {
            self.waiting = true;
            self.tick.waiting.borrow_mut().push(cx.waker().clone());
        }
        Poll::Pending
    }
}
