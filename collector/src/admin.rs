//! The operator's port: `/health`, `/ready`, `/metrics`. Never reachable by visitors.
//!
//! Refuses a Host that is no address or name of this machine, so that a page in somebody's browser
//! can't read it through a name of its own.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{self, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    net::{IpAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;

use crate::{clock, metrics::Metrics, request};

/// A core that gave no sign for this long is stuck.
const STUCK_MS: u64 = 5000;
const HEAD_TIME: Duration = Duration::from_secs(5);

/// How the cores are.
#[derive(Debug)]
pub(crate) struct Health {
    cores: Vec<CoreHealth>,
    ended: Notify,
    first_ended: AtomicUsize,
}

#[derive(Debug, Default)]
struct CoreHealth {
    beat_ms: AtomicU64,
    taking: AtomicBool,
}

impl Health {
    /// Of this many cores, none of them alive yet.
    pub(crate) fn new(cores: usize) -> Self {
        Self {
            cores: (0..cores).map(|_| CoreHealth::default()).collect(),
            ended: Notify::new(),
            first_ended: AtomicUsize::new(usize::MAX),
        }
    }

    /// For core `n`'s thread to hold; dropped without `leave` it says that the core died.
    pub(crate) fn watch(self: &Arc<Self>, n: usize) -> Alive {
        Alive(Arc::new(Watched { health: Arc::clone(self), n, left: AtomicBool::new(false) }))
    }

    /// Waits until a core died; gives its number.
    pub(crate) async fn core_ended(&self) -> usize {
        loop {
            let told = self.ended.notified();
            let first = self.first_ended.load(Ordering::Acquire);
            if first != usize::MAX {
                return first;
            }
            told.await;
        }
    }

    /// Whether every core gave a sign lately and its journal takes events.
    fn is_ready(&self, now_ms: u64) -> bool {
        self.cores.iter().all(|core| {
            let silent_ms = now_ms.saturating_sub(core.beat_ms.load(Ordering::Acquire));
            silent_ms < STUCK_MS && core.taking.load(Ordering::Acquire)
        })
    }
}

/// A core's sign of life.
#[derive(Debug, Clone)]
pub(crate) struct Alive(Arc<Watched>);

#[derive(Debug)]
struct Watched {
    health: Arc<Health>,
    n: usize,
    left: AtomicBool,
}

impl Alive {
    /// The core runs, and its journal takes events or not.
    pub(crate) fn beat(&self, taking: bool) {
        let core = &self.0.health.cores[self.0.n];
        core.beat_ms.store(clock::now_ms(), Ordering::Release);
        core.taking.store(taking, Ordering::Release);
    }

    /// The core ends as it should.
    pub(crate) fn leave(&self) {
        self.0.left.store(true, Ordering::Release);
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.left.load(Ordering::Acquire) {
            self.health.first_ended.fetch_min(self.n, Ordering::AcqRel);
            self.health.ended.notify_one();
        }
    }
}

/// Serves the port until the runtime ends.
pub(crate) async fn serve(listener: TcpListener, metrics: Arc<Metrics>, health: Arc<Health>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "the admin port cannot be served"),
    };
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (metrics, health) = (metrics.clone(), health.clone());
        let service = service_fn(move |request| {
            let answered = answer(&request, &metrics, &health);
            async move { Ok::<_, Infallible>(answered) }
        });
        tokio::spawn(async move {
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIME)
                .serve_connection(TokioIo::new(stream), service);
            // A client that goes away is nobody's failure.
            let _ = served.await;
        });
    }
}

fn answer(
    request: &Request<Incoming>,
    metrics: &Metrics,
    health: &Health,
) -> Response<Full<Bytes>> {
    if !is_ours(&request::host(request.uri(), request.headers())) {
        return text(StatusCode::MISDIRECTED_REQUEST, "not this host\n".to_owned());
    }
    if request.method() != Method::GET {
        return text(StatusCode::METHOD_NOT_ALLOWED, "GET only\n".to_owned());
    }
    match request.uri().path() {
        "/health" => text(StatusCode::OK, "ok\n".to_owned()),
        "/ready" if health.is_ready(clock::now_ms()) => text(StatusCode::OK, "ready\n".to_owned()),
        "/ready" => text(StatusCode::SERVICE_UNAVAILABLE, "not ready\n".to_owned()),
        "/metrics" => text(StatusCode::OK, metrics.text()),
        _ => text(StatusCode::NOT_FOUND, "no such page\n".to_owned()),
    }
}

/// An address, or localhost: a rebinding attack needs a name.
fn is_ours(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host == "localhost" || address.parse::<IpAddr>().is_ok()
}

fn text(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::from(text));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_other_than_this_machines_are_refused() {
        for (host, ours) in [
            ("localhost", true),
            ("127.0.0.1", true),
            ("[::1]", true),
            ("evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("", false),
        ] {
            assert_eq!(is_ours(host), ours, "{host}");
        }
    }

    #[test]
    fn ready_means_every_core_beats_and_takes_events() {
        let health = Arc::new(Health::new(2));
        let (one, two) = (health.watch(0), health.watch(1));
        let now_ms = clock::now_ms();
        one.beat(true);
        assert!(!health.is_ready(now_ms));
        two.beat(false);
        assert!(!health.is_ready(now_ms));
        two.beat(true);
        assert!(health.is_ready(now_ms));
        assert!(!health.is_ready(now_ms + 60_000));
    }
}
