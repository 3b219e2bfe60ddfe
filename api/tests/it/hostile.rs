//! Clients that mean harm, on a real socket: heads and bodies without end, floods, packed and
//! nested bodies; and what they take of memory (security.md, threat 29).

use axum::{body::Body, http::header};
use flate2::{Compression, write::GzEncoder};
use std::{
    io::Write,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    browser::form,
    wire::serve,
    world::{PASSWORD, TOKEN, World, request},
};

/// At once, of each kind.
const CLIENTS: usize = 32;
/// As much more memory as all of them may take: each sends eleven megabytes.
const MOST_KB: u64 = 128 << 10;

/// Sends it, or as much of it as is taken, and reads meanwhile until the other side closes. One
/// that goes on never ends by itself.
async fn send(address: SocketAddr, parts: &[&[u8]], goes_on: bool) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let (mut from, mut to) = stream.split();
    let sent = async {
        for part in parts {
            if to.write_all(part).await.is_err() {
                return;
            }
        }
        while goes_on && to.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let mut answer = Vec::new();
    let read = from.read_to_end(&mut answer);
    let both = async { tokio::join!(sent, read) };
    let (..) = tokio::time::timeout(Duration::from_secs(60), both).await.expect("never closed");
    String::from_utf8_lossy(&answer).into_owned()
}

/// A head of a request with a body.
fn head(path: &str, more: &str) -> String {
    let ours = "Host: localhost\r\nConnection: close\r\nSec-Fetch-Site: same-origin\r\n";
    format!("POST {path} HTTP/1.1\r\n{ours}{more}\r\n")
}

/// The same with the body's size, its kind and a token.
fn json(more: &str) -> String {
    let known = format!("Authorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n");
    head("/api/v1/affiliate/affiliates/", &format!("{known}{more}"))
}

/// What this process has in memory.
fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let kb = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    kb.split_whitespace().next().unwrap().parse().unwrap()
}

async fn watch(most: Arc<AtomicU64>) {
    loop {
        most.fetch_max(resident_kb(), Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// By how much memory grew at most while something was done.
async fn grown_kb(work: impl Future<Output = ()>) -> u64 {
    let before = resident_kb();
    let most = Arc::new(AtomicU64::new(before));
    let watching = tokio::spawn(watch(Arc::clone(&most)));
    work.await;
    watching.abort();
    most.load(Ordering::Relaxed) - before
}

#[tokio::test]
async fn a_head_or_a_body_that_never_ends_is_cut_off() {
    let world = World::new().await;
    let served = serve(&world).await;
    let begun = json("Content-Length: 2147483648\r\n");
    let form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n";
    let form = head("/accounts/login/", form);
    let slow = "GET /health HTTP/1.1\r\nHost: localhost\r\nx-slow: ";
    let (slow, begun, form) = ([slow.as_bytes()], [begun.as_bytes()], [form.as_bytes()]);
    // One that stops and others that drip: none has longer than a head or a body has.
    let (slow, stopped, dripped, form) = tokio::join!(
        send(served.address, &slow, true),
        send(served.address, &begun, false),
        send(served.address, &begun, true),
        send(served.address, &form, true),
    );
    assert!(slow.is_empty() || slow.starts_with("HTTP/1.1 4"), "{slow}");
    for answer in [stopped, dripped, form] {
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    drop(served.stop);
    served.running.await.unwrap();
}

#[tokio::test]
async fn floods_of_headers_and_bytes_are_refused_and_kept_nowhere() {
    let world = World::new().await;
    let served = serve(&world).await;
    let many = "x-flood: 1\r\n".repeat(100_000);
    let many = format!("GET /health HTTP/1.1\r\nHost: localhost\r\n{many}\r\n");
    let large = format!(r#"{{"name":"{}"}}"#, "a".repeat(11 << 20));
    let told = json(&format!("Content-Length: {}\r\n", large.len()));
    let chunked = json("Transfer-Encoding: chunked\r\n") + &format!("{:x}\r\n", large.len());
    let kinds = [
        ([many.as_bytes(), b"".as_slice()], "HTTP/1.1 431"),
        ([told.as_bytes(), large.as_bytes()], "HTTP/1.1 413"),
        ([chunked.as_bytes(), large.as_bytes()], "HTTP/1.1 413"),
    ];
    for (parts, status) in kinds {
        let flood = async || {
            let all = (0..CLIENTS).map(|_| send(served.address, &parts, false));
            for answer in futures_util::future::join_all(all).await {
                assert!(answer.starts_with(status), "{status}: {answer}");
            }
        };
        // Other tests of this process take memory, too, but not each time.
        let mut grown = Vec::new();
        while grown.last().is_none_or(|kb| *kb > MOST_KB) && grown.len() < 5 {
            grown.push(grown_kb(flood()).await);
        }
        assert!(grown.last().is_some_and(|kb| *kb <= MOST_KB), "{status}: {grown:?} kB");
    }
    drop(served.stop);
    served.running.await.unwrap();
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut to = GzEncoder::new(Vec::new(), Compression::best());
    to.write_all(text).unwrap();
    to.finish().unwrap()
}

#[tokio::test]
async fn packed_and_nested_bodies_are_not_opened() {
    let world = World::new().await;
    let served = serve(&world).await;
    let length = |bytes: &[u8]| format!("Content-Length: {}\r\n", bytes.len());
    let bomb = packed(&vec![b' '; 32 << 20]);
    let zipped = json(&format!("Content-Encoding: gzip\r\n{}", length(&bomb)));
    let answer = send(served.address, &[zipped.as_bytes(), &bomb], false).await;
    assert!(answer.starts_with("HTTP/1.1 415"), "{answer}");
    // What is right and packed is not right.
    let fields = packed(form(&[("login", "root"), ("password", PASSWORD)]).as_bytes());
    let kind = "Content-Type: application/x-www-form-urlencoded\r\nContent-Encoding: gzip\r\n";
    let zipped = head("/accounts/login/", &format!("{kind}{}", length(&fields)));
    let answer = send(served.address, &[zipped.as_bytes(), &fields], false).await;
    assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains("__Host-"), "{answer}");
    let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for (path, known, body) in [
        ("/api/v1/affiliate/affiliates/", TOKEN, format!(r#"{{"name":{nested}}}"#)),
        ("/api/v1/affiliate/affiliates/", TOKEN, nested.clone()),
        ("/accounts/login/passkey/", "", format!(r#"{{"answer":{nested}}}"#)),
        ("/accounts/login/passkey/", "", format!(r#"{{"answer":{}"#, "{\"a\":".repeat(10_000))),
    ] {
        let token = match known {
            "" => String::new(),
            known => format!("Authorization: Bearer {known}\r\n"),
        };
        let kind = format!("{token}Content-Type: application/json\r\n");
        let asked = head(path, &format!("{kind}{}", length(body.as_bytes())));
        let answer = send(served.address, &[asked.as_bytes(), body.as_bytes()], false).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{path}: {answer}");
    }
    drop(served.stop);
    served.running.await.unwrap();
}

#[tokio::test]
async fn a_thousand_ranges_are_one_answer() {
    let world = World::new().await;
    let page = world.open_as("", "/accounts/login/").await.text;
    let path = page.split("\"/static/").nth(1).unwrap().split('"').next().unwrap();
    let path = format!("/static/{path}");
    let ranges: Vec<String> = (0..1000).map(|at| format!("{at}-{at}")).collect();
    let asked = request("GET", &path);
    let whole = world.send(asked.body(Body::empty()).unwrap()).await;
    let asked = request("GET", &path).header(header::RANGE, format!("bytes={}", ranges.join(",")));
    let ranged = world.send(asked.body(Body::empty()).unwrap()).await;
    assert_eq!((whole.status.as_u16(), ranged.status.as_u16()), (200, 200));
    assert_eq!(whole.text, ranged.text);
}
