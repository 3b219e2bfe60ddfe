//! The private PostgreSQL through crashes: what is left behind is neither believed nor left at work.

use std::net::TcpListener;

use rustix::process::{Signal, kill_process};

use crate::harness::{below, child_named, folder, lives, pid, postmaster, until};
use crate::stores::{Stores, psql, stores};

#[test]
fn sign_of_readiness_of_a_killed_tree_is_not_believed() {
    let folder = folder();
    let mut first = Stores::start(folder.path());
    kill_process(first.child_named("run-postgres").unwrap(), Signal::KILL).unwrap();
    kill_process(postmaster(folder.path()).unwrap(), Signal::KILL).unwrap();
    first.child.kill().unwrap();
    first.child.wait().unwrap();
    std::fs::write(folder.path().join("postgres.ready"), "1\n").unwrap();
    // Recovery takes its time; the command runs only when there is a database.
    let second = Stores::start(folder.path());
    assert_eq!(psql(&second.database_url, "SELECT 1").as_deref(), Some("1"));
}

#[test]
fn stop_in_the_middle_of_a_start_leaves_nothing_running() {
    let folder = folder();
    for what in ["initdb", "postgres"] {
        let mut child = stores(folder.path()).args(["--", "false"]).spawn().unwrap();
        let root = pid(&child);
        let begun = || {
            let mut found = below(root);
            let name = |pid: &rustix::process::Pid| {
                let path = format!("/proc/{}/comm", pid.as_raw_nonzero());
                std::fs::read_to_string(path).unwrap_or_default().trim().to_owned()
            };
            found.retain(|pid| name(pid) == what);
            found
        };
        let mut found = Vec::new();
        until("the start has come so far", || {
            found = begun();
            !found.is_empty()
        });
        // What is between the two may be at work just now.
        let all = below(root);
        kill_process(root, Signal::TERM).unwrap();
        child.wait().unwrap();
        let left: Vec<_> = all.into_iter().chain(found).filter(|pid| lives(*pid)).collect();
        assert!(left.is_empty(), "{what} was told to stop, and {left:?} still run");
        assert_eq!(postmaster(folder.path()), None);
        if what == "initdb" {
            // A cluster that was not finished is none.
            assert!(!folder.path().join("postgres/cluster").exists());
        }
    }
    let script = "test $(psql \"$DATABASE_URL\" -XAtqc 'SELECT 40') = 40";
    assert!(stores(folder.path()).args(["--", "sh", "-c", script]).status().unwrap().success());
}

#[test]
fn server_of_another_cluster_is_not_adopted() {
    let (ours, theirs) = (folder(), folder());
    drop(Stores::start(ours.path()));
    let other = Stores::start(theirs.path());
    let file = "postgres/cluster/postmaster.pid";
    std::fs::copy(theirs.path().join(file), ours.path().join(file)).unwrap();
    let server = postmaster(theirs.path()).unwrap();
    let mut mine = Stores::start(ours.path());
    assert_ne!(mine.database_url, other.database_url);
    assert_eq!(psql(&mine.database_url, "SELECT 1").as_deref(), Some("1"));
    kill_process(pid(&mine.child), Signal::TERM).unwrap();
    mine.child.wait().unwrap();
    assert!(lives(server), "another cluster's server is nobody's to stop");
    assert_eq!(psql(&other.database_url, "SELECT 1").as_deref(), Some("1"));
}

#[test]
fn port_stays_over_a_crash() {
    let folder = folder();
    let stores = Stores::start(folder.path());
    let first = postmaster(folder.path()).unwrap();
    kill_process(first, Signal::KILL).unwrap();
    // The same URL, without anybody being told.
    until("the same address answers again", || {
        postmaster(folder.path()) != Some(first)
            && psql(&stores.database_url, "SELECT 1").as_deref() == Some("1")
    });
    assert!(child_named(stores.child.id(), "run-postgres").is_some());
}

#[test]
fn data_folder_whose_cluster_was_removed_gets_no_empty_one() {
    let folder = folder();
    drop(Stores::start(folder.path()));
    std::fs::remove_dir_all(folder.path().join("postgres")).unwrap();
    let refused = stores(folder.path()).args(["--", "true"]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("is gone"), "{said}");
}

#[test]
fn taken_port_of_postgresql_is_replaced_at_the_next_start() {
    let folder = folder();
    drop(Stores::start(folder.path()));
    let port = std::fs::read_to_string(folder.path().join("postgres/port")).unwrap();
    let port: u16 = port.trim().parse().unwrap();
    let _taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let stores = Stores::start(folder.path());
    assert!(!stores.database_url.contains(&format!(":{port}/")), "{}", stores.database_url);
    assert_eq!(psql(&stores.database_url, "SELECT 1").as_deref(), Some("1"));
}
