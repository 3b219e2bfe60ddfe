//! What a session tells: of each batch, and once a second of what time alone changes.

use std::time::{Duration, Instant};

use super::Session;
use crate::{batch::Batch, clock, journals::Incarnation, metrics::stages::Laps};

/// Between two looks at what does not change by batches alone.
const LOOK: Duration = Duration::from_secs(1);
/// A live journal that says nothing for this long is an alarm.
const SILENT_MS: u64 = 5_000;

impl Session<'_> {
    /// What became of a batch.
    pub(super) fn report(&self, batch: &Batch, laps: &Laps) {
        let metrics = &self.context.metrics;
        let counts = self.decider.counts;
        let records = [
            ("received", counts.received),
            ("repeated", counts.repeated),
            ("waiting", batch.parked.len() as u64),
        ];
        for (what, count) in records {
            metrics.records.with_label_values(&[what]).inc_by(count);
        }
        for ((topic, outcome), count) in &self.decider.outcomes {
            metrics.outcomes.with_label_values(&[topic.name(), outcome]).inc_by(*count);
        }
        for letter in &batch.dead {
            metrics.dead_letters.with_label_values(&[letter.flaw.name()]).inc();
        }
        metrics.corrupt.inc_by(counts.corrupt);
        metrics.batch_seconds.observe(laps.whole().as_secs_f64());
        metrics.stages.show(laps);
    }

    /// Looks at what changes although nothing comes: lateness, silence, holes.
    pub(super) fn look(&mut self) {
        if self.looked.is_some_and(|at| at.elapsed() < LOOK) {
            return;
        }
        self.looked = Some(Instant::now());
        let metrics = &self.context.metrics;
        let slots = &self.context.config.source.slots;
        metrics.lag.show(self.source.unread(), self.journals.complete_ms(slots));
        metrics.waiting.set(i64::try_from(self.waiting.len()).unwrap_or(i64::MAX));
        let now = clock::now_ms();
        let silent = self.journals.iter().filter(|one| {
            one.is_live() && !one.known.import && now.saturating_sub(one.heard_ms) > SILENT_MS
        });
        metrics.silent.set(i64::try_from(silent.count()).unwrap_or(i64::MAX));
        let holes = self.journals.holes();
        metrics.holes.set(i64::try_from(holes).unwrap_or(i64::MAX));
        self.tell_holes(holes);
    }

    /// Once for each time that something is missing: what is told then is what to do about it.
    fn tell_holes(&mut self, holes: u64) {
        if holes == 0 {
            self.told_holes = false;
            return;
        }
        let first = self.journals.iter().find_map(Incarnation::first_hole);
        if let (false, Some((key, first, last))) = (self.told_holes, first) {
            self.told_holes = true;
            tracing::error!(
                holes,
                journal = format_args!("{:016x}", key.journal),
                topic = key.topic.name(),
                partition = key.partition,
                first,
                last,
                "records were announced and are not in: the numbers stand still until they are sent again (tributary journal resend) or declared lost (tributary journal lost)"
            );
        }
    }
}
