//! Who a visitor is, for a while: keyed hashes, a shard, and what of the address is kept.
//!
//! Refuses to follow who asked not to be followed (`Sec-GPC`, `DNT`, where the operator honours them):
//! no key, no cookie given or read, and of the address only its network (IPv4 /24, IPv6 /48).

pub mod cookie;

use schemas::{
    ids::SiteId,
    keys::Keys,
    topic::Shard,
    visitor::{Network, VisitorKey, period, previous_period},
};
use std::{
    cell::RefCell,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use cookie::Cookie;

/// The secrets behind visitor keys; the salt of a period is derived once.
#[derive(Debug)]
pub struct Salts {
    keys: Keys,
    shards: VisitorKey,
    salted: RefCell<Option<Salted>>,
}

#[derive(Debug, Clone, Copy)]
struct Salted {
    period: u64,
    now: VisitorKey,
    before: VisitorKey,
}

impl Salts {
    /// Of an installation's keys.
    pub fn new(keys: Keys) -> Self {
        let shards = keys.shards();
        Self { keys, shards, salted: RefCell::new(None) }
    }

    fn at(&self, time_ms: u64) -> (VisitorKey, Option<VisitorKey>) {
        let period = period(time_ms);
        let mut salted = self.salted.borrow_mut();
        let current = match *salted {
            Some(current) if current.period == period => current,
            _ => *salted.insert(Salted {
                period,
                now: self.keys.visitors(period),
                before: self.keys.visitors(period.saturating_sub(1)),
            }),
        };
        (current.now, previous_period(time_ms).map(|_| current.before))
    }
}

/// What identifies a visitor, as a request brought it.
#[derive(Debug, Clone, Copy)]
pub struct Marks<'a> {
    /// Of the client, proxies taken off.
    pub address: IpAddr,
    /// As sent.
    pub user_agent: &'a [u8],
    /// Our cookie, where there was a well-formed one.
    pub cookie: Option<Cookie<'a>>,
    /// Whether to honour a wish not to be followed.
    pub private: bool,
}

/// A visitor as an event keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visitor {
    /// Where the visitor's events go.
    pub shard: Shard,
    /// Key by network; 0 for a private one.
    pub network: u64,
    /// The same under the salt before, near a period's beginning; else 0.
    pub network_previous: u64,
    /// Key by cookie; 0 without one.
    pub cookie: u64,
    /// What is kept of the address.
    pub address: IpAddr,
}

impl Salts {
    /// The visitor of a site at a time.
    pub fn visitor(&self, site: SiteId, marks: &Marks<'_>, time_ms: u64) -> Visitor {
        let Marks { address, user_agent, .. } = *marks;
        let (address, network) = (address.to_canonical(), Network::of(address, user_agent));
        if marks.private {
            let shard = self.shards.shard(site, network);
            let address = network_of(address);
            return Visitor { shard, network: 0, network_previous: 0, cookie: 0, address };
        }
        let (now, before) = self.at(time_ms);
        let shard = match marks.cookie {
            Some(cookie) => cookie.shard,
            None => self.shards.shard(site, network),
        };
        Visitor {
            shard,
            network: now.network(site, network),
            network_previous: before.map_or(0, |key| key.network(site, network)),
            cookie: marks.cookie.map_or(0, |cookie| now.cookie(site, cookie.random.as_bytes())),
            address,
        }
    }

    /// The shard of something that is no visitor: the same text goes to the same shard.
    pub fn shard_of(&self, site: SiteId, text: &[u8]) -> Shard {
        Shard::from_hash(self.shards.cookie(site, text))
    }

    /// The installation's keys.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }
}

/// The /24 or /48 of an address.
fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() & !0xff).into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !((1 << 80) - 1)).into(),
    }
}

#[cfg(test)]
mod tests;
