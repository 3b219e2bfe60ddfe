//! A record is what prost reads and writes, whatever is asked.

use proptest::prelude::*;
use schemas::{
    event::{Click, Message},
    keys::Keys,
    topic::Shard,
};

use super::*;
use crate::links::{
    Builder,
    rows::{LinkRow, ProgramRow, SiteRow},
};

fn keys() -> Keys {
    Keys::parse(&Keys::line(1, &[7; 32])).unwrap()
}

fn links() -> Links {
    let mut builder = Builder::new(1);
    builder.site(SiteRow { id: 1, domain: "localhost".into(), fallback_url: String::new() });
    let destination = "https://s.example/{sub1}?{click_id}&{country}".into();
    let program = ProgramRow {
        id: 3,
        site: 1,
        slug: "p".into(),
        destination,
        is_active: true,
        ..ProgramRow::default()
    };
    builder.program(program, &keys());
    let link = LinkRow {
        id: 42,
        site: 1,
        code: "go".into(),
        affiliate: 7,
        program: 3,
        is_active: true,
        version: 5,
        ..LinkRow::default()
    };
    builder.link(link.clone());
    builder.link(LinkRow { id: 43, code: "soon".into(), expires_ms: 1000, ..link });
    builder.finish()
}

fn asked<'a>(code: &'a str, time_ms: u64) -> Asked<'a> {
    Asked {
        host: "localhost",
        code,
        query: "sub1=a&sub3=c",
        address: "192.0.2.1".parse().unwrap(),
        user_agent: b"agent",
        referrer: b"",
        language: b"EN-us,fr",
        cookie: None,
        flags: 0,
        private: false,
        time_ms,
        random: 1,
    }
}

fn write(asked: &Asked<'_>) -> (Click, String, Token) {
    let (links, salts) = (links(), Salts::new(keys()));
    let visit = |_: IpAddr, _: &[u8]| Visit { country: "CH".into(), ..Visit::default() };
    let mut decided = decide(&links, &salts, asked, visit);
    let (mut destination, mut out) = (Vec::new(), Vec::new());
    let identity =
        Identity { key: salts.keys().click_ids().signer(), journal: 0xabcd_ef01_2345_6789 };
    let token = decided.write(&identity, 17, &mut destination, &mut out).unwrap();
    let click = Click::decode(out.as_slice()).unwrap();
    assert_eq!(click.encode_to_vec(), out, "the bytes are prost's own");
    (click, String::from_utf8(destination).unwrap(), token)
}

#[test]
fn a_record_holds_what_was_asked_and_its_id_is_in_the_destination() {
    let (click, destination, token) = write(&asked("go", 500));
    assert_eq!(destination, format!("https://s.example/a?{token}&CH"));
    assert_eq!((click.link, click.program, click.affiliate, click.link_version), (42, 3, 7, 5));
    assert_eq!(
        (click.sub.as_slice(), click.language.as_str()),
        (&["a".to_owned(), String::new(), "c".to_owned()][..], "en")
    );
    let id = keys().click_ids().verify(token.as_str()).unwrap();
    assert_eq!((id.journal, id.seq, id.link, id.time_ms), (0x5_6789, 17, 42, 500));
    assert_eq!(u32::from(id.shard), click.shard);
}

#[test]
fn a_link_ends_at_its_millisecond() {
    assert_eq!(write(&asked("soon", 999)).0.verdict, 0);
    assert_eq!(write(&asked("soon", 1000)).0.verdict, u32::from(Invalid::Expired.code()));
}

#[test]
fn the_language_is_the_first_ones_primary_subtag() {
    for (header, tag) in [
        ("fr-CH, en;q=0.8", "fr"),
        ("DE", "de"),
        ("en_US", "en"),
        ("*", ""),
        ("", ""),
        ("x", ""),
        ("123", ""),
        ("thisistoolong", ""),
        (";q=1", ""),
    ] {
        assert_eq!(language(header.as_bytes()), tag.as_bytes(), "{header}");
    }
}

proptest! {
    #[test]
    fn whatever_is_asked_the_record_is_prosts(
        code in ".{0,140}", host in ".{0,20}", query in "[ -~é]{0,120}",
        agent in proptest::collection::vec(any::<u8>(), 0..80),
        language in proptest::collection::vec(any::<u8>(), 0..12),
        address in any::<u128>(), shard in 0u16..4096, private: bool, flags in 0u32..32, time_ms in 0u64..1 << 42,
    ) {
        let cookie = crate::visitor::cookie::mint(Shard::new(shard).unwrap(), [3; 16]);
        let cookie = std::str::from_utf8(&cookie).unwrap();
        let base = asked(if code.len() % 2 == 0 { "go" } else { &code }, time_ms);
        let asked = Asked {
            host: &host, query: &query, user_agent: &agent, referrer: &agent, language: &language,
            address: std::net::Ipv6Addr::from_bits(address).into(), flags, private,
            cookie: Cookie::parse(cookie), ..base
        };
        let (click, destination, _) = write(&asked);
        let texts = [&click.code, &click.host, &click.user_agent, &click.referrer, &click.source];
        prop_assert!(texts.iter().all(|text| !text.chars().any(char::is_control)));
        prop_assert!(destination.is_empty() || destination.starts_with("https://s.example/"));
        prop_assert!(hyper::header::HeaderValue::from_str(&destination).is_ok());
        prop_assert!(click.code.len() <= CODE_BYTES && click.user_agent.len() <= AGENT_BYTES);
    }
}
