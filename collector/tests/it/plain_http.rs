//! Plain HTTP from another machine: links lead, and nothing that carries a token or decides about money is taken.

use schemas::reason::Refusal;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use crate::{
    harness::{Answer, Collector, ask, ask_with, until},
    process::Process,
};

/// What a proxy says that does not end TLS.
const BY_HTTP: &str = "x-forwarded-proto: http\r\n";
const BY_HTTPS: &str = "x-forwarded-proto: https\r\n";
const ANYWHERE: [&str; 2] = ["--listen", "0.0.0.0:0"];

/// An address of this machine that other machines have too; `None` without a network.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // Nothing is sent: the kernel says from where it would be.
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

/// How to come from elsewhere: the address to connect to, and header lines. A connection to an address has it as its
/// peer, too; without a network a proxy of this machine speaks for somebody elsewhere.
fn elsewhere(collector: &Collector) -> (SocketAddr, &'static str) {
    let port = collector.address.port();
    match own_address() {
        Some(address) => ((address, port).into(), ""),
        None => ((Ipv4Addr::LOCALHOST, port).into(), BY_HTTP),
    }
}

fn get(way: (SocketAddr, &str), target: &str) -> Answer {
    let (address, headers) = way;
    ask(address, &format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n{headers}"))
}

fn post(way: (SocketAddr, &str), form: &str) -> Answer {
    let (address, headers) = way;
    let length = form.len();
    let head = format!(
        "POST /postback HTTP/1.1\r\nhost: localhost\r\n{headers}content-length: {length}\r\n"
    );
    ask_with(address, head.as_bytes(), form.as_bytes())
}

fn refused(collector: &Collector) -> u64 {
    collector.metric("tributary_collector_conversions_total{reason=\"plain_http\"}")
}

#[test]
fn what_carries_a_token_is_refused_over_plain_http_from_elsewhere() {
    let collector = Collector::with(&ANYWHERE);
    let (way, token) = (elsewhere(&collector), collector.token(3));
    let form = format!("program=3&event=sale&token={token}&txn_id=T");
    let answers = [
        get(way, &format!("/postback?{form}")),
        get(way, "/postback?program=3&token=wrong"),
        get(way, "/postback?txn_id=%"),
        post(way, &form),
        get(way, &format!("/pixel.gif?{form}")),
        get(way, "/pixel.gif?program=3&event=sale&txn_id=T"),
        // A peer that is not ours says whatever it likes; a proxy of ours says how the client came.
        get(
            (way.0, if way.1.is_empty() { BY_HTTPS } else { BY_HTTP }),
            &format!("/postback?{form}"),
        ),
        get((([127, 0, 0, 1], way.0.port()).into(), BY_HTTP), &format!("/postback?{form}")),
    ];
    for answer in &answers {
        let said = (answer.status, answer.code());
        assert_eq!(said, (403, "plain_http".to_owned()), "{}", answer.head);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert!(json["detail"].as_str().unwrap().contains("https://"), "{json}");
        assert!(json["receipt_id"].as_str().unwrap().starts_with("evt_"), "{json}");
        assert!(!answer.body.contains(&token));
    }
    let count = answers.len();
    until("each is counted", || refused(&collector) == count as u64);
    let status = "tributary_collector_requests_total{status=\"403\"}";
    until("and each answer", || collector.metric(status) == count as u64);
    let kept = collector.end();
    assert_eq!(kept.conversions.len(), count);
    let verdict = u32::from(Refusal::PlainHttp.code());
    assert!(kept.conversions.iter().all(|conversion| conversion.verdict == verdict));
    // A program's owner sees what was refused.
    assert!(kept.conversions.iter().filter(|conversion| conversion.program == 3).count() >= 6);
    assert!(!String::from_utf8_lossy(&kept.raw).contains(&token));
}

#[test]
fn a_link_leads_over_plain_http_and_gives_no_cookie() {
    let collector = Collector::with(&ANYWHERE);
    let (address, headers) = elsewhere(&collector);
    let by_hyper = format!("{headers}content-length: 0\r\n");
    for headers in [headers, by_hyper.as_str()] {
        for (target, status) in [("/c/go", 302), ("/c/nope", 404), ("/i/go.gif", 200)] {
            let answer = get((address, headers), target);
            assert_eq!((answer.status, answer.header("set-cookie")), (status, ""), "{target}");
        }
    }
    // One that was brought is still the same browser's.
    let cookie = format!("{headers}cookie: tributary_visitor=10abAAAAAAAAAAAAAAAAAAAAAA\r\n");
    assert_eq!(get((address, &cookie), "/c/own").status, 302);
    let kept = collector.end();
    assert_eq!((kept.clicks.len(), kept.conversions.len()), (7, 0));
    assert_eq!(kept.clicks.iter().filter(|click| click.visitor_cookie != 0).count(), 1);
}

#[test]
fn plain_http_is_taken_from_this_machine_and_where_somebody_answers_for_it() {
    let own = own_address().map(|address| format!("{address}/32"));
    let trusted = own.iter().fold("127.0.0.0/8".to_owned(), |all, own| format!("{all},{own}"));
    let collector = Collector::with(&[&ANYWHERE[..], &["--trusted-proxies", &trusted]].concat());
    let target = format!("/postback?program=3&event=sale&token={}", collector.token(3));
    let here: SocketAddr = (Ipv4Addr::LOCALHOST, collector.address.port()).into();
    let (address, _) = elsewhere(&collector);
    for way in [(here, ""), (here, BY_HTTPS), (address, BY_HTTPS)] {
        assert_eq!(get(way, &target).status, 202, "{way:?}");
        assert_eq!(get(way, "/pixel.gif?program=3&event=sale&txn_id=P").status, 200, "{way:?}");
        let cookie = get(way, "/c/go").header("set-cookie").to_owned();
        assert_eq!(cookie.starts_with("__Host-"), way.1 == BY_HTTPS, "{cookie}");
        assert!(cookie.contains("tributary_visitor="));
    }
    assert_eq!(refused(&collector), 0);
}

#[test]
fn an_operator_may_put_up_with_plain_http() {
    let collector = Collector::with(&[&ANYWHERE[..], &["--insecure-http"]].concat());
    let form = format!("program=3&event=sale&token={}", collector.token(3));
    let (address, headers) = elsewhere(&collector);
    assert_eq!(post((address, headers), &form).status, 202);
    assert_eq!(get((address, headers), "/pixel.gif?program=3&event=sale&txn_id=P").status, 200);
    let cookie = get((address, headers), "/c/go").header("set-cookie").to_owned();
    assert!(cookie.starts_with("tributary_visitor=") && !cookie.contains("Secure"), "{cookie}");
}

#[test]
fn a_refusal_over_plain_http_leaves_no_token_in_the_log() {
    let collector = Collector::start();
    let arguments = ["--trusted-proxies", "127.0.0.0/8"];
    let process = Process::start_with(&collector, "export RUST_LOG=trace;", &arguments);
    let token = collector.token(3);
    let way = (process.address, BY_HTTP);
    let target = format!("?program=3&event=sale&token={token}");
    for path in ["/postback", "/pixel.gif"] {
        assert_eq!(get(way, &format!("{path}{target}")).status, 403);
    }
    let log = process.terminate().join("\n");
    assert!(!log.is_empty() && !log.contains(&token));
}
