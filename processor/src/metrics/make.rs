//! Makes metrics and registers them: one way for all of them to be named.

use prometheus::{
    Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts,
    Registry, Result, core::Collector, exponential_buckets,
};

/// Into this registry.
pub(super) struct Make<'a>(pub(super) &'a Registry);

impl Make<'_> {
    pub(super) fn counter(&self, name: &str, help: &str) -> Result<IntCounter> {
        self.register(IntCounter::with_opts(opts(name, help))?)
    }

    pub(super) fn vec(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec> {
        self.register(IntCounterVec::new(opts(name, help), labels)?)
    }

    pub(super) fn gauge(&self, name: &str, help: &str) -> Result<IntGauge> {
        self.register(IntGauge::with_opts(opts(name, help))?)
    }

    /// A gauge with fractions.
    pub(super) fn exact(&self, name: &str, help: &str) -> Result<Gauge> {
        self.register(Gauge::with_opts(opts(name, help))?)
    }

    pub(super) fn seconds(&self, name: &str, help: &str) -> Result<Histogram> {
        self.register(Histogram::with_opts(histogram(name, help)?)?)
    }

    pub(super) fn seconds_by(&self, name: &str, help: &str, label: &str) -> Result<HistogramVec> {
        self.register(HistogramVec::new(histogram(name, help)?, &[label])?)
    }

    fn register<C: Collector + Clone + 'static>(&self, made: C) -> Result<C> {
        self.0.register(Box::new(made.clone()))?;
        Ok(made)
    }
}

fn opts(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace("tributary").subsystem("processor")
}

/// From a millisecond to eight seconds, by doubling: an insert is cut off by then.
fn histogram(name: &str, help: &str) -> Result<HistogramOpts> {
    let steps = exponential_buckets(0.001, 2.0, 14)?;
    Ok(HistogramOpts { common_opts: opts(name, help), buckets: steps })
}
