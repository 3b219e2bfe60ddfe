//! One collector for a test: a fresh database with a program and links, a temporary folder, an
//! address of its own; asked by raw HTTP, and its journal read back.

use clap::{Args, Command, FromArgMatches};
use collector::{Bound, Config};
use journal::{Body, Position, Reader};
use migrations::testing::{Postgres, Role};
use schemas::{
    event::{Click, Conversion, Message},
    keys::Keys,
    topic::Topic,
};
use sqlx::{AssertSqlSafe, Executor, PgPool};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::{
        Once,
        atomic::{AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{runtime::Runtime, sync::oneshot};

/// The installation's one key.
pub(crate) const SECRET: [u8; 32] = [7; 32];
/// The program's and links' rows; everything a test asks for stands here.
const ROWS: &str = "
    INSERT INTO affiliate_affiliate (id, site_id, name, is_active) VALUES (7, 1, 'Ann', true), (8, 1, 'Off', false);
    INSERT INTO affiliate_program (id, site_id, slug, name, destination, status, postback_networks) VALUES
        (3, 1, 'shop', 'Shop', 'https://shop.example/?c={click_id}&s={sub1}', 'active', '{}'),
        (4, 1, 'yen', 'Yen', 'https://yen.example/', 'active', '{}'),
        (5, 1, 'paused', 'Paused', 'https://paused.example/', 'paused', '{}'),
        (6, 1, 'listed', 'Listed', 'https://listed.example/', 'active', '{198.51.100.0/24}');
    UPDATE affiliate_program SET currency = 'JPY' WHERE id = 4;
    INSERT INTO affiliate_plan (site_id, program_id, event, kind, currency) VALUES
        (1, 3, 'sale', 'none', 'EUR'), (1, 3, 'lead', 'none', 'EUR'), (1, 4, 'sale', 'none', 'JPY');
    INSERT INTO affiliate_affiliatelink (id, site_id, affiliate_id, program_id, code, domain, destination, is_active, expires_at) VALUES
        (42, 1, 7, 3, 'go', '', '', true, NULL),
        (43, 1, 7, 3, 'own', '', 'https://own.example/{sub1}/{country}?r={referrer}#f', true, NULL),
        (44, 1, 7, 3, 'off', '', '', false, NULL),
        (45, 1, 7, 3, 'old', '', '', true, '2020-01-01'),
        (46, 1, 8, 3, 'gone', '', '', true, NULL),
        (47, 1, 7, 5, 'paused', '', '', true, NULL),
        (48, 1, 7, 3, 'vanity', 'go.example', '', true, NULL);
";

/// A running collector.
pub(crate) struct Collector {
    // First, so that it is stopped before its database and folder go.
    running: Running,
    pub address: SocketAddr,
    pub admin: SocketAddr,
    pub folder: TempDir,
    pub keys: Keys,
    pub database: Postgres,
    pub runtime: Runtime,
}

struct Running {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<collector::Result<()>>>,
}

impl Running {
    fn stop(&mut self) -> collector::Result<()> {
        drop(self.stop.take());
        self.thread.take().map_or(Ok(()), |thread| thread.join().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

impl Collector {
    /// With the default settings, two cores and a trusted proxy on loopback.
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// With further arguments.
    pub(crate) fn with(arguments: &[&str]) -> Self {
        let runtime = Runtime::new().unwrap();
        let database = runtime.block_on(Postgres::fresh());
        let pool = runtime.block_on(database.pool(Role::Owner));
        runtime.block_on(pool.execute(ROWS)).unwrap();
        Self::over(runtime, database, tempfile::tempdir().unwrap(), arguments)
    }

    /// Over a database and a folder that exist.
    pub(crate) fn over(
        runtime: Runtime,
        database: Postgres,
        folder: TempDir,
        arguments: &[&str],
    ) -> Self {
        let url = database.url(Role::Collector);
        std::fs::write(folder.path().join("keys"), Keys::line(1, &SECRET)).unwrap();
        COUNTING.call_once(count_panics);
        let bound = collector::bind(config(&folder, &url, arguments)).unwrap();
        let (stop, stopped) = oneshot::channel();
        let (address, admin) = (bound.address(), bound.admin_address().unwrap());
        let thread = std::thread::spawn(move || run(bound, stopped));
        let keys = Keys::parse(&Keys::line(1, &SECRET)).unwrap();
        let running = Running { stop: Some(stop), thread: Some(thread) };
        let collector = Self { running, address, admin, folder, keys, database, runtime };
        until("the collector is ready", || {
            ask(admin, "GET /ready HTTP/1.1\r\nhost: localhost\r\n").status == 200
        });
        collector
    }

    /// Asks with a GET.
    pub(crate) fn get(&self, target: &str) -> Answer {
        self.send(target, "")
    }

    /// Asks with a GET and further header lines, each ended by CRLF.
    pub(crate) fn send(&self, target: &str, headers: &str) -> Answer {
        ask(self.address, &format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n{headers}"))
    }

    /// Posts a form.
    pub(crate) fn post(&self, target: &str, form: &str) -> Answer {
        let head = "content-type: application/x-www-form-urlencoded\r\n";
        let length = form.len();
        let request = format!(
            "POST {target} HTTP/1.1\r\nhost: localhost\r\n{head}content-length: {length}\r\n"
        );
        ask_with(self.address, request.as_bytes(), form.as_bytes())
    }

    /// The postback token of a program.
    pub(crate) fn token(&self, program: u32) -> String {
        self.keys.postback_token(schemas::ids::PLATFORM, schemas::ids::ProgramId(program), 1)
    }

    /// A pool of the tables' owner.
    pub(crate) fn owner(&self) -> PgPool {
        self.runtime.block_on(self.database.pool(Role::Owner))
    }

    /// Runs SQL as the tables' owner.
    pub(crate) fn execute(&self, sql: &str) {
        let pool = self.owner();
        self.runtime.block_on(pool.execute(AssertSqlSafe(sql.to_owned()))).unwrap();
    }

    /// What a metric says.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let answer = ask(self.admin, "GET /metrics HTTP/1.1\r\nhost: localhost\r\n");
        let line = answer
            .body
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse::<f64>().ok());
        // Whole seconds of those that have fractions.
        line.unwrap_or(0.0) as u64
    }

    /// Stops gracefully.
    pub(crate) fn stop(&mut self) -> collector::Result<()> {
        self.running.stop()
    }

    /// Stops, and gives what another can be started over.
    pub(crate) fn into_parts(mut self) -> (Runtime, Postgres, TempDir) {
        self.stop().unwrap();
        (self.runtime, self.database, self.folder)
    }

    /// Stops, and gives everything its journals hold. A panic while answering closes a connection and
    /// nothing else: no test may pass over one.
    pub(crate) fn end(mut self) -> Kept {
        self.stop().unwrap();
        assert_eq!(PANICS.load(Ordering::Relaxed), 0, "a core panicked");
        kept(&self.folder.path().join("data/journal"))
    }
}

static COUNTING: Once = Once::new();
/// Panics on the threads of cores, of all collectors of this process.
static PANICS: AtomicUsize = AtomicUsize::new(0);

fn count_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name().is_some_and(|name| name.starts_with("core-")) {
            PANICS.fetch_add(1, Ordering::Relaxed);
        }
        before(panic);
    }));
}

fn run(bound: Bound, stopped: oneshot::Receiver<()>) -> collector::Result<()> {
    bound.run(async {
        let _ = stopped.await;
    })
}

/// Settings as the command line makes them.
pub(crate) fn config(folder: &TempDir, url: &str, arguments: &[&str]) -> Config {
    let command = Config::augment_args(Command::new("collector"));
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (keys, root) = (path("keys"), path("data/journal"));
    let mut all = vec!["collector", "--keys", &keys, "--journal", &root];
    for (flag, value) in [
        ("--database-url", url),
        ("--listen", "127.0.0.1:0"),
        ("--admin", "127.0.0.1:0"),
        ("--cores", "2"),
        ("--trusted-proxies", "127.0.0.0/8"),
    ] {
        if !arguments.contains(&flag) {
            all.extend([flag, value]);
        }
    }
    all.extend(arguments);
    Config::from_arg_matches(&command.get_matches_from(all)).unwrap()
}

/// An answer as it came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
    pub bytes: Vec<u8>,
}

impl Answer {
    /// A header's value; empty when absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        });
        value.unwrap_or_default()
    }

    /// The `code` of a problem.
    pub(crate) fn code(&self) -> String {
        let json: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        json["code"].as_str().unwrap_or_default().to_owned()
    }

    /// Reads what came over a connection that is closed.
    pub(crate) fn read(raw: &[u8]) -> Self {
        let end = raw.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(raw.len());
        let head = String::from_utf8_lossy(&raw[..end]).into_owned();
        let bytes = raw.get(end + 4..).unwrap_or_default().to_vec();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, head, body: String::from_utf8_lossy(&bytes).into_owned(), bytes }
    }
}

/// Sends a head (without its empty line) on a connection of its own.
pub(crate) fn ask(address: SocketAddr, head: &str) -> Answer {
    ask_with(address, head.as_bytes(), b"")
}

/// Sends a head (without its empty line) and a body on a connection of its own.
pub(crate) fn ask_with(address: SocketAddr, head: &[u8], body: &[u8]) -> Answer {
    let Ok(mut socket) = TcpStream::connect(address) else { return Answer::default() };
    let request = [head, b"connection: close\r\n\r\n", body].concat();
    // Who is refused early may not read everything.
    let _ = socket.write_all(&request);
    let mut raw = Vec::new();
    let _ = socket.read_to_end(&mut raw);
    Answer::read(&raw)
}

/// Waits for something that comes by itself; a minute at most.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What journals hold.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub clicks: Vec<Click>,
    pub conversions: Vec<Conversion>,
    /// (journal, partition, seq) of the clicks.
    pub click_ids: Vec<(u64, u16, u64)>,
    /// Their bytes, to look for what must not be there.
    pub raw: Vec<u8>,
    pub ends: usize,
    pub heartbeats: usize,
}

/// Reads all journals under a root.
pub(crate) fn kept(root: &Path) -> Kept {
    let key = Keys::parse(&Keys::line(1, &SECRET)).unwrap().journal();
    let mut kept = Kept::default();
    for place in journal::journals(root).unwrap() {
        let mut reader =
            Reader::open_any(&place.root, &place.slot, place.journal, Position::START, &key)
                .unwrap();
        while let Some(entry) = reader.next().unwrap() {
            match entry.body {
                Body::Record { topic, partition, seq, payload } => {
                    kept.raw.extend_from_slice(payload);
                    if topic.0 == Topic::Clicks.id() {
                        kept.clicks.push(Click::decode(payload).unwrap());
                        kept.click_ids.push((place.journal.0, partition.0, seq));
                    } else {
                        kept.conversions.push(Conversion::decode(payload).unwrap());
                    }
                }
                Body::Heartbeat { .. } => kept.heartbeats += 1,
                Body::End(_) => kept.ends += 1,
                Body::Skip { .. } => {}
                Body::Corrupt(what) => panic!("{}: {what:?}", place.dir().display()),
            }
        }
    }
    kept
}
