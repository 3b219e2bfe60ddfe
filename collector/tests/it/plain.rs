//! The plain way and hyper's: whichever reads a request, its answer and its record are the same.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
};

use crate::harness::{Answer, Collector, ask};

/// A body of nothing: not plain any more, and the same request.
const BY_HYPER: &str = "content-length: 0\r\n";

/// Every line in its order, without what differs from one answer to the next by its nature.
fn masked(answer: &Answer) -> (u16, Vec<String>, String) {
    (answer.status, answer.head.lines().map(masked_line).collect(), answer.body.clone())
}

fn masked_line(line: &str) -> String {
    let (name, value) = line.split_once(": ").unwrap_or((line, ""));
    let value = match name {
        "date" => "now",
        "set-cookie" => value.split_once(';').map_or("", |(_, attributes)| attributes),
        "location" => return format!("location: {}", without_id(value)),
        _ => value,
    };
    format!("{name}: {value}")
}

/// A click id has 36 characters, and stands behind `c=`.
fn without_id(location: &str) -> String {
    match location.split_once("?c=") {
        Some((before, behind)) => format!("{before}?c={}", &behind[36..]),
        None => location.to_owned(),
    }
}

#[test]
fn a_request_is_answered_and_recorded_alike_whoever_reads_it() {
    let collector = Collector::with(&["--cores", "1"]);
    let targets = [
        "/c/go",
        "/c/go/",
        "/c/go?sub1=a%20b&s2=x&utm_source=news&utm_source=again",
        "/c/own?sub1=..&source=%C3%A9",
        "/c/off",
        "/c/old?sub1=late",
        "/c/nobody-has-this",
        "/c/g%6f",
        "/c/go?sub1=%00%0d%0aset-cookie:%20a=b",
        "/c/go?sub1=%ff%zz",
        "/c/go?sub1=a|b^c",
        "/c/go?sub1={sub2}",
        "/c/a/b",
        "/c/",
        "/vanity",
    ];
    let headers = [
        "",
        "User-Agent: Mozilla/5.0 (X11)\r\nReferer: https://blog.example/post?x=1\r\nAccept-Language: FR-ch, en\r\n",
        "sec-gpc: 1\r\nx-forwarded-for: 203.0.113.9, 198.51.100.7\r\n",
        "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: https\r\n",
        "cookie: a=b; tributary_visitor=10abAAAAAAAAAAAAAAAAAAAAAA\r\nsec-purpose: prefetch\r\n",
        "cookie: __Host-tributary_visitor=10abAAAAAAAAAAAAAAAAAAAAAA\r\nx-forwarded-proto: http\r\n",
        "user-agent: \u{e9}\r\nreferer:\r\n",
        "connection: keep-alive\r\n",
    ];
    for target in targets {
        for header in headers {
            let plain = collector.send(target, header);
            let by_hyper = collector.send(target, &format!("{header}{BY_HYPER}"));
            assert_eq!(masked(&plain), masked(&by_hyper), "{target} {header}");
        }
    }
    let clicks = collector.end().clicks;
    assert_eq!(clicks.len(), 2 * 12 * headers.len());
    for two in clicks.chunks(2) {
        let [plain, by_hyper] = two else { panic!("an odd number of clicks") };
        let same = schemas::event::Click {
            time_ms: by_hyper.time_ms,
            destination: without_id(&by_hyper.destination),
            ..by_hyper.clone()
        };
        let plain = schemas::event::Click {
            time_ms: by_hyper.time_ms,
            destination: without_id(&plain.destination),
            ..plain.clone()
        };
        assert_eq!(plain, same);
    }
}

#[test]
fn requests_sent_ahead_are_answered_in_order_and_the_last_by_hyper() {
    let collector = Collector::with(&["--cores", "1"]);
    let mut socket = TcpStream::connect(collector.address).unwrap();
    let ahead = [
        "GET /c/go?sub1=one HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "GET /c/nobody HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "GET /c/go?sub1=two HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "HEAD /c/go?sub1=three HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "GET /c/go?sub1=four HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
    ];
    socket.write_all(ahead.concat().as_bytes()).unwrap();
    let mut raw = String::new();
    socket.read_to_string(&mut raw).unwrap();
    let told: Vec<&str> = raw
        .lines()
        .filter(|line| line.starts_with("HTTP/1.1 ") || line.starts_with("location: "))
        .map(|line| line.rsplit_once("s=").map_or(line, |(_, sub)| sub))
        .collect();
    let found = "HTTP/1.1 302 Found";
    let missing = "HTTP/1.1 404 Not Found";
    assert_eq!(told, [found, "one", missing, found, "two", found, "three", found, "four"]);
}

#[test]
fn a_head_may_come_byte_by_byte() {
    let collector = Collector::with(&["--cores", "1"]);
    let mut socket = TcpStream::connect(collector.address).unwrap();
    socket.set_nodelay(true).unwrap();
    for byte in b"GET /c/go?sub1=slow HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n" {
        socket.write_all(&[*byte]).unwrap();
    }
    let mut raw = Vec::new();
    socket.read_to_end(&mut raw).unwrap();
    let answer = Answer::read(&raw);
    assert_eq!((answer.status, answer.header("connection")), (302, "close"));
    assert!(answer.header("location").ends_with("s=slow"));
}

#[test]
fn a_head_beyond_the_plain_buffer_is_read_by_hyper() {
    let collector = Collector::with(&["--cores", "1"]);
    let long = "x".repeat(9000);
    let answer = collector.send("/c/go?sub1=long", &format!("x-long: {long}\r\n"));
    assert_eq!(answer.status, 302);
    assert!(answer.header("location").ends_with("s=long"));
    assert_eq!(collector.get(&format!("/c/go?sub1={long}")).status, 414);
}

/// What comes until the collector closes, of a client that says this and then no more.
fn after_last_words(collector: &Collector, words: &str) -> Vec<u8> {
    let mut socket = TcpStream::connect(collector.address).unwrap();
    socket.write_all(words.as_bytes()).unwrap();
    socket.shutdown(std::net::Shutdown::Write).unwrap();
    let mut raw = Vec::new();
    socket.read_to_end(&mut raw).unwrap();
    raw
}

#[test]
fn a_client_that_hangs_up_in_its_head_leaves_nothing() {
    let collector = Collector::with(&["--cores", "1"]);
    let raw = after_last_words(&collector, "GET /c/go?sub1=cut HTTP/1.1\r\nhost: loc");
    assert!(raw.is_empty(), "{raw:?}");
    let answer = ask(collector.address, "GET /c/go HTTP/1.1\r\nhost: localhost\r\n");
    assert_eq!(answer.status, 302);
    assert_eq!(collector.end().clicks.len(), 1);
}

#[test]
fn a_client_that_has_no_more_to_say_is_answered() {
    let collector = Collector::with(&["--cores", "1"]);
    let ask = "GET /c/go?sub1=last HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let raw = after_last_words(&collector, ask);
    let answer = Answer::read(&raw);
    assert_eq!(answer.status, 302);
    assert!(answer.header("location").ends_with("s=last"));
}

#[test]
fn a_head_that_just_fills_the_plain_buffer_is_followed_by_another() {
    let collector = Collector::with(&["--cores", "1"]);
    let mut socket = TcpStream::connect(collector.address).unwrap();
    let mut answers = BufReader::new(socket.try_clone().unwrap()).lines();
    for length in [4095, 4096, 4097, 100] {
        let head = "GET /c/go HTTP/1.1\r\nhost: localhost\r\nx: ";
        let filling = "x".repeat(length - head.len() - 4);
        socket.write_all(format!("{head}{filling}\r\n\r\n").as_bytes()).unwrap();
        assert_eq!(answers.next().unwrap().unwrap(), "HTTP/1.1 302 Found", "{length}");
        assert!(answers.by_ref().any(|line| line.unwrap().is_empty()));
    }
}

#[test]
fn who_reads_late_gets_every_answer_in_order() {
    const REQUESTS: usize = 20_000;
    let collector = Collector::with(&["--cores", "1"]);
    let mut socket = TcpStream::connect(collector.address).unwrap();
    let mut sending = socket.try_clone().unwrap();
    // More than the kernel holds in both directions: the collector waits for whoever does not read.
    let sent = std::thread::spawn(move || {
        for n in 0..REQUESTS {
            let ask = format!("GET /c/go?sub1=n{n} HTTP/1.1\r\nhost: localhost\r\n\r\n");
            sending.write_all(ask.as_bytes()).unwrap();
        }
        sending.shutdown(std::net::Shutdown::Write).unwrap();
    });
    let mut raw = String::new();
    socket.read_to_string(&mut raw).unwrap();
    sent.join().unwrap();
    let subs = raw.lines().filter(|line| line.starts_with("location: "));
    let subs: Vec<&str> = subs.filter_map(|line| Some(line.rsplit_once("s=")?.1)).collect();
    let expected: Vec<String> = (0..REQUESTS).map(|n| format!("n{n}")).collect();
    assert_eq!(subs, expected);
    drop(socket);
    assert_eq!(collector.end().clicks.len(), REQUESTS);
}

#[test]
fn many_visitors_at_once_get_their_own_answer_each() {
    let collector = Collector::with(&["--cores", "1"]);
    let visitors = (0..300).map(|n| {
        let mut socket = TcpStream::connect(collector.address).unwrap();
        let code = ["go", "own", "nobody", "off"][n % 4];
        let last = ["", "connection: close\r\n"][n / 4 % 2];
        let ask = format!("GET /c/{code}?sub1=v{n} HTTP/1.1\r\nhost: localhost\r\n{last}\r\n");
        socket.write_all(ask.as_bytes()).unwrap();
        (n, socket)
    });
    let visitors: Vec<(usize, TcpStream)> = visitors.collect();
    for (n, mut socket) in visitors {
        socket.shutdown(std::net::Shutdown::Write).unwrap();
        let mut raw = Vec::new();
        socket.read_to_end(&mut raw).unwrap();
        let answer = Answer::read(&raw);
        match n % 4 {
            0 => assert!(answer.header("location").ends_with(&format!("s=v{n}")), "{n}"),
            1 => assert_eq!(answer.status, 302, "{n}"),
            _ => assert_ne!(answer.status, 503, "{n}"),
        }
    }
    assert_eq!(collector.end().clicks.len(), 300);
}
