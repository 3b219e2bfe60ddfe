//! What attackers and broken clients send, and what they get.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use crate::harness::{Answer, Collector, ask, ask_with};

#[test]
fn a_url_too_long_is_414() {
    let collector = Collector::start();
    for bytes in [9_000, 60_000, 100_000, 150_000] {
        let answer = collector.get(&format!("/c/go?sub1={}", "x".repeat(bytes)));
        assert_eq!(answer.status, 414, "{bytes}");
    }
    assert_eq!(collector.get(&format!("/c/{}", "x".repeat(4000))).status, 404);
    let kept = collector.end();
    assert_eq!((kept.clicks.len(), kept.clicks[0].code.len()), (1, 128));
}

#[test]
fn too_many_or_too_long_headers_are_431() {
    let collector = Collector::start();
    assert_eq!(collector.send("/c/go", &"x: y\r\n".repeat(500)).status, 431);
    assert_eq!(collector.send("/c/go", &format!("x: {}\r\n", "y".repeat(200_000))).status, 431);
}

#[test]
fn other_methods_are_405_and_say_which() {
    let collector = Collector::start();
    for (method, path, allow) in [
        ("POST", "/c/go", "GET, HEAD"),
        ("DELETE", "/c/go", "GET, HEAD"),
        ("PUT", "/i/go.gif", "GET, HEAD"),
        ("OPTIONS", "/postback", "GET, POST"),
        ("HEAD", "/postback", "GET, POST"),
        ("POST", "/pixel.gif", "GET"),
        ("HEAD", "/pixel.gif", "GET"),
    ] {
        let answer =
            ask(collector.address, &format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n"));
        assert_eq!((answer.status, answer.header("allow")), (405, allow), "{method} {path}");
    }
    assert_eq!(ask(collector.address, "TRACE / HTTP/1.1\r\nhost: localhost\r\n").status, 404);
    let kept = collector.end();
    assert_eq!((kept.clicks.len(), kept.conversions.len()), (0, 0));
}

#[test]
fn text_that_is_none_is_stored_safely_and_breaks_no_location() {
    let collector = Collector::start();
    for value in [
        "%",
        "%zz",
        "%00",
        "%ff%fe",
        "%0d%0aSet-Cookie:%20a=b",
        "%c0%ae%c0%ae",
        "%e2%80%ae",
        "\u{7f}",
    ] {
        let answer =
            collector.get(&format!("/c/go?sub1={value}&source={value}&utm_source={value}"));
        if answer.status == 400 {
            // hyper refuses what no URL may hold unencoded.
            assert_eq!(value, "\u{7f}");
            continue;
        }
        assert_eq!(
            (answer.status, answer.header("set-cookie").contains("a=b")),
            (302, false),
            "{value}"
        );
        let location = answer.header("location");
        assert!(
            location.starts_with("https://shop.example/?c=") && location.is_ascii(),
            "{location}"
        );
        assert!(!location.contains([' ', '<', '"', '\\']), "{location}");
    }
    for code in ["%00", "%ff", "go%0d%0a", "..%2f..%2fetc", "%67%6f%00"] {
        assert_eq!(collector.get(&format!("/c/{code}")).status, 404, "{code}");
    }
    // An encoded code is the code.
    assert_eq!(collector.get("/c/%67%6F").status, 302);
    let kept = collector.end();
    let clean = |text: &String| !text.chars().any(char::is_control);
    for click in &kept.clicks {
        assert!(click.sub.iter().all(clean) && clean(&click.source) && clean(&click.code));
    }
}

#[test]
fn raw_bytes_that_are_no_request_are_400() {
    let collector = Collector::start();
    for head in [
        &b"GET /c/go\xff HTTP/1.1\r\nhost: localhost\r\n"[..],
        b"GET /c/\0go HTTP/1.1\r\nhost: localhost\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /c/go HTTP/1.1\r\nhost: localhost\r\nbad header\r\n",
        b"GET /c/go HTTP/1.1\r\nhost: localhost\r\ncontent-length: x\r\n",
        b"GET  /c/go  HTTP/9.9\r\nhost: localhost\r\n",
    ] {
        let status = ask_with(collector.address, head, b"").status;
        assert!(
            matches!(status, 0 | 400 | 404 | 505),
            "{status} {}",
            String::from_utf8_lossy(head)
        );
    }
    assert_eq!(collector.get("/c/go").status, 302);
    collector.end();
}

#[test]
fn headers_that_are_no_text_are_stored_safely() {
    let collector = Collector::start();
    let head = b"GET /c/go HTTP/1.1\r\nhost: localhost\r\nuser-agent: a\xff\xfeb\tc\r\nreferer: \xe9\r\naccept-language: \xff\r\ncookie: \xff=\xfe\r\nx-forwarded-for: \xff\r\n";
    assert_eq!(ask_with(collector.address, head, b"").status, 302);
    let kept = collector.end();
    assert_eq!(kept.clicks[0].user_agent, "a\u{fffd}\u{fffd}b\u{fffd}c");
    assert_eq!(
        (kept.clicks[0].referrer.as_str(), kept.clicks[0].language.as_str()),
        ("\u{fffd}", "")
    );
}

#[test]
fn a_body_over_the_limit_is_413_and_of_another_kind_415() {
    let collector = Collector::start();
    assert_eq!(collector.post("/postback", &"x=y&".repeat(20_000)).status, 413);
    let chunked = b"POST /postback HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n";
    let chunk = [b"20000\r\n".as_slice(), &vec![b'x'; 0x20000], b"\r\n0\r\n\r\n"].concat();
    assert_eq!(ask_with(collector.address, chunked, &chunk).status, 413);
    let json = b"POST /postback HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 2\r\n";
    assert_eq!(ask_with(collector.address, json, b"{}").status, 415);
    assert_eq!(collector.post("/postback", "program=3&txn_id=\u{e9}").code(), "bad_token");
    let latin = b"POST /postback HTTP/1.1\r\nhost: localhost\r\ncontent-length: 16\r\n";
    let answer = ask_with(collector.address, latin, b"program=3&sub1=\xff");
    assert_eq!((answer.status, answer.code()), (400, "malformed".to_owned()));
}

#[test]
fn a_form_of_more_pairs_than_are_read_is_malformed() {
    let collector = Collector::start();
    // Taken in part it would be another conversion than the one that was sent.
    let form = |pairs| format!("program=3&token={}{}", collector.token(3), "&a=b".repeat(pairs));
    assert_eq!(collector.post("/postback", &form(5000)).code(), "malformed");
    assert_eq!(collector.post("/postback", &form(199)).code(), "malformed");
    assert_eq!(collector.post("/postback", &form(198)).status, 202);
}

#[test]
fn pipelined_requests_are_all_answered_in_order() {
    let collector = Collector::start();
    let mut socket = TcpStream::connect(collector.address).unwrap();
    let one =
        |code: &str, last: &str| format!("GET /c/{code} HTTP/1.1\r\nhost: localhost\r\n{last}\r\n");
    let all = [one("go", ""), one("own", ""), one("nope", "connection: close\r\n")].concat();
    socket.write_all(all.as_bytes()).unwrap();
    let mut raw = String::new();
    socket.read_to_string(&mut raw).unwrap();
    let statuses: Vec<&str> = raw.lines().filter(|line| line.starts_with("HTTP/1.1")).collect();
    assert_eq!(statuses, ["HTTP/1.1 302 Found", "HTTP/1.1 302 Found", "HTTP/1.1 404 Not Found"]);
    assert_eq!(collector.end().clicks.len(), 3);
}

#[test]
fn a_head_that_does_not_come_is_closed_and_a_slow_body_is_408() {
    let collector = Collector::start();
    let mut silent = TcpStream::connect(collector.address).unwrap();
    let mut dribbling = TcpStream::connect(collector.address).unwrap();
    dribbling.write_all(b"GET /c/go HTTP/1.1\r\nhost: loc").unwrap();
    let mut slow = TcpStream::connect(collector.address).unwrap();
    slow.write_all(b"POST /postback HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 9\r\n\r\na=").unwrap();
    let mut raw = Vec::new();
    // Each read ends because the collector ends it: a hang would fail by the test runner's limit.
    silent.read_to_end(&mut raw).unwrap();
    dribbling.read_to_end(&mut raw).unwrap();
    assert!(raw.is_empty());
    slow.read_to_end(&mut raw).unwrap();
    assert_eq!(Answer::read(&raw).status, 408);
    assert_eq!(
        collector.metric("tributary_collector_events_total{event=\"connection_timed_out\"}"),
        2
    );
}

#[test]
fn connections_over_the_limit_wait_their_turn() {
    let collector = Collector::with(&["--connections", "1", "--cores", "1"]);
    let mut held = TcpStream::connect(collector.address).unwrap();
    let head = "POST /postback HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\n";
    held.write_all(head.as_bytes()).unwrap();
    // Told to go on: it is the one that is served.
    held.read_exact(&mut [0; 25]).unwrap();
    let mut second = TcpStream::connect(collector.address).unwrap();
    second
        .write_all(b"GET /c/go HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .unwrap();
    // The core looks at its sockets many times between two of its heartbeats.
    for _ in 0..3 {
        let bytes = || collector.metric("tributary_collector_journal_bytes_total");
        let before = bytes();
        crate::harness::until("the core gives a sign of life", || bytes() > before);
    }
    assert_eq!(collector.metric("tributary_collector_connections"), 1);
    assert_eq!(collector.metric("tributary_collector_clicks_total{reason=\"none\"}"), 0);
    held.write_all(b"x").unwrap();
    for (socket, expected) in [(&mut held, 400), (&mut second, 302)] {
        let mut raw = Vec::new();
        socket.read_to_end(&mut raw).unwrap();
        assert_eq!(Answer::read(&raw).status, expected);
    }
}

#[test]
fn the_admin_port_answers_its_own_names_only() {
    let collector = Collector::start();
    let status = |host: &str, path: &str| {
        ask(collector.admin, &format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n")).status
    };
    assert_eq!(status("localhost", "/health"), 200);
    assert_eq!(status("127.0.0.1:9", "/ready"), 200);
    assert_eq!(status("rebound.example", "/metrics"), 421);
    assert_eq!(status("localhost", "/c/go"), 404);
    assert_eq!(ask(collector.address, "GET /metrics HTTP/1.1\r\nhost: localhost\r\n").status, 404);
}
