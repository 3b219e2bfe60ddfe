//! One append per event-loop tick: what a tick's requests staged is written with one `write`.
//!
//! A handler stages its record and gets a ticket; the first of a tick wakes the committer, which the
//! runtime runs after every task that was ready before it. It commits, says how it ended, and wakes
//! those who hold tickets. Everything lives on one core: cells, no lock, no atomic. Refuses to say
//! "kept" for a batch the journal did not take.

use journal::{CommitMark, Partition, Position, SyncHandle, SyncStats, TopicId, Writer};
use prometheus::local::LocalHistogram;
use schemas::topic::{Shard, Topic};
use std::{
    cell::{Cell, RefCell},
    future::Future,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};
use tokio::{
    sync::{oneshot, watch},
    time::timeout,
};

use crate::{
    config::Ack,
    core::Shared,
    metrics::{Counts, Event, Metrics},
    ship::Shipping,
};

/// The record could not be kept as it should; the sender should try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unrecorded {
    /// The journal did not take it.
    NotStored,
    /// The journal took it, and the disk did not say that it is durable.
    MaybeStored,
}

/// A core's journal and the batch being staged.
pub(crate) struct Batch {
    writer: RefCell<Option<Writer>>,
    sync: RefCell<Option<SyncHandle>>,
    synced: Cell<SyncStats>,
    partitions: u16,
    tick: RefCell<Rc<Tick>>,
    committer: RefCell<Option<Waker>>,
    /// The last commit failed: told once, until one succeeds.
    failing: Cell<bool>,
    bytes: Cell<u64>,
    times: LocalHistogram,
    metrics: Arc<Metrics>,
    /// Topic and verdict of what is staged: counted once it is committed.
    counted: RefCell<Vec<(Topic, u8)>>,
    shipping: Shipping,
    /// How far Kafka has this journal.
    shipped: watch::Receiver<Position>,
    shipping_limit: Duration,
}

#[derive(Default)]
struct Tick {
    staged: Cell<bool>,
    outcome: Cell<Option<Result<CommitMark, Unrecorded>>>,
    waiting: RefCell<Vec<Waker>>,
}

impl Batch {
    /// Over a fresh journal; without one nothing is taken until `begin`.
    pub(crate) fn new(
        partitions: u16,
        writer: Option<Writer>,
        journal: u64,
        shared: &Shared,
    ) -> Self {
        Self {
            shipping: shared.shipping.clone(),
            shipped: shared.shipping.watch(journal),
            shipping_limit: Duration::from_secs(shared.config.ship.kafka_ack_s),
            failing: Cell::new(writer.is_none()),
            sync: RefCell::new(writer.as_ref().map(Writer::sync_handle)),
            synced: Cell::default(),
            counted: RefCell::default(),
            partitions,
            writer: RefCell::new(writer),
            tick: RefCell::default(),
            committer: RefCell::default(),
            bytes: Cell::new(0),
            times: shared.metrics.journal.commit_times(),
            metrics: Arc::clone(&shared.metrics),
        }
    }

    /// Takes the journal there was no room for at the start.
    pub(crate) fn begin(&self, writer: Writer) {
        self.sync.replace(Some(writer.sync_handle()));
        self.writer.replace(Some(writer));
    }

    /// Whether there is a journal.
    pub(crate) fn has_writer(&self) -> bool {
        self.writer.borrow().is_some()
    }

    /// Stages a record with its verdict: `encode` gets its seq and an empty buffer, and answers what the caller wants
    /// to know of it. `None` (an id that can't be signed: a clock beyond 2109) leaves a record that the
    /// processor dead-letters, and nobody is told it was kept.
    pub(crate) fn stage<T>(
        &self,
        topic: Topic,
        shard: Shard,
        verdict: u8,
        encode: impl FnOnce(u64, &mut Vec<u8>) -> Option<T>,
    ) -> Result<(T, Ticket), Unrecorded> {
        if self.shipping.is_full() {
            return Err(Unrecorded::NotStored);
        }
        let partition = Partition(shard.partition(self.partitions));
        let mut answer = None;
        let mut writer = self.writer.borrow_mut();
        let writer = writer.as_mut().ok_or(Unrecorded::NotStored)?;
        let staged =
            writer.stage_with(TopicId(topic.id()), partition, |seq, out| answer = encode(seq, out));
        let tick = self.tick.borrow();
        if staged.is_err() {
            return Err(Unrecorded::NotStored);
        }
        if !tick.staged.replace(true) {
            self.rouse();
        }
        let answer = answer.ok_or(Unrecorded::NotStored)?;
        self.counted.borrow_mut().push((topic, verdict));
        Ok((answer, Ticket { tick: Rc::clone(&tick), waiting: false }))
    }

    /// Waits until what a ticket stands for is kept as `ack` says.
    pub(crate) async fn kept(&self, ticket: Ticket, ack: Ack) -> Result<(), Unrecorded> {
        if ack == Ack::PageCache {
            return ticket.await.map(drop);
        }
        let begun = Instant::now();
        let mark = ticket.await?;
        match ack {
            Ack::Kafka => self.shipped(mark).await?,
            Ack::PageCache | Ack::Fsync => self.durable(mark).await?,
        }
        self.metrics.journal.kept(ack, begun.elapsed());
        Ok(())
    }

    /// Waits until everything up to a mark is on the disk.
    async fn durable(&self, mark: CommitMark) -> Result<(), Unrecorded> {
        let (tell, told) = oneshot::channel();
        let sync = self.sync.borrow().clone().ok_or(Unrecorded::MaybeStored)?;
        sync.when_durable(mark, move |durable| {
            // Whoever waited may have hung up.
            let _ = tell.send(durable);
        });
        let durable = told.await.map_err(|_| Unrecorded::MaybeStored)?;
        durable.map_err(|_| Unrecorded::MaybeStored)
    }

    /// Waits until Kafka has everything up to a mark.
    async fn shipped(&self, mark: CommitMark) -> Result<(), Unrecorded> {
        let mut shipped = self.shipped.clone();
        let waited = timeout(self.shipping_limit, shipped.wait_for(|at| *at >= mark.0)).await;
        match waited {
            Ok(Ok(_)) => Ok(()),
            // It lies in the journal, and will be shipped: the same transaction counts once.
            Ok(Err(_)) | Err(_) => Err(Unrecorded::MaybeStored),
        }
    }

    /// Notes whom to wake when something is staged; a task's waker stays the same.
    pub(crate) fn listen(&self, committer: &Waker) {
        if self.committer.borrow().is_none() {
            self.committer.replace(Some(committer.clone()));
        }
    }

    /// Wakes the committer: there is, or will be, something to commit.
    pub(crate) fn rouse(&self) {
        self.committer.borrow().as_ref().inspect(|waker| waker.wake_by_ref());
    }

    /// Says that `commit_staged` follows: nobody needs to be woken for what is staged until then.
    pub(crate) fn begin_turn(&self) {
        self.tick.borrow().staged.set(true);
    }

    /// Commits, if anything is staged.
    pub(crate) fn commit_staged(&self, counts: &Counts) {
        let staged = self.writer.borrow().as_ref().map_or(0, Writer::staged_len);
        if staged > 0 {
            self.commit(counts);
        } else {
            self.tick.borrow().staged.set(false);
        }
    }

    /// Commits what is staged, tells whoever waits, and begins the next tick.
    pub(crate) fn commit(&self, counts: &Counts) {
        let tick = self.tick.take();
        let outcome = match self.writer.borrow_mut().as_mut() {
            Some(writer) => {
                let bytes = writer.staged_len() as u64;
                let begun = Instant::now();
                let taken = writer.commit().map_err(|error| self.tell_failure(&error));
                self.times.observe(begun.elapsed().as_secs_f64());
                self.bytes.set(self.bytes.get() + if taken.is_ok() { bytes } else { 0 });
                taken
            }
            None => Err(Unrecorded::NotStored),
        };
        self.count(outcome.is_ok(), counts);
        match outcome {
            Ok(_) if self.failing.replace(false) => {
                tracing::info!("the journal takes events again")
            }
            Ok(_) => {}
            Err(_) => counts.event(Event::CommitFailed),
        }
        tick.outcome.set(Some(outcome));
        let mut waiting = tick.waiting.take();
        waiting.drain(..).for_each(Waker::wake);
        // The next tick takes the list's memory over.
        self.tick.borrow().waiting.replace(waiting);
    }

    /// What was staged counts as recorded, or not at all.
    fn count(&self, taken: bool, counts: &Counts) {
        for (topic, verdict) in self.counted.borrow_mut().drain(..).filter(|_| taken) {
            match topic {
                Topic::Clicks => counts.click(verdict.into()),
                Topic::Conversions => counts.conversion(verdict.into()),
            }
        }
    }

    fn tell_failure(&self, error: &journal::Error) -> Unrecorded {
        if !self.failing.replace(true) {
            tracing::error!(%error, "the journal takes no events: answering 503 until it does");
        }
        Unrecorded::NotStored
    }

    /// Once a second: what is staged, and a sign of life stamped `now_ms`.
    pub(crate) fn heartbeat(&self, now_ms: u64, counts: &Counts) {
        let staged = self.writer.borrow_mut().as_mut().map(|writer| writer.heartbeat(now_ms));
        if let Some(Err(error)) = staged {
            self.tell_failure(&error);
        }
        if self.has_writer() {
            self.commit(counts);
        }
    }

    /// Hands over the bytes appended and the syncs since the last time.
    pub(crate) fn hand_over(&self, metrics: &Metrics) {
        metrics.journal.bytes.inc_by(self.bytes.take());
        self.times.flush();
        let Some(sync) = self.sync.borrow().clone() else { return };
        let now = sync.stats();
        let before = self.synced.replace(now);
        metrics.journal.synced(before, now);
        if now.failed > before.failed {
            tracing::error!(
                failed = now.failed - before.failed,
                "the disk did not make the journal durable: a new segment is begun"
            );
        }
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

impl Ticket {
    /// Whether the tick is committed, and the record with it.
    pub(crate) fn is_kept(&self) -> bool {
        matches!(self.tick.outcome.get(), Some(Ok(_)))
    }
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
