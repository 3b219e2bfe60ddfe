//! The accept loop: HTTP/1 with limits on heads, bodies and connections, and a graceful end.
//!
//! `axum::serve` waits for a request's head as long as the client likes; here it has five seconds.

use anyhow::{Context, bail};
use axum::{
    Router,
    extract::Request,
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use prometheus::IntGauge;
use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream, lookup_host},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
};
use tower::ServiceExt;

use crate::{app::App, place::Peer, routes};

const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_CONNECTIONS: usize = 512;
const MAX_HEADERS: usize = 64;
/// Room for every URL that hyper reads at all (64 kB), so that a long one is told what it is.
const MAX_HEAD: usize = 128 * 1024;
/// The longest URL; `error::codes` says the same.
pub(crate) const MAX_URL: usize = 16 * 1024;
/// How long running answers may take to end.
const GRACE: Duration = Duration::from_secs(5);

/// Listens at every address of `listen` (`localhost` has two).
///
/// # Errors
/// No address, or one in use: with what to do.
pub async fn bind(listen: &str) -> anyhow::Result<Vec<TcpListener>> {
    let addresses: Vec<SocketAddr> = lookup_host(listen)
        .await
        .with_context(|| format!("TRIBUTARY_API={listen} is no address: give HOST:PORT"))?
        .collect();
    let mut listeners = Vec::new();
    let mut refused = None;
    for address in addresses {
        match TcpListener::bind(address).await {
            Ok(listener) => listeners.push(listener),
            // A machine without IPv6 still has its IPv4 localhost.
            Err(error) if error.kind() == std::io::ErrorKind::AddrNotAvailable => {
                refused = Some(error)
            }
            Err(error) => {
                let advice = format!(
                    "cannot listen at {address}: stop what uses it, or set TRIBUTARY_API to another port"
                );
                return Err(error).context(advice);
            }
        }
    }
    match (listeners.is_empty(), refused) {
        (true, Some(error)) => Err(error).context(format!("cannot listen at {listen}")),
        (true, None) => bail!("TRIBUTARY_API={listen} names no address"),
        (false, _) => Ok(listeners),
    }
}

/// Answers until `shutdown` is done, then lets running answers end for a while.
pub async fn serve(listeners: Vec<TcpListener>, app: App, shutdown: impl Future<Output = ()>) {
    let (live, connections) = (app.live.clone(), app.metrics.connections.clone());
    let router = routes::router(app);
    let (sender, mut accepted) = mpsc::channel(1);
    let accepting: Vec<_> =
        listeners.into_iter().map(|one| tokio::spawn(accept(one, sender.clone()))).collect();
    let graceful = GracefulShutdown::new();
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some((stream, peer, seat)) = accepted.recv() => {
                let counted = Counted::new(&connections);
                answer(&router, &graceful, (stream, peer), (seat, counted));
            }
        }
    }
    accepting.iter().for_each(tokio::task::JoinHandle::abort);
    live.close();
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(GRACE) => tracing::info!("answers still running were cut off"),
    }
}

/// Refuses URLs longer than any page or report needs.
pub(crate) async fn limit_url(request: Request, next: Next) -> Response {
    let length = request.uri().path_and_query().map_or(0, |whole| whole.as_str().len());
    match length > MAX_URL {
        true => StatusCode::URI_TOO_LONG.into_response(),
        false => next.run(request).await,
    }
}

/// Takes connections while there are seats; the kernel's queue holds the rest.
async fn accept(
    listener: TcpListener,
    sender: mpsc::Sender<(TcpStream, Peer, OwnedSemaphorePermit)>,
) {
    let seats = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(seat) = seats.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                if sender.send((stream, Peer(peer), seat)).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                // Out of file descriptors: they come back when other connections end.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn answer(
    router: &Router,
    graceful: &GracefulShutdown,
    (stream, peer): (TcpStream, Peer),
    held: (OwnedSemaphorePermit, Counted),
) {
    let _ = stream.set_nodelay(true);
    let service =
        TowerToHyperService::new(router.clone().map_request(move |mut request: Request<_>| {
            request.extensions_mut().insert(peer);
            request
        }));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
        drop(held);
    });
}

/// A connection, while it is open.
struct Counted(IntGauge);

impl Counted {
    fn new(connections: &IntGauge) -> Self {
        connections.inc();
        Self(connections.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
