//! An engine in a process of its own, with a data folder that survives it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clickhouse::Client;
use rustix::process::Pid;
use tempfile::TempDir;

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
        let limit = Instant::now() + Duration::from_secs(60);
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
        let mut answer = Vec::new();
        // A reset after the answer is an end too.
        drop(stream.read_to_end(&mut answer));
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Sends bytes and goes away without the rest.
    pub(crate) fn cut(&self, request: impl AsRef<[u8]>) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(request.as_ref()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        // Until the server lets go, so that the test goes on only after it has decided.
        drop(stream.read_to_end(&mut answer));
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// An address nobody listens on.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
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

/// Waits until something holds; a minute is a failure.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < limit, "waited 60 s in vain: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
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
