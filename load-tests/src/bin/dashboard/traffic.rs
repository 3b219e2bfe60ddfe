//! Clicks and conversions as a collector would have written them, in the order of time.

use std::{cmp::Reverse, collections::BinaryHeap, fmt::Write, net::IpAddr};

use load_tests::generate::{Random, Visit};
use processor::facts::Facts;
use schemas::{
    event::{Click, ClickRef, Conversion, Flags},
    ids::PLATFORM,
    keys::Keys,
    visitor::{self, Network, VisitorKey},
};

use crate::seed::EVENTS;

/// The keys of this journal.
pub(crate) const KEYS: &str = "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
/// Its id.
pub(crate) const JOURNAL: u64 = 0x0102_0304_0506_0708;

/// Preferred languages, the common ones more than once.
const LANGUAGES: [&str; 16] = [
    "en-US,en;q=0.9",
    "en-US,en;q=0.9",
    "en-GB,en",
    "en-US,en;q=0.9",
    "de-DE,de;q=0.9",
    "de-DE,de;q=0.9",
    "fr-FR,fr;q=0.8",
    "fr-FR,fr;q=0.8",
    "es-ES,es",
    "pt-BR,pt",
    "it-IT,it",
    "nl-NL",
    "pl-PL,pl",
    "ja-JP",
    "zh-CN,zh",
    "",
];
const SOURCES: [&str; 8] = ["", "", "", "google", "facebook", "newsletter", "tiktok", "bing"];
/// sub1 to sub3: a word, how many values each affiliate has, the share of clicks that have one. Campaign, placement and
/// ad, say.
const SUBS: [(&str, usize, f64); 3] = [("campaign", 20, 0.6), ("slot", 5, 0.3), ("ad", 300, 0.2)];
/// Share of valid visits that lead to a conversion.
const CONVERTING: f64 = 0.013;
/// Share of conversions that a shop sends a second time.
const REPEATED: f64 = 0.03;
/// Mean time from click to conversion.
const DELAY_MS: f64 = 4.0 * 3_600_000.0;

/// Makes them.
pub(crate) struct Traffic<'a> {
    keys: Keys,
    shards: VisitorKey,
    facts: &'a Facts,
    random: Random,
    period: u64,
    salt: Option<VisitorKey>,
    waiting: BinaryHeap<Reverse<Later>>,
    converted: u64,
}

/// A conversion that is to come: when, and of which click.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Later {
    time_ms: u64,
    n: u64,
    /// Its transaction was sent before.
    is_repeat: bool,
    /// Time, shard, seq and link.
    click: (u64, u32, u64, u32),
}

impl<'a> Traffic<'a> {
    /// Of links as the facts have them.
    pub(crate) fn new(facts: &'a Facts) -> anyhow::Result<Self> {
        let keys = Keys::parse(KEYS)?;
        Ok(Self {
            shards: keys.shards(),
            keys,
            facts,
            random: Random::new(7),
            period: u64::MAX,
            salt: None,
            waiting: BinaryHeap::new(),
            converted: 0,
        })
    }

    /// Writes a visit's click into `click`, whose buffers are used again.
    pub(crate) fn click(&mut self, visit: &Visit, click: &mut Click) {
        let agent = visit.user_agent.as_bytes();
        let period = visitor::period(visit.time_ms);
        if self.period != period {
            self.period = period;
            self.salt = Some(self.keys.visitors(period));
        }
        let network = Network::of(visit.address, agent);
        click.site = PLATFORM.get();
        click.link = visit.link + 1;
        let link = self.facts.links.get(&click.link);
        click.program = link.map_or(0, |link| link.program);
        click.affiliate = link.map_or(0, |link| link.affiliate);
        click.time_ms = visit.time_ms;
        click.shard = self.shards.shard(PLATFORM, network).get().into();
        click.flags = if visit.head { Flags::Head as u32 } else { 0 };
        click.visitor_network = self.salt.map_or(0, |salt| salt.network(PLATFORM, network));
        click.address.clear();
        match visit.address {
            IpAddr::V4(v4) => click.address.extend(v4.octets()),
            IpAddr::V6(v6) => click.address.extend(v6.octets()),
        }
        put(&mut click.user_agent, visit.user_agent);
        put(&mut click.referrer, visit.referrer);
        put(&mut click.language, LANGUAGES[self.random.below(LANGUAGES.len())]);
        // Who comes from somewhere comes with its name.
        put(&mut click.source, SOURCES[visit.referrer.len() % SOURCES.len()]);
        click.key_version = 1;
        self.put_subs(click);
    }

    /// Few values take most, as with links.
    fn put_subs(&mut self, click: &mut Click) {
        click.sub.resize(SUBS.len(), String::new());
        for (sub, (name, values, share)) in click.sub.iter_mut().zip(SUBS) {
            sub.clear();
            if self.random.chance(share) {
                // The n-th value in proportion to about 1/n.
                let value = (values as f64).powf(self.random.share()) as usize;
                // A String takes everything.
                let _ = write!(sub, "{name}-{}-{value}", click.affiliate);
            }
        }
    }

    /// A valid click may lead to something later.
    pub(crate) fn follow(&mut self, click: &Click, seq: u64) {
        if !self.random.chance(CONVERTING) {
            return;
        }
        let delay = -(1.0 - self.random.share()).ln() * DELAY_MS;
        let time_ms = click.time_ms + 1_000 + delay as u64;
        self.converted += 1;
        let n = self.converted;
        let click = (click.time_ms, click.shard, seq, click.link);
        self.waiting.push(Reverse(Later { time_ms, n, is_repeat: false, click }));
        if self.random.chance(REPEATED) {
            let time_ms = time_ms + 60_000;
            self.waiting.push(Reverse(Later { time_ms, n, is_repeat: true, click }));
        }
    }

    /// The next conversion that happened before a time, and whether its transaction was sent before.
    pub(crate) fn conversion(&mut self, before_ms: u64) -> Option<(Conversion, bool)> {
        if self.waiting.peek().is_none_or(|Reverse(later)| later.time_ms >= before_ms) {
            return None;
        }
        let Reverse(Later { time_ms, n, is_repeat, click }) = self.waiting.pop()?;
        let (click_ms, shard, seq, link) = click;
        let of = ClickRef {
            key_version: 1,
            time_ms: click_ms,
            shard,
            journal: (JOURNAL & 0xf_ffff) as u32,
            seq,
            link,
        };
        let sale = !n.is_multiple_of(3);
        let conversion = Conversion {
            site: PLATFORM.get(),
            program: self.facts.links.get(&link).map_or(0, |link| link.program),
            time_ms,
            shard,
            via: 1,
            flags: Flags::Trusted as u32,
            event: EVENTS[usize::from(!sale)].to_owned(),
            txn_id: format!("order-{n}"),
            amount: if sale {
                format!("{}.{:02}", 5 + n * 37 % 250, n % 100)
            } else {
                String::new()
            },
            currency: "EUR".to_owned(),
            click: Some(of),
            ..Conversion::default()
        };
        Some((conversion, is_repeat))
    }
}

/// The same text without another allocation.
fn put(to: &mut String, text: &str) {
    to.clear();
    to.push_str(text);
}
