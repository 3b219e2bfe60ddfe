//! Bytes of an event written by the first version are read for ever.

use data_encoding::HEXLOWER;
use schemas::event::{Click, ClickRef, Conversion, Message};

fn click() -> Click {
    Click {
        site: 1,
        link: 42,
        program: 7,
        affiliate: 9,
        time_ms: 1_795_000_000_123,
        shard: 4095,
        verdict: 3,
        flags: 9,
        visitor_network: u64::MAX,
        visitor_network_previous: 1,
        visitor_cookie: 2,
        address: vec![192, 0, 2, 1],
        user_agent: "Mozilla/5.0".into(),
        referrer: "https://example.com/é".into(),
        language: "fr".into(),
        code: String::new(),
        host: "go.example.com".into(),
        sub: vec!["a".into(), String::new(), "c".into()],
        source: "mail".into(),
        aff_click_id: "x1".into(),
        coupon: "SPRING".into(),
        destination: "https://shop.example/?c=1".into(),
        rule: 2,
        link_version: 5,
        key_version: 1,
    }
}

fn conversion() -> Conversion {
    Conversion {
        site: 1,
        program: 7,
        time_ms: 1_795_000_100_000,
        shard: 4095,
        via: 1,
        flags: 64,
        event: "sale".into(),
        txn_id: "T-1".into(),
        amount: "12.50".into(),
        currency: "EUR".into(),
        click: Some(ClickRef {
            key_version: 1,
            time_ms: 1_795_000_000_123,
            shard: 4095,
            journal: 0xfffff,
            seq: 3,
            link: 42,
        }),
        ..Conversion::default()
    }
}

/// Every field set, to something that is no other field's.
fn whole_conversion() -> Conversion {
    let numbered = |word: &str| (1..=10).map(|n| format!("{word}{n}")).collect();
    Conversion {
        site: 1,
        program: 7,
        time_ms: 1_795_000_100_000,
        shard: 4095,
        via: 2,
        verdict: 33,
        flags: 64 | 4,
        event: "sale".into(),
        txn_id: "T-1".into(),
        amount: "12.50".into(),
        payout: "1.25".into(),
        revenue: "2.50".into(),
        currency: "EUR".into(),
        status: "approved".into(),
        click: conversion().click,
        click_id: "another-trackers".into(),
        sub: numbered("sub"),
        adv: numbered("adv"),
        source: "news".into(),
        coupon: "SPRING".into(),
        customer_id: "C-9".into(),
        address: vec![192, 0, 2, 1],
        user_agent: "Mozilla/5.0".into(),
        referrer: "https://adv.example/thanks".into(),
        revision: 2,
    }
}

#[test]
fn a_conversion_with_every_field_reads_for_ever() -> Result<(), Box<dyn std::error::Error>> {
    let kept = include_str!("golden/conversion_whole_v1.hex").trim();
    assert_eq!(HEXLOWER.encode(&whole_conversion().encode_to_vec()), kept);
    let read = Conversion::decode(HEXLOWER.decode(kept.as_bytes())?.as_slice())?;
    assert_eq!(read, whole_conversion());
    Ok(())
}

#[test]
fn an_event_of_the_first_version_reads_for_ever() -> Result<(), Box<dyn std::error::Error>> {
    let kept = include_str!("golden/click_v1.hex").trim();
    assert_eq!(HEXLOWER.encode(&click().encode_to_vec()), kept);
    assert_eq!(Click::decode(HEXLOWER.decode(kept.as_bytes())?.as_slice())?, click());
    let kept = include_str!("golden/conversion_v1.hex").trim();
    assert_eq!(HEXLOWER.encode(&conversion().encode_to_vec()), kept);
    assert_eq!(Conversion::decode(HEXLOWER.decode(kept.as_bytes())?.as_slice())?, conversion());
    Ok(())
}

#[test]
fn a_field_of_a_later_version_is_passed_over() -> Result<(), Box<dyn std::error::Error>> {
    let mut bytes = conversion().encode_to_vec();
    // Field 4000, a string of two bytes.
    bytes.extend([0x82, 0xfa, 0x01, 2, b'h', b'i']);
    assert_eq!(Conversion::decode(bytes.as_slice())?, conversion());
    Ok(())
}
