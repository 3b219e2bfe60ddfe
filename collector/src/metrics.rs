//! What the collector counts, for Prometheus (`/metrics` on the admin port).
//!
//! Cores count in cells of their own and hand the sums over once a second, so that counting costs a
//! visitor nothing. Labels are words of closed lists, never text of a request, and all of them are
//! served from the start: a rate needs the zero before the first. `docs/metrics.md` names every metric.

mod journals;
mod shipping;

pub(crate) use journals::JournalMetrics;
pub(crate) use shipping::ShipMetrics;

use prometheus::{
    Gauge, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
    exponential_buckets, process_collector::ProcessCollector,
};
use schemas::reason::{Invalid, Refusal};
use std::cell::Cell;

/// Reasons have codes below this.
const REASONS: usize = 32;

/// Shared by all threads.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    clicks: IntCounterVec,
    conversions: IntCounterVec,
    events: IntCounterVec,
    /// Connections open now.
    pub connections: IntGauge,
    /// Links in memory.
    pub links: IntGauge,
    /// How often the picture of the links was swapped.
    pub link_changes: IntCounter,
    /// 1 while the feed has PostgreSQL.
    pub feed_connected: IntGauge,
    /// How often the feed lost PostgreSQL or could not reach it.
    pub feed_failures: IntCounter,
    /// How often the copy on disk could not be written.
    pub copy_failures: IntCounter,
    /// How far stamps are ahead of the machine's clock, on the core that said so last.
    pub clock_held: Gauge,
    /// How often all links were read.
    pub feed_loads: IntCounter,
    /// The journals.
    pub journal: JournalMetrics,
    /// The way to Kafka.
    pub ship: ShipMetrics,
}

impl Metrics {
    /// All at zero.
    ///
    /// # Panics
    /// Never: every name is given once.
    pub fn new() -> Self {
        let registry = Registry::new();
        if let Err(error) = registry.register(Box::new(ProcessCollector::for_self())) {
            tracing::warn!(%error, "memory and processor time are not told");
        }
        let vec = |name: &str, help: &str, label: &str| {
            let vec = IntCounterVec::new(Opts::new(name, help), &[label]);
            register(&registry, vec)
        };
        let gauge = |name: &str, help: &str| register(&registry, IntGauge::new(name, help));
        let counter = |name: &str, help: &str| register(&registry, IntCounter::new(name, help));
        let metrics = Self {
            requests: vec(
                "tributary_collector_requests_total",
                "Requests answered, by status.",
                "status",
            ),
            clicks: vec(
                "tributary_collector_clicks_total",
                "Clicks and impressions recorded, by what was against them; `none` for nothing.",
                "reason",
            ),
            conversions: vec(
                "tributary_collector_conversions_total",
                "Conversions recorded, by what was against them; `none` for nothing.",
                "reason",
            ),
            events: vec(
                "tributary_collector_events_total",
                "What else happened to requests: orphans, refusals and empty pixels over their limit, answers given uncounted, spread visitors, commits that failed, destinations that could not be filled.",
                "event",
            ),
            connections: gauge("tributary_collector_connections", "Connections open now."),
            links: gauge("tributary_collector_links", "Links in memory."),
            link_changes: counter(
                "tributary_collector_link_changes_total",
                "Swaps of the picture of the links.",
            ),
            feed_connected: gauge(
                "tributary_collector_feed_connected",
                "1 while PostgreSQL feeds the links.",
            ),
            feed_failures: counter(
                "tributary_collector_feed_failures_total",
                "Times PostgreSQL did not answer the feed.",
            ),
            copy_failures: counter(
                "tributary_collector_copy_failures_total",
                "Times the copy of the links was not written.",
            ),
            clock_held: register(
                &registry,
                Gauge::new(
                    "tributary_collector_clock_held_seconds",
                    "Seconds by which events are stamped ahead of the clock, because it was set back.",
                ),
            ),
            feed_loads: counter(
                "tributary_collector_feed_loads_total",
                "Times all links were read from PostgreSQL.",
            ),
            journal: JournalMetrics::new(&registry),
            ship: ShipMetrics::new(&registry),
            registry,
        };
        metrics.begin();
        metrics
    }

    /// Every word of every list, at zero.
    fn begin(&self) {
        let begin = |vec: &IntCounterVec, words: &[&str]| {
            for word in words {
                vec.with_label_values(&[word]);
            }
        };
        begin(&self.requests, &STATUSES);
        begin(&self.requests, &[OTHER_STATUS]);
        begin(&self.clicks, &[NO_REASON]);
        begin(&self.conversions, &[NO_REASON]);
        begin(&self.events, &EVENTS);
        Invalid::ALL.iter().for_each(|reason| begin(&self.clicks, &[reason.name()]));
        Refusal::ALL.iter().for_each(|reason| begin(&self.conversions, &[reason.name()]));
    }

    /// The text Prometheus reads.
    pub fn text(&self) -> String {
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }

    /// Takes over what a core counted since the last time.
    pub fn add(&self, counts: &Counts) {
        for (n, cell) in counts.clicks.iter().enumerate() {
            let name = Invalid::from_code(n as u32).map_or(NO_REASON, Invalid::name);
            hand_over(&self.clicks, name, cell);
        }
        for (n, cell) in counts.conversions.iter().enumerate() {
            let name = Refusal::from_code(n as u32).map_or(NO_REASON, Refusal::name);
            hand_over(&self.conversions, name, cell);
        }
        for (n, cell) in counts.statuses.iter().enumerate() {
            hand_over(&self.requests, STATUSES.get(n).copied().unwrap_or(OTHER_STATUS), cell);
        }
        for (event, cell) in EVENTS.iter().zip(&counts.events) {
            hand_over(&self.events, event, cell);
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

fn hand_over(counters: &IntCounterVec, label: &str, cell: &Cell<u64>) {
    let count = cell.take();
    if count > 0 {
        counters.with_label_values(&[label]).inc_by(count);
    }
}

#[expect(clippy::expect_used, reason = "names are literals given once; a test makes all of them")]
fn register<C: prometheus::core::Collector + Clone + 'static>(
    registry: &Registry,
    made: prometheus::Result<C>,
) -> C {
    let made = made.expect("a metric's name is a literal");
    registry.register(Box::new(made.clone())).expect("a metric's name is given once");
    made
}

/// From a tenth of a millisecond to seven seconds, by doubling.
#[expect(clippy::expect_used, reason = "the numbers are literals; a test makes all of them")]
fn seconds(name: &str, help: &str) -> HistogramOpts {
    let steps = exponential_buckets(0.0001, 2.0, 17).expect("steps rise");
    HistogramOpts::new(name, help).buckets(steps)
}

/// What a record has against it that has nothing.
const NO_REASON: &str = "none";
/// A status that is not listed.
const OTHER_STATUS: &str = "other";
/// Statuses the collector answers with.
const STATUSES: [&str; 13] =
    ["200", "202", "302", "400", "401", "403", "404", "405", "408", "413", "414", "415", "503"];

/// What can happen beside an answer; the order is that of `EVENTS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// An orphan over its address's limit: answered, not stored.
    OrphanUnstored,
    /// A refused conversion over its address's limit: answered, not stored.
    RefusalUnstored,
    /// A pixel that names no click, transaction, coupon or customer, over its address's limit: 503, not stored.
    ConversionUnstored,
    /// A visitor redirected although the click could not be recorded.
    RedirectUncounted,
    /// A click answered 503 because it could not be recorded.
    ClickUnrecorded,
    /// A conversion answered 503 because it could not be recorded.
    ConversionUnrecorded,
    /// An event of a visitor who sends more than the limit.
    Spread,
    /// A batch the journal did not take.
    CommitFailed,
    /// A destination that could not be filled, with or without a fallback.
    Unfit,
    /// A connection closed because its head or its next request did not come.
    TimedOut,
}

const EVENTS: [&str; 10] = [
    "orphan_unstored",
    "refusal_unstored",
    "conversion_unstored",
    "redirect_uncounted",
    "click_unrecorded",
    "conversion_unrecorded",
    "spread",
    "commit_failed",
    "unfit_destination",
    "connection_timed_out",
];

/// What one core counted since it last handed over.
#[derive(Debug, Default)]
pub struct Counts {
    clicks: [Cell<u64>; REASONS],
    conversions: [Cell<u64>; REASONS],
    statuses: [Cell<u64>; STATUSES.len() + 1],
    events: [Cell<u64>; EVENTS.len()],
}

impl Counts {
    /// A click recorded with a verdict (0: none).
    pub fn click(&self, verdict: u32) {
        bump(&self.clicks, verdict as usize);
    }

    /// A conversion recorded with a verdict (0: none).
    pub fn conversion(&self, verdict: u32) {
        bump(&self.conversions, verdict as usize);
    }

    /// An answer.
    pub fn status(&self, status: hyper::StatusCode) {
        let n = match status.as_u16() {
            302 => 2,
            200 => 0,
            202 => 1,
            other => {
                STATUSES.iter().position(|name| name.parse() == Ok(other)).unwrap_or(STATUSES.len())
            }
        };
        bump(&self.statuses, n);
    }

    /// Something else.
    pub fn event(&self, event: Event) {
        bump(&self.events, event as usize);
    }
}

fn bump(cells: &[Cell<u64>], n: usize) {
    if let Some(cell) = cells.get(n) {
        cell.set(cell.get() + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_hands_its_counts_over_once() {
        let (metrics, counts) = (Metrics::new(), Counts::default());
        counts.click(0);
        counts.click(Invalid::Orphan.code().into());
        counts.conversion(Refusal::BadToken.code().into());
        counts.status(hyper::StatusCode::FOUND);
        counts.status(hyper::StatusCode::IM_A_TEAPOT);
        counts.event(Event::TimedOut);
        metrics.add(&counts);
        metrics.add(&counts);
        let text = metrics.text();
        for line in [
            "tributary_collector_clicks_total{reason=\"none\"} 1",
            "tributary_collector_clicks_total{reason=\"orphan\"} 1",
            "tributary_collector_conversions_total{reason=\"bad_token\"} 1",
            "tributary_collector_requests_total{status=\"302\"} 1",
            "tributary_collector_requests_total{status=\"other\"} 1",
            "tributary_collector_events_total{event=\"connection_timed_out\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }

    #[test]
    fn every_reason_has_its_cell() {
        let highest = Refusal::ALL.iter().map(|reason| reason.code()).max();
        assert!(highest.is_some_and(|code| usize::from(code) < REASONS));
        assert_eq!(Event::TimedOut as usize, EVENTS.len() - 1);
    }
}
