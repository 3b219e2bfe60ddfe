//! Macros, encoding and refusals as tables, and the promise that nothing a visitor sends moves a host.

use proptest::prelude::*;
use schemas::ids::{AffiliateId, LinkId, ProgramId};

use super::*;
use crate::request::params::ClickParams;

fn filled_with(destination: &str, query: &str, referrer: &str) -> String {
    let (template, _) = compile(destination).unwrap();
    let params = ClickParams::read(query);
    let visit =
        Visit { country: "FR".into(), city: "Évry".into(), device: "mobile", ..Visit::default() };
    let facts = Facts {
        click_id: "TOKEN",
        link: LinkId(42),
        affiliate: AffiliateId(7),
        program: ProgramId(3),
        params: &params,
        query,
        referrer: referrer.as_bytes(),
        language: b"fr",
        time_ms: 1_700_000_000_999,
        random: 12345,
        visit: &visit,
    };
    let mut out = Vec::new();
    fill(template.as_bytes(), &facts, &mut out)
        .map_or("unfit".into(), |()| String::from_utf8(out).unwrap())
}

fn check(destination: &str, query: &str, expected: &str) {
    assert_eq!(
        filled_with(destination, query, "https://r.example/?a=b"),
        expected,
        "{destination} {query}"
    );
}

#[test]
fn every_macro_is_filled() {
    check("https://shop.example/?c={click_id}", "", "https://shop.example/?c=TOKEN");
    check(
        "https://shop.example/{link}/{affiliate_id}/{program_id}",
        "",
        "https://shop.example/lnk_42/aff_7/prg_3",
    );
    check(
        "https://s.example/?s={sub1}-{sub10}&x={source}",
        "sub1=a&sub10=b&source=c",
        "https://s.example/?s=a-b&x=c",
    );
    check(
        "https://s.example/?{country}{region}{device}{os}{browser}&{city}",
        "",
        "https://s.example/?FRmobile&%C3%89vry",
    );
    check("https://s.example/?{lang}&{ts}&{random}", "", "https://s.example/?fr&1700000000&12345");
    check(
        "https://s.example/?r={referrer}",
        "",
        "https://s.example/?r=https%3A%2F%2Fr.example%2F%3Fa%3Db",
    );
}

#[test]
fn values_are_encoded_wherever_they_stand() {
    let evil = "sub1=a/b?c%23d%26e%3Df%0d%0a%20%00%ff%5c%25";
    let encoded = "a%2Fb%3Fc%23d%26e%3Df%EF%BF%BD%EF%BF%BD%20%EF%BF%BD%EF%BF%BD%5C%25";
    for destination in
        ["https://s.example/{sub1}/x", "https://s.example/?a={sub1}", "https://s.example/#{sub1}"]
    {
        check(destination, evil, &destination.replace("{sub1}", encoded));
        check(&destination.replace("}", ":raw}"), evil, &destination.replace("{sub1}", encoded));
    }
}

#[test]
fn a_hash_is_of_the_value_and_empty_stays_empty() {
    let sha = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    check("https://s.example/?h={sub1:hash}", "sub1=abc", &format!("https://s.example/?h={sha}"));
    check("https://s.example/?h={sub1:hash}", "", "https://s.example/?h=");
}

#[test]
fn a_path_segment_cannot_climb() {
    check("https://s.example/a/{sub1}/b", "sub1=..", "https://s.example/a//b");
    check("https://s.example/a/{sub1}{sub2}/b", "sub1=.&sub2=.", "https://s.example/a//b");
    check("https://s.example/a/?{sub1}", "sub1=..", "https://s.example/a/?..");
}

#[test]
fn unknown_macros_are_empty_and_named() {
    for name in ["ip", "sub11", "sub0", "nope", "event", "sub1:upper", "Click_id", "sub1:"] {
        let destination = format!("https://s.example/?a={{{name}}}&b=1");
        assert_eq!(compile(&destination).unwrap().1, [name]);
        check(&destination, "", "https://s.example/?a=&b=1");
    }
    check("https://s.example/{}{ x}", "", "https://s.example/%7B%7D%7B%20x%7D");
}

#[test]
fn literals_are_made_safe_once() {
    check("https://s.example", "", "https://s.example/");
    check("https://s.example?a=b", "", "https://s.example/?a=b");
    check("HTTPS://S.Example:443/É \"<>", "", "https://s.example/%C3%89%20%22%3C%3E");
    check("https://bücher.example/", "", "https://xn--bcher-kva.example/");
    check("https://s.example\\@evil.example/", "", "https://s.example/@evil.example/");
    check("https://s.example/?a=\\\r\nb", "", "https://s.example/?a=%5C%0D%0Ab");
}

#[test]
fn utm_is_passed_through_and_replaces_nothing_stored() {
    check(
        "https://s.example/",
        "utm_source=a&utm_medium=b%26c",
        "https://s.example/?utm_source=a&utm_medium=b%26c",
    );
    check("https://s.example/?x=1#f", "utm_source=a", "https://s.example/?x=1&utm_source=a#f");
    check("https://s.example/#f?", "utm_source=a", "https://s.example/?utm_source=a#f?");
    check(
        "https://s.example/?utm_source=own",
        "utm_source=a&utm_term=t",
        "https://s.example/?utm_source=own&utm_term=t",
    );
    check("https://s.example/?x=1", "foo=bar", "https://s.example/?x=1");
}

#[test]
fn a_result_too_long_is_unfit() {
    let destination = format!("https://s.example/?{}", "{sub1}".repeat(600));
    check(&destination, &format!("sub1={}", "x".repeat(255)), "unfit");
}

proptest! {
    #[test]
    fn nothing_a_visitor_sends_moves_the_origin_or_breaks_the_header(
        values in proptest::collection::vec(".{0,40}", 4),
        raw in "[ -~]{0,60}",
        tail in "[a-z{}:/?#%.\\\\@&=]{0,20}",
    ) {
        let query = format!(
            "sub1={}&sub2={}&source={}&utm_source={}&{raw}",
            values[0], values[1], values[2], values[3]
        );
        for middle in ["{sub1}", "/{sub1}/{sub2}", "?a={sub1}&b={source:raw}", "#{sub2}", "/..{sub1}?{referrer}"] {
            let Ok((template, _)) = compile(&format!("https://s.example:8443{middle}{tail}")) else { continue };
            let url = filled_with(&Template::source(template.as_bytes()), &query, &values[3]);
            if url == "unfit" { continue }
            let parsed = url::Url::parse(&url).unwrap();
            prop_assert_eq!(parsed.origin().ascii_serialization(), "https://s.example:8443");
            prop_assert_eq!(parsed.username(), "");
            prop_assert!(hyper::header::HeaderValue::from_str(&url).is_ok());
        }
    }
}
