//! Visitor keys: keyed hashes that say "the same visitor" for a while and nothing else.
//!
//! A network key is SipHash-1-3 over (site, address prefix, xxh3 of the user agent); a cookie key is
//! over (site, the cookie's random part). Salts rotate by period, so that no key follows a person
//! for long; near a period's beginning an event also carries the key under the salt before, so that
//! a uniqueness window is not cut in two. Refuses to keep an address.

use siphasher::sip::SipHasher13;
use std::{hash::Hasher, net::IpAddr};
use xxhash_rust::xxh3::xxh3_64;

use crate::{ids::SiteId, topic::Shard};

/// How long one salt serves.
pub const PERIOD_MS: u64 = 30 * 24 * 3600 * 1000;
/// How long after its beginning events carry the key under the salt before as well: the longest
/// uniqueness window a program may choose.
pub const OVERLAP_MS: u64 = 7 * 24 * 3600 * 1000;

/// The period of a time, both in milliseconds since 1970.
pub const fn period(time_ms: u64) -> u64 {
    time_ms / PERIOD_MS
}

/// The period before, while a window may still reach into it.
pub const fn previous_period(time_ms: u64) -> Option<u64> {
    let now = period(time_ms);
    if time_ms % PERIOD_MS < OVERLAP_MS && now > 0 { Some(now - 1) } else { None }
}

/// What tells a visitor without a cookie from others: where they come from, and with what.
#[derive(Debug, Clone, Copy)]
pub struct Network {
    address: IpAddr,
    /// xxh3 of the user agent.
    agent: u64,
}

impl Network {
    /// Of an address and a user agent as sent.
    pub fn of(address: IpAddr, user_agent: &[u8]) -> Self {
        Self { address: address.to_canonical(), agent: xxh3_64(user_agent) }
    }
}

/// A key of SipHash-1-3 for visitors or shards.
#[derive(Clone, Copy)]
pub struct VisitorKey([u8; 16]);

impl std::fmt::Debug for VisitorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VisitorKey(..)")
    }
}

impl VisitorKey {
    /// From 16 secret bytes.
    pub const fn new(key: [u8; 16]) -> Self {
        Self(key)
    }

    /// The key of a visitor by network: address prefix (IPv4 /24, IPv6 /48) and user agent. Never 0.
    pub fn network(&self, site: SiteId, network: Network) -> u64 {
        let mut hasher = self.hasher(site, 1);
        match network.address {
            IpAddr::V4(v4) => hasher.write(&v4.octets()[..3]),
            IpAddr::V6(v6) => hasher.write(&v6.octets()[..6]),
        }
        hasher.write_u64(network.agent);
        hasher.finish().max(1)
    }

    /// The key of a visitor by first-party cookie. Never 0.
    pub fn cookie(&self, site: SiteId, cookie: &[u8]) -> u64 {
        let mut hasher = self.hasher(site, 2);
        hasher.write(cookie);
        hasher.finish().max(1)
    }

    /// The shard of a visitor by network (with the key of `Keys::shards`).
    pub fn shard(&self, site: SiteId, network: Network) -> Shard {
        Shard::from_hash(self.network(site, network))
    }

    fn hasher(&self, site: SiteId, kind: u8) -> SipHasher13 {
        let mut hasher = SipHasher13::new_with_key(&self.0);
        hasher.write_u8(kind);
        hasher.write_u32(site.get());
        hasher
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: VisitorKey = VisitorKey::new([7; 16]);

    fn network(site: u32, address: &str, agent: &str) -> u64 {
        KEY.network(SiteId(site), Network::of(address.parse().unwrap(), agent.as_bytes()))
    }

    #[test]
    fn a_visitor_is_an_address_prefix_and_an_agent_on_one_site() {
        let one = network(1, "192.0.2.1", "a");
        assert_eq!(one, network(1, "192.0.2.200", "a"));
        assert_eq!(one, network(1, "::ffff:192.0.2.1", "a"));
        assert_ne!(one, network(1, "192.0.3.1", "a"));
        assert_ne!(one, network(1, "192.0.2.1", "b"));
        assert_ne!(one, network(2, "192.0.2.1", "a"));
        assert_eq!(network(1, "2001:db8:1:2::1", "a"), network(1, "2001:db8:1:ffff::9", "a"));
        assert_ne!(network(1, "2001:db8:1::1", "a"), network(1, "2001:db8:2::1", "a"));
    }

    #[test]
    fn the_salt_before_is_used_near_the_beginning_of_a_period_only() {
        assert_eq!(previous_period(5 * PERIOD_MS), Some(4));
        assert_eq!(previous_period(5 * PERIOD_MS + OVERLAP_MS - 1), Some(4));
        assert_eq!(previous_period(5 * PERIOD_MS + OVERLAP_MS), None);
        assert_eq!(previous_period(0), None);
    }
}
