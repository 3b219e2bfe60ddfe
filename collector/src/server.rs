//! The process: a thread and an event loop per core, the feed and the admin port beside them.
//!
//! Refuses to listen before the links are in memory: a visitor is never told "unknown" because we
//! have only just begun.

mod conn;
mod core_loop;
mod plain;
mod tick;
mod transport;

use arc_swap::ArcSwap;
use journal::Writer;
use schemas::keys::Keys;
use socket2::{Domain, Protocol, Socket, Type};
use std::{
    future::Future,
    net::{SocketAddr, TcpListener},
    pin::pin,
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};
use tokio::sync::watch;

use crate::{
    admin::{self, Health},
    config::Config,
    core::{Core, Shared},
    error::{Error, Result},
    links::{self, Copy, Links, feed::Feed, rows::Position},
    metrics::Metrics,
    ship::{self, Shipping},
    slot::Slot,
    visit::Visits,
};

/// Connections the kernel holds for a core until it accepts them.
const BACKLOG: i32 = 4096;
/// A PostgreSQL that does not even refuse by then is away: visitors wait no longer for it.
const COPY_AFTER: Duration = Duration::from_secs(2);

/// A collector that has its addresses and its journals, and is not listening yet.
#[derive(Debug)]
pub struct Bound {
    shared: Shared,
    sockets: Vec<Socket>,
    writers: Vec<WriterSlot>,
    admin: TcpListener,
    address: SocketAddr,
    begin: (Links, Position),
}

/// A core's journal, unless the disk had no room for one.
struct WriterSlot(Slot, Option<Writer>);

impl std::fmt::Debug for WriterSlot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "journal {:x}", self.0.journal())
    }
}

/// Runs a collector until `shutdown`; see `bind` and `Bound::run`.
///
/// # Errors
/// What keeps it from starting, or ended a core.
pub fn run(config: Config, shutdown: impl Future<Output = ()>) -> Result<()> {
    bind(config)?.run(shutdown)
}

/// Takes the addresses, opens a fresh journal per core, reads the copy of the links.
///
/// # Errors
/// An address in use, a journal in use, unreadable keys.
pub fn bind(config: Config) -> Result<Bound> {
    config.check()?;
    let keys = read_keys(&config)?;
    ship::check(&config)?;
    let admin = TcpListener::bind(config.admin).map_err(listen_error(config.admin))?;
    admin.set_nonblocking(true).map_err(listen_error(config.admin))?;
    let (sockets, address) = sockets(config.listen, config.core_count())?;
    let mut seed = [0; 8];
    getrandom::fill(&mut seed)?;
    let seed = u64::from_le_bytes(seed);
    let begin = begin(&config, seed, &keys);
    let metrics = Arc::new(Metrics::new());
    metrics.journal.set_modes(&config.journal);
    let writers = writers(&config, &keys, &metrics)?;
    let visits = Visits::open(config.visitors.geo.as_deref())?;
    let shared = Shared {
        links: Arc::new(ArcSwap::from_pointee(begin.0.clone())),
        config: Arc::new(config),
        keys,
        metrics,
        visits: Arc::new(visits),
        shipping: Shipping::default(),
    };
    Ok(Bound { shared, sockets, writers, admin, address, begin })
}

fn read_keys(config: &Config) -> Result<Keys> {
    let path = &config.keys;
    let text = std::fs::read_to_string(path)
        .map_err(|source| Error::ReadKeys { path: path.clone(), source })?;
    Keys::parse(&text).map_err(|source| Error::Keys { path: path.clone(), source })
}

/// The picture to begin with: the copy, where there is a good one.
fn begin(config: &Config, seed: u64, keys: &Keys) -> (Links, Position) {
    match links::read_copy(&config.links_copy(), seed, keys) {
        Ok(Some((links, position))) => {
            tracing::info!(%links, "links: read from the copy on disk");
            (links, position)
        }
        Ok(None) => (Links::empty(seed), Position::default()),
        Err(error) => {
            tracing::warn!(%error, "links: the copy is of no use, waiting for PostgreSQL");
            (Links::empty(seed), Position::default())
        }
    }
}

/// One journal per core; what earlier incarnations left is sealed.
fn writers(config: &Config, keys: &Keys, metrics: &Metrics) -> Result<Vec<WriterSlot>> {
    let mut writers = Vec::new();
    for n in 0..config.core_count() {
        let slot = Slot::new(config, n, keys)?;
        let writer = slot.open()?;
        slot.seal(metrics)?;
        writers.push(WriterSlot(slot, writer));
    }
    Ok(writers)
}

/// One socket per core on the same address, not listening yet.
fn sockets(listen: SocketAddr, cores: usize) -> Result<(Vec<Socket>, SocketAddr)> {
    // With SO_REUSEPORT alone a second collector would silently take half of the visitors.
    drop(TcpListener::bind(listen).map_err(listen_error(listen))?);
    let mut address = listen;
    let mut sockets = Vec::new();
    for _ in 0..cores {
        let socket = socket(address).map_err(listen_error(address))?;
        let bound = socket.local_addr().map_err(listen_error(address))?;
        address = bound.as_socket().unwrap_or(address);
        sockets.push(socket);
    }
    Ok((sockets, address))
}

fn socket(address: SocketAddr) -> std::io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM.nonblocking().cloexec(),
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn listen_error(address: SocketAddr) -> impl Fn(std::io::Error) -> Error {
    move |source| Error::Listen { address, source }
}

impl Bound {
    /// Where visitors come in.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where health and metrics are.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.local_addr().ok()
    }

    /// Serves until `shutdown`, then ends gracefully: what was accepted is answered, the journals end.
    ///
    /// # Errors
    /// What ended a core, or kept its journal from ending.
    pub fn run(self, shutdown: impl Future<Output = ()>) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(4)
            .build()
            .map_err(Error::Runtime)?;
        runtime.block_on(self.serve(shutdown))
    }

    async fn serve(self, shutdown: impl Future<Output = ()>) -> Result<()> {
        let Self { shared, sockets, writers, admin, begin, .. } = self;
        let health = Arc::new(Health::new(writers.len()));
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(admin::serve(admin, shared.metrics.clone(), health.clone()));
        let feed = feed(&shared);
        let known = begin.1 != Position::default();
        let mut changes = stopped.clone();
        let mut feeding = tokio::spawn(feed.run(begin, async move {
            // An error means that the sender is gone, which is a stop too.
            let _ = changes.wait_for(|stop| *stop).await;
        }));
        let mut shutdown = pin!(shutdown);
        let ready = async {
            // The copy may lack what was made (and served) just before a kill: PostgreSQL is asked first,
            // and the copy is good enough only where it does not answer.
            let metrics = &shared.metrics;
            let away = || known && metrics.feed_failures.get() > 0;
            while metrics.feed_connected.get() == 0 && !away() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let silent = tokio::time::sleep(if known { COPY_AFTER } else { Duration::MAX });
        tokio::select! {
            () = ready => {}
            () = silent => tracing::warn!("links: PostgreSQL is silent, serving the copy on disk"),
            ended = &mut feeding => return ended.unwrap_or(Ok(())),
            () = &mut shutdown => {
                // Nobody was served yet: the journals end empty.
                let mut begun = writers.into_iter().filter_map(|WriterSlot(_, writer)| writer);
                return begun.try_for_each(|writer| Ok(writer.end(None)?));
            }
        }
        let shipper = {
            let Shared { config, keys, metrics, shipping, .. } = &shared;
            ship::start(config, keys.journal(), metrics, shipping)?
        };
        let cores = start(&shared, sockets, writers, &health, &stopped)?;
        tracing::info!(cores = cores.len(), "collecting");
        let ended = tokio::select! {
            () = &mut shutdown => Ok(()),
            number = health.core_ended() => Err(Error::Panicked(number)),
        };
        stop.send_replace(true);
        let limit = Duration::from_secs(shared.config.limits.drain_s);
        let joined = tokio::task::spawn_blocking(move || {
            let joined = join(cores);
            // Behind the cores: their journals have ended, and the end is shipped too.
            if let Some(shipper) = shipper {
                shipper.stop(limit);
            }
            joined
        })
        .await;
        // The feed writes its copy a last time.
        let _ = feeding.await;
        ended.and(joined.map_err(|_| Error::Panicked(0))?)
    }
}

fn feed(shared: &Shared) -> Feed {
    Feed {
        database_url: shared.config.links.database_url.clone(),
        shared: shared.links.clone(),
        keys: shared.keys.clone(),
        metrics: shared.metrics.clone(),
        copy: Copy::new(shared.config.links_copy()),
        reload_every: Duration::from_secs(shared.config.links.reload_s.max(1)),
    }
}

type CoreThread = JoinHandle<Result<()>>;

fn start(
    shared: &Shared,
    sockets: Vec<Socket>,
    writers: Vec<WriterSlot>,
    health: &Arc<Health>,
    stopped: &watch::Receiver<bool>,
) -> Result<Vec<CoreThread>> {
    let mut threads = Vec::new();
    for (n, (socket, WriterSlot(slot, writer))) in sockets.into_iter().zip(writers).enumerate() {
        let (shared, health, stopped) = (shared.clone(), health.clone(), stopped.clone());
        let body = move || {
            let alive = health.watch(n);
            socket.listen(BACKLOG).map_err(Error::Runtime)?;
            let core = Core::new(&shared, slot, writer)?;
            core_loop::run(core, socket.into(), &shared, &alive, stopped)
        };
        let thread = std::thread::Builder::new().name(format!("core-{n}")).spawn(body);
        threads.push(thread.map_err(Error::Runtime)?);
    }
    Ok(threads)
}

fn join(threads: Vec<CoreThread>) -> Result<()> {
    let mut ended = Ok(());
    for (n, thread) in threads.into_iter().enumerate() {
        ended = ended.and(thread.join().unwrap_or(Err(Error::Panicked(n))));
    }
    ended
}
