//! What the loss ledger and the processor's own audits say, as gauges.

use prometheus::{IntGauge, IntGaugeVec, Opts, Registry};

use crate::stores::losses::Totals;

/// See the module. Every processor shows the same, since all read the same tables.
#[derive(Clone)]
pub(crate) struct Losses {
    records: IntGaugeVec,
    unexplained: IntGauge,
    oldest_undecided: IntGauge,
    /// Discrepancies of the last audit.
    pub(crate) discrepancies: IntGauge,
    /// When it began, in seconds since 1970.
    pub(crate) audited: IntGauge,
}

impl Losses {
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let records = IntGaugeVec::new(
            Opts::new("tributary_processor_ledger_records", "Records by what every stage counted"),
            &["stage"],
        )?;
        registry.register(Box::new(records.clone()))?;
        Ok(Self {
            records,
            unexplained: gauge(
                "tributary_processor_unexplained_records",
                "Records that one stage counted and the next one did not",
            )?,
            oldest_undecided: gauge(
                "tributary_processor_oldest_undecided_seconds",
                "Age of the oldest event that may not be decided and stored",
            )?,
            discrepancies: gauge(
                "tributary_processor_audit_discrepancies",
                "What did not agree in the last audit",
            )?,
            audited: gauge(
                "tributary_processor_audit_timestamp_seconds",
                "When the last audit began",
            )?,
        })
    }

    /// Shows the sums over all lanes.
    pub(crate) fn show(&self, totals: &Totals) {
        let stages = [
            ("announced", totals.announced),
            ("missing", totals.missing),
            ("received", totals.received),
            ("skipped", totals.skipped),
            ("lost", totals.lost),
            ("repeated", totals.repeated),
            ("decided", totals.decided),
            ("waiting", totals.waiting),
            ("dead_letter", totals.dead_letters),
            ("on_the_way", totals.on_the_way),
            ("stored", totals.stored),
        ];
        for (stage, count) in stages {
            self.records.with_label_values(&[stage]).set(count);
        }
        self.unexplained.set(totals.unexplained);
        self.oldest_undecided.set(totals.oldest_undecided_s);
    }
}
