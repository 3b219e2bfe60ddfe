//! The visitor's cookie: who is given one, under which name, and which of two is believed.

use schemas::event::{Click, Flags};

use crate::harness::Collector;

const HTTPS: &str = "x-forwarded-proto: https\r\n";

#[test]
fn a_visitor_gets_a_cookie_once_and_keeps_its_shard() {
    let collector = Collector::start();
    let first = collector.send("/c/go", "user-agent: Test/1.0\r\n");
    let cookie = first.header("set-cookie").to_owned();
    assert!(cookie.ends_with("; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"), "{cookie}");
    let pair = cookie.split(';').next().unwrap();
    let elsewhere =
        format!("cookie: session=secret-of-another; {pair}\r\nx-forwarded-for: 198.51.100.9\r\n");
    assert_eq!(collector.send("/c/go", &elsewhere).header("set-cookie"), "");
    let kept = collector.end();
    let brought = kept.clicks.iter().find(|click| click.visitor_cookie != 0).unwrap();
    let minted = kept.clicks.iter().find(|click| click.user_agent == "Test/1.0").unwrap();
    assert!(minted.has(Flags::CookieMinted) && !brought.has(Flags::CookieMinted));
    assert_eq!(minted.shard, brought.shard);
    assert_eq!(brought.address, [198, 51, 100, 9]);
    assert!(!String::from_utf8_lossy(&kept.raw).contains("secret-of-another"));
}

#[test]
fn the_cookie_over_tls_is_bound_to_its_host() {
    let collector = Collector::with(&["--cores", "1"]);
    let secure = collector.send("/c/go", HTTPS).header("set-cookie").to_owned();
    let (pair, attributes) = secure.split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax; Secure");
    let value = pair.strip_prefix("__Host-tributary_visitor=").unwrap();
    // Over plain HTTP a browser would drop it.
    let plain = collector.get("/c/go").header("set-cookie").to_owned();
    assert!(plain.starts_with("tributary_visitor=") && !plain.contains("Secure"), "{plain}");
    // What a neighbour under the same domain can set.
    let planted = "tributary_visitor=10abAAAAAAAAAAAAAAAAAAAAAA";
    for cookies in [
        pair.to_owned(),
        format!("{planted}; {pair}"),
        format!("{pair}; {planted}"),
        // Of before there was another name.
        format!("tributary_visitor={value}"),
        format!("__Host-tributary_visitor=nonsense; tributary_visitor={value}"),
    ] {
        let brought = collector.send("/c/go", &format!("{HTTPS}cookie: {cookies}\r\n"));
        assert_eq!(brought.header("set-cookie"), "", "{cookies}");
    }
    let clicks = collector.end().clicks;
    let (given, brought): (Vec<&Click>, Vec<&Click>) =
        clicks.iter().partition(|click| click.has(Flags::CookieMinted));
    assert_eq!((given.len(), brought.len()), (2, 5));
    let first = brought[0];
    assert_ne!(first.visitor_cookie, 0);
    let one = |click: &&Click| (click.visitor_cookie, click.shard);
    assert!(brought.iter().all(|click| one(click) == one(&first)), "{brought:?}");
    assert_eq!(first.shard, u32::from_str_radix(&value[1..4], 16).unwrap());
}

#[test]
fn who_says_that_tls_is_ended_in_front_gives_no_other_cookie() {
    let collector = Collector::with(&["--cores", "1", "--cookies", "secure"]);
    let cookie = collector.get("/c/go").header("set-cookie").to_owned();
    assert!(cookie.starts_with("__Host-") && cookie.ends_with("; Secure"), "{cookie}");
}
