//! The one reading of the log, line by line.

use super::*;
use std::collections::HashMap;

const LOG: &[u8] = include_bytes!("../../../../load-tests/data/access.log.gz");

fn lines() -> Vec<(u64, Option<Request>)> {
    read(LOG).unwrap().map(Result::unwrap).collect()
}

fn request(line: usize) -> Request {
    lines().swap_remove(line - 1).1.unwrap()
}

#[test]
fn a_line_of_the_real_log_is_read_field_by_field() {
    assert_eq!(
        request(1),
        Request {
            line: 1,
            address: "83.149.9.216".parse().unwrap(),
            time_ms: 1_431_857_103_000,
            method: "GET".into(),
            path: "/presentations/logstash-monitorama-2013/images/kibana-search.png".into(),
            status: 200,
            bytes: 203_023,
            referrer: "http://semicomplete.com/presentations/logstash-monitorama-2013/".into(),
            user_agent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_1) AppleWebKit/537.36 \
                (KHTML, like Gecko) Chrome/32.0.1700.77 Safari/537.36"
                .into(),
        }
    );
}

#[test]
fn every_line_is_one_of_four_things() {
    let (mut clicks, mut conversions, mut skipped, mut broken) = (0, 0, 0, Vec::new());
    for (line, request) in lines() {
        match request.as_ref().map(Request::event) {
            Some(Event::Click { .. }) => clicks += 1,
            Some(Event::Conversion { .. }) => conversions += 1,
            Some(Event::Skipped) => skipped += 1,
            None => broken.push(line),
        }
    }
    assert_eq!((clicks, conversions, skipped, broken), (4400, 333, 5266, vec![8899]));
}

#[test]
fn codes_of_twenty_clicks_make_the_links() {
    let mut codes: HashMap<String, u64> = HashMap::new();
    for (_, request) in lines() {
        if let Some(Event::Click { code, .. }) = request.as_ref().map(Request::event) {
            *codes.entry(code).or_default() += 1;
        }
    }
    let links: Vec<_> = codes.values().filter(|clicks| **clicks >= LINK_CLICKS).collect();
    assert_eq!((codes.len(), links.len(), codes["home"], codes["blog-tags"]), (198, 24, 575, 1022));
}

#[test]
fn codes_programs_and_affiliates_follow_the_path() {
    let cases = [
        ("/", "home", "site"),
        ("//", "home", "site"),
        ("/blog", "blog", "blog"),
        ("/blog/tags/puppet", "blog-tags", "blog"),
        ("/projects/xdotool/", "projects-xdotool", "projects"),
        ("/Blog/X_y%20z", "blog-x-y-20z", "site"),
        ("/articles//ssh-security/a", "articles-ssh-security", "articles"),
        ("/presentations/logstash-1/file", "presentations-logstash-1", "presentations"),
        ("/robots.txt", "robots-txt", "site"),
    ];
    for (path, expected, of) in cases {
        assert_eq!((code(path).as_str(), PROGRAMS[program(path)]), (expected, of), "{path}");
    }
    // CRC-32 of "123456789" is the check value of the polynomial: 0xCBF43926.
    assert_eq!(affiliate("123456789"), 0xCBF4_3926 % 12);
}

#[test]
fn a_download_is_a_conversion_by_its_status_and_its_path() {
    let with =
        |path: &str, status, bytes| Request { path: path.into(), status, bytes, ..request(1) };
    let amount = |path, status, bytes| match with(path, status, bytes).event() {
        Event::Conversion { amount_minor, .. } => Some(amount_minor),
        _ => None,
    };
    assert_eq!(amount("/a.pdf", 200, 2047), Some(1));
    assert_eq!(amount("/a.pdf", 206, 2048), Some(2));
    assert_eq!(amount("/files/x", 200, 0), Some(1));
    assert_eq!(amount("/files/x/", 200, 9999), None);
    assert_eq!(amount("/a.pdf", 304, 2048), None);
    assert_eq!(amount("/a.PDF", 200, 2048), None);
    assert_eq!(with("/a.css", 200, 1).event(), Event::Skipped);
    let post = Request { method: "POST".into(), ..with("/", 200, 1) };
    assert_eq!(post.event(), Event::Skipped);
}

#[test]
fn parts_of_one_download_are_one_transaction() {
    let parts: Vec<_> = lines()
        .into_iter()
        .filter_map(|(_, request)| request)
        .filter(|request| request.status == 206)
        .filter_map(|request| match request.event() {
            Event::Conversion { txn_id, .. } => Some(txn_id),
            _ => None,
        })
        .collect();
    let mut distinct = parts.clone();
    distinct.sort();
    distinct.dedup();
    assert!(distinct.len() < parts.len());
    assert!(parts.iter().all(|txn_id| txn_id.len() == 16));
}

#[test]
fn what_is_not_of_the_format_is_broken() {
    let good =
        r#"192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /?q=1 HTTP/1.1" 200 - "-" "a \"b\" c""#;
    let request = Request::parse(1, good.as_bytes()).unwrap();
    assert_eq!((request.path.as_str(), request.bytes), ("/", 0));
    assert_eq!((request.sent_referrer(), request.sent_user_agent()), ("", r#"a \"b\" c"#));
    for (from, to) in [
        ("192.0.2.1", "example.com"),
        ("17/May", "32/May"),
        ("+0000", ""),
        ("GET /?q=1 HTTP/1.1", "-"),
        ("GET /?q=1 HTTP/1.1", "GET /"),
        (" 200 ", " two "),
        (" - \"-", " x \"-"),
        ("c\"", "c"),
        ("c\"", "c\" more"),
    ] {
        assert_eq!(Request::parse(1, good.replacen(from, to, 1).as_bytes()), None, "{from} → {to}");
    }
    assert_eq!(Request::parse(1, b"\xff"), None);
}

#[test]
fn a_line_without_end_is_one_broken_line() {
    let text = format!("{}\nrest\n", "x".repeat(MAX_LINE * 3));
    let lines: Vec<_> = read(text.as_bytes()).unwrap().map(Result::unwrap).collect();
    assert_eq!(lines, [(1, None), (2, None)]);
}
