//! Metrics and health on a port of their own.

use axum::{Router, routing::get};
use std::net::SocketAddr;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    error::{Error, Result},
    metrics::Metrics,
};

/// Serves until the handle is aborted.
pub(crate) async fn serve(address: SocketAddr, metrics: Metrics) -> Result<JoinHandle<()>> {
    let failed = |source| Error::System { what: "the processor's port", source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let routes = Router::new()
        .route("/health", get(|| async { "ok\n" }))
        .route("/metrics", get(move || async move { metrics.render() }));
    Ok(tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, routes).await {
            tracing::error!(%error, "metrics are not served any more");
        }
    }))
}
