//! A record is what prost reads and writes, whatever is sent; who is trusted with what.

use proptest::prelude::*;
use schemas::{event::Conversion, keys::Keys};

use super::*;
use crate::links::{
    Builder,
    rows::{LinkRow, ProgramRow},
};

fn keys() -> Keys {
    Keys::parse(&Keys::line(1, &[7; 32])).unwrap()
}

fn links() -> Links {
    let mut builder = Builder::new(1);
    let program = ProgramRow {
        id: 3,
        site: 1,
        slug: "p-3".into(),
        currency: "EUR".into(),
        is_active: true,
        token_version: 1,
        ..ProgramRow::default()
    };
    builder.program(program.clone(), &keys());
    builder.program(ProgramRow { id: 4, site: 2, slug: "other".into(), ..program }, &keys());
    builder.link(LinkRow {
        id: 42,
        site: 1,
        code: "go".into(),
        affiliate: 7,
        program: 3,
        is_active: true,
        ..LinkRow::default()
    });
    builder.finish()
}

fn judged(query: &str, via: Via, address: u128) -> Conversion {
    let mut params = ConversionParams::default();
    params.read(query);
    let asked = Asked {
        via,
        host: "localhost",
        params,
        exposed: false,
        malformed: false,
        address: std::net::Ipv6Addr::from_bits(address).into(),
        user_agent: b"agent",
        referrer: b"https://r.example/?secret",
        signed: None,
        flags: 0,
        private: false,
        time_ms: 1000,
        now_ms: 1000,
    };
    let (links, salts) = (links(), Salts::new(keys()));
    let judged = judge(&links, &salts, asked);
    let identity = Identity { key: salts.keys().click_ids().signer(), journal: 1 };
    let mut out = Vec::new();
    judged.write(&identity, 1, &mut out).unwrap();
    let conversion = Conversion::decode(out.as_slice()).unwrap();
    assert_eq!(conversion.encode_to_vec(), out, "the bytes are prost's own");
    conversion
}

fn refusal(query: &str, via: Via) -> Option<Refusal> {
    Refusal::from_code(judged(query, via, 1).verdict)
}

#[test]
fn an_imports_file_needs_no_token() {
    let imported = judged("program=3&event=sale&txn_id=T", Via::Import, 1);
    assert_eq!((imported.verdict, imported.via), (0, 5));
    assert!(imported.has(Flags::Trusted));
}

#[test]
fn a_program_of_another_site_is_none_of_ours() {
    let token = keys().postback_token(SiteId(2), ProgramId(4), 1);
    for name in ["4", "prg_4", "other"] {
        assert_eq!(
            refusal(&format!("program={name}&token={token}"), Via::Postback),
            Some(Refusal::UnknownProgram)
        );
    }
}

#[test]
fn an_orphans_click_says_no_program() {
    let id = ClickId { key_version: 0, time_ms: 5, shard: 9, journal: 1, seq: 2, link: 0 };
    let token = keys().click_ids().signer().sign(&id).unwrap();
    assert_eq!(refusal(&format!("click_id={token}"), Via::Postback), Some(Refusal::UnknownProgram));
    let named = judged(&format!("click_id={token}&program=3"), Via::Import, 1);
    assert_eq!((named.verdict, named.shard), (0, 9));
}

proptest! {
    #[test]
    fn whatever_is_sent_the_record_is_prosts(query in "([a-z_0-9]{1,9}=[ -~é]{0,30}&){0,8}", address: u128, via in 0..3usize) {
        let named = ["txn_id", "amount", "sub1", "click_id", "adv10", "currency", "token"];
        let query = query.replacen('&', &format!("&{}=", named[address as usize % named.len()]), 1);
        let conversion = judged(&query, [Via::Postback, Via::Pixel, Via::Import][via], address);
        let texts = [&conversion.txn_id, &conversion.amount, &conversion.click_id, &conversion.currency];
        prop_assert!(texts.iter().all(|text| !text.chars().any(char::is_control)));
        prop_assert_eq!(conversion.referrer, "https://r.example/");
    }
}

#[test]
fn a_signature_is_held_against_the_clock_and_not_against_the_stamp() {
    let (links, salts) = (links(), Salts::new(keys()));
    let token = keys().postback_token(SiteId(1), ProgramId(3), 1);
    let judged = |now_ms: u64| {
        let mut params = ConversionParams::default();
        params.read("program=3&event=sale");
        let header = signature::sign(&token, 1_000, "/postback", b"");
        let asked = Asked {
            via: Via::Postback,
            host: "localhost",
            params,
            exposed: false,
            malformed: false,
            address: std::net::Ipv4Addr::LOCALHOST.into(),
            user_agent: b"",
            referrer: b"",
            signed: Some(Signed::read(header.as_bytes(), "/postback", b"")),
            flags: 0,
            private: false,
            // Held still, hours ahead of a clock that was set back.
            time_ms: 99_000_000,
            now_ms,
        };
        judge(&links, &salts, asked).verdict
    };
    assert_eq!((judged(1_000_000), judged(2_000_000)), (None, Some(Refusal::BadToken)));
}
