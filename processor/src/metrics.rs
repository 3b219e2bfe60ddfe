//! Counters and gauges, in Prometheus' text format. Counts of events come from the stores and the
//! audit; what is here says how the process is doing.

use prometheus::{
    Encoder, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    TextEncoder,
};

pub(crate) mod losses;

use losses::Losses;

/// All metrics of one processor.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    /// Records, by what became of them: received, repeated, dead_letter, waiting.
    pub records: IntCounterVec,
    /// Outcomes, by reason (`unique`, `duplicate`, `accepted` where there is none).
    pub outcomes: IntCounterVec,
    /// Transactions committed.
    pub commits: IntCounter,
    /// Times the pipeline had to start again, by cause.
    pub restarts: IntCounterVec,
    /// Blocks inserted, and tries that failed.
    pub inserts: IntCounterVec,
    /// Rows in ClickHouse since the start.
    pub inserted_rows: IntCounter,
    /// Bytes in the outbox.
    pub outbox_bytes: IntGauge,
    /// Turns that decided nothing, since the outbox had no room.
    pub paused: IntCounter,
    /// Conversions that wait for their click.
    pub waiting: IntGauge,
    /// Stretches of journals that could not be read.
    pub corrupt: IntCounter,
    /// Seqs announced and not in: a loss, or a delivery that is late.
    pub holes: IntGauge,
    /// Live journals that have said nothing for some seconds.
    pub silent: IntGauge,
    /// Seconds of a batch, from its first record to its commit.
    pub batch_seconds: Histogram,
    /// Seconds of an insert.
    pub insert_seconds: Histogram,
    /// The loss ledger and the audits.
    pub(crate) losses: Losses,
}

impl Metrics {
    /// Fresh metrics in a registry of their own.
    ///
    /// # Errors
    /// Only if two metrics had one name.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let vec = |name: &str, help: &str, labels: &[&str]| {
            let vec = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(vec.clone()))?;
            Ok::<_, prometheus::Error>(vec)
        };
        let counter = |name: &str, help: &str| {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let seconds = |name: &str, help: &str| {
            let steps = prometheus::exponential_buckets(0.005, 2.0, 12)?;
            let histogram = Histogram::with_opts(HistogramOpts::new(name, help).buckets(steps))?;
            registry.register(Box::new(histogram.clone()))?;
            Ok::<_, prometheus::Error>(histogram)
        };
        Ok(Self {
            records: vec("processor_records_total", "Records by what became of them", &["what"])?,
            outcomes: vec("processor_outcomes_total", "Decisions by reason", &["outcome"])?,
            commits: counter("processor_commits_total", "Transactions committed")?,
            restarts: vec("processor_restarts_total", "New starts of the pipeline", &["cause"])?,
            inserts: vec("processor_inserts_total", "Inserts into ClickHouse", &["result"])?,
            inserted_rows: counter(
                "processor_inserted_rows_total",
                "Rows inserted into ClickHouse",
            )?,
            outbox_bytes: gauge("processor_outbox_bytes", "Bytes that wait for ClickHouse")?,
            paused: counter("processor_paused_total", "Turns without room in the outbox")?,
            waiting: gauge("processor_waiting", "Conversions that wait for their click")?,
            corrupt: counter("processor_corrupt_total", "Unreadable stretches of journals")?,
            holes: gauge("processor_holes", "Seqs announced and not in")?,
            silent: gauge("processor_silent_journals", "Live journals silent for some seconds")?,
            batch_seconds: seconds("processor_batch_seconds", "First record to commit")?,
            insert_seconds: seconds("processor_insert_seconds", "One insert into ClickHouse")?,
            losses: Losses::new(&registry)?,
            registry,
        })
    }

    /// The text a scrape gets.
    pub fn render(&self) -> String {
        let mut text = Vec::new();
        // Writing to memory does not fail; a metric that cannot be printed is left out.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut text);
        String::from_utf8_lossy(&text).into_owned()
    }
}
