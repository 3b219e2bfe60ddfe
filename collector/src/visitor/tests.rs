//! Keys, shards and what privacy leaves of them.

use schemas::visitor::{OVERLAP_MS, PERIOD_MS};

use super::*;

const SITE: SiteId = SiteId(1);

fn salts() -> Salts {
    Salts::new(Keys::parse(&Keys::line(1, &[7; 32])).unwrap())
}

fn marks(address: &str, private: bool) -> Marks<'static> {
    Marks { address: address.parse().unwrap(), user_agent: b"agent", cookie: None, private }
}

#[test]
fn near_a_periods_beginning_the_key_before_goes_along() {
    let salts = salts();
    let of = |time_ms| salts.visitor(SITE, &marks("192.0.2.1", false), time_ms);
    let last = of(9 * PERIOD_MS - 1);
    let first = of(9 * PERIOD_MS);
    assert_eq!(first.network_previous, last.network);
    assert_ne!(first.network, last.network);
    assert_eq!(of(9 * PERIOD_MS + OVERLAP_MS).network_previous, 0);
    assert_eq!(of(9 * PERIOD_MS + OVERLAP_MS).network, first.network);
}

#[test]
fn the_cookie_brings_its_shard_and_keeps_it() {
    let salts = salts();
    let value = cookie::mint(Shard::new(77).unwrap(), [1; 16]);
    let value = std::str::from_utf8(&value).unwrap();
    let with = Marks { cookie: Cookie::parse(value), ..marks("192.0.2.1", false) };
    let visitor = salts.visitor(SITE, &with, 5);
    assert_eq!(visitor.shard.get(), 77);
    assert_ne!(visitor.cookie, 0);
    let elsewhere = Marks { cookie: Cookie::parse(value), ..marks("198.51.100.1", false) };
    assert_eq!(salts.visitor(SITE, &elsewhere, 5).cookie, visitor.cookie);
    assert_eq!(salts.visitor(SITE, &marks("192.0.2.1", false), 5).cookie, 0);
}

#[test]
fn who_asks_not_to_be_followed_leaves_a_network_only() {
    let visitor = salts().visitor(SITE, &marks("192.0.2.77", true), 5);
    assert_eq!((visitor.network, visitor.network_previous, visitor.cookie), (0, 0, 0));
    assert_eq!(visitor.address.to_string(), "192.0.2.0");
    let v6 = salts().visitor(SITE, &marks("2001:db8:1:2::9", true), 5);
    assert_eq!(v6.address.to_string(), "2001:db8:1::");
}
