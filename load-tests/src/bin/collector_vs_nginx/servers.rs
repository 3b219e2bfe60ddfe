//! The two servers: started on free ports, pinned to the first core, their CPU time read from the kernel.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use collector::{
    Config,
    links::{
        Builder, Copy,
        rows::{LinkRow, Position, ProgramRow, SiteRow},
    },
};
use rustix::process::{Pid, Signal, kill_process};
use schemas::keys::Keys;

use super::wrk::{self, Connections, Load};

const NGINX: &str = include_str!("nginx.conf");
const START: Duration = Duration::from_secs(60);

/// Something that answers `/c/{code}` with a redirect.
pub(crate) trait Server {
    /// Where.
    fn port(&self) -> u16;
    /// CPU time of all its threads since they began.
    fn cpu(&self) -> Result<Duration>;
    /// Notes how many requests it answered.
    fn answered(&mut self, requests: u64);
}

/// The collector, one core, its links from a copy on disk.
pub(crate) struct Collector {
    child: Child,
    address: SocketAddr,
    admin: SocketAddr,
    answered: u64,
}

impl Collector {
    pub(crate) fn start(folder: &Path, links: u32, kafka: Option<&str>) -> Result<Self> {
        let keys = Keys::line(1, &[7; 32]);
        fs::write(folder.join("keys"), &keys)?;
        write_links(&folder.join("links.copy"), links, &Keys::parse(&keys)?)?;
        let (address, admin) = (free_address()?, free_address()?);
        let child = pinned(&std::env::current_exe()?)
            .arg("collector")
            .env("TRIBUTARY_KEYS", folder.join("keys"))
            .env("TRIBUTARY_JOURNAL", folder.join("journal"))
            .env("TRIBUTARY_LINKS_COPY", folder.join("links.copy"))
            .env("TRIBUTARY_COLLECTOR", address.to_string())
            .env("TRIBUTARY_ADMIN", admin.to_string())
            .env("TRIBUTARY_CORES", "1")
            // wrk is one visitor that no limit should mistake for a flood.
            .env("TRIBUTARY_SPREAD_PER_SECOND", "4000000000")
            .envs(kafka.map(|servers| ("TRIBUTARY_KAFKA", servers)))
            // Nobody there: the copy serves, as it does while PostgreSQL is away.
            .env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
            .stderr(Stdio::null())
            .spawn()?;
        let server = Self { child, address, admin, answered: 0 };
        wait_for(address)?;
        Ok(server)
    }

    /// What it answers to a click on a connection that goes on, and one more click to count.
    pub(crate) fn answer(&mut self) -> Result<String> {
        let mut socket = TcpStream::connect(self.address)?;
        write!(socket, "GET /c/{}?sub1=s1 HTTP/1.1\r\nhost: localhost\r\n\r\n", wrk::code(1))?;
        let mut answer = String::new();
        // A redirect has no body.
        for line in BufReader::new(socket).lines() {
            let line = line?;
            answer = format!("{answer}{line}\r\n");
            if line.is_empty() {
                break;
            }
        }
        self.answered += 1;
        Ok(answer)
    }

    /// Bytes handed to Kafka, before compression.
    pub(crate) fn shipped(&self, load: &Load) -> Result<u64> {
        self.metric(load, "tributary_collector_ship_bytes_total ")
    }

    /// Bytes that wait for it.
    pub(crate) fn waiting(&self, load: &Load) -> Result<u64> {
        self.metric(load, "tributary_collector_ship_backlog_bytes ")
    }

    fn metric(&self, load: &Load, name: &str) -> Result<u64> {
        let metrics = load.fetch(self.admin, "/metrics")?;
        let line = metrics.lines().find_map(|line| line.strip_prefix(name));
        Ok(line.with_context(|| format!("no metric {name}"))?.trim().parse()?)
    }

    /// Clicks in the journal, and redirects wrk counted.
    pub(crate) fn recorded(&self, load: &Load) -> Result<(u64, u64)> {
        let name = "tributary_collector_clicks_total{reason=\"none\"} ";
        let begun = Instant::now();
        loop {
            let counted = self.metric(load, name)?;
            // Counts are handed over once a second; what is missing after the limit is missing.
            if counted >= self.answered || begun.elapsed() > START {
                return Ok((counted, self.answered));
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Server for Collector {
    fn port(&self) -> u16 {
        self.address.port()
    }

    fn cpu(&self) -> Result<Duration> {
        cpu(self.child.id())
    }

    fn answered(&mut self, requests: u64) {
        self.answered += requests;
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// The floor, answering what the collector answered.
pub(crate) struct Floor {
    child: Child,
    address: SocketAddr,
}

impl Floor {
    pub(crate) fn start(answer: &str, kind: Connections) -> Result<Self> {
        let address = free_address()?;
        let child = pinned(&std::env::current_exe()?)
            .arg("bare")
            .arg(address.to_string())
            .arg(answer)
            .args((kind == Connections::New).then_some("--once"))
            .stderr(Stdio::null())
            .spawn()?;
        wait_for(address)?;
        Ok(Self { child, address })
    }
}

impl Server for Floor {
    fn port(&self) -> u16 {
        self.address.port()
    }

    fn cpu(&self) -> Result<Duration> {
        cpu(self.child.id())
    }

    fn answered(&mut self, _: u64) {}
}

impl Drop for Floor {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// nginx, one worker.
pub(crate) struct Nginx {
    child: Child,
    worker: u32,
    port: u16,
}

impl Nginx {
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        let address = free_address()?;
        let place = folder.join("nginx");
        fs::create_dir_all(&place)?;
        let root = place.to_str().context("a folder that is no text")?;
        let config = NGINX.replace("FOLDER", root).replace("PORT", &address.port().to_string());
        fs::write(place.join("nginx.conf"), config)?;
        let child = pinned(&nginx()?)
            .args(["-e", "stderr", "-p", root, "-c", "nginx.conf"])
            .stderr(Stdio::null())
            .spawn()?;
        wait_for(address)?;
        let worker = worker(child.id())?;
        Ok(Self { child, worker, port: address.port() })
    }
}

impl Server for Nginx {
    fn port(&self) -> u16 {
        self.port
    }

    fn cpu(&self) -> Result<Duration> {
        cpu(self.worker)
    }

    fn answered(&mut self, _: u64) {}
}

impl Drop for Nginx {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// The collector's role of this binary.
pub(crate) fn serve(config: Config) -> Result<()> {
    Ok(collector::run(config, async {
        if let Ok(mut terminate) =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        {
            terminate.recv().await;
        }
    })?)
}

/// A copy of the links as the feed would have left it: half of them lead to a destination of their own.
fn write_links(path: &Path, links: u32, keys: &Keys) -> Result<()> {
    let mut builder = Builder::new(0);
    builder.site(SiteRow { id: 1, domain: "localhost".into(), fallback_url: String::new() });
    let program = ProgramRow {
        id: 1,
        site: 1,
        slug: "shop".into(),
        destination: "https://shop.example/landing?click={click_id}&aff={affiliate_id}&sub={sub1}"
            .into(),
        currency: "EUR".into(),
        is_active: true,
        token_version: 1,
        ..ProgramRow::default()
    };
    builder.program(program, keys);
    for id in 1..=links {
        builder.link(LinkRow {
            id,
            site: 1,
            code: wrk::code(id),
            affiliate: id % 1000 + 1,
            program: 1,
            destination: match id % 2 {
                0 => String::new(),
                _ => format!("https://shop.example/products/{id}?click={{click_id}}&sub={{sub1}}"),
            },
            is_active: true,
            version: 1,
            ..LinkRow::default()
        });
    }
    Copy::new(path.to_owned()).write(&builder.finish(), Position { system: 1, xmin: 1 })?;
    Ok(())
}

/// On the first core, so that wrk has the others.
fn pinned(program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", "0"]).arg(program);
    command
}

fn nginx() -> Result<PathBuf> {
    let places = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"];
    let found = places.iter().map(PathBuf::from).find(|path| path.exists());
    found.context("nginx is not installed: run `make install` (Debian package nginx-light)")
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn wait_for(address: SocketAddr) -> Result<()> {
    let begun = Instant::now();
    while TcpStream::connect(address).is_err() {
        if begun.elapsed() > START {
            bail!("nothing listens on {address}");
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// The one child of nginx's master.
fn worker(master: u32) -> Result<u32> {
    let begun = Instant::now();
    loop {
        let children = fs::read_to_string(format!("/proc/{master}/task/{master}/children"))?;
        if let Some(worker) = children.split_whitespace().next() {
            return Ok(worker.parse()?);
        }
        if begun.elapsed() > START {
            bail!("nginx has no worker");
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Nanoseconds on a CPU, of all threads.
fn cpu(process: u32) -> Result<Duration> {
    let mut nanos = 0;
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        let text = fs::read_to_string(task?.path().join("schedstat"))?;
        nanos += text.split(' ').next().context("no schedstat")?.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanos))
}

fn end(child: &mut Child) {
    let _ = kill_process(Pid::from_child(child), Signal::TERM);
    let _ = child.wait();
}
