//! Whatever comes, an answer is whole, a header is valid, a record decodes.

use proptest::prelude::*;

use crate::harness::{Collector, ask_with};

/// Bytes that mean something to somebody, among any others.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "/c/go",
        "/i/go.gif",
        "/postback",
        "/pixel.gif",
        "?",
        "&",
        "=",
        "%",
        "%00",
        "%0d%0a",
        "%ff",
        "{sub1}",
        "..",
        "//",
        "\\",
        "sub1",
        "click_id",
        "token",
        "amount",
        "NaN",
        "utm_source",
        "#",
        "@",
        ":",
        "é",
        "\u{0}",
    ];
    prop_oneof![
        proptest::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
        proptest::collection::vec(any::<u8>(), 0..6),
    ]
}

#[test]
fn nothing_breaks_an_answer_or_a_record() {
    let collector = Collector::with(&["--cores", "1"]);
    let pieces = || proptest::collection::vec(piece(), 0..12).prop_map(|pieces| pieces.concat());
    let mut runner =
        proptest::test_runner::TestRunner::new(ProptestConfig { cases: 400, ..Default::default() });
    let request =
        (proptest::sample::select(vec!["GET", "POST", "HEAD"]), pieces(), pieces(), pieces());
    runner
        .run(&request, |(method, target, header, body)| {
            let head = [
                method.as_bytes(),
                b" /",
                &target,
                b" HTTP/1.1\r\nhost: localhost\r\nuser-agent: ",
                &header,
                b"\r\nreferer: ",
                &header,
                format!("\r\ncontent-length: {}\r\n", body.len()).as_bytes(),
            ]
            .concat();
            let answer = ask_with(collector.address, &head, &body);
            let known = [0, 200, 202, 302, 400, 401, 404, 405, 413, 414, 415, 431, 505];
            prop_assert!(known.contains(&answer.status), "{}", answer.status);
            let location = answer.header("location");
            let own = location.is_empty() || location.starts_with("https://shop.example/?c=");
            prop_assert!(own, "{location}");
            Ok(())
        })
        .unwrap();
    assert_eq!(collector.get("/c/go").status, 302);
    let kept = collector.end();
    assert!(!kept.clicks.is_empty());
}
