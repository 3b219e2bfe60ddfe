//! An engine in a process of its own, with a data folder that survives it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clickhouse::Client;
use rustix::process::Pid;
use tempfile::TempDir;

/// How long anything may take on a machine that is busy with other tests; more is a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);

/// A data folder whose passwords are known.
pub(crate) fn data_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("passwords"), "owner own\nreader read\n").unwrap();
    folder
}

/// A running engine; killed when dropped.
pub(crate) struct Engine {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Engine {
    pub(crate) fn start(folder: &Path) -> Self {
        let address = free_address();
        let child = Command::new(env!("CARGO_BIN_EXE_tributary"))
            .args(["run-engine", "--data"])
            .arg(folder)
            .args(["--listen", &address.to_string()])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut engine = Self { child, address };
        let limit = Instant::now() + PATIENCE;
        while !engine.answers() {
            let ended = engine.child.try_wait().unwrap();
            assert!(
                ended.is_none(),
                "the engine ended: is libchdb there? run deploy/fetch-vendor.sh"
            );
            assert!(Instant::now() < limit, "the engine does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        engine
    }

    fn answers(&self) -> bool {
        TcpStream::connect(self.address).is_ok()
            && self
                .raw("GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                .contains("Ok.")
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn owner(&self) -> Client {
        Client::default().with_url(self.url()).with_user("owner").with_password("own")
    }

    pub(crate) fn reader(&self) -> Client {
        Client::default().with_url(self.url()).with_user("reader").with_password("read")
    }

    /// Sends bytes as they are and reads until the server closes.
    pub(crate) fn raw(&self, request: impl AsRef<[u8]>) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(request.as_ref()).unwrap();
        String::from_utf8_lossy(&read_to_end(&mut stream)).into_owned()
    }

    /// Sends bytes and goes away without the rest.
    pub(crate) fn cut(&self, request: impl AsRef<[u8]>) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(request.as_ref()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        // Until the server lets go, so that the test goes on only after it has decided.
        read_to_end(&mut stream);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What comes until the server closes; a reset after the answer is an end too.
#[track_caller]
pub(crate) fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = Vec::new();
    if let Err(error) = stream.read_to_end(&mut answer) {
        assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "no end after {PATIENCE:?}");
    }
    answer
}

/// An address nobody listens on.
pub(crate) fn free_address() -> SocketAddr {
    free_addresses::<1>()[0]
}

/// Addresses nobody listens on, bound all at once, so that they differ.
pub(crate) fn free_addresses<const N: usize>() -> [SocketAddr; N] {
    let listeners: [TcpListener; N] =
        std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap())
}

/// Runs statements, one after the other.
pub(crate) async fn execute(client: &Client, statements: &[&str]) {
    for statement in statements {
        client.query(statement).execute().await.unwrap();
    }
}

/// The one number a question answers with.
pub(crate) async fn number(client: &Client, question: &str) -> u64 {
    client.query(question).fetch_one().await.unwrap()
}

/// A child of `parent` that runs one of the binary's hidden commands.
pub(crate) fn child_named(parent: u32, command: &str) -> Option<Pid> {
    let children =
        std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap();
    let is_it = |pid: &&str| {
        std::fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| line.split(|byte| *byte == 0).nth(1) == Some(command.as_bytes()))
    };
    children.split_whitespace().find(is_it).and_then(|pid| Pid::from_raw(pid.parse().ok()?))
}

/// Waits until something holds.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let limit = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < limit, "waited {PATIENCE:?} in vain: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The processes below another, at any depth.
pub(crate) fn below(parent: Pid) -> Vec<Pid> {
    // A child belongs to the thread that started it.
    let threads = std::fs::read_dir(format!("/proc/{}/task", parent.as_raw_nonzero()));
    let threads = threads.into_iter().flatten().flatten();
    let children =
        threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let numbers = children.collect::<Vec<_>>().join(" ");
    let children = numbers.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?));
    children.flat_map(|child| [vec![child], below(child)].concat()).collect()
}

/// Whether a process has not ended: one that nobody has waited for yet has.
pub(crate) fn lives(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    stat.is_ok_and(|stat| {
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
    })
}

/// The private PostgreSQL's main process, as its folder names it.
pub(crate) fn postmaster(data: &Path) -> Option<Pid> {
    let text = std::fs::read_to_string(data.join("postgres/cluster/postmaster.pid")).ok()?;
    Pid::from_raw(text.lines().next()?.trim().parse().ok()?)
}

/// A folder that PostgreSQL's own user can reach too.
pub(crate) fn folder() -> TempDir {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
    folder
}

/// A child's number, for signals.
pub(crate) fn pid(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap()
}
