//! `collector_memory`: what the real collector takes of memory with a million links, at rest and while it
//! reads all of them anew beside the picture in use.
//!
//! Starts private stores of its own, fills PostgreSQL, and runs the binary `collector` on it. A deleted
//! link is what only a full reading notices: one is deleted, and the reading is over when the collector
//! has a link less. The control is the same collector without a link. Figures are the kernel's: `VmRSS`,
//! and `VmHWM`, the most since the measurement began.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use load_tests::{links, stores, table::print};
use migrations::testing::{Postgres, Role};
use rustix::process::{Pid, Signal, kill_process};
use schemas::keys::Keys;
use tokio::time::{Instant, sleep};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(600);
const LOOK: Duration = Duration::from_millis(50);

/// Measures the collector's memory.
#[derive(Parser)]
struct Arguments {
    /// Links.
    #[arg(long, default_value_t = 1_000_000)]
    links: u32,
    /// Full readings one after the other.
    #[arg(long, default_value_t = 3)]
    reloads: u32,
    /// Seconds from the end of one to the next.
    #[arg(long, default_value_t = 5)]
    reload_s: u64,
    /// Where the stores lie; a temporary folder if not given.
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// MB of 10^6 bytes.
#[derive(Clone, Copy)]
struct Memory {
    now: f64,
    most: f64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match stores::are_around() {
        true => run(&arguments).await,
        false => stores::around(arguments.folder.as_deref()).await,
    }
}

async fn run(arguments: &Arguments) -> Result<()> {
    let folder = load_tests::system::folder()?;
    let postgres = Postgres::fresh().await;
    let url = postgres.url(Role::Collector);
    let control = {
        let empty = Collector::start(&folder.path().join("empty"), &url, arguments.reload_s)?;
        empty.has(0).await?;
        empty.memory()?
    };
    let owner = postgres.pool(Role::Owner).await;
    links::seed(&owner, arguments.links).await?;
    let full = Collector::start(&folder.path().join("full"), &url, arguments.reload_s)?;
    full.has(u64::from(arguments.links)).await?;
    let mut rows = vec![row("control: no link", control, control)];
    rows.push(row("all read at the start", full.memory()?, control));
    let mut most = 0.0_f64;
    for n in 1..=arguments.reloads {
        full.forget_most()?;
        let sql = "DELETE FROM affiliate_affiliatelink WHERE id = $1";
        sqlx::query(sql).bind(i64::from(n)).execute(&owner).await?;
        full.has(u64::from(arguments.links - n)).await?;
        let memory = full.memory()?;
        rows.push(row(&format!("reading all anew, {n}"), memory, control));
        most = most.max(memory.most);
    }
    let last = format!("{} links\nratio {:.2}", arguments.links, most / control.most);
    print(&["MB", "at rest", "most", "ratio"], &rows, &last)?;
    Ok(())
}

fn row(name: &str, memory: Memory, control: Memory) -> Vec<String> {
    let ratio = memory.most / control.most;
    vec![
        name.to_owned(),
        format!("{:.0}", memory.now),
        format!("{:.0}", memory.most),
        format!("{ratio:.2}"),
    ]
}

/// The collector's own binary, with one core.
struct Collector {
    child: Child,
    admin: String,
}

impl Collector {
    fn start(folder: &Path, database_url: &str, reload_s: u64) -> Result<Self> {
        let binary = std::env::current_exe()?.with_file_name("collector");
        ensure!(binary.exists(), "{} is not built: cargo build -p collector", binary.display());
        fs::create_dir_all(folder)?;
        fs::write(folder.join("keys"), Keys::line(1, &[7; 32]))?;
        let [address, admin] = free_addresses()?;
        let child = Command::new(binary)
            .env("TRIBUTARY_KEYS", folder.join("keys"))
            .env("TRIBUTARY_JOURNAL", folder.join("journal"))
            .env("TRIBUTARY_LINKS_COPY", folder.join("links.copy"))
            .env("TRIBUTARY_COLLECTOR", address)
            .env("TRIBUTARY_ADMIN", &admin)
            .env("TRIBUTARY_CORES", "1")
            .env("TRIBUTARY_LINKS_RELOAD_S", reload_s.to_string())
            .env("DATABASE_URL", database_url)
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .spawn()?;
        Ok(Self { child, admin })
    }

    /// Waits until it has read so many links.
    async fn has(&self, links: u64) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.known().await != Some(links) {
            ensure!(Instant::now() < deadline, "the collector does not come to {links} links");
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// Links in memory, once PostgreSQL was read; nothing before.
    async fn known(&self) -> Option<u64> {
        let url = format!("http://{}/metrics", self.admin);
        let text = reqwest::get(url).await.ok()?.text().await.ok()?;
        let gauge = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.and_then(|number| number.parse::<u64>().ok())
        };
        gauge("tributary_collector_links")
            .filter(|_| gauge("tributary_collector_feed_connected") == Some(1))
    }

    fn memory(&self) -> Result<Memory> {
        let text = fs::read_to_string(self.file("status"))?;
        let field = |name: &str| -> Result<f64> {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
            Ok(kib.with_context(|| format!("the kernel says no {name}"))? * 1024.0 / 1e6)
        };
        Ok(Memory { now: field("VmRSS:")?, most: field("VmHWM:")? })
    }

    /// From now on `VmHWM` is the most since now.
    fn forget_most(&self) -> Result<()> {
        Ok(fs::write(self.file("clear_refs"), "5")?)
    }

    fn file(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.child.id()))
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}

/// Bound at once, so that they differ; free again when this returns.
fn free_addresses() -> Result<[String; 2]> {
    let (one, two) = (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
    Ok([one.local_addr()?.to_string(), two.local_addr()?.to_string()])
}
