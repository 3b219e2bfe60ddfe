//! Visits that look like real ones, as many as are asked for: few links take most of them, robots and
//! people who come back among them, busy by day and quiet by night.
//!
//! Agents, referrers and networks are the real log's, in its proportions. Deterministic: the same
//! shape gives the same visits, so two systems can be measured with the same traffic. Refuses to read
//! a clock.

mod corpus;
mod random;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use corpus::{CORPUS, Corpus};
pub use random::Random;

/// Visitors that may come back: the latest so many.
const REMEMBERED: usize = 1 << 16;
const HOUR_MS: u64 = 3_600_000;

/// Share of a day's mean rate in each hour, UTC: a Western public, in thousandths.
const DAY: [u64; 24] = [
    550, 450, 380, 340, 350, 420, 580, 800, 1050, 1250, 1350, 1400, 1380, 1350, 1380, 1420, 1430,
    1400, 1380, 1400, 1380, 1250, 1000, 730,
];

/// What kind of traffic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// Chooses the sequence.
    pub seed: u64,
    /// Links, by popularity: the n-th gets in proportion to 1/n.
    pub links: u32,
    /// Share of robots, 0 to 1.
    pub bots: f64,
    /// Share of visits by somebody who was there before, 0 to 1.
    pub returning: f64,
    /// Share of IPv6, 0 to 1.
    pub ipv6: f64,
    /// The first visit's time, milliseconds since 1970.
    pub start_ms: u64,
    /// Mean visits a second over a day.
    pub per_second: f64,
}

impl Default for Shape {
    /// 10,000 links, 15 % robots, 35 % returning, 20 % IPv6, 1,000 a second from 1 January 2026.
    fn default() -> Self {
        Self {
            seed: 1,
            links: 10_000,
            bots: 0.15,
            returning: 0.35,
            ipv6: 0.2,
            start_ms: 1_767_225_600_000,
            per_second: 1000.0,
        }
    }
}

/// One visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visit {
    /// Milliseconds since 1970, never decreasing.
    pub time_ms: u64,
    /// The link's rank, from 0.
    pub link: u32,
    /// The visitor's.
    pub address: IpAddr,
    /// As sent; may be empty.
    pub user_agent: &'static str,
    /// As sent; may be empty.
    pub referrer: &'static str,
    /// A HEAD.
    pub head: bool,
}

/// Visits without end.
#[derive(Debug)]
pub struct Visits {
    shape: Shape,
    random: Random,
    /// Cumulative weights of the links.
    links: Vec<f64>,
    corpus: &'static Corpus,
    time_ms: f64,
    recent: Vec<(IpAddr, &'static str)>,
    oldest: usize,
}

impl Visits {
    /// Of a shape.
    pub fn new(shape: Shape) -> Self {
        let mut total = 0.0;
        let weights = (1..=shape.links.max(1)).map(|rank| {
            total += 1.0 / f64::from(rank);
            total
        });
        Self {
            links: weights.collect(),
            random: Random::new(shape.seed),
            corpus: &CORPUS,
            time_ms: shape.start_ms as f64,
            recent: Vec::new(),
            oldest: 0,
            shape,
        }
    }

    fn link(&mut self) -> u32 {
        let total = self.links[self.links.len() - 1];
        let chosen = self.random.share() * total;
        let rank = self.links.partition_point(|weight| *weight <= chosen);
        rank.min(self.links.len() - 1) as u32
    }

    fn visitor(&mut self) -> (IpAddr, &'static str) {
        if !self.recent.is_empty() && self.random.chance(self.shape.returning) {
            return self.recent[self.random.below(self.recent.len())];
        }
        let agents = if self.random.chance(self.shape.bots) {
            &self.corpus.robots
        } else {
            &self.corpus.people
        };
        let visitor = (self.address(), agents[self.random.below(agents.len())]);
        if self.recent.len() < REMEMBERED {
            self.recent.push(visitor);
        } else {
            self.recent[self.oldest] = visitor;
            self.oldest = (self.oldest + 1) % REMEMBERED;
        }
        visitor
    }

    /// A host of one of the log's networks, or a made-up one of IPv6's.
    fn address(&mut self) -> IpAddr {
        let host = self.random.next();
        if self.random.chance(self.shape.ipv6) {
            let network = 0x2a00_0000_0000_0000 | host >> 8 & 0x00ff_ffff_ffff_0000;
            return Ipv6Addr::from_bits(u128::from(network) << 64 | u128::from(host)).into();
        }
        let network = self.corpus.networks[self.random.below(self.corpus.networks.len())];
        Ipv4Addr::from_bits(network | host as u32 & 0xffff).into()
    }

    /// Exponential gaps at the hour's rate.
    fn advance(&mut self) {
        let hour = (self.time_ms as u64 / HOUR_MS % 24) as usize;
        let mean: u64 = DAY.iter().sum::<u64>() / 24;
        let rate = self.shape.per_second * DAY[hour] as f64 / mean as f64;
        let gap = -(1.0 - self.random.share()).ln() * 1000.0 / rate.max(1e-6);
        self.time_ms += gap.min(HOUR_MS as f64);
    }
}

impl Iterator for Visits {
    type Item = Visit;

    fn next(&mut self) -> Option<Visit> {
        let (address, user_agent) = self.visitor();
        let referrer = self.corpus.referrers[self.random.below(self.corpus.referrers.len())];
        let visit = Visit {
            time_ms: self.time_ms as u64,
            link: self.link(),
            address,
            user_agent,
            referrer,
            head: self.random.chance(0.005),
        };
        self.advance();
        Some(visit)
    }
}

#[cfg(test)]
mod tests;
