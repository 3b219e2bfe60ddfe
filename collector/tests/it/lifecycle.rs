//! Start, stop, full disk: nothing accepted is lost, and a full disk heals by itself.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use crate::{
    harness::{Answer, Collector, ask, config, kept, until},
    process::Process,
};
use migrations::testing::Role;

#[test]
fn a_graceful_stop_answers_what_it_accepted_and_ends_its_journals() {
    let mut collector = Collector::start();
    let mut half = TcpStream::connect(collector.address).unwrap();
    let form = format!("program=3&event=sale&token={}", collector.token(3));
    let head = format!(
        "POST /postback HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
        form.len()
    );
    half.write_all(head.as_bytes()).unwrap();
    // Told to go on: its head was read.
    let mut go_on = [0; 25];
    half.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on[..12], b"HTTP/1.1 100");
    let mut idle = TcpStream::connect(collector.address).unwrap();
    idle.write_all(b"GET /c/go HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut first = [0; 12];
    idle.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 302");
    let stopping = std::thread::scope(|scope| {
        let stopping = scope.spawn(|| collector.stop());
        // The idle connection is closed at once, the one under way is not.
        let mut rest = Vec::new();
        idle.read_to_end(&mut rest).unwrap();
        half.write_all(form.as_bytes()).unwrap();
        let mut raw = Vec::new();
        half.read_to_end(&mut raw).unwrap();
        assert_eq!(Answer::read(&raw).status, 202);
        stopping.join().unwrap()
    });
    stopping.unwrap();
    let kept = kept(&collector.folder.path().join("data/journal"));
    assert_eq!((kept.clicks.len(), kept.conversions.len(), kept.ends), (1, 1, 2));
}

#[test]
fn a_stop_is_seen_at_the_connection_limit_and_answers_what_the_kernel_held() {
    let mut collector = Collector::with(&["--connections", "1", "--cores", "1"]);
    let form = format!("program=3&event=sale&token={}", collector.token(3));
    let length = form.len();
    let mut busy = TcpStream::connect(collector.address).unwrap();
    let head = format!(
        "POST /postback HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\nexpect: 100-continue\r\n\r\n"
    );
    busy.write_all(head.as_bytes()).unwrap();
    // Told to go on: its head was read, and it is the one connection there may be.
    let mut go_on = [0; 25];
    busy.read_exact(&mut go_on).unwrap();
    let mut held = asking(&collector, 1);
    std::thread::scope(|scope| {
        let stopping = scope.spawn(|| collector.stop());
        assert_eq!(held.pop().map(status), Some(302));
        // Had the stop waited for room, this one would have waited for its body in vain.
        busy.write_all(form.as_bytes()).unwrap();
        assert_eq!(status(busy), 202);
        stopping.join().unwrap().unwrap();
    });
}

#[test]
fn a_request_that_lies_in_its_socket_is_answered_at_a_stop() {
    let mut collector = Collector::with(&["--cores", "1"]);
    let asked = asking(&collector, 200);
    collector.stop().unwrap();
    assert!(asked.into_iter().all(|socket| status(socket) == 302));
    assert_eq!(kept(&collector.folder.path().join("data/journal")).clicks.len(), 200);
}

/// Connections whose request is on its way.
fn asking(collector: &Collector, connections: usize) -> Vec<TcpStream> {
    let ask = |_| {
        let mut socket = TcpStream::connect(collector.address).unwrap();
        socket.write_all(b"GET /c/go HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        socket
    };
    (0..connections).map(ask).collect()
}

/// The status of what comes until the collector closes; 0 where it closed without a word.
fn status(mut socket: TcpStream) -> u16 {
    let mut raw = Vec::new();
    let _ = socket.read_to_end(&mut raw);
    Answer::read(&raw).status
}

#[test]
fn an_address_or_a_journal_in_use_is_told() {
    let collector = Collector::start();
    let url = collector.database.url(Role::Collector);
    let listen = collector.address.to_string();
    let taken =
        collector::bind(config(&collector.folder, &url, &["--listen", &listen])).unwrap_err();
    assert!(matches!(taken, collector::Error::Listen { .. }), "{taken}");
    let busy = collector::bind(config(&collector.folder, &url, &[])).unwrap_err();
    assert!(busy.to_string().contains("in use by a running process"), "{busy}");
}

#[test]
fn the_next_start_seals_what_a_killed_collector_left() {
    let collector = Collector::start();
    let mut process = Process::start(&collector, "");
    assert_eq!(process.get("/c/go").status, 302);
    process.kill();
    let again = Process::start(&collector, "");
    assert_eq!(again.get("/c/own").status, 302);
    again.terminate();
    let kept = kept(&collector.folder.path().join("process/journal"));
    assert_eq!((kept.clicks.len(), kept.ends), (2, 2));
}

#[test]
fn a_disk_without_room_is_503_counted_and_heals_by_itself() {
    full_disk(&[], |process, collector| {
        let full = process.get("/c/go");
        assert_eq!((full.status, full.header("retry-after")), (503, "2"));
        let postback = process.get(&format!("/postback?program=3&token={}", collector.token(3)));
        assert_eq!((postback.status, postback.header("retry-after")), (503, "2"));
        assert_eq!(process.get("/pixel.gif?program=3").status, 503);
        // Each core publishes its counts by and by, so that the three may arrive apart.
        for event in ["click_unrecorded", "conversion_unrecorded", "commit_failed"] {
            until("the failures are counted", || process.event(event) > 0);
        }
        until("it is not ready", || {
            ask(process.admin, "GET /ready HTTP/1.1\r\nhost: localhost\r\n").status == 503
        });
    });
}

#[test]
fn a_start_on_a_disk_without_room_answers_503_and_heals_by_itself() {
    let collector = Collector::start();
    let process = Process::start_with(&collector, FULL_FROM_THE_START, &[]);
    assert_eq!(process.get("/c/go").status, 503);
    assert_eq!(process.get("/pixel.gif?program=3").status, 503);
    until("it is not ready", || {
        ask(process.admin, "GET /ready HTTP/1.1\r\nhost: localhost\r\n").status == 503
    });
    process.limit_files(None);
    until("a journal is begun", || process.get("/c/go").status == 302);
    process.terminate();
    let kept = kept(&collector.folder.path().join("process/journal"));
    assert_eq!((kept.clicks.len(), kept.ends), (1, 1));
}

#[test]
fn what_a_kill_left_is_sealed_once_there_is_room() {
    let collector = Collector::start();
    let mut killed = Process::start(&collector, "");
    assert_eq!(killed.get("/c/go").status, 302);
    killed.kill();
    let process = Process::start_with(
        &collector,
        FULL_FROM_THE_START,
        &["--unrecorded", "redirect_uncounted"],
    );
    let full = process.get("/c/go?sub1=x");
    assert_eq!((full.status, full.header("location")), (302, "https://shop.example/?c=&s=x"));
    until("it is counted", || process.event("redirect_uncounted") > 0);
    process.limit_files(None);
    until("the earlier journal is sealed", || {
        process.metric("tributary_collector_recovered_journals_total{result=\"ended\"}") == 1
    });
    process.terminate();
    assert_eq!(kept(&collector.folder.path().join("process/journal")).ends, 2);
}

/// No file may grow; the signal beside it is ignored.
const FULL_FROM_THE_START: &str = "trap '' XFSZ; ulimit -S -f 0;";

#[test]
fn the_acknowledge_modes_and_syncs_are_told() {
    let collector = Collector::with(&["--click-ack", "fsync"]);
    let modes = "tributary_collector_acknowledge_info{clicks=\"fsync\",conversions=\"fsync\",unrecorded=\"503\"}";
    assert_eq!(collector.metric(modes), 1);
    assert_eq!(collector.get("/c/go").status, 302);
    until("syncs are counted", || collector.metric("tributary_collector_journal_syncs_total") > 0);
    let kept = "tributary_collector_kept_seconds_count{ack=\"fsync\"}";
    assert_eq!(collector.metric(kept), 1, "and timed");
    until("appends are timed", || collector.metric("tributary_collector_commit_seconds_count") > 0);
    assert_eq!(collector.metric("tributary_collector_journal_failed_syncs_total"), 0);
}

#[test]
fn a_disk_without_room_may_redirect_uncounted_and_without_a_click_id() {
    full_disk(&["--unrecorded", "redirect_uncounted"], |process, collector| {
        let full = process.get("/c/go?sub1=x");
        assert_eq!((full.status, full.header("location")), (302, "https://shop.example/?c=&s=x"));
        // What an id became on its way goes too.
        collector.execute(
            "UPDATE affiliate_affiliatelink SET destination = 'https://h.example/?{click_id:hash}' WHERE code = 'own'",
        );
        until("a hash of no id is nothing", || {
            process.get("/c/own").header("location") == "https://h.example/?"
        });
        until("it is counted", || process.event("redirect_uncounted") > 1);
    });
}

/// Runs a collector whose files may not grow, looks, lets them grow again, and looks whether it heals.
fn full_disk(arguments: &[&str], look: impl FnOnce(&Process, &Collector)) {
    let collector = Collector::start();
    // A write over the limit fails as on a full disk; the signal beside it is ignored.
    let process = Process::start_with(&collector, "trap '' XFSZ;", arguments);
    process.limit_files(Some(0));
    look(&process, &collector);
    process.limit_files(None);
    until("the journal takes events again", || process.get("/c/go").header("location").len() > 40);
    until("what was recorded is counted", || {
        process.metric("tributary_collector_clicks_total{reason=\"none\"}") == 1
    });
    process.terminate();
    let kept = kept(&collector.folder.path().join("process/journal"));
    // Nothing that was answered 503 is there or counted, and what was answered 302 with an id is.
    assert_eq!(kept.clicks.len(), 1);
    assert!(kept.click_ids.iter().all(|(_, _, seq)| *seq == 1));
}
