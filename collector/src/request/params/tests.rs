//! Names and aliases as a table.

use super::*;

fn click(query: &str) -> ClickParams<'_> {
    ClickParams::read(query)
}

fn conversion(query: &str) -> ConversionParams<'_> {
    let mut params = ConversionParams::default();
    params.read(query);
    params
}

#[test]
fn every_alias_of_a_sub_id_is_taken() {
    for (key, n) in [
        ("sub1", 0),
        ("sub10", 9),
        ("aff_sub", 0),
        ("aff_sub2", 1),
        ("aff_sub10", 9),
        ("s1", 0),
        ("s5", 4),
        ("t1", 0),
        ("t10", 9),
        ("sub_id_1", 0),
        ("sub_id_10", 9),
    ] {
        assert_eq!(click(&format!("{key}=v")).sub[n].get(), "v", "{key}");
    }
    for key in ["sub0", "sub11", "sub01", "s6", "sub", "t0", "aff_sub1", "sub_id_", "Sub1", ""] {
        let query = format!("{key}=v");
        assert!(click(&query).sub.iter().all(|slot| slot.get().is_empty()), "{key}");
    }
}

#[test]
fn a_canonical_name_wins_and_of_equals_the_first_that_says_something() {
    assert_eq!(click("s1=alias&sub1=own").sub[0].get(), "own");
    assert_eq!(click("sub1=own&s1=alias").sub[0].get(), "own");
    assert_eq!(click("sub1=one&sub1=two").sub[0].get(), "one");
    assert_eq!(click("sub1=&sub1=two").sub[0].get(), "two");
    assert_eq!(click("source_id=a&source=b").source.get(), "b");
}

#[test]
fn every_alias_of_a_conversion_is_taken() {
    for key in
        ["click_id", "clickid", "cid", "transaction_id", "subid", "cnv_id", "clickId", "dub_id"]
    {
        assert_eq!(conversion(&format!("{key}=v")).click_id.get(), "v", "{key}");
    }
    for key in
        ["txn_id", "txid", "tid", "order_id", "conversion_unique_id", "action_id", "invoiceId"]
    {
        assert_eq!(conversion(&format!("{key}=v")).txn_id.get(), "v", "{key}");
    }
    for key in ["event", "event_id", "goal", "goal_id", "et", "eventName"] {
        assert_eq!(conversion(&format!("{key}=v")).event.get(), "v", "{key}");
    }
    for key in ["token", "security_token", "secure"] {
        assert_eq!(conversion(&format!("{key}=v")).token.get(), "v", "{key}");
    }
    let rest = conversion(
        "program=p&amount=1&revenue=2&payout=3&currency=EUR&status=s&sub1=a&adv1=b&adv10=c&coupon=d&customer_id=e",
    );
    let values = [
        &rest.program,
        &rest.amount,
        &rest.revenue,
        &rest.payout,
        &rest.currency,
        &rest.status,
        &rest.sub[0],
        &rest.adv[0],
        &rest.adv[9],
        &rest.coupon,
        &rest.customer_id,
    ];
    assert_eq!(values.map(Slot::get), ["p", "1", "2", "3", "EUR", "s", "a", "b", "c", "d", "e"]);
}

#[test]
fn a_pair_that_cannot_be_kept_exactly_is_malformed() {
    for query in ["txn_id=%", "txn_id=%00", "txn_id=%ff", "amount=a%0d%0ab", "sub1=%e2%28%a1"] {
        assert!(conversion(query).malformed, "{query}");
    }
    let long = format!("txn_id={}", "x".repeat(256));
    assert!(conversion(&long).malformed);
    assert!(!conversion(&"a=b&".repeat(200)).malformed);
    assert!(conversion(&format!("{}x", "a=b&".repeat(200))).malformed);
    assert!(!conversion("txn_id=a%20b&unknown=%ff").malformed);
}

#[test]
fn a_secret_is_taken_out_of_every_value() {
    let mut params =
        conversion("txn_id=xSECRETy&sub3=SECRET&adv2=1SECRET&customer_id=SECRETSECRET");
    params.strip("SECRET");
    let values =
        [&params.txn_id, &params.sub[2], &params.adv[1], &params.customer_id].map(Slot::get);
    assert_eq!(values, ["xy", "", "1", ""]);
}

#[test]
fn utm_keys_are_plain_and_bounded() {
    let query = "utm_source=a%20b&utm_x%0d=1&UTM_y=2&utm_medium=&utm_campaign=c";
    let found: Vec<_> = utm(query)
        .map(|(key, value)| (key, String::from_utf8(value.into_owned()).unwrap()))
        .collect();
    assert_eq!(found, [("utm_source", "a b".to_owned()), ("utm_campaign", "c".to_owned())]);
}
