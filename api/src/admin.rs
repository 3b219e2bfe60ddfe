//! Metrics and health on a port of their own, for the operator; never where people and programs come in.
//!
//! Refuses a Host that is no address or name of this machine, so that a page in somebody's browser
//! can't read it through a name of its own.

use anyhow::Context;
use axum::{
    Router,
    extract::{Request, State},
    http::{header, uri::Authority},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::get,
};
use std::net::{IpAddr, SocketAddr};
use tokio::net::TcpListener;

use crate::{app::App, error::Error, json::health};

/// Takes the address.
///
/// # Errors
/// One in use, or not of this machine: with what to do.
pub async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen at {address}: stop what uses it, or set TRIBUTARY_API_ADMIN to another port")
    })
}

/// Serves for ever.
pub async fn serve(listener: TcpListener, app: App) {
    if let Err(error) = axum::serve(listener, router(app)).await {
        tracing::error!(%error, "metrics are not served any more");
    }
}

/// Everything the port answers.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/health", get(health::alive))
        .route("/ready", get(health::ready))
        .route("/metrics", get(metrics))
        .with_state(app)
        .layer(from_fn(refuse_foreign_host))
}

async fn metrics(State(app): State<App>) -> String {
    app.metrics.render(&app)
}

async fn refuse_foreign_host(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    if host.is_some_and(is_ours) {
        next.run(request).await
    } else {
        Error::Misdirected.into_response()
    }
}

/// An address, or localhost: a rebinding attack needs a name.
fn is_ours(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let host = authority.host();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
}
