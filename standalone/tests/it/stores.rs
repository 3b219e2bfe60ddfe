//! `tributary stores`: the private PostgreSQL and the engine as children that die, come back and leave together.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{child_named, folder, lives, pid, postmaster, until};

/// Both stores, run by `tributary stores` without a command.
pub(crate) struct Stores {
    pub(crate) child: Child,
    pub(crate) database_url: String,
    clickhouse: String,
}

pub(crate) fn stores(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tributary"));
    command.args(["stores", "--data"]).arg(data).stdin(Stdio::null());
    command
}

impl Stores {
    pub(crate) fn start(data: &Path) -> Self {
        let mut child = stores(data).stdout(Stdio::piped()).spawn().unwrap();
        let mut exports = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut value = |name: &str| {
            let line = exports.next().expect("stores ended: the lines above say why");
            line.strip_prefix(&format!("export {name}='"))
                .unwrap()
                .trim_end_matches('\'')
                .to_owned()
        };
        let database_url = value("TRIBUTARY_TEST_DATABASE_URL");
        value("DATABASE_URL");
        let clickhouse = value("TRIBUTARY_TEST_CLICKHOUSE_URL");
        Self { child, database_url, clickhouse }
    }

    pub(crate) fn child_named(&self, command: &str) -> Option<Pid> {
        child_named(self.child.id(), command)
    }

    fn answers(&self) -> bool {
        psql(&self.database_url, "SELECT 1").as_deref() == Some("1") && ping(&self.clickhouse)
    }
}

pub(crate) fn psql(url: &str, sql: &str) -> Option<String> {
    let output = Command::new("psql").args([url, "-XAtqc", sql]).output().unwrap();
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn ping(url: &str) -> bool {
    let address = url.rsplit_once('@').unwrap().1.trim_end_matches('/');
    std::net::TcpStream::connect(address).is_ok()
}

#[test]
fn command_gets_both_stores_and_its_code_comes_back() {
    let folder = folder();
    let script = "test $(psql \"$DATABASE_URL\" -XAtqc 'SELECT 40') = 40 && test -n \"$TRIBUTARY_TEST_CLICKHOUSE_URL\" && exit 42";
    let status = stores(folder.path()).args(["--", "sh", "-c", script]).status().unwrap();
    assert_eq!(status.code(), Some(42));
    assert_eq!(postmaster(folder.path()), None, "postgresql must be gone");
}

#[test]
fn killed_stores_come_back_and_killed_supervisor_takes_them_along() {
    let folder = folder();
    let mut stores = Stores::start(folder.path());
    assert!(
        psql(&stores.database_url, "CREATE TABLE kept (a int); INSERT INTO kept VALUES (7)")
            .is_some()
    );
    let first = postmaster(folder.path()).unwrap();
    kill_process(first, Signal::KILL).unwrap();
    kill_process(stores.child_named("run-engine").unwrap(), Signal::KILL).unwrap();
    until("both stores are back", || postmaster(folder.path()) != Some(first) && stores.answers());
    assert_eq!(psql(&stores.database_url, "SELECT a FROM kept").as_deref(), Some("7"));

    let second = postmaster(folder.path()).unwrap();
    let engine = stores.child_named("run-engine").unwrap();
    stores.child.kill().unwrap();
    stores.child.wait().unwrap();
    until("the stores have gone with their supervisor", || !lives(engine) && !lives(second));
}

#[test]
fn surviving_postgresql_is_adopted() {
    let folder = folder();
    let mut stores = Stores::start(folder.path());
    let server = postmaster(folder.path()).unwrap();
    kill_process(stores.child_named("run-postgres").unwrap(), Signal::KILL).unwrap();
    stores.child.kill().unwrap();
    stores.child.wait().unwrap();
    assert!(lives(server));
    let mut stores = Stores::start(folder.path());
    assert_eq!(postmaster(folder.path()), Some(server));
    assert!(stores.answers());
    kill_process(pid(&stores.child), Signal::TERM).unwrap();
    stores.child.wait().unwrap();
    assert!(!lives(server), "a clean stop stops the adopted one too");
}

#[test]
fn folder_in_use_and_pid_of_another_process_are_told_apart() {
    let folder = folder();
    let stores_running = Stores::start(folder.path());
    let refused = stores(folder.path()).args(["--", "true"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("is in use by process"), "{said}");
    drop(stores_running);

    // A crash left its number, which belongs to this very test now.
    let pid_file = folder.path().join("postgres/cluster/postmaster.pid");
    until("postgresql has ended", || !pid_file.exists());
    let data = folder.path().join("postgres/cluster");
    std::fs::write(&pid_file, format!("{}\n{}\n0\n5432\n", std::process::id(), data.display()))
        .unwrap();
    let status = stores(folder.path()).args(["--", "true"]).status().unwrap();
    assert!(status.success());
}

impl Drop for Stores {
    /// Ends it cleanly, so that nothing works in a folder that is removed next.
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = kill_process(pid(&self.child), Signal::TERM);
        }
        drop(self.child.wait());
    }
}
