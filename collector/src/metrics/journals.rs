//! What the journals tell: bytes, syncs, and what was found of earlier incarnations.

use journal::{Repair, SyncStats};
use prometheus::{IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry};

use super::register;
use crate::config::{Ack, JournalConfig, Unrecorded};

/// See the module.
#[derive(Debug)]
pub struct JournalMetrics {
    /// Bytes appended.
    pub bytes: IntCounter,
    syncs: IntCounter,
    failed_syncs: IntCounter,
    recovered: IntCounterVec,
    modes: IntGaugeVec,
}

impl JournalMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        let counter = |name: &str, help: &str| register(registry, IntCounter::new(name, help));
        let recovered = IntCounterVec::new(
            Opts::new(
                "tributary_collector_recovered_total",
                "Earlier journals ended or refused at a start; torn bytes cut, stretches and bytes found corrupt.",
            ),
            &["what"],
        );
        let modes = IntGaugeVec::new(
            Opts::new(
                "tributary_collector_acknowledge",
                "1 for the acknowledge modes in force, and for what a click gets that cannot be recorded.",
            ),
            &["clicks", "conversions", "unrecorded"],
        );
        Self {
            bytes: counter(
                "tributary_collector_journal_bytes_total",
                "Bytes appended to the journals.",
            ),
            syncs: counter(
                "tributary_collector_journal_syncs_total",
                "Times a journal was made durable.",
            ),
            failed_syncs: counter(
                "tributary_collector_journal_failed_syncs_total",
                "Times a journal could not be made durable: a power loss may cost what stood there.",
            ),
            recovered: register(registry, recovered),
            modes: register(registry, modes),
        }
    }

    /// Says which modes are in force.
    pub fn set_modes(&self, config: &JournalConfig) {
        let ack = |ack: Ack| match ack {
            Ack::PageCache => "page_cache",
            Ack::Fsync => "fsync",
            Ack::Kafka => "kafka",
        };
        let unrecorded = match config.unrecorded {
            Unrecorded::Refuse => "503",
            Unrecorded::RedirectUncounted => "redirect_uncounted",
        };
        let labels = [ack(config.click_ack), ack(config.conversion_ack), unrecorded];
        self.modes.with_label_values(&labels).set(1);
    }

    /// Takes over what a journal synced since it was `before`.
    pub fn synced(&self, before: SyncStats, now: SyncStats) {
        self.syncs.inc_by(now.synced.saturating_sub(before.synced));
        self.failed_syncs.inc_by(now.failed.saturating_sub(before.failed));
    }

    /// An earlier journal was ended.
    pub fn sealed(&self, repair: &Repair) {
        let counts = [
            ("journals", 1),
            ("torn_bytes", repair.torn_bytes),
            ("corrupt", repair.corrupt),
            ("corrupt_bytes", repair.corrupt_bytes),
        ];
        for (what, count) in counts {
            self.recovered.with_label_values(&[what]).inc_by(count);
        }
    }

    /// An earlier journal was left as it is.
    pub fn refused(&self) {
        self.recovered.with_label_values(&["refused"]).inc();
    }
}
