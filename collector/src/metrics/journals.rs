//! What the journals tell: bytes, syncs, and what was found of earlier incarnations.

use journal::{Repair, SyncStats};
use prometheus::{
    Counter, Histogram, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry,
    local::LocalHistogram,
};
use std::time::Duration;

use super::{register, seconds};
use crate::config::{Ack, JournalConfig, Unrecorded};

/// See the module.
#[derive(Debug)]
pub struct JournalMetrics {
    /// Bytes appended.
    pub bytes: IntCounter,
    commit_seconds: Histogram,
    kept_seconds: HistogramVec,
    syncs: IntCounter,
    sync_seconds: Counter,
    failed_syncs: IntCounter,
    recovered: IntCounterVec,
    torn_bytes: IntCounter,
    corrupt: IntCounter,
    corrupt_bytes: IntCounter,
    modes: IntGaugeVec,
}

/// How an earlier journal was left at a start.
const ENDED: &str = "ended";
const REFUSED: &str = "refused";

impl JournalMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        let counter = |name: &str, help: &str| register(registry, IntCounter::new(name, help));
        let recovered = IntCounterVec::new(
            Opts::new(
                "tributary_collector_recovered_journals_total",
                "Earlier journals found at a start: ended, or refused and left as they are.",
            ),
            &["result"],
        );
        let recovered = register(registry, recovered);
        [ENDED, REFUSED].iter().for_each(|result| drop(recovered.with_label_values(&[result])));
        let kept = seconds(
            "tributary_collector_kept_seconds",
            "Time until a record is kept as its acknowledge mode says, where that is more than written.",
        );
        let kept = register(registry, HistogramVec::new(kept, &["ack"]));
        for ack in [Ack::Fsync, Ack::Kafka] {
            kept.with_label_values(&[ack_name(ack)]);
        }
        let commit = seconds(
            "tributary_collector_commit_seconds",
            "Time of an append to a journal: one for everything a turn of the event loop accepted.",
        );
        let sync_seconds = Counter::new(
            "tributary_collector_journal_sync_seconds_total",
            "Time that making journals durable took.",
        );
        let modes = IntGaugeVec::new(
            Opts::new(
                "tributary_collector_acknowledge_info",
                "1 for the acknowledge modes in force, and for what a click gets that cannot be recorded.",
            ),
            &["clicks", "conversions", "unrecorded"],
        );
        Self {
            bytes: counter(
                "tributary_collector_journal_bytes_total",
                "Bytes appended to the journals.",
            ),
            commit_seconds: register(registry, Histogram::with_opts(commit)),
            kept_seconds: kept,
            sync_seconds: register(registry, sync_seconds),
            syncs: counter(
                "tributary_collector_journal_syncs_total",
                "Times a journal was made durable.",
            ),
            failed_syncs: counter(
                "tributary_collector_journal_failed_syncs_total",
                "Times a journal could not be made durable: a power loss may cost what stood there.",
            ),
            torn_bytes: counter(
                "tributary_collector_recovered_torn_bytes_total",
                "Bytes cut off the ends of earlier journals: never acknowledged.",
            ),
            corrupt: counter(
                "tributary_collector_recovered_corrupt_stretches_total",
                "Stretches of earlier journals found corrupt, and kept aside.",
            ),
            corrupt_bytes: counter(
                "tributary_collector_recovered_corrupt_bytes_total",
                "Bytes of them.",
            ),
            recovered,
            modes: register(registry, modes),
        }
    }

    /// Says which modes are in force.
    pub fn set_modes(&self, config: &JournalConfig) {
        let unrecorded = match config.unrecorded {
            Unrecorded::Refuse => "503",
            Unrecorded::RedirectUncounted => "redirect_uncounted",
        };
        let acks = [config.click_ack, config.conversion_ack].map(ack_name);
        let labels = [acks[0], acks[1], unrecorded];
        self.modes.with_label_values(&labels).set(1);
    }

    /// Takes over what a journal synced since it was `before`.
    pub fn synced(&self, before: SyncStats, now: SyncStats) {
        self.syncs.inc_by(now.synced.saturating_sub(before.synced));
        self.failed_syncs.inc_by(now.failed.saturating_sub(before.failed));
        self.sync_seconds.inc_by(now.time.saturating_sub(before.time).as_secs_f64());
    }

    /// Where a core notes the times of its appends; handed over by `flush`.
    pub fn commit_times(&self) -> LocalHistogram {
        self.commit_seconds.local()
    }

    /// A record was kept after so long.
    pub fn kept(&self, ack: Ack, time: Duration) {
        self.kept_seconds.with_label_values(&[ack_name(ack)]).observe(time.as_secs_f64());
    }

    /// An earlier journal was ended.
    pub fn sealed(&self, repair: &Repair) {
        self.recovered.with_label_values(&[ENDED]).inc();
        self.torn_bytes.inc_by(repair.torn_bytes);
        self.corrupt.inc_by(repair.corrupt);
        self.corrupt_bytes.inc_by(repair.corrupt_bytes);
    }

    /// An earlier journal was left as it is.
    pub fn refused(&self) {
        self.recovered.with_label_values(&[REFUSED]).inc();
    }
}

const fn ack_name(ack: Ack) -> &'static str {
    match ack {
        Ack::PageCache => "page_cache",
        Ack::Fsync => "fsync",
        Ack::Kafka => "kafka",
    }
}
