//! From the journal to Kafka: the journal is the queue, Kafka gets what stands in it, in order, again and
//! again until it says that it has it.
//!
//! A thread beside the event loops reads every journal below the root, packs consecutive records of a
//! partition into messages, and remembers how far Kafka has acknowledged all of them. Refuses to move a
//! checkpoint beyond what is acknowledged: what is sent twice is known by its seq and dropped.

mod backlog;
mod drain;
mod pack;
mod producer;
mod progress;
pub(crate) mod resend;
mod session;

use journal::Position;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tokio::sync::watch;

use crate::{
    config::Config,
    error::{Error, Result},
    metrics::Metrics,
};
use session::Session;

/// Longest wait for Kafka before the collector serves without it.
const ASK: Duration = Duration::from_secs(5);
/// Between two tries after a failure.
const AGAIN: Duration = Duration::from_secs(1);

/// What event loops and the shipper tell each other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shipping {
    /// More lies unshipped than may: nothing more is taken.
    is_full: Arc<AtomicBool>,
    /// How far each journal is in Kafka.
    shipped: Arc<Mutex<HashMap<u64, watch::Sender<Position>>>>,
}

impl Shipping {
    /// Whether the journals hold as much as they may.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    fn set_full(&self, full: bool) {
        self.is_full.store(full, Ordering::Relaxed);
    }

    /// How far a journal is in Kafka, from now on.
    pub(crate) fn watch(&self, journal: u64) -> watch::Receiver<Position> {
        self.with(journal, watch::Sender::subscribe)
    }

    fn has_shipped(&self, journal: u64, position: Position) {
        self.with(journal, |shipped| {
            shipped.send_replace(position);
        });
    }

    /// Nobody waits for a journal that is shipped to its end.
    fn forget(&self, journal: u64) {
        let mut shipped = self.shipped.lock().unwrap_or_else(PoisonError::into_inner);
        shipped.remove(&journal);
    }

    fn with<T>(&self, journal: u64, on: impl FnOnce(&watch::Sender<Position>) -> T) -> T {
        let mut shipped = self.shipped.lock().unwrap_or_else(PoisonError::into_inner);
        on(shipped.entry(journal).or_insert_with(|| watch::Sender::new(Position::START)))
    }
}

/// The thread, until it is told to stop.
#[derive(Debug)]
pub(crate) struct Shipper {
    stop: Arc<Stop>,
    thread: JoinHandle<()>,
}

/// Tells the thread to end, and by when.
#[derive(Debug, Default)]
struct Stop(Mutex<Option<Instant>>);

impl Stop {
    fn by(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks whether Kafka's topics are as they must be. A Kafka that is away is no reason not to serve.
///
/// # Errors
/// A topic that is not there, or has other partitions than the journals; a Kafka that does not let us in; options it
/// does not take.
pub(crate) fn check(config: &Config) -> Result<()> {
    if !config.kafka.is_set() {
        return Ok(());
    }
    let check = if config.ship.is_growing { kafka::check_growing } else { kafka::check };
    match check(&config.kafka, config.journal.partitions, ASK) {
        Err(error @ kafka::Error::Away { .. }) => {
            tracing::warn!(%error, "kafka is away: collecting into the journals until it is back");
            Ok(())
        }
        checked => Ok(checked?),
    }
}

/// Begins to ship, where there is a Kafka.
///
/// # Errors
/// No thread.
pub(crate) fn start(
    config: &Arc<Config>,
    key: journal::Key,
    metrics: &Arc<Metrics>,
    shipping: &Shipping,
) -> Result<Option<Shipper>> {
    if !config.kafka.is_set() {
        return Ok(None);
    }
    let stop = Arc::new(Stop::default());
    let session = Session::new(Arc::clone(config), key, Arc::clone(metrics), shipping.clone());
    let thread = std::thread::Builder::new().name("ship".to_owned()).spawn({
        let stop = Arc::clone(&stop);
        move || run(session, &stop)
    });
    Ok(Some(Shipper { stop, thread: thread.map_err(Error::Runtime)? }))
}

impl Shipper {
    /// Ships what there is left, as far as `limit` allows; the rest waits for the next start.
    pub(crate) fn stop(self, limit: Duration) {
        let by = Instant::now() + limit;
        *self.stop.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(by);
        if self.thread.join().is_err() {
            tracing::error!("the shipper ended by a panic: the rest is shipped at the next start");
        }
    }
}

/// One session after the other: after a failure everything in memory is thrown away, and shipped again from
/// the checkpoints.
fn run(mut session: Session, stop: &Stop) {
    let mut told = String::new();
    while let Err(error) = session.run(stop) {
        // Once for each reason, not each second.
        let text = error.to_string();
        if text != told {
            tracing::error!(%error, "shipping to kafka begins anew");
            told = text;
        }
        // The rest lies in the journals, and is shipped at the next start.
        if stop.by().is_some() {
            return;
        }
        std::thread::sleep(AGAIN);
    }
}
