//! Metrics and health on a port of their own, for the operator.
//!
//! Refuses a Host that is no address or name of this machine, so that a page in somebody's browser
//! can't read it through a name of its own.

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header, uri::Authority},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    clock,
    error::{Error, Result},
    metrics::Metrics,
};

/// Serves until the handle is aborted. `well` says whether a session runs.
pub(crate) async fn serve(
    address: SocketAddr,
    metrics: Metrics,
    well: Arc<AtomicBool>,
) -> Result<JoinHandle<()>> {
    let failed = |source| Error::System { what: "the processor's port", source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let routes = routes(metrics, well);
    Ok(tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, routes).await {
            tracing::error!(%error, "metrics are not served any more");
        }
    }))
}

fn routes(metrics: Metrics, well: Arc<AtomicBool>) -> Router {
    Router::new()
        .route("/health", get(health).with_state(well))
        .route("/metrics", get(move || async move { metrics.render(clock::now_ms()) }))
        .layer(middleware::from_fn(refuse_foreign_host))
}

/// A process that is up but loads, or waits for a store, processes nothing.
async fn health(State(well): State<Arc<AtomicBool>>) -> (StatusCode, &'static str) {
    match well.load(Ordering::Relaxed) {
        true => (StatusCode::OK, "ok\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "the pipeline does not run\n"),
    }
}

async fn refuse_foreign_host(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    if host.is_some_and(is_ours) {
        next.run(request).await
    } else {
        (StatusCode::MISDIRECTED_REQUEST, "not this host\n").into_response()
    }
}

/// An address, or localhost: a rebinding attack needs a name.
fn is_ours(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let host = authority.host();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use tower::ServiceExt;

    async fn ask(routes: &Router, path: &str, host: &str) -> StatusCode {
        let request = Request::get(path).header(header::HOST, host).body(Body::empty()).unwrap();
        routes.clone().oneshot(request).await.unwrap().status()
    }

    #[tokio::test]
    async fn health_says_whether_the_pipeline_runs_and_only_this_machine_is_told() {
        let well = Arc::new(AtomicBool::new(false));
        let routes = routes(Metrics::new().unwrap(), well.clone());
        assert_eq!(
            ask(&routes, "/health", "localhost:8083").await,
            StatusCode::SERVICE_UNAVAILABLE
        );
        well.store(true, Ordering::Relaxed);
        for (host, expected) in [
            ("localhost", StatusCode::OK),
            ("LOCALHOST:8083", StatusCode::OK),
            ("127.0.0.1:8083", StatusCode::OK),
            ("[::1]:8083", StatusCode::OK),
            ("evil.example", StatusCode::MISDIRECTED_REQUEST),
            ("evil.example@127.0.0.1.evil", StatusCode::MISDIRECTED_REQUEST),
            ("", StatusCode::MISDIRECTED_REQUEST),
        ] {
            for path in ["/health", "/metrics"] {
                assert_eq!(ask(&routes, path, host).await, expected, "{path} {host}");
            }
        }
    }
}
