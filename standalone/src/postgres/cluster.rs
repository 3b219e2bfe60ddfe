//! One cluster: its folder, its life.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::binaries::Binaries;
use super::owner::Owner;
use super::{Error, START_LIMIT};

/// How often a starting server is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// A private cluster, started or about to be.
pub struct Cluster {
    folder: PathBuf,
    binaries: Binaries,
    owner: Owner,
}

/// What `postmaster.pid` says of a running one.
struct Running {
    pid: u32,
    port: u16,
    ready: bool,
}

impl Cluster {
    /// Finds the programs, the user and the folder; makes the cluster if there is none, owned by `postgres` with
    /// `password`.
    ///
    /// # Errors
    /// When PostgreSQL is not installed, or the folder can't be used.
    pub fn open(wanted: PathBuf, password: &str) -> Result<Self, Error> {
        let owner = Owner::choose()?;
        let folder = owner.reachable_folder(wanted.clone());
        if folder != wanted {
            tracing::info!(folder = %folder.display(), "postgresql's user can't reach the data folder: its cluster lies here");
            make_parent(&folder)?;
        }
        owner.make_folder(&folder)?;
        let cluster_major = fs::read_to_string(folder.join("cluster/PG_VERSION")).ok();
        let cluster_major = cluster_major.and_then(|text| text.trim().parse().ok());
        let cluster = Self { folder, binaries: Binaries::find(cluster_major)?, owner };
        if cluster_major.is_none() {
            cluster.create(password)?;
        }
        Ok(cluster)
    }

    /// The cluster of a data folder, if one was made.
    ///
    /// # Errors
    /// When the PostgreSQL that made it is not installed any more.
    pub fn existing(wanted: PathBuf) -> Result<Option<Self>, Error> {
        let owner = Owner::choose()?;
        let folder = owner.reachable_folder(wanted);
        let Ok(major) = fs::read_to_string(folder.join("cluster/PG_VERSION")) else {
            return Ok(None);
        };
        let binaries = Binaries::find(major.trim().parse().ok())?;
        Ok(Some(Self { folder, binaries, owner }))
    }

    /// The folder it lies in, which need not be in the data folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts it, or adopts it when it runs already. Returns its port on 127.0.0.1 once it answers.
    ///
    /// The server is a child of this process and outlives it.
    ///
    /// # Errors
    /// When it does not start; its log's last lines say why.
    pub fn start(&self) -> Result<u16, Error> {
        let mut child = match self.running() {
            Some(running) => {
                tracing::info!(pid = running.pid, "adopting the postgresql that is still running");
                None
            }
            None => Some(self.spawn()?),
        };
        let limit = Instant::now() + START_LIMIT;
        loop {
            match self.running() {
                Some(running) if running.ready => return Ok(running.port),
                _ if Instant::now() > limit => {
                    return Err(self.failed("it is not ready after minutes"));
                }
                _ => {}
            }
            let ended = child.as_mut().map(Child::try_wait);
            match ended {
                Some(Ok(Some(status))) => return Err(self.failed(&status.to_string())),
                None if self.running().is_none() => {
                    return Err(self.failed("it ended while it was adopted"));
                }
                _ => std::thread::sleep(LOOK),
            }
        }
    }

    fn spawn(&self) -> Result<Child, Error> {
        self.remove_leftovers()?;
        let port = self.port()?;
        let log = self.folder.join("log");
        let fail = |error| Error::Folder(log.clone(), error);
        let output = File::options().append(true).create(true).open(&log).map_err(fail)?;
        self.owner.give(&log)?;
        let mut command = self.command("postgres");
        command.args(["-D".as_ref(), self.data().as_os_str()]).args(["-p", &port.to_string()]);
        for setting in [
            "listen_addresses=127.0.0.1",
            &format!("unix_socket_directories={}", self.socket_folder()),
            "unix_socket_permissions=0700",
            "max_connections=200",
            "max_wal_size=2GB",
            "log_checkpoints=off",
        ] {
            command.args(["-c", setting]);
        }
        command.stdout(output.try_clone().map_err(fail)?).stderr(output);
        command
            .spawn()
            .map_err(|error| Error::Failed { program: "postgres", said: error.to_string() })
    }

    fn failed(&self, how: &str) -> Error {
        Error::Failed { program: "postgres", said: last_words(&self.folder.join("log"), how) }
    }

    /// True while its main process lives.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.running().is_some()
    }

    /// Stops it cleanly: sessions are cut off, nothing is lost.
    ///
    /// # Errors
    /// When it does not stop.
    pub fn stop(&self) -> Result<(), Error> {
        if !self.is_running() {
            return Ok(());
        }
        let mut command = self.command("pg_ctl");
        command
            .arg("--pgdata")
            .arg(self.data())
            .args(["stop", "--silent", "--wait", "--mode", "fast"]);
        let output = run("pg_ctl", &mut command)?;
        match output.status.success() || !self.is_running() {
            true => Ok(()),
            false => Err(Error::Failed {
                program: "pg_ctl",
                said: last_words(&self.folder.join("log"), &said(&output)),
            }),
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.join("cluster")
    }

    fn create(&self, password: &str) -> Result<(), Error> {
        let data = self.data();
        if data.exists() {
            // An `initdb` that was interrupted: there is no PG_VERSION yet, so there is no data.
            fs::remove_dir_all(&data).map_err(|error| Error::Folder(data.clone(), error))?;
        }
        let file = self.folder.join("password");
        crate::passwords::write_secret(&file, &format!("{password}\n"))
            .map_err(|error| Error::Folder(file.clone(), error))?;
        self.owner.give(&file)?;
        let mut command = self.command("initdb");
        command.arg("--pgdata").arg(&data);
        command.args([
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--auth=scram-sha-256",
        ]);
        command.arg("--pwfile").arg(&file);
        let output = run("initdb", &mut command)?;
        remove_if_there(&file)?;
        match output.status.success() {
            true => Ok(()),
            false => Err(Error::Failed { program: "initdb", said: said(&output) }),
        }
    }

    /// A program of PostgreSQL on this cluster, as its owner.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.binaries.program(program));
        command.current_dir(&self.folder).stdin(Stdio::null());
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG"))
        {
            command.env_remove(name);
        }
        command.env("LC_ALL", "C.UTF-8");
        self.owner.apply(&mut command);
        command
    }

    /// The running one, if `postmaster.pid` is that of a live PostgreSQL.
    fn running(&self) -> Option<Running> {
        let text = fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
        let mut lines = text.lines();
        let pid = lines.next()?.trim().parse().ok()?;
        let port = lines.nth(2)?.trim().parse().ok()?;
        let ready = lines.nth(3).is_some_and(|state| state.trim() == "ready");
        // A number alone proves nothing: it may be another process's now, or a dead one's that nobody has waited for.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(") ")?;
        (name == "postgres" && !rest.starts_with(['Z', 'X'])).then_some(Running {
            pid,
            port,
            ready,
        })
    }

    /// Removes what a crash left: it names a process that is dead, or by now another one, and keeps PostgreSQL from
    /// starting.
    fn remove_leftovers(&self) -> Result<(), Error> {
        remove_if_there(&self.data().join("postmaster.pid"))?;
        let entries = fs::read_dir(&self.folder)
            .map_err(|error| Error::Folder(self.folder.clone(), error))?;
        for entry in entries
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(".s.PGSQL."))
        {
            remove_if_there(&entry.path())?;
        }
        Ok(())
    }

    /// The port of last time while it is free, so that URLs stay; another otherwise.
    fn port(&self) -> Result<u16, Error> {
        let file = self.folder.join("port");
        let last =
            fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        let bound =
            TcpListener::bind(("127.0.0.1", last)).or_else(|_| TcpListener::bind(("127.0.0.1", 0)));
        let port = bound.and_then(|listener| listener.local_addr()).map_err(Error::Port)?.port();
        fs::write(&file, format!("{port}\n")).map_err(|error| Error::Folder(file, error))?;
        Ok(port)
    }

    /// Its own folder, or none where the path is too long for a socket (107 bytes).
    fn socket_folder(&self) -> String {
        let folder = self.folder.display().to_string();
        let fits = folder.len() < 85 && !folder.contains([' ', '\'', '"', ',', '\\']);
        if fits { folder } else { String::new() }
    }
}

fn make_parent(folder: &Path) -> Result<(), Error> {
    use std::os::unix::fs::DirBuilderExt;
    let Some(parent) = folder.parent() else { return Ok(()) };
    let made = fs::DirBuilder::new().recursive(true).mode(0o711).create(parent);
    made.map_err(|error| Error::Folder(parent.to_owned(), error))
}

fn remove_if_there(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::Folder(path.to_owned(), error))
        }
        _ => Ok(()),
    }
}

fn run(program: &'static str, command: &mut Command) -> Result<Output, Error> {
    // Files, not pipes: the server inherits them and would keep a pipe open for ever.
    let mut capture =
        tempfile::tempfile().map_err(|error| Error::Failed { program, said: error.to_string() })?;
    let outcome = (|| {
        let status = command.stdout(capture.try_clone()?).stderr(capture.try_clone()?).status()?;
        capture.seek(SeekFrom::Start(0))?;
        let mut stderr = Vec::new();
        capture.read_to_end(&mut stderr)?;
        io::Result::Ok(Output { status, stdout: Vec::new(), stderr })
    })();
    outcome.map_err(|error| Error::Failed { program, said: error.to_string() })
}

fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(3)..].join("; ")
}

/// The end of the server's log, where the reason stands, else what else is known.
fn last_words(log: &Path, otherwise: &str) -> String {
    let tail = File::open(log).and_then(|mut file| {
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(4096)))?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        Ok(text)
    });
    let tail = tail.unwrap_or_default();
    let telling =
        tail.lines().rev().find(|line| line.contains("FATAL:") || line.contains("PANIC:"));
    match telling {
        Some(line) => format!("{line} (log: {})", log.display()),
        None => format!("{otherwise} (log: {})", log.display()),
    }
}
