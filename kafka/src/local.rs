//! Real brokers of this machine, from the jars that `deploy/fetch-kafka.sh` brings: for tests, and for
//! load tests that kill them.
//!
//! Refuses to be anything an operator runs: no durability is set up, no access is checked.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io,
    net::{TcpListener, TcpStream},
    ops::RangeInclusive,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    config::Config,
    error::{Error, Result},
    look::Look,
    options::{Options, Setting},
};

pub mod guard;

use guard::Guard;

/// A JVM on a busy machine; one that is not ready by then hangs.
const START: Duration = Duration::from_secs(180);
/// How often readiness is asked for.
const LOOK: Duration = Duration::from_millis(100);
/// Longest wait for one answer.
const ASK: Duration = Duration::from_secs(2);
/// Any 16 bytes do; the brokers of one cluster have the same.
const CLUSTER: &str = "dHJpYnV0YXJ5LWtmay0xMg";

/// The broker that tests share, named by `TRIBUTARY_TEST_KAFKA`, with topics of `test`'s own.
///
/// # Panics
/// Without the variable: for tests only.
#[must_use]
pub fn shared(test: &str) -> Config {
    let server = std::env::var("TRIBUTARY_TEST_KAFKA").unwrap_or_else(|_| {
        panic!("TRIBUTARY_TEST_KAFKA is not set: run `make test`, which starts a broker")
    });
    let prefix = format!("t{}.{test}.", std::process::id());
    Config { servers: vec![server], prefix, ..Config::default() }
}

/// Where tests find the jars: `TRIBUTARY_TEST_KAFKA_JARS`.
///
/// # Panics
/// Without the variable: for tests only.
#[must_use]
pub fn jars() -> PathBuf {
    std::env::var_os("TRIBUTARY_TEST_KAFKA_JARS").map(PathBuf::from).unwrap_or_else(|| {
        panic!("TRIBUTARY_TEST_KAFKA_JARS is not set: run `make test`, which fetches them")
    })
}

/// Ports that brokers listen on.
const PORTS: RangeInclusive<u16> = 18_000..=31_999;

/// Brokers of one cluster. They end with this value.
#[derive(Debug)]
pub struct Cluster {
    jars: PathBuf,
    folder: PathBuf,
    nodes: Vec<Node>,
    guard: Option<Guard>,
}

#[derive(Debug)]
struct Node {
    id: usize,
    port: u16,
    controller: u16,
    /// Where clients are told that it is: its own port, or a proxy's in front of it.
    advertised: u16,
    child: Option<Child>,
}

impl Cluster {
    /// Starts brokers with empty logs below `folder`, and waits until they answer.
    ///
    /// # Errors
    /// No jars, no Java, or a broker that does not get ready.
    pub fn start(jars: &Path, folder: &Path, brokers: usize) -> Result<Self> {
        let mut cluster = Self::plan(jars, folder, brokers)?;
        for n in 0..brokers {
            cluster.format(n)?;
            cluster.begin(n)?;
        }
        cluster.wait()?;
        Ok(cluster)
    }

    /// The same brokers, not started yet.
    ///
    /// # Errors
    /// No jars, or no free ports.
    pub fn plan(jars: &Path, folder: &Path, brokers: usize) -> Result<Self> {
        if !jars.is_dir() {
            return Err(Error::NoJars(jars.to_owned()));
        }
        // Below those that the kernel gives to outgoing connections, one of which could have a killed broker's port
        // when it begins again.
        let mut next = PORTS.start() + (std::process::id() % 12_000) as u16;
        let mut port = || -> Result<u16> {
            let mut tries = PORTS.clone();
            let free = tries.find_map(|_| {
                next = if next < *PORTS.end() { next + 1 } else { *PORTS.start() };
                TcpListener::bind(("127.0.0.1", next)).ok().map(|_| next)
            });
            free.ok_or_else(|| local("no free port")(io::ErrorKind::AddrInUse.into()))
        };
        let mut nodes = Vec::new();
        for id in 1..=brokers {
            let (port, controller) = (port()?, port()?);
            nodes.push(Node { id, port, controller, advertised: port, child: None });
        }
        Ok(Self { jars: jars.to_owned(), folder: folder.to_owned(), nodes, guard: None })
    }

    /// Tells clients that broker `n` is at another port: a proxy's, which passes on to `port(n)`. Before it begins.
    pub fn advertise(&mut self, n: usize, port: u16) {
        self.nodes[n].advertised = port;
    }

    /// The port broker `n` itself listens on.
    pub fn port(&self, n: usize) -> u16 {
        self.nodes[n].port
    }

    /// Settings of a client, who is let in.
    pub fn config(&self) -> Config {
        let server = |node: &Node| format!("127.0.0.1:{}", node.advertised);
        let servers = self.nodes.iter().map(server).collect();
        let settings = self.guard.as_ref().map(Guard::settings).unwrap_or_default();
        let setting = |(name, value): (&str, String)| Setting { name: name.to_owned(), value };
        let kafka_option = settings.into_iter().map(setting).collect();
        let options = Options { kafka_option, ..Options::default() };
        Config { servers, options, ..Config::default() }
    }

    /// Makes broker `n`'s empty log, whatever there was before. Not while it runs.
    ///
    /// # Errors
    /// No Java, or what Kafka's own tool says.
    pub fn format(&self, n: usize) -> Result<()> {
        let folder = self.node_folder(n);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(local("what was in its folder")(error));
            }
            _ => {}
        }
        fs::create_dir_all(&folder).map_err(local("its folder"))?;
        fs::write(folder.join("server.properties"), self.properties(n))
            .map_err(local("its settings"))?;
        let mut tool = self.java(n, "kafka.tools.StorageTool")?;
        tool.args(["format", "-t", CLUSTER, "-c"]).arg(folder.join("server.properties"));
        if let Some(guard) = &self.guard {
            tool.args(["--add-scram", &guard.scram()]);
        }
        let done = tool.status().map_err(local("java"))?;
        if done.success() { Ok(()) } else { Err(self.not_ready(n, "could not make its log")) }
    }

    /// Starts broker `n`, over the log it has.
    ///
    /// # Errors
    /// No Java.
    pub fn begin(&mut self, n: usize) -> Result<()> {
        let mut server = self.java(n, "kafka.Kafka")?;
        server.arg(self.node_folder(n).join("server.properties"));
        self.nodes[n].child = Some(server.spawn().map_err(local("java"))?);
        Ok(())
    }

    /// Ends broker `n` at once, as a loss of power would.
    pub fn kill(&mut self, n: usize) {
        if let Some(mut child) = self.nodes[n].child.take() {
            // One that has ended already needs no more.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// The process of broker `n`, while it runs.
    pub fn pid(&self, n: usize) -> Option<u32> {
        self.nodes[n].child.as_ref().map(Child::id)
    }

    /// Waits until every broker that was begun answers.
    ///
    /// # Errors
    /// One that ended, or does not answer in time.
    pub fn wait(&mut self) -> Result<()> {
        let begun = Instant::now();
        for n in 0..self.nodes.len() {
            while self.nodes[n].child.is_some() && !self.answers(n)? {
                if begun.elapsed() > START {
                    return Err(self.not_ready(n, "does not answer"));
                }
                std::thread::sleep(LOOK);
            }
        }
        Ok(())
    }

    fn answers(&mut self, n: usize) -> Result<bool> {
        let ended = self.nodes[n].child.as_mut().and_then(|child| child.try_wait().ok().flatten());
        if let Some(status) = ended {
            return Err(self.not_ready(n, &format!("ended ({status})")));
        }
        let server = format!("127.0.0.1:{}", self.nodes[n].port);
        // Asked at its own port: a proxy may be cut on purpose.
        if TcpStream::connect(&server).is_err() {
            return Ok(false);
        }
        let config = Config { servers: vec![server], ..self.config() };
        Ok(Look::new(&config)?.metadata(None, ASK).is_ok())
    }

    fn node_folder(&self, n: usize) -> PathBuf {
        self.folder.join(format!("broker-{}", self.nodes[n].id))
    }

    fn java(&self, n: usize, class: &str) -> Result<Command> {
        let folder = self.node_folder(n);
        let log = File::options().create(true).append(true).open(folder.join("log"));
        let log = log.map_err(local("its log"))?;
        // Whoever started it may be killed, and it must not outlive them.
        let mut java = Command::new("setpriv");
        java.args(["--pdeathsig", "KILL", "--", "java", "-Xms64m", "-Xmx384m"])
            .args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"])
            .arg(format!("{}/*", self.jars.display()))
            .arg(class)
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(local("its log"))?)
            .stderr(log);
        Ok(java)
    }

    fn properties(&self, n: usize) -> String {
        let node = &self.nodes[n];
        let voter = |node: &Node| format!("{}@127.0.0.1:{}", node.id, node.controller);
        let voters: Vec<String> = self.nodes.iter().map(voter).collect();
        let copies = self.nodes.len().min(3);
        let in_sync = if copies >= 3 { 2 } else { 1 };
        let mut text = String::new();
        let mut line = |name: &str, value: &dyn std::fmt::Display| {
            // Writing to a String can't fail.
            let _ = writeln!(text, "{name}={value}");
        };
        line("process.roles", &"broker,controller");
        line("node.id", &node.id);
        line("controller.quorum.voters", &voters.join(","));
        let (port, controller) = (node.port, node.controller);
        let protocol = if self.guard.is_some() { guard::PROTOCOL } else { "PLAINTEXT" };
        line(
            "listeners",
            &format!("{protocol}://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}"),
        );
        line("advertised.listeners", &format!("{protocol}://127.0.0.1:{}", node.advertised));
        line("controller.listener.names", &"CONTROLLER");
        for (name, value) in self.guard.iter().flat_map(Guard::properties) {
            line(name, &value);
        }
        line("log.dirs", &self.node_folder(n).join("data").display());
        line("offsets.topic.replication.factor", &copies);
        line("offsets.topic.num.partitions", &4);
        line("transaction.state.log.replication.factor", &copies);
        line("transaction.state.log.min.isr", &in_sync);
        line("group.initial.rebalance.delay.ms", &0);
        line("auto.create.topics.enable", &false);
        // A killed broker is missed within seconds: tests wait for that.
        line("broker.session.timeout.ms", &2000);
        line("broker.heartbeat.interval.ms", &300);
        line("log.retention.check.interval.ms", &60_000);
        text
    }

    fn not_ready(&self, n: usize, what: &str) -> Error {
        Error::NotReady { what: what.to_owned(), log: self.node_folder(n).join("log") }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        (0..self.nodes.len()).for_each(|n| self.kill(n));
    }
}

fn local(what: &'static str) -> impl Fn(io::Error) -> Error {
    move |source| Error::Local { what, source }
}
