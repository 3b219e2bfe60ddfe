//! `tributary serve`: the whole pipeline as one person starts it, loses parts of it, and ends it.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Signal, kill_process};

use crate::harness::{
    below, child_named, folder, free_addresses, lives, pid, postmaster, read_to_end, until,
};

/// A running `serve` or `demo`; ended when dropped.
pub(crate) struct Serve {
    pub(crate) child: Child,
    pub(crate) addresses: [SocketAddr; 6],
    pub(crate) ready: String,
}

const NAMES: [&str; 6] = [
    "TRIBUTARY_API",
    "TRIBUTARY_COLLECTOR",
    "TRIBUTARY_ADMIN",
    "TRIBUTARY_PROCESSOR",
    "TRIBUTARY_CLICKHOUSE",
    "TRIBUTARY_API_ADMIN",
];

pub(crate) fn command(data: &Path, addresses: &[SocketAddr; 6]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tributary"));
    command.env_remove("DATABASE_URL").env("TRIBUTARY_DATA", data).stdin(Stdio::null());
    command.envs(NAMES.iter().zip(addresses).map(|(name, address)| (name, address.to_string())));
    command
}

impl Serve {
    fn start(data: &Path, addresses: [SocketAddr; 6]) -> Self {
        Self::start_as(data, addresses, &["serve"])
    }

    pub(crate) fn start_as(data: &Path, addresses: [SocketAddr; 6], arguments: &[&str]) -> Self {
        let mut child =
            command(data, &addresses).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        assert!(ready.starts_with("ready http://"), "serve is not ready: the lines above say why");
        Self { child, addresses, ready: ready.trim().to_owned() }
    }

    /// Ends it as Ctrl-C does.
    pub(crate) fn stop(mut self) {
        kill_process(pid(&self.child), Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }

    /// A token for programs, as whoever runs the machine makes one.
    pub(crate) fn token(&self, data: &Path) -> String {
        let made = command(data, &self.addresses).args(["account", "token", "tests"]).output();
        let made = made.unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    }

    /// What the API answers to whoever has the token.
    pub(crate) fn asked_as(&self, token: &str, path: &str) -> String {
        get_with(self.addresses[0], path, &format!("Authorization: Bearer {token}\r\n"))
    }

    fn all_answer(&self) -> bool {
        let [api, _, admin, processor, clickhouse, api_admin] = self.addresses;
        let well = [api, admin, processor, api_admin].map(|address| (address, "/health"));
        well.iter()
            .chain(&[(clickhouse, "/ping")])
            .all(|(address, path)| get(*address, path).starts_with("HTTP/1.1 200"))
    }
}

impl Drop for Serve {
    /// Ends it cleanly, so that nothing works in a folder that is removed next.
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = kill_process(pid(&self.child), Signal::TERM);
        }
        drop(self.child.wait());
    }
}

pub(crate) fn get(address: SocketAddr, path: &str) -> String {
    get_with(address, path, "")
}

fn get_with(address: SocketAddr, path: &str, headers: &str) -> String {
    let Ok(mut stream) = TcpStream::connect(address) else { return String::new() };
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Connection: close\r\n\r\n");
    match stream.write_all(request.as_bytes()) {
        Ok(()) => String::from_utf8_lossy(&read_to_end(&mut stream)).into_owned(),
        Err(_) => String::new(),
    }
}

#[test]
fn every_part_that_is_killed_comes_back_and_all_end_together() {
    let folder = folder();
    let mut serve = Serve::start(folder.path(), free_addresses());
    assert!(serve.all_answer());
    // The address it prints makes the first admin.
    let token = serve.ready.split_once("/accounts/setup/").unwrap().1;
    let answer = get(serve.addresses[0], &format!("/accounts/setup/{token}"));
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("name=\"email\""), "{answer}");
    let parts = ["run-collector", "run-processor", "run-api", "run-engine", "run-postgres"];
    let pids = parts.map(|part| child_named(serve.child.id(), part).unwrap());
    for pid in pids {
        kill_process(pid, Signal::KILL).unwrap();
    }
    until("every part is back", || {
        let back = parts
            .iter()
            .zip(pids)
            .all(|(part, old)| child_named(serve.child.id(), part).is_some_and(|new| new != old));
        back && serve.all_answer()
    });
    let children = below(pid(&serve.child));
    assert!(children.len() >= parts.len(), "{children:?}");
    kill_process(pid(&serve.child), Signal::TERM).unwrap();
    assert!(serve.child.wait().unwrap().success());
    assert!(!children.iter().any(|child| lives(*child)), "all of them end before it does");
    assert!(
        !folder.path().join("postgres/cluster/postmaster.pid").exists(),
        "postgresql must be gone"
    );
}

#[test]
fn killed_tree_starts_again_where_it_was() {
    let folder = folder();
    let addresses = free_addresses();
    let mut serve = Serve::start(folder.path(), addresses);
    let first = serve.ready.clone();
    serve.child.kill().unwrap();
    serve.child.wait().unwrap();
    // At once: the children of the killed one may still be ending.
    let serve = Serve::start(folder.path(), addresses);
    assert_eq!(first, serve.ready, "the link of the first admin must stay");
    // Somebody else's database in the environment is not asked.
    let mut status = command(folder.path(), &addresses);
    status.arg("status").env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing");
    let status = status.output().unwrap();
    let said = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(
        status.status.success() && !said.contains("DOWN") && !said.contains("was not asked"),
        "{said}"
    );
}

#[test]
fn taken_port_is_one_sentence() {
    let folder = folder();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut addresses = free_addresses();
    addresses[1] = taken.local_addr().unwrap();
    let refused = command(folder.path(), &addresses).arg("serve").output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("TRIBUTARY_COLLECTOR"), "{said}");
}

#[test]
fn services_follow_postgresql_to_another_port() {
    let folder = folder();
    // An address of its own for the engine: it must answer to that, too.
    let mut addresses = free_addresses();
    addresses[4].set_ip([127, 0, 0, 2].into());
    let serve = Serve::start(folder.path(), addresses);
    let server = postmaster(folder.path()).unwrap();
    // As if somebody had taken its port while it was down.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let old = std::fs::read_to_string(folder.path().join("postgres/port")).unwrap();
    let port = taken.local_addr().unwrap().port();
    std::fs::write(folder.path().join("postgres/port"), format!("{port}\n")).unwrap();
    kill_process(server, Signal::KILL).unwrap();
    let told = |part: &str| {
        let pid = child_named(serve.child.id(), part)?;
        let environment = std::fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())).ok()?;
        let environment = String::from_utf8_lossy(&environment).into_owned();
        environment.split('\0').find_map(|one| Some(one.strip_prefix("DATABASE_URL=")?.to_owned()))
    };
    until("the services are told the new port", || {
        let now = std::fs::read_to_string(folder.path().join("postgres.ready")).unwrap_or_default();
        let now = now.trim();
        let all = ["run-api", "run-processor", "run-collector"]
            .iter()
            .all(|part| told(part).is_some_and(|url| url.contains(&format!(":{now}/"))));
        !now.is_empty() && now != old.trim() && all && serve.all_answer()
    });
}

#[test]
fn impatient_second_stop_leaves_nothing_running_either() {
    let folder = folder();
    let mut addresses = free_addresses();
    addresses[4].set_ip([0, 0, 0, 0].into());
    let mut serve = Serve::start(folder.path(), addresses);
    let children = below(pid(&serve.child));
    // One that does not listen, so that a clean stop would take long.
    let deaf = child_named(serve.child.id(), "run-collector").unwrap();
    kill_process(deaf, Signal::STOP).unwrap();
    until("it does not wait", || {
        // More than a second after the first one it counts as another.
        let _ = kill_process(pid(&serve.child), Signal::INT);
        serve.child.try_wait().unwrap().is_some()
    });
    kill_process(deaf, Signal::CONT).unwrap();
    until("all have ended by themselves", || !children.iter().any(|child| lives(*child)));
    assert_eq!(postmaster(folder.path()), None, "postgresql was stopped cleanly");
}

#[test]
fn folder_of_another_version_is_one_sentence() {
    let folder = folder();
    std::fs::write(folder.path().join("version"), "7\n").unwrap();
    for name in ["serve", "demo", "status"] {
        let refused = command(folder.path(), &free_addresses()).arg(name).output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!((refused.status.code(), said.lines().count()), (Some(1), 1), "{said}");
        assert!(said.contains("layout version 7"), "{said}");
    }
}
