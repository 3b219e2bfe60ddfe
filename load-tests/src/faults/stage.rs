//! What all runs share: the stores, the brokers, and the lines to them.

use std::{
    fs,
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use kafka::local::Cluster;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use url::Url;

use super::{
    disk::Disk,
    proxy::Proxy,
    schedule::{BROKERS, COLLECTORS, Line, OTHERS, Who},
};
use crate::system::{Part, parts};

/// See the module.
pub struct Stage {
    /// Journals, logs, keys of all runs.
    pub folder: TempDir,
    /// Of the processors.
    pub cluster: Cluster,
    postgres: SocketAddr,
    engine: SocketAddr,
    /// Of the stores' own URL: user and password.
    pub postgres_url: Url,
    /// The same.
    pub engine_url: Url,
    links: Proxy,
    to_postgres: Proxy,
    to_engine: Proxy,
    to_brokers: Vec<Proxy>,
    /// One for each collector.
    pub disks: Vec<Disk>,
}

impl Stage {
    /// Over the stores around this program.
    ///
    /// # Errors
    /// No stores, no brokers.
    pub async fn set() -> Result<Self> {
        let url = |name: &str| -> Result<Url> {
            Ok(Url::parse(&std::env::var(name).with_context(|| format!("{name} is not set"))?)?)
        };
        let postgres_url = url("TRIBUTARY_TEST_DATABASE_URL")?;
        let engine_url = url("TRIBUTARY_TEST_CLICKHOUSE_URL")?;
        let (postgres, engine) = (address(&postgres_url)?, address(&engine_url)?);
        let folder = crate::system::folder()?;
        let jars = jars(folder.path())?;
        let mut cluster = Cluster::plan(&jars, &folder.path().join("kafka"), BROKERS)?;
        let mut to_brokers = Vec::new();
        for n in 0..BROKERS {
            let proxy = Proxy::start(SocketAddr::from(([127, 0, 0, 1], cluster.port(n)))).await?;
            cluster.advertise(n, proxy.port);
            to_brokers.push(proxy);
            cluster.format(n)?;
            cluster.begin(n)?;
        }
        cluster.wait()?;
        let disk = |n: usize| Disk::mount(folder.path().join(format!("disk-{n}")));
        let disks = (0..COLLECTORS).map(disk).collect::<Result<Vec<_>>>()?;
        if !disks.iter().all(Disk::is_small) {
            // Not worth failing for: everything else is still tried.
            let _ = writeln!(std::io::stderr(), "no right to mount a small disk: none is filled");
        }
        Ok(Self {
            disks,
            folder,
            cluster,
            links: Proxy::start(postgres).await?,
            to_postgres: Proxy::start(postgres).await?,
            to_engine: Proxy::start(engine).await?,
            to_brokers,
            postgres,
            engine,
            postgres_url,
            engine_url,
        })
    }

    /// A line.
    pub fn line(&self, line: Line) -> &Proxy {
        match line {
            Line::Links => &self.links,
            Line::Postgres => &self.to_postgres,
            Line::Engine => &self.to_engine,
            Line::Broker(n) => &self.to_brokers[n],
        }
    }

    /// A store's URL by way of a line.
    ///
    /// # Errors
    /// Never for a URL with a host.
    pub fn by(&self, line: Line, url: &str) -> Result<String> {
        let mut url = Url::parse(url)?;
        let port = Some(self.line(line).port);
        ensure!(url.set_port(port).is_ok(), "a URL without a host");
        Ok(url.into())
    }

    /// The processes of a store or broker.
    ///
    /// # Errors
    /// When the process table can't be read.
    pub fn processes(&self, who: Who) -> Result<Vec<Pid>> {
        let root = rustix::process::getppid().map_or(1, |pid| pid.as_raw_nonzero().get() as u32);
        let pid = |pid: u32| Pid::from_raw(pid as i32);
        Ok(match who {
            Who::Broker(n) => self.cluster.pid(n).and_then(pid).into_iter().collect(),
            Who::Engine => parts::find(root, Part::Engine)?,
            Who::Postgres => parts::postgres(&stores_folder(root)?)?,
            Who::Collector(_) | Who::Processor(_) => Vec::new(),
        })
    }

    /// Kills a store, which its supervisor starts again, or a broker, which is started again here.
    ///
    /// # Errors
    /// No Java.
    pub fn kill(&mut self, who: Who) -> Result<()> {
        if let Who::Broker(n) = who {
            self.cluster.kill(n);
            return Ok(self.cluster.begin(n)?);
        }
        for pid in self.processes(who)? {
            // One that ended by itself meanwhile is as dead.
            let _ = kill_process(pid, Signal::KILL);
        }
        Ok(())
    }

    /// Lets everything be as it was, and waits for it.
    ///
    /// # Errors
    /// A broker or store that does not come back.
    pub async fn heal(&mut self) -> Result<()> {
        let all = [&self.links, &self.to_postgres, &self.to_engine];
        all.into_iter().chain(&self.to_brokers).for_each(Proxy::heal);
        self.disks.iter().for_each(Disk::heal);
        for who in OTHERS {
            for pid in self.processes(who)? {
                let _ = kill_process(pid, Signal::CONT);
            }
        }
        self.cluster.wait()?;
        for address in [self.postgres, self.engine] {
            let reached = async {
                while tokio::net::TcpStream::connect(address).await.is_err() {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            };
            let limit = Duration::from_secs(180);
            tokio::time::timeout(limit, reached).await.context("a store does not come back")?;
        }
        Ok(())
    }
}

fn address(url: &Url) -> Result<SocketAddr> {
    let port = url.port().context("a URL without a port")?;
    Ok(SocketAddr::from(([127, 0, 0, 1], port)))
}

/// Where the brokers' jars are.
fn jars(folder: &Path) -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("TRIBUTARY_TEST_KAFKA_JARS") {
        return Ok(named.into());
    }
    let places = standalone::vendor::places(folder, "kafka");
    let found = places.into_iter().find(|place| place.is_dir());
    Ok(std::path::absolute(found.context("no jars of Kafka: run deploy/fetch-kafka.sh")?)?)
}

/// The data folder of the `tributary stores` around this program, from its command line.
fn stores_folder(root: u32) -> Result<PathBuf> {
    let command = fs::read(format!("/proc/{root}/cmdline"))?;
    let words: Vec<&[u8]> = command.split(|byte| *byte == 0).collect();
    let at = words.iter().position(|word| *word == b"--data").context("no --data")?;
    let folder = words.get(at + 1).context("no --data")?;
    Ok(PathBuf::from(String::from_utf8(folder.to_vec())?))
}
