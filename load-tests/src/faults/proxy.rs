//! A TCP line that can be cut, slowed, and closed in the middle of something.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    sync::watch,
    task::JoinHandle,
    time::sleep,
};

/// What a request's beginning looks like, and how much of it still passes.
const HALF: usize = 512;

/// How the line is.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    cut: bool,
    delay: Duration,
}

/// What happens once, to the first it fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Once {
    /// A large write is closed half way.
    HalfBody,
    /// A COMMIT goes through, and its answer does not.
    LostCommit,
}

/// A line from a port of its own to an address.
#[derive(Debug)]
pub struct Proxy {
    /// Where clients connect.
    pub port: u16,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    upstream: SocketAddr,
    state: watch::Sender<State>,
    once: Mutex<Option<Once>>,
}

impl Proxy {
    /// Begins to pass on.
    ///
    /// # Errors
    /// No port.
    pub async fn start(upstream: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let state = watch::Sender::new(State::default());
        let shared = Arc::new(Shared { upstream, state, once: Mutex::default() });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { port, shared, accepting })
    }

    /// Closes everything and takes nothing, for so long.
    pub fn cut(&self, length: Duration) {
        self.set(|state| state.cut = true);
        self.after(length, |state| state.cut = false);
    }

    /// Every piece comes so much later, for so long.
    pub fn delay(&self, by: Duration, length: Duration) {
        self.set(|state| state.delay = by);
        self.after(length, |state| state.delay = Duration::ZERO);
    }

    /// The next large write is closed half way.
    pub fn half_body(&self) {
        self.once(Some(Once::HalfBody));
    }

    /// The next COMMIT is done, and nobody hears of it.
    pub fn lose_commit(&self) {
        self.once(Some(Once::LostCommit));
    }

    /// As if nothing had been.
    pub fn heal(&self) {
        self.once(None);
        self.set(|state| *state = State::default());
    }

    fn once(&self, what: Option<Once>) {
        *self.shared.once.lock().unwrap_or_else(PoisonError::into_inner) = what;
    }

    fn set(&self, how: impl FnOnce(&mut State)) {
        self.shared.state.send_modify(how);
    }

    fn after(&self, length: Duration, how: fn(&mut State)) {
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move {
            sleep(length).await;
            shared.state.send_modify(how);
        });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.set(|state| state.cut = true);
    }
}

impl Shared {
    /// Takes what is to happen once, if it fits.
    fn take(&self, bytes: &[u8]) -> Option<Once> {
        let mut once = self.once.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = match (*once)? {
            Once::HalfBody => bytes.len() > HALF,
            Once::LostCommit => bytes.windows(6).any(|six| six == b"COMMIT"),
        };
        if fits { once.take() } else { None }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        // A line that is cut answers nobody: the connection is closed at once.
        if !shared.state.borrow().cut {
            tokio::spawn(pass(client, Arc::clone(&shared)));
        }
    }
}

async fn pass(client: TcpStream, shared: Arc<Shared>) {
    let Ok(server) = TcpStream::connect(shared.upstream).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let mut state = shared.state.subscribe();
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = copy(from_client, to_server, &shared, true) => {}
        () = copy(from_server, to_client, &shared, false) => {}
        // An error means that the line is no more.
        _ = state.wait_for(|state| state.cut) => {}
    }
}

/// Passes on until one side ends; what ends here ends both.
async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared, is_request: bool) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let Ok(length @ 1..) = from.read(&mut buffer).await else { return };
        let delay = shared.state.borrow().delay;
        if !delay.is_zero() {
            sleep(delay).await;
        }
        let bytes = &buffer[..length];
        let (passes, ends) = match is_request.then(|| shared.take(bytes)).flatten() {
            Some(Once::HalfBody) => (&bytes[..length / 2], true),
            Some(Once::LostCommit) => (bytes, true),
            None => (bytes, false),
        };
        if to.write_all(passes).await.is_err() || ends {
            return;
        }
    }
}
