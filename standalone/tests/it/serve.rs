//! `tributary serve`: the whole pipeline as one person starts it, loses parts of it, and ends it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Signal, kill_process};

use crate::harness::{child_named, folder, free_address, pid, until};

/// A running `serve`; killed when dropped.
struct Serve {
    child: Child,
    addresses: [SocketAddr; 5],
    ready: String,
}

const NAMES: [&str; 5] = [
    "TRIBUTARY_API",
    "TRIBUTARY_COLLECTOR",
    "TRIBUTARY_ADMIN",
    "TRIBUTARY_PROCESSOR",
    "TRIBUTARY_CLICKHOUSE",
];

fn command(data: &Path, addresses: &[SocketAddr; 5]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tributary"));
    command.env_remove("DATABASE_URL").env("TRIBUTARY_DATA", data).stdin(Stdio::null());
    command.envs(NAMES.iter().zip(addresses).map(|(name, address)| (name, address.to_string())));
    command
}

impl Serve {
    fn start(data: &Path, addresses: [SocketAddr; 5]) -> Self {
        let mut child =
            command(data, &addresses).arg("serve").stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        assert!(ready.starts_with("ready http://"), "serve is not ready: the lines above say why");
        Self { child, addresses, ready: ready.trim().to_owned() }
    }

    fn all_answer(&self) -> bool {
        let [api, _, admin, processor, clickhouse] = self.addresses;
        [(api, "/health"), (admin, "/health"), (processor, "/health"), (clickhouse, "/ping")]
            .iter()
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

fn get(address: SocketAddr, path: &str) -> String {
    let mut answer = Vec::new();
    if let Ok(mut stream) = TcpStream::connect(address) {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        if stream.write_all(request.as_bytes()).is_ok() {
            drop(stream.read_to_end(&mut answer));
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn free_addresses() -> [SocketAddr; 5] {
    std::array::from_fn(|_| free_address())
}

#[test]
fn every_part_that_is_killed_comes_back_and_all_end_together() {
    let folder = folder();
    let mut serve = Serve::start(folder.path(), free_addresses());
    assert!(serve.all_answer());
    // The address it prints lets a person in.
    let path = serve.ready.split_once("/dashboard/").unwrap().1;
    let answer = get(serve.addresses[0], &format!("/dashboard/{path}"));
    assert!(answer.starts_with("HTTP/1.1 303") || answer.starts_with("HTTP/1.1 200"), "{answer}");
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
    kill_process(pid(&serve.child), Signal::TERM).unwrap();
    assert!(serve.child.wait().unwrap().success());
    assert!(
        !folder.path().join("postgres/cluster/postmaster.pid").exists(),
        "postgresql must be gone"
    );
    assert!(serve.addresses.iter().all(|address| TcpStream::connect(address).is_err()));
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
    assert_eq!(first, serve.ready, "the token must stay");
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
