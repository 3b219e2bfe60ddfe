//! One cluster: its folder, its life.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::binaries::Binaries;
use super::log::Log;
use super::owner::Owner;
use super::place::Place;
use super::running::{Running, end_orphans, kill_group};
use super::{Error, Halt, START_LIMIT, port};

/// How often a starting server is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// How long a server that is told to stop while it starts may take before it is told so harder.
const HALT_LIMIT: Duration = Duration::from_secs(20);

/// A private cluster, started or about to be.
pub struct Cluster {
    place: Place,
    binaries: Binaries,
    owner: Owner,
}

impl Cluster {
    /// Finds the programs, the user and the folder; makes the cluster if there is none, owned by `postgres` with
    /// `password`.
    ///
    /// # Errors
    /// When PostgreSQL is not installed, the folder can't be used, or it is told to halt.
    pub fn open(wanted: PathBuf, password: &str, halt: &Halt) -> Result<Self, Error> {
        let owner = Owner::choose()?;
        let place = Place::of(owner, wanted);
        place.prepare(owner)?;
        let major = major(&place.folder);
        let cluster = Self { place, binaries: Binaries::find(major)?, owner };
        if major.is_none() {
            cluster.create(password, halt)?;
        }
        cluster.place.tie()?;
        Ok(cluster)
    }

    /// The cluster of a data folder, if one was made.
    ///
    /// # Errors
    /// When the PostgreSQL that made it is not installed any more.
    pub fn existing(wanted: PathBuf) -> Result<Option<Self>, Error> {
        let owner = Owner::choose()?;
        let place = Place::of(owner, wanted);
        let Some(major) = major(&place.folder).filter(|_| place.is_ours()) else {
            return Ok(None);
        };
        Ok(Some(Self { place, binaries: Binaries::find(Some(major))?, owner }))
    }

    /// The folder it lies in, which need not be in the data folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.place.folder
    }

    /// Starts it, or adopts it when it runs already. Returns its port on 127.0.0.1 once it answers.
    ///
    /// The server is a child of this process and outlives it.
    ///
    /// # Errors
    /// When it does not start, with the reason from its log; when it is told to halt, and has ended by then.
    pub fn start(&self, halt: &Halt) -> Result<u16, Error> {
        let (mut child, from) = match self.running() {
            Some(running) => {
                tracing::info!(pid = running.pid, "adopting the postgresql that is still running");
                (None, u64::MAX)
            }
            None => self.spawn().map(|(child, from)| (Some(child), from))?,
        };
        let failed = |how: &str| Error::Failed {
            program: "postgres",
            said: self.log().last_words(from, how),
        };
        let limit = Instant::now() + START_LIMIT;
        loop {
            if halt.is_set() {
                self.halt(child)?;
                return Err(Error::Halted);
            }
            match self.running() {
                Some(running) if running.ready => return Ok(running.port),
                _ if Instant::now() > limit => return Err(failed("it is not ready after minutes")),
                _ => {}
            }
            let ended = child.as_mut().map(Child::try_wait);
            match ended {
                Some(Ok(Some(status))) => return Err(failed(&status.to_string())),
                None if self.running().is_none() => {
                    return Err(failed("it ended while it was adopted"));
                }
                _ => std::thread::sleep(LOOK),
            }
        }
    }

    /// Ends a server in the middle of its start: one that has not written its number yet can be told only as a child.
    fn halt(&self, child: Option<Child>) -> Result<(), Error> {
        let Some(mut child) = child else { return self.stop() };
        for signal in [Signal::INT, Signal::QUIT] {
            // It may be gone already.
            let _ = kill_process(Pid::from_child(&child), signal);
            let limit = Instant::now() + HALT_LIMIT;
            while Instant::now() < limit {
                if !matches!(child.try_wait(), Ok(None)) {
                    return Ok(());
                }
                std::thread::sleep(LOOK);
            }
        }
        self.stop()
    }

    /// The server, and where its lines in the log begin.
    fn spawn(&self) -> Result<(Child, u64), Error> {
        self.remove_leftovers()?;
        let port = port::choose(self.folder())?;
        let (output, from) = self.log().open()?;
        let mut command = self.command("postgres");
        command.args(["-D".as_ref(), self.data().as_os_str()]).args(["-p", &port.to_string()]);
        for setting in [
            "listen_addresses=127.0.0.1",
            // Nobody asks there, and a path can be too long for one.
            "unix_socket_directories=",
            "max_connections=200",
            "max_wal_size=2GB",
            "log_checkpoints=off",
        ] {
            command.args(["-c", setting]);
        }
        let second = output.try_clone();
        let second = second.map_err(|error| Error::Folder(self.log().path().to_owned(), error))?;
        command.stdout(second).stderr(output);
        let child = command.spawn();
        let child = child
            .map_err(|error| Error::Failed { program: "postgres", said: error.to_string() })?;
        Ok((child, from))
    }

    fn log(&self) -> Log {
        Log::of(self.folder())
    }

    /// Keeps the log from growing without end. A disk that does not take this is said when it stops the server.
    pub fn bound_log(&self) {
        if let Err(error) = self.log().bound() {
            tracing::debug!(%error, "postgresql's log was not moved");
        }
    }

    /// True while its main process lives.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.running().is_some()
    }

    /// Stops it: sessions are cut off, nothing is lost. One that does not end cleanly in a minute ends at once, and
    /// recovers at its next start.
    ///
    /// # Errors
    /// When it does not stop.
    pub fn stop(&self) -> Result<(), Error> {
        let mut last = String::new();
        for mode in ["fast", "immediate"] {
            if !self.is_running() {
                return Ok(());
            }
            let mut command = self.command("pg_ctl");
            command.arg("--pgdata").arg(self.data());
            command.args(["stop", "--silent", "--wait", "--mode", mode]);
            let (status, said) = run("pg_ctl", &mut command, &Halt::default())?;
            if status.success() {
                return Ok(());
            }
            last = said;
        }
        match self.is_running() {
            false => Ok(()),
            true => Err(Error::Failed { program: "pg_ctl", said: last }),
        }
    }

    fn data(&self) -> PathBuf {
        self.folder().join("cluster")
    }

    /// Makes the cluster beside its place and moves it there when it is whole: `initdb` writes the version first.
    fn create(&self, password: &str, halt: &Halt) -> Result<(), Error> {
        let (fresh, file) = (self.folder().join("cluster.new"), self.folder().join("password"));
        end_orphans(&[self.folder(), &fresh]);
        if fs::symlink_metadata(&fresh).is_ok() {
            fs::remove_dir_all(&fresh).map_err(|error| Error::Folder(fresh.clone(), error))?;
        }
        remove_if_there(&file)?;
        self.owner.make_inner(&fresh)?;
        self.owner.write_secret(&file, &format!("{password}\n"))?;
        let mut command = self.command("initdb");
        command.arg("--pgdata").arg(&fresh);
        command.args([
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            // The same order of UTF-8, compared as bytes instead of by the C library.
            "--lc-collate=C",
            "--auth=scram-sha-256",
        ]);
        command.arg("--pwfile").arg(&file);
        let outcome = run("initdb", &mut command, halt);
        remove_if_there(&file)?;
        let (status, said) = outcome?;
        if !status.success() {
            return Err(Error::Failed { program: "initdb", said });
        }
        let moved =
            fs::rename(&fresh, self.data()).and_then(|()| File::open(self.folder())?.sync_all());
        moved.map_err(|error| Error::Folder(self.data(), error))
    }

    /// A program of PostgreSQL on this cluster, as its owner.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.binaries.program(program));
        command.current_dir(self.folder()).stdin(Stdio::null());
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG"))
        {
            command.env_remove(name);
        }
        command.env("LC_ALL", "C.UTF-8");
        self.owner.apply(&mut command);
        command
    }

    fn running(&self) -> Option<Running> {
        Running::of(&self.data())
    }

    /// Removes what a crash left: it names a process that is dead, or by now another one, and keeps PostgreSQL from
    /// starting. Not before every process of the dead server is gone.
    fn remove_leftovers(&self) -> Result<(), Error> {
        end_orphans(&[&self.data()]);
        remove_if_there(&self.data().join("postmaster.pid"))
    }
}

fn major(folder: &Path) -> Option<u32> {
    fs::read_to_string(folder.join("cluster/PG_VERSION")).ok()?.trim().parse().ok()
}

fn remove_if_there(path: &Path) -> Result<(), Error> {
    crate::process::remove_file(path).map_err(|error| Error::Folder(path.to_owned(), error))
}

/// Runs a program to its end, or until it is told to halt: then it is killed with all it has started. Gives what it
/// said last.
fn run(
    program: &'static str,
    command: &mut Command,
    halt: &Halt,
) -> Result<(ExitStatus, String), Error> {
    use std::os::unix::process::CommandExt;
    // A file, not a pipe: the server inherits it and would keep a pipe open for ever.
    let outcome = (|| {
        let mut capture = tempfile::tempfile()?;
        command.stdout(capture.try_clone()?).stderr(capture.try_clone()?).process_group(0);
        let mut child = command.spawn()?;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if halt.is_set() {
                kill_group(Pid::from_child(&child));
                child.wait()?;
                return Ok(None);
            }
            std::thread::sleep(LOOK);
        };
        capture.seek(SeekFrom::Start(0))?;
        let mut text = Vec::new();
        capture.read_to_end(&mut text)?;
        io::Result::Ok(Some((status, last_lines(&text))))
    })();
    match outcome {
        Ok(Some(ended)) => Ok(ended),
        Ok(None) => Err(Error::Halted),
        Err(error) => Err(Error::Failed { program, said: error.to_string() }),
    }
}

fn last_lines(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(3)..].join("; ")
}
