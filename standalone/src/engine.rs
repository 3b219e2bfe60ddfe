//! The embedded ClickHouse: libchdb behind the ClickHouse HTTP interface, in a process of its own.
//!
//! The unchanged `clickhouse` crate is its client, so that one machine and a cluster differ in a URL and nowhere else.
//! Two passwords: an owner who may change tables, and a reader whose sessions are read-only inside the engine. It
//! listens on loopback, answers to loopback names only, and lets nobody reach files, URLs or other databases.

mod answer;
mod body;
mod compress;
mod exception;
mod http;
mod library;
mod pool;
mod request;
mod run;
mod sql;
mod wall;
pub mod lookup;

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;

use self::library::Library;
use self::pool::{Pool, Profile};
use self::wall::Wall;

pub use self::answer::LoadError;
pub use self::http::INSERT_LIMIT;

/// A connection on which nothing comes for this long is closed, between requests and within a request's head.
pub const IDLE_LIMIT: Duration = Duration::from_secs(3);

/// The owner's sessions: an insert is in the table when it is answered.
const OWNER: Profile =
    Profile { name: "engine-owner", threads: 6, setup: "async_insert = 0", seal: None };

/// A reader's sessions: bounded, and read-only for good, since a session that is can't be made otherwise.
const READER: Profile = Profile {
    name: "engine-reader",
    threads: 6,
    setup: "max_execution_time = 60, max_result_bytes = 268435456, max_memory_usage = 4000000000",
    seal: Some("readonly = 1"),
};

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everything inside the engine's tables.
    Own,
    /// `SELECT` and the like.
    Read,
}

/// Someone who may ask.
#[derive(Clone)]
pub struct User {
    /// `X-ClickHouse-User`.
    pub name: String,
    /// `X-ClickHouse-Key`.
    pub password: String,
    /// What they may do.
    pub access: Access,
}

/// How the engine is to run.
pub struct Config {
    /// libchdb.so, see [`lookup::library`].
    pub library: PathBuf,
    /// The engine's own folder; one process at a time.
    pub folder: PathBuf,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Who may ask; nobody else.
    pub users: Vec<User>,
    /// Host names answered to besides the loopback ones.
    pub hosts: Vec<String>,
}

/// Why the engine could not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The library or its folder.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The address.
    #[error("{0} can't be listened on ({1}): choose another with TRIBUTARY_CLICKHOUSE")]
    Listen(SocketAddr, std::io::Error),
}

/// The engine while it runs.
struct Engine {
    owners: Pool,
    readers: Pool,
    users: Vec<User>,
    hosts: Vec<String>,
    version: String,
}

impl Engine {
    fn pool(&self, access: Access) -> &Pool {
        match access {
            Access::Own => &self.owners,
            Access::Read => &self.readers,
        }
    }
}

/// Loads the engine and answers until `stop` completes; statements begun are finished.
///
/// # Errors
/// When the library, the folder or the address can't be used.
pub async fn serve(config: Config, stop: impl Future<Output = ()>) -> Result<(), Error> {
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|error| Error::Listen(config.listen, error))?;
    let library = Library::load(&config.library)?;
    let wall = Wall::raise(library, config.folder.clone())?;
    let engine = Arc::new(Engine {
        owners: Pool::start(library, config.folder.clone(), &OWNER)?,
        readers: Pool::start(library, config.folder, &READER)?,
        users: config.users,
        hosts: config.hosts,
        version: library.version(),
    });
    tracing::info!(listen = %config.listen, version = engine.version, "clickhouse engine ready");
    let graceful = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    // Answers are small and awaited: without this each may wait for an acknowledgement.
                    drop(stream.set_nodelay(true));
                    let engine = Arc::clone(&engine);
                    let service = service_fn(move |request| http::answer(Arc::clone(&engine), request));
                    let connection = http1::Builder::new()
                        .timer(TokioTimer::new())
                        .header_read_timeout(IDLE_LIMIT)
                        .serve_connection(TokioIo::new(stream), service);
                    let connection = graceful.watch(connection);
                    tokio::spawn(async move {
                        if let Err(error) = connection.await {
                            tracing::debug!(%error, "connection ended");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "accepting a connection failed");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
    drop(listener);
    if tokio::time::timeout(INSERT_LIMIT, graceful.shutdown()).await.is_err() {
        tracing::warn!("some connections did not end and were dropped");
    }
    close(engine, wall, library).await;
    Ok(())
}

/// Closes every connection of the engine before the process ends: it aborts at exit otherwise.
async fn close(engine: Arc<Engine>, wall: Wall, library: &'static Library) {
    let closed = tokio::task::spawn_blocking(move || match Arc::try_unwrap(engine) {
        Ok(mut engine) => {
            engine.owners.stop();
            engine.readers.stop();
            wall.lower();
            library.shutdown();
        }
        Err(_) => tracing::warn!("the engine is still in use and was not closed"),
    });
    if let Err(error) = closed.await {
        tracing::error!(%error, "closing the engine failed");
    }
}
