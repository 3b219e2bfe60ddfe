//! Links: where they lead, and what is recorded.

use schemas::{event::Flags, reason::Invalid};

use crate::harness::{Collector, ask, ask_with};

const AGENT: &str = "user-agent: Test/1.0\r\nreferer: https://blog.example/a?b\r\naccept-language: fr-CH, en;q=0.8\r\n";

#[test]
fn a_click_is_a_redirect_and_one_record() {
    let collector = Collector::start();
    let answer = collector.send("/c/go?sub1=a%20b&s2=two&source=news&aff_click_id=x1", AGENT);
    assert_eq!(answer.status, 302);
    assert_eq!(answer.header("cache-control"), "private, no-store");
    assert_eq!(answer.header("x-robots-tag"), "noindex");
    assert_eq!(answer.header("content-length"), "0");
    let location = answer.header("location").to_owned();
    let token = location
        .strip_prefix("https://shop.example/?c=")
        .unwrap()
        .strip_suffix("&s=a%20b")
        .unwrap();
    let id = collector.keys.click_ids().verify(token).unwrap();
    assert_eq!(id.link, 42);
    let kept = collector.end();
    let [click] = kept.clicks.as_slice() else { panic!("{} clicks", kept.clicks.len()) };
    assert_eq!((click.site, click.link, click.program, click.affiliate), (1, 42, 3, 7));
    assert_eq!((click.verdict, click.time_ms, click.shard), (0, id.time_ms, id.shard.into()));
    assert_eq!(click.user_agent, "Test/1.0");
    assert_eq!(click.referrer, "https://blog.example/a?b");
    assert_eq!((click.language.as_str(), click.host.as_str()), ("fr", "localhost"));
    assert_eq!(click.sub, ["a b", "two"]);
    assert_eq!((click.source.as_str(), click.aff_click_id.as_str()), ("news", "x1"));
    assert_eq!(click.destination, location);
    assert_eq!((click.key_version, click.address.as_slice()), (1, &[127, 0, 0, 1][..]));
    assert_eq!(click.code, "");
    assert!(click.visitor_network != 0 && click.visitor_cookie == 0);
    let (journal, partition, seq) = kept.click_ids[0];
    assert_eq!((id.journal, id.seq), ((journal & 0xf_ffff) as u32, seq));
    assert_eq!(partition, id.shard % 4);
    assert_eq!(kept.ends, 2);
}

const JSON: &[u8] = b"POST /postback HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 2\r\n";

#[test]
fn every_answer_has_its_headers() {
    let collector = Collector::start();
    let token = collector.token(3);
    let by_hyper = "content-length: 0\r\n";
    let asked =
        |head: &str| ask(collector.address, &format!("{head} HTTP/1.1\r\nhost: localhost\r\n"));
    for (status, answer) in [
        (302, collector.get("/c/go")),
        (302, collector.send("/c/go", by_hyper)),
        (302, asked("HEAD /c/go")),
        (404, collector.get("/c/nope")),
        (404, collector.send("/c/nope", by_hyper)),
        (404, collector.get("/")),
        (200, collector.get("/i/go.gif")),
        (200, collector.get("/pixel.gif?program=3&event=sale&txn_id=P")),
        (202, collector.get(&format!("/postback?program=3&event=sale&token={token}"))),
        (400, collector.get("/postback?program=999")),
        (401, collector.get("/postback?program=3&token=wrong")),
        (405, asked("DELETE /c/go")),
        (414, collector.get(&format!("/c/go?sub1={}", "x".repeat(9000)))),
        (415, ask_with(collector.address, JSON, b"{}")),
    ] {
        let head = &answer.head;
        assert_eq!(answer.status, status, "{head}");
        for (name, value) in [
            ("strict-transport-security", "max-age=63072000"),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "private, no-store"),
            ("x-robots-tag", "noindex"),
        ] {
            let line = format!("{name}: {value}");
            assert_eq!(head.lines().filter(|found| *found == line).count(), 1, "{name}: {head}");
        }
        let is_page = answer.header("content-type").starts_with("text/html");
        assert_eq!(is_page, status == 404, "{head}");
        for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
            let policy = answer.header("content-security-policy");
            assert_eq!(policy.split("; ").any(|found| found == part), is_page, "{part}: {head}");
        }
    }
}

#[test]
fn a_links_own_destination_takes_macros_and_what_is_unknown_is_empty() {
    let collector = Collector::start();
    let answer =
        collector.send("/c/own?sub1=../../x&utm_source=u", "referer: https://r.example/\r\n");
    assert_eq!(
        answer.header("location"),
        "https://own.example/..%2F..%2Fx/?r=https%3A%2F%2Fr.example%2F&utm_source=u#f"
    );
}

#[test]
fn unknown_expired_and_disabled_links_are_kept_with_their_reason() {
    let collector = Collector::start();
    let page = collector.get("/c/nope?x=y");
    assert_eq!((page.status, page.header("location")), (404, ""));
    assert!(page.body.contains("This link leads nowhere") && !page.body.contains("nope"));
    collector.execute(
        "UPDATE whitelabel_whitelabelsite SET fallback_url = 'https://home.example/?l={link}'",
    );
    crate::harness::until("the fallback is known", || collector.get("/c/nope").status == 302);
    for code in ["old", "off", "gone", "paused", "nope"] {
        let answer = collector.get(&format!("/c/{code}"));
        assert!(answer.header("location").starts_with("https://home.example/?l=lnk_"), "{code}");
    }
    let kept = collector.end();
    let verdict =
        |link: u32| kept.clicks.iter().find(|click| click.link == link).map(|click| click.verdict);
    let code = |reason: Invalid| Some(u32::from(reason.code()));
    assert_eq!(verdict(45), code(Invalid::Expired));
    assert_eq!([44, 46, 47].map(verdict), [code(Invalid::Disabled); 3]);
    let orphan = kept.clicks.iter().find(|click| click.link == 0).unwrap();
    assert_eq!((orphan.code.as_str(), Some(orphan.verdict)), ("nope", code(Invalid::Orphan)));
    assert_eq!((orphan.program, orphan.affiliate), (0, 0));
}

#[test]
fn a_destination_that_cannot_be_filled_is_flagged_and_counted_with_and_without_a_fallback() {
    let collector = Collector::start();
    let long = format!("https://long.example/?{}", "{sub1}".repeat(600));
    collector.execute(&format!(
        "UPDATE affiliate_affiliatelink SET destination = '{long}' WHERE code = 'own'"
    ));
    let target = format!("/c/own?sub1={}", "x".repeat(200));
    // Every answer but the link's own before the change is one that could not be filled.
    let unfit = std::cell::Cell::new(0);
    let get = || {
        let answer = collector.get(&target);
        let own = answer.header("location").starts_with("https://own.example/");
        unfit.set(unfit.get() + u64::from(!own));
        answer
    };
    crate::harness::until("it is unfit", || get().status == 404);
    collector
        .execute("UPDATE whitelabel_whitelabelsite SET fallback_url = 'https://home.example/'");
    crate::harness::until("the fallback is known", || get().status == 302);
    assert_eq!(get().header("location"), "https://home.example/");
    assert!(collector.get("/c/own?sub1=x").header("location").starts_with("https://long.example/"));
    let event = "tributary_collector_events_total{event=\"unfit_destination\"}";
    crate::harness::until("all are counted", || collector.metric(event) == unfit.get());
    let unfit = unfit.get();
    let kept = collector.end();
    let flagged = kept.clicks.iter().filter(|click| click.has(Flags::Unfit));
    assert_eq!(flagged.clone().count() as u64, unfit);
    assert!(flagged.clone().all(|click| click.verdict == 0 && click.sub[0].len() == 200));
    assert!(flagged.clone().any(|click| click.destination.is_empty()));
    assert!(flagged.clone().any(|click| click.destination == "https://home.example/"));
}

#[test]
fn head_and_prefetch_are_redirected_and_labelled() {
    let collector = Collector::start();
    let head = ask(collector.address, "HEAD /c/go HTTP/1.1\r\nhost: localhost\r\n");
    assert_eq!((head.status, head.header("set-cookie")), (302, ""));
    assert_eq!(collector.send("/c/go", "sec-purpose: prefetch;prerender\r\n").status, 302);
    assert_eq!(collector.send("/c/go", "x-moz: prefetch\r\n").status, 302);
    let flags: Vec<u32> = collector.end().clicks.iter().map(|click| click.flags & 3).collect();
    assert_eq!(flags.iter().filter(|flags| **flags == Flags::Head as u32).count(), 1);
    assert_eq!(flags.iter().filter(|flags| **flags == Flags::Prefetch as u32).count(), 2);
}

#[test]
fn an_impression_is_a_pixel() {
    let collector = Collector::start();
    let pixel = collector.get("/i/go.gif?sub1=s");
    assert_eq!(
        (pixel.status, pixel.header("content-type"), pixel.bytes.len()),
        (200, "image/gif", 43)
    );
    assert_eq!(pixel.header("cache-control"), "private, no-store");
    assert_eq!(collector.get("/i/nope.gif").bytes.len(), 43);
    let kept = collector.end();
    assert!(
        kept.clicks
            .iter()
            .all(|click| click.has(Flags::Impression) && click.destination.is_empty())
    );
    assert_eq!(kept.clicks.len(), 2);
}

#[test]
fn a_tracking_domain_has_codes_of_its_own_at_its_root() {
    let collector = Collector::start();
    let ask_host = |host: &str, path: &str| {
        ask(collector.address, &format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n")).status
    };
    assert_eq!(ask_host("go.example", "/vanity"), 302);
    assert_eq!(ask_host("GO.example:80", "/c/vanity"), 302);
    assert_eq!(ask_host("go.example", "/go"), 404);
    assert_eq!(ask_host("localhost", "/vanity"), 404);
    assert_eq!(ask_host("localhost", "/c/vanity"), 404);
    assert_eq!(ask_host("other.example", "/c/go"), 302);
    let kept = collector.end();
    assert_eq!(kept.clicks.iter().filter(|click| click.host == "go.example").count(), 3);
    // `/vanity` on a host that is no tracking domain is no link at all.
    assert_eq!(kept.clicks.len(), 5);
}

#[test]
fn who_asks_not_to_be_followed_is_not() {
    let collector = Collector::start();
    let headers = "sec-gpc: 1\r\nx-forwarded-for: 198.51.100.77\r\n";
    assert_eq!(collector.send("/c/go", headers).header("set-cookie"), "");
    let kept = collector.end();
    let click = &kept.clicks[0];
    assert!(click.has(Flags::Privacy));
    assert_eq!((click.visitor_network, click.visitor_cookie), (0, 0));
    assert_eq!(click.address, [198, 51, 100, 0]);
}

#[test]
fn privacy_and_cookies_follow_the_configuration() {
    let collector = Collector::with(&["--privacy", "ignore", "--cookies", "off"]);
    assert_eq!(collector.send("/c/go", "dnt: 1\r\n").header("set-cookie"), "");
    let kept = collector.end();
    assert!(kept.clicks[0].has(Flags::Privacy) && kept.clicks[0].visitor_network != 0);
}

#[test]
fn a_forwarded_address_needs_a_trusted_proxy() {
    let collector = Collector::with(&["--trusted-proxies", "192.0.2.0/24"]);
    collector.send("/c/go", "x-forwarded-for: 198.51.100.77\r\n");
    assert_eq!(collector.end().clicks[0].address, [127, 0, 0, 1]);
}

#[test]
fn a_flood_of_unknown_codes_is_counted_and_stored_up_to_its_limit() {
    let collector = Collector::with(&["--orphans-per-minute", "5", "--cores", "1"]);
    for n in 0..20 {
        assert_eq!(collector.get(&format!("/c/unknown{n}")).status, 404);
    }
    let unstored =
        || collector.metric("tributary_collector_events_total{event=\"orphan_unstored\"}");
    let stored = || collector.metric("tributary_collector_clicks_total{reason=\"orphan\"}");
    crate::harness::until("every one is counted", || stored() + unstored() == 20);
    let stored = stored();
    // A minute may have turned on the way.
    assert!((5..=10).contains(&stored), "{stored}");
    assert_eq!(collector.end().clicks.len() as u64, stored);
}

#[test]
fn a_visitor_that_floods_is_flagged_and_spread() {
    let collector = Collector::with(&["--spread-per-second", "1", "--cores", "1"]);
    // In one write, so that they come within a second or two.
    let one = "GET /c/go HTTP/1.1\r\nhost: localhost\r\n\r\n";
    assert_eq!(
        ask(collector.address, &format!("{}{}", one.repeat(59), &one[..one.len() - 2])).status,
        302
    );
    let kept = collector.end();
    let shards: std::collections::HashSet<u32> =
        kept.clicks.iter().map(|click| click.shard).collect();
    assert!(kept.clicks.iter().any(|click| click.has(Flags::Spread)) && shards.len() > 3);
}

#[test]
fn one_code_leads_to_its_program_only() {
    let collector = Collector::start();
    let head = collector.get("/c/go/");
    assert!(head.header("location").starts_with("https://shop.example/"));
    for path in ["/", "/c/", "/c/a/b", "/i/go", "/robots.txt", "/.git/config", "/c"] {
        assert_eq!(collector.get(path).status, 404, "{path}");
    }
    assert_eq!(collector.end().clicks.len(), 1);
}
