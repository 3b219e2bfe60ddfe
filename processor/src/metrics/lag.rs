//! How far the processor is behind the log: in what lies unread, and in time.

use prometheus::{Gauge, IntGauge, Result};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::make::Make;
use crate::{clock, source::Unread};

/// See the module.
#[derive(Clone)]
pub(crate) struct Lag {
    seconds: Gauge,
    events: IntGauge,
    messages: IntGauge,
    bytes: IntGauge,
    partitions: IntGauge,
    /// Everything of ours up to here is in. Kept while no session runs: the lag grows then.
    complete_ms: Arc<AtomicU64>,
    started_ms: u64,
}

impl Lag {
    pub(super) fn new(make: &Make<'_>) -> Result<Self> {
        let started_ms = clock::now_ms();
        Ok(Self {
            seconds: make.exact(
                "lag_seconds",
                "Age of the moment up to which everything of ours was read: that of the slowest partition",
            )?,
            events: make.gauge(
                "lag_events",
                "Records that lie unread, estimated from how many those before were",
            )?,
            messages: make.gauge("lag_messages", "Messages of Kafka's that lie unread")?,
            bytes: make.gauge("lag_bytes", "Bytes of journals that lie unread")?,
            partitions: make.gauge("partitions", "Kafka's partitions that are ours")?,
            complete_ms: Arc::new(AtomicU64::new(started_ms)),
            started_ms,
        })
    }

    /// What lies unread, and up to when nothing does: `None` while that is not known.
    pub(crate) fn show(&self, unread: Unread, complete_ms: Option<u64>) {
        let show = |gauge: &IntGauge, n: u64| gauge.set(i64::try_from(n).unwrap_or(i64::MAX));
        show(&self.events, unread.events);
        show(&self.messages, unread.messages);
        show(&self.bytes, unread.bytes);
        // A slot that was never heard of is as late as can be told.
        self.complete_ms.store(complete_ms.unwrap_or(self.started_ms), Ordering::Relaxed);
    }

    /// So many of Kafka's partitions are ours now.
    pub(crate) fn own(&self, partitions: usize) {
        self.partitions.set(i64::try_from(partitions).unwrap_or(i64::MAX));
    }

    /// Nothing is ours, so that nothing is late.
    pub(crate) fn disown(&self) {
        self.own(0);
        self.show(Unread::default(), Some(u64::MAX));
    }

    /// The age as of now.
    pub(super) fn age(&self, now_ms: u64) {
        let late = now_ms.saturating_sub(self.complete_ms.load(Ordering::Relaxed));
        self.seconds.set(Duration::from_millis(late).as_secs_f64());
    }
}
