//! One producer and all journals, until something fails: then everything is begun anew at the checkpoints.

use journal::JournalRef;
use prometheus::Histogram;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Shipping, Stop,
    backlog::Level,
    drain::{Drain, keep_from_ms},
    producer::Producer,
};
use crate::{clock, config::Config, error::Result, metrics::Metrics};

/// Most bytes handed over and not acknowledged: enough for any line, and little to send again.
const MOST_UNDER_WAY: usize = 32 << 20;
/// How long a journal with nothing new rests; what is appended meanwhile goes in one message.
const REST: Duration = Duration::from_millis(5);
/// Between two checkpoints: what a restart sends again.
const CHECKPOINT: Duration = Duration::from_millis(250);
/// Between two looks for journals, and at how much waits.
const LOOK: Duration = Duration::from_secs(1);
/// Between two removals of what is old.
const TRIM: Duration = Duration::from_secs(30);
/// A message's number is its window's, and in the bits above these the journal's.
const WINDOW_BITS: u32 = 40;

/// What lasts longer than a session.
pub(super) struct Session {
    config: Arc<Config>,
    key: journal::Key,
    metrics: Arc<Metrics>,
    shipping: Shipping,
    level: Level,
    /// Journals refused: told once.
    refused: BTreeSet<JournalRef>,
    /// Journals shipped to their end, not old enough to be removed.
    ended: BTreeSet<JournalRef>,
}

/// What does not.
struct Work {
    producer: Producer,
    /// Partitions that the topics have: a journal with more of them waits.
    partitions: u16,
    /// By a number of this session.
    drains: BTreeMap<usize, Drain>,
    next: usize,
    /// Bytes of each message under way and when it went, by journal and window.
    under_way: usize,
    sent: BTreeMap<usize, Vec<(usize, Instant)>>,
    ack_seconds: Histogram,
    checkpointed: Instant,
    looked: Option<Instant>,
    trimmed: Instant,
}

impl Session {
    pub(super) fn new(
        config: Arc<Config>,
        key: journal::Key,
        metrics: Arc<Metrics>,
        shipping: Shipping,
    ) -> Self {
        let most = config.ship.most_bytes();
        metrics.ship.backlog_limit.set(i64::try_from(most).unwrap_or(i64::MAX));
        let (refused, ended) = (BTreeSet::new(), BTreeSet::new());
        Self { config, key, metrics, shipping, level: Level::Well, refused, ended }
    }

    /// Ships until told to stop.
    ///
    /// # Errors
    /// Whatever makes it begin anew.
    pub(super) fn run(&mut self, stop: &Stop) -> Result<()> {
        self.metrics.ship.sessions.inc();
        let now = Instant::now();
        let mut work = Work {
            producer: Producer::new(&self.config.kafka)?,
            partitions: 0,
            drains: BTreeMap::new(),
            next: 1,
            under_way: 0,
            sent: BTreeMap::new(),
            ack_seconds: self.metrics.ship.ack_seconds.clone(),
            checkpointed: now,
            looked: None,
            trimmed: now,
        };
        // Also while Kafka is away the backlog is watched.
        self.look(&mut work)?;
        if !self.config.ship.is_growing {
            work.producer.check(self.config.journal.partitions)?;
        }
        work.partitions = work.producer.partitions()?;
        tracing::info!(journals = work.drains.len(), "shipping to kafka");
        loop {
            let stopping = stop.by();
            let moved = self.turn(&mut work)?;
            let idle = work.drains.values().all(Drain::is_idle) && !moved;
            if stopping.is_some_and(|by| idle || by <= Instant::now()) {
                return work.checkpoint();
            }
        }
    }

    /// A round over all journals; whether anything moved.
    fn turn(&mut self, work: &mut Work) -> Result<bool> {
        if work.looked.is_none_or(|at| at.elapsed() >= LOOK) {
            self.look(work)?;
            work.look_at_topics()?;
        }
        let mut moved = false;
        let numbers: Vec<usize> = work.drains.keys().copied().collect();
        for number in numbers {
            moved |= self.feed(work, number)?;
        }
        let rest = if moved { Duration::ZERO } else { REST };
        moved |= work.settle(rest)?;
        for drain in work.drains.values_mut() {
            drain.tell(&self.shipping);
        }
        if work.checkpointed.elapsed() >= CHECKPOINT {
            work.checkpoint()?;
            self.end_drains(work);
        }
        self.metrics.ship.under_way.set(i64::try_from(work.under_way).unwrap_or(i64::MAX));
        Ok(moved)
    }

    /// Reads on in a journal and hands its messages over, as far as there is room.
    fn feed(&self, work: &mut Work, number: usize) -> Result<bool> {
        let Some(drain) = work.drains.get_mut(&number) else { return Ok(false) };
        let mut moved = false;
        if drain.partitions() > work.partitions {
            return Ok(false);
        }
        if drain.packed.is_empty() && work.under_way < MOST_UNDER_WAY {
            moved = drain.read()?;
        }
        while let Some((window, message)) = drain.packed.front() {
            let number = number << WINDOW_BITS | *window as usize;
            let bytes = message.payload.len();
            if work.under_way >= MOST_UNDER_WAY || !work.producer.send(message, number)? {
                break;
            }
            work.under_way += bytes;
            work.sent.entry(number).or_default().push((bytes, Instant::now()));
            self.metrics.ship.messages.with_label_values(&[message.topic.name()]).inc();
            self.metrics.ship.bytes.inc_by(bytes as u64);
            drain.packed.pop_front();
            moved = true;
        }
        Ok(moved)
    }

    /// Finds journals, and looks at how much waits.
    fn look(&mut self, work: &mut Work) -> Result<()> {
        work.looked = Some(Instant::now());
        for place in journal::journals(&self.config.journal.root)? {
            let is_open = work.drains.values().any(|drain| *drain.place() == place);
            if is_open || self.ended.contains(&place) {
                continue;
            }
            match Drain::open(&place, &self.key, &self.metrics.ship) {
                Ok(drain) => {
                    self.refused.remove(&place);
                    work.drains.insert(work.next, drain);
                    work.next += 1;
                }
                // Being made just now: next time.
                Err(journal::Error::NotFound(_) | journal::Error::BadHeader(_)) => {}
                Err(error) => {
                    if self.refused.insert(place.clone()) {
                        tracing::error!(journal = %place.journal, %error, "a journal is not shipped");
                    }
                }
            }
        }
        self.weigh(work.drains.values().map(Drain::backlog).sum());
        let complete_ms = work.drains.values().map(|drain| drain.progress.complete_ms).min();
        let late = complete_ms.map_or(0, |complete| clock::now_ms().saturating_sub(complete));
        self.metrics.ship.lag.set(Duration::from_millis(late).as_secs_f64());
        if work.trimmed.elapsed() >= TRIM {
            work.trimmed = Instant::now();
            self.remove_old(work);
        }
        Ok(())
    }

    /// Says how much waits, and when that is too much.
    fn weigh(&mut self, bytes: u64) {
        let most = self.config.ship.most_bytes();
        self.metrics.ship.backlog.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        let level = Level::of(bytes, most);
        self.shipping.set_full(level == Level::Full);
        if level == self.level {
            return;
        }
        match level {
            Level::Well => tracing::info!(bytes, "the journals are being emptied again"),
            Level::Alarm => {
                tracing::error!(bytes, most, "half of what may wait for kafka waits: is it away?");
            }
            Level::Full => {
                tracing::error!(bytes, most, "as much waits for kafka as may: answering 503");
            }
        }
        self.level = level;
    }

    /// Segments and whole journals that Kafka has and that are old enough: visitors' addresses stand in them.
    /// A failure costs disk and nothing else.
    fn remove_old(&mut self, work: &Work) {
        let keep_hours = self.config.ship.keep_hours;
        work.drains.values().for_each(|drain| drain.trim(keep_hours));
        self.ended.retain(|place| match journal::forget(&place.dir(), keep_from_ms(keep_hours)) {
            Ok(gone) => !gone,
            Err(error) => {
                tracing::warn!(journal = %place.journal, %error, "a journal cannot be removed");
                true
            }
        });
    }

    /// Closes journals shipped to their end.
    fn end_drains(&mut self, work: &mut Work) {
        work.drains.retain(|_, drain| {
            let over = drain.is_over();
            if over {
                self.shipping.forget(drain.place().journal.0);
                self.ended.insert(drain.place().clone());
            }
            !over
        });
    }
}

impl Work {
    /// While a journal waits for the topics to grow: whether they have.
    fn look_at_topics(&mut self) -> Result<()> {
        let most = self.drains.values().map(Drain::partitions).max().unwrap_or(0);
        if most > self.partitions {
            let found = self.producer.partitions()?;
            if found != self.partitions {
                tracing::info!(partitions = found, "kafka's topics have grown");
            }
            self.partitions = found;
        }
        Ok(())
    }

    /// Takes what Kafka has acknowledged, waiting for the first at most so long; whether there was any.
    fn settle(&mut self, wait: Duration) -> Result<bool> {
        let mut wait = wait;
        let mut any = false;
        while let Some(number) = self.producer.delivered(wait)? {
            (wait, any) = (Duration::ZERO, true);
            if let Some(sent) = self.sent.get_mut(&number) {
                // Which of a window's messages does not matter: in the end all are.
                if let Some((bytes, at)) = sent.pop() {
                    self.under_way -= bytes;
                    self.ack_seconds.observe(at.elapsed().as_secs_f64());
                }
                if sent.is_empty() {
                    self.sent.remove(&number);
                }
            }
            let window = number & ((1 << WINDOW_BITS) - 1);
            if let Some(drain) = self.drains.get_mut(&(number >> WINDOW_BITS)) {
                drain.progress.acknowledge(window as u64);
            }
        }
        Ok(any)
    }

    fn checkpoint(&mut self) -> Result<()> {
        self.checkpointed = Instant::now();
        self.drains.values_mut().try_for_each(Drain::store)
    }
}
