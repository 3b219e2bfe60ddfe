//! The real system under test: the binary `tributary` on free ports and a folder of its own, its parts
//! killed at will.
//!
//! Refuses to reach inside: what it says comes from its ports, its commands and the process table.

pub(crate) mod parts;

use std::{
    fs::{self, Permissions},
    io,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use schemas::{ids::PLATFORM, keys::Keys};
use sqlx::{Connection, PgConnection};
use standalone::{
    config::Folder,
    installation::Installation,
    traffic::{
        log,
        play::Program,
        seed::{Seeded, programs, seed, wanted},
    },
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

pub use parts::Part;

/// The bundled log.
pub const LOG: &[u8] = include_bytes!("../data/access.log.gz");
/// How long a start may take, on a busy machine with recovery to do.
const START: Duration = Duration::from_secs(180);

/// A running `tributary serve`.
pub struct System {
    binary: PathBuf,
    folder: PathBuf,
    environment: Vec<(String, String)>,
    child: Child,
    /// `http://host:port` of the API.
    pub api: String,
    /// `host:port` of the collector.
    pub collector: String,
    /// `host:port` of the collector's metrics.
    pub admin: String,
    /// Lets in at the API.
    pub token: String,
}

impl System {
    /// Starts the binary beside the running program (or test) in `folder`, on ports that are free.
    ///
    /// # Errors
    /// When there is no such binary, or it does not get ready.
    pub async fn start(folder: &Path, more: &[(&str, &str)]) -> Result<Self> {
        let binary = binary()?;
        let [api, collector, admin, processor, clickhouse, api_admin] = free_addresses()?;
        let mut environment = vec![
            ("TRIBUTARY_DATA".to_owned(), folder.display().to_string()),
            ("TRIBUTARY_API".to_owned(), api.clone()),
            ("TRIBUTARY_COLLECTOR".to_owned(), collector.clone()),
            ("TRIBUTARY_ADMIN".to_owned(), admin.clone()),
            ("TRIBUTARY_PROCESSOR".to_owned(), processor),
            ("TRIBUTARY_CLICKHOUSE".to_owned(), clickhouse),
            ("TRIBUTARY_API_ADMIN".to_owned(), api_admin),
        ];
        environment
            .extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let mut child = spawn(&binary, &["serve"], &environment)?;
        ready(&mut child).await?;
        let token = token(&binary, &environment).await?;
        let folder = folder.to_owned();
        Ok(Self {
            binary,
            folder,
            environment,
            child,
            api: format!("http://{api}"),
            collector,
            admin,
            token,
        })
    }

    /// Its data folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Kills every process of a part, without a word. One that is just being started again is waited
    /// for.
    ///
    /// # Errors
    /// When the process table can't be read, or there is none for long.
    pub async fn kill(&self, part: Part) -> Result<()> {
        for pid in self.present(part).await? {
            // One that ended by itself meanwhile is as dead.
            let _ = kill_process(pid, Signal::KILL);
        }
        Ok(())
    }

    /// The processes of a part, as they run now.
    ///
    /// # Errors
    /// When there is none for long.
    pub async fn pids(&self, part: Part) -> Result<Vec<Pid>> {
        self.present(part).await
    }

    /// The processes of a part; one that is just being started again is waited for.
    async fn present(&self, part: Part) -> Result<Vec<Pid>> {
        let root = self.child.id().context("tributary has ended")?;
        let deadline = Instant::now() + START;
        loop {
            let found = match part {
                // One that was adopted is nobody's child.
                Part::Postgres => parts::postgres(&self.folder)?,
                _ => parts::find(root, part)?,
            };
            if !found.is_empty() {
                return Ok(found);
            }
            ensure!(Instant::now() < deadline, "there is no process of {part:?}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Kills the supervisor and everything below it but one part, if one is named, and starts it again in the same
    /// folder.
    ///
    /// # Errors
    /// When it does not get ready again.
    pub async fn kill_all_and_restart(&mut self, spared: Option<Part>) -> Result<()> {
        let root = self.child.id().context("tributary has ended")?;
        let mut below = parts::below(root)?;
        below.extend(parts::postgres(&self.folder)?);
        let spared = match spared {
            Some(part) => self.present(part).await?,
            None => Vec::new(),
        };
        // Held first, so that nobody is started again or told to end before the blow falls.
        let supervisor = Pid::from_raw(root as i32).context("no process has the number 0")?;
        kill_process(supervisor, Signal::STOP)?;
        for pid in below.into_iter().filter(|pid| !spared.contains(pid)) {
            let _ = kill_process(pid, Signal::KILL);
        }
        self.child.start_kill()?;
        self.child.wait().await?;
        self.restart().await
    }

    /// Ends it as Ctrl-C does.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn stop(mut self) -> Result<()> {
        if let Some(pid) = self.child.id().and_then(|id| Pid::from_raw(id as i32)) {
            kill_process(pid, Signal::TERM)?;
        }
        timeout(START, self.child.wait()).await.context("tributary does not stop")??;
        Ok(())
    }

    /// Runs another command of the binary on the same folder: its exit code's success and its output.
    ///
    /// # Errors
    /// When it can't be run.
    pub async fn command(&self, arguments: &[&str]) -> Result<(bool, String)> {
        let output = self.begin(arguments)?.wait_with_output().await?;
        Ok((output.status.success(), String::from_utf8(output.stdout)?))
    }

    /// Begins another command on the same folder.
    ///
    /// # Errors
    /// When it can't be run.
    pub fn begin(&self, arguments: &[&str]) -> Result<Child> {
        spawn(&self.binary, arguments, &self.environment)
    }

    /// Waits until the collector has so many links in memory.
    ///
    /// # Errors
    /// When it takes too long.
    pub async fn knows_links(&self, links: u64) -> Result<()> {
        let url = format!("http://{}/metrics", self.admin);
        let known = async || {
            let text = reqwest::get(&url).await?.text().await?;
            let line =
                text.lines().find_map(|line| line.strip_prefix("tributary_collector_links "));
            anyhow::Ok(line.and_then(|number| number.parse::<u64>().ok()).unwrap_or(0))
        };
        let deadline = Instant::now() + START;
        while known().await? < links {
            ensure!(Instant::now() < deadline, "the collector does not learn of {links} links");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Asks ClickHouse itself, as `reader` or `owner`: the answer as the statement's FORMAT gives it.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn clickhouse(&self, user: &str, statement: &str) -> Result<String> {
        let folder = Folder { data: self.folder.clone() };
        let url = Installation::attach(folder, None)?.clickhouse_url(user);
        let asked = reqwest::Client::new().post(format!("{url}?database=tributary"));
        let response = asked.body(statement.to_owned()).send().await?;
        let status = response.status();
        let text = response.text().await?;
        ensure!(status.is_success(), "{statement}: {text}");
        Ok(text)
    }

    /// Gives the log its programs, affiliates and links; gives also what postbacks need.
    ///
    /// # Errors
    /// When PostgreSQL does not take them.
    pub async fn seed(&self) -> Result<(Seeded, Vec<Program>)> {
        let mut owner = self.owner().await?;
        let seeded = seed(&mut owner, PLATFORM, &wanted(log::read(LOG)?)?).await?;
        let keys = Keys::parse(&fs::read_to_string(self.folder.join("keys"))?)?;
        let programs = programs(&mut owner, PLATFORM, &keys).await?;
        Ok((seeded, programs))
    }

    /// PostgreSQL, as the tables' owner.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn owner(&self) -> Result<PgConnection> {
        let folder = Folder { data: self.folder.clone() };
        let url = Installation::attach(folder, None)?.owner_url()?;
        Ok(PgConnection::connect(url.as_str()).await?)
    }

    async fn restart(&mut self) -> Result<()> {
        // The ports of killed processes are free at once; their sockets' owners may linger a moment.
        let mut child = spawn(&self.binary, &["serve"], &self.environment)?;
        ready(&mut child).await?;
        self.child = child;
        Ok(())
    }
}

/// A data folder for a while, that PostgreSQL's unprivileged user can pass through.
///
/// # Errors
/// When the disk does not give one.
pub fn folder() -> io::Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("tributary-").tempdir()?;
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755))?;
    Ok(folder)
}

/// `tributary`, in the folder of the running program or the one above (tests run in `deps`).
fn binary() -> Result<PathBuf> {
    let here = std::env::current_exe()?;
    let found = here.ancestors().skip(1).take(2).map(|folder| folder.join("tributary"));
    let mut found = found.filter(|path| path.is_file());
    found
        .next()
        .context("there is no binary `tributary` beside this one: cargo build -p standalone")
}

fn spawn(binary: &Path, arguments: &[&str], environment: &[(String, String)]) -> Result<Child> {
    let child = Command::new(binary)
        .args(arguments)
        // The private PostgreSQL, whatever the tests' own is.
        .env_remove("DATABASE_URL")
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    Ok(child)
}

/// Waits for the line `ready …`, then goes on reading, so that the pipe never fills.
async fn ready(child: &mut Child) -> Result<()> {
    let stdout = child.stdout.take().context("no standard output")?;
    let mut lines = BufReader::new(stdout).lines();
    let wait = async {
        while let Some(line) = lines.next_line().await? {
            if line.starts_with("ready ") {
                return Ok(());
            }
        }
        bail!("tributary ended before it was ready: its last lines say why")
    };
    timeout(START, wait).await.context("tributary is not ready in time")??;
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok(())
}

/// All bound at once, so that they differ; free again when this returns.
/// A personal token, made as whoever runs the machine makes one.
async fn token(binary: &Path, environment: &[(String, String)]) -> Result<String> {
    let arguments = ["account", "token", "load-tests", "--write"];
    let mut command = Command::new(binary);
    let made = command.args(arguments).envs(environment.iter().cloned()).output().await?;
    ensure!(made.status.success(), "no token: {}", String::from_utf8_lossy(&made.stderr));
    Ok(String::from_utf8(made.stdout)?.trim().to_owned())
}

pub(crate) fn free_addresses<const N: usize>() -> io::Result<[String; N]> {
    let mut listeners = Vec::new();
    for _ in 0..N {
        listeners.push(TcpListener::bind("127.0.0.1:0")?);
    }
    let mut addresses = [const { String::new() }; N];
    for (address, listener) in addresses.iter_mut().zip(&listeners) {
        *address = listener.local_addr()?.to_string();
    }
    Ok(addresses)
}
