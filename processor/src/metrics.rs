//! Counters and gauges, in Prometheus' text format. Counts of events come from the stores and the
//! audit; what is here says how the process is doing. `docs/metrics.md` names every one of them.
//!
//! Labels are words of closed lists, all of them served from the start: a rate needs the zero before
//! the first.

use prometheus::{
    Encoder, Histogram, IntCounter, IntCounterVec, IntGauge, Registry, TextEncoder,
    process_collector::ProcessCollector,
};
use schemas::{
    reason::{Invalid, Refusal},
    topic::Topic,
};

pub(crate) mod lag;
pub(crate) mod losses;
mod make;
pub(crate) mod stages;

use crate::stores::dead_letters::Flaw;
use lag::Lag;
use losses::Losses;
use make::Make;
use stages::Stages;

/// All metrics of one processor.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    /// Records, by what became of them: received, repeated, waiting.
    pub records: IntCounterVec,
    /// Decisions, by topic and reason (`unique`, `duplicate`, `accepted` where there is none).
    pub outcomes: IntCounterVec,
    /// Records that could not be decided, by what is wrong with them.
    pub dead_letters: IntCounterVec,
    /// Stretches of journals that could not be read.
    pub corrupt: IntCounter,
    /// Transactions committed.
    pub commits: IntCounter,
    /// Times the pipeline had to start again, by cause.
    pub restarts: IntCounterVec,
    /// Times another processor had taken over what was about to be committed.
    pub fences_lost: IntCounter,
    /// Times Kafka shared the partitions out anew.
    pub rebalances: IntCounter,
    /// Tries to insert a block, by how they ended.
    pub inserts: IntCounterVec,
    /// Rows in ClickHouse since the start.
    pub inserted_rows: IntCounter,
    /// Bytes in the outbox.
    pub outbox_bytes: IntGauge,
    /// Turns that decided nothing, since the outbox had no room.
    pub paused: IntCounter,
    /// Conversions that wait for their click.
    pub waiting: IntGauge,
    /// Seqs announced and not in: a loss, or a delivery that is late.
    pub holes: IntGauge,
    /// Live journals that have said nothing for some seconds.
    pub silent: IntGauge,
    /// Seconds of a batch, from its first record to its commit.
    pub batch_seconds: Histogram,
    /// Seconds of its stages, and of inserts.
    pub(crate) stages: Stages,
    /// How far behind the log.
    pub(crate) lag: Lag,
    /// The loss ledger and the audits.
    pub(crate) losses: Losses,
}

/// What `restarts` may say.
const CAUSES: [&str; 5] = ["postgresql", "clickhouse", "journal", "kafka", "other"];

impl Metrics {
    /// Fresh metrics in a registry of their own.
    ///
    /// # Errors
    /// Only if two metrics had one name.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        registry.register(Box::new(ProcessCollector::for_self()))?;
        let make = Make(&registry);
        let metrics = Self {
            records: make.vec("records_total", "Records by what became of them", &["what"])?,
            outcomes: make.vec(
                "outcomes_total",
                "Decisions by topic and reason",
                &["topic", "outcome"],
            )?,
            dead_letters: make.vec(
                "dead_letters_total",
                "Records that could not be decided, by what is wrong with them",
                &["reason"],
            )?,
            corrupt: make.counter("corrupt_stretches_total", "Unreadable stretches of journals")?,
            commits: make.counter("commits_total", "Transactions committed")?,
            restarts: make.vec("restarts_total", "New starts of the pipeline", &["cause"])?,
            fences_lost: make.counter(
                "fences_lost_total",
                "Commits given up, since another processor had taken over",
            )?,
            rebalances: make
                .counter("rebalances_total", "Times Kafka shared the partitions out anew")?,
            inserts: make.vec("inserts_total", "Tries to insert a block", &["result"])?,
            inserted_rows: make.counter("inserted_rows_total", "Rows inserted into ClickHouse")?,
            outbox_bytes: make.gauge("outbox_bytes", "Bytes that wait for ClickHouse")?,
            paused: make.counter("paused_turns_total", "Turns without room in the outbox")?,
            waiting: make.gauge("waiting_conversions", "Conversions that wait for their click")?,
            holes: make.gauge("holes", "Records announced and not in")?,
            silent: make.gauge("silent_journals", "Live journals silent for some seconds")?,
            batch_seconds: make.seconds("batch_seconds", "First record to commit")?,
            stages: Stages::new(&make)?,
            lag: Lag::new(&make)?,
            losses: Losses::new(&registry)?,
            registry,
        };
        metrics.begin();
        Ok(metrics)
    }

    /// Every word of every list, at zero.
    fn begin(&self) {
        let begin = |vec: &IntCounterVec, words: &[&str]| {
            for word in words {
                vec.with_label_values(&[word]);
            }
        };
        begin(&self.records, &["received", "repeated", "waiting"]);
        begin(&self.dead_letters, &Flaw::ALL.map(Flaw::name));
        begin(&self.restarts, &CAUSES);
        begin(&self.inserts, &["done", "failed"]);
        let clicks = Invalid::ALL.iter().map(|reason| reason.name());
        let conversions = Refusal::ALL.iter().map(|reason| reason.name());
        for (topic, outcomes) in [
            (Topic::Clicks, ["unique", "duplicate"].into_iter().chain(clicks).collect::<Vec<_>>()),
            (Topic::Conversions, std::iter::once("accepted").chain(conversions).collect()),
        ] {
            for outcome in outcomes {
                self.outcomes.with_label_values(&[topic.name(), outcome]);
            }
        }
    }

    /// The text a scrape gets at a time.
    pub fn render(&self, now_ms: u64) -> String {
        self.lag.age(now_ms);
        let mut text = Vec::new();
        // Writing to memory does not fail; a metric that cannot be printed is left out.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut text);
        String::from_utf8_lossy(&text).into_owned()
    }
}
