//! What the api counts of its answers, for Prometheus. `docs/metrics.md` names every metric.
//!
//! A request is known by its route's template, never by its path: what somebody types makes no new
//! series. Refuses to be served where people and programs come in: `admin` has its own port.

use axum::{
    extract::{MatchedPath, Request, State},
    http::{Method, StatusCode},
    middleware::Next,
    response::Response,
};
use prometheus::{
    HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry, Result, TextEncoder,
    core::Collector, exponential_buckets, process_collector::ProcessCollector,
};
use std::time::Instant;

use crate::app::App;

/// Cheap to clone: all clones count together.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    /// Letters, by what became of a try.
    pub(crate) mails: IntCounterVec,
    seconds: HistogramVec,
    /// Connections of clients that are open.
    pub(crate) connections: IntGauge,
    listeners: IntGauge,
    pool_used: IntGauge,
    pool_idle: IntGauge,
    pool_limit: IntGauge,
}

/// What no route takes.
const UNMATCHED: &str = "none";

impl Metrics {
    /// All at zero.
    ///
    /// # Errors
    /// Only if two metrics had one name.
    pub fn new() -> Result<Self> {
        let registry = Registry::new();
        registry.register(Box::new(ProcessCollector::for_self()))?;
        let gauge =
            |name: &str, help: &str| register(&registry, IntGauge::with_opts(opts(name, help))?);
        let requests = opts("requests_total", "Requests answered, by route, method and status");
        let requests = IntCounterVec::new(requests, &["route", "method", "status"])?;
        let mails =
            opts("mails_total", "Letters, by what became of a try: sent, retried, given_up");
        let mails = IntCounterVec::new(mails, &["became"])?;
        for became in ["sent", "retried", "given_up"] {
            mails.with_label_values(&[became]);
        }
        let seconds = HistogramOpts {
            common_opts: opts("request_seconds", "Time until an answer begins, by route"),
            // From a millisecond to 33 seconds, by doubling: an answer is given up after 40.
            buckets: exponential_buckets(0.001, 2.0, 16)?,
        };
        Ok(Self {
            requests: register(&registry, requests)?,
            mails: register(&registry, mails)?,
            seconds: register(&registry, HistogramVec::new(seconds, &["route"])?)?,
            connections: gauge("connections", "Connections of clients that are open")?,
            listeners: gauge("live_listeners", "Who watches live numbers")?,
            pool_used: gauge("pool_connections_used", "Connections to PostgreSQL in use")?,
            pool_idle: gauge("pool_connections_idle", "Connections to PostgreSQL not in use")?,
            pool_limit: gauge("pool_connections_limit", "Connections to PostgreSQL at most")?,
            registry,
        })
    }

    /// The text a scrape gets.
    pub(crate) fn render(&self, app: &App) -> String {
        let set = |gauge: &IntGauge, n: usize| gauge.set(i64::try_from(n).unwrap_or(i64::MAX));
        let (open, idle) = (app.db.size() as usize, app.db.num_idle());
        set(&self.pool_used, open.saturating_sub(idle));
        set(&self.pool_idle, idle);
        set(&self.pool_limit, app.db.options().get_max_connections() as usize);
        set(&self.listeners, app.live.listeners());
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }
}

/// Counts an answer: the layer around all others.
pub(crate) async fn count(State(app): State<App>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = method(request.method());
    let response = next.run(request).await;
    let route = route.as_ref().map_or(UNMATCHED, MatchedPath::as_str);
    let labels = [route, method, class(response.status())];
    app.metrics.requests.with_label_values(&labels).inc();
    app.metrics.seconds.with_label_values(&[route]).observe(begun.elapsed().as_secs_f64());
    response
}

/// Those that some route takes; whatever else somebody thinks of is one.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}

fn register<C: Collector + Clone + 'static>(registry: &Registry, made: C) -> Result<C> {
    registry.register(Box::new(made.clone()))?;
    Ok(made)
}

fn opts(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace("tributary").subsystem("api")
}
