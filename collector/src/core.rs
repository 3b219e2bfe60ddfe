//! What one event loop holds: its journal, its clock, its counts, and its view of what all share.
//!
//! Nothing here is locked: a core is one thread. Refuses to be sent to another.

use schemas::{keys::Keys, proxies::Proxies};
use siphasher::sip::SipHasher13;
use std::{
    cell::{Cell, RefCell},
    hash::Hasher,
    rc::Rc,
    sync::Arc,
};

use crate::{
    batch::Batch,
    clock::{self, Clock, HttpDate},
    config::{Config, Cookies, JournalConfig, Privacy},
    connections::Connections,
    error::Result,
    flood::Flood,
    links,
    metrics::{Counts, Metrics},
    request::Sender,
    ship::Shipping,
    slot::Slot,
    visit::Visits,
    visitor::Salts,
};

/// What all cores share and none changes.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    /// Settings.
    pub config: Arc<Config>,
    /// Secrets.
    pub keys: Keys,
    /// The picture of the links.
    pub links: links::Shared,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// What the shipper and the cores tell each other.
    pub shipping: Shipping,
    /// The country database, where there is one.
    pub visits: Arc<Visits>,
}

/// See the module.
pub(crate) struct Core {
    /// The picture of the links, swapped by the feed.
    pub links: links::Shared,
    /// The journal and what is staged for it.
    pub batch: Batch,
    /// Stamps.
    pub clock: Clock,
    /// The `Date` of this second's answers.
    pub date: Cell<HttpDate>,
    /// What was counted since the last second.
    pub counts: Counts,
    /// Secrets of visitors and click ids.
    pub salts: Salts,
    /// The journal's id, for click ids.
    pub journal: u64,
    /// Where the journal comes from.
    pub slot: Slot,
    /// Who is connected.
    pub connections: Rc<Connections>,
    /// Whom to believe.
    pub proxies: Proxies,
    /// Whether what came unencrypted from another machine is taken as if it had not.
    allows_plain_http: bool,
    /// Whether wishes not to be followed are honoured.
    pub privacy: Privacy,
    /// Whether visitors get a cookie.
    pub cookies: Cookies,
    /// When events count as kept.
    pub acks: JournalConfig,
    /// Orphans by address.
    pub orphans: Flood,
    /// Refused conversions by address.
    pub refusals: Flood,
    /// Events by visitor.
    pub busy: Flood,
    /// What some destinations ask about a visitor.
    pub visits: Arc<Visits>,
    /// Where a destination is filled.
    pub scratch: RefCell<Vec<u8>>,
    random: Random,
}

impl Core {
    /// Over a slot and its fresh journal, unless there was no room for one.
    pub(crate) fn new(
        shared: &Shared,
        slot: Slot,
        writer: Option<journal::Writer>,
    ) -> Result<Self> {
        let config = &shared.config;
        let mut secrets = [[0; 16]; 4];
        getrandom::fill(secrets.as_flattened_mut())?;
        let clock = Clock::default();
        clock.raise(writer.as_ref().map_or(0, journal::Writer::stamp_ms));
        Ok(Self {
            links: Arc::clone(&shared.links),
            clock,
            date: Cell::new(clock::http_date()),
            journal: slot.journal(),
            batch: Batch::new(slot.partitions(), writer, slot.journal(), shared),
            slot,
            counts: Counts::default(),
            salts: Salts::new(shared.keys.clone()),
            connections: Rc::new(Connections::new(config.limits.connections)),
            proxies: Proxies::new(config.visitors.trusted_proxies.clone()),
            allows_plain_http: config.insecure_http,
            privacy: config.visitors.privacy,
            cookies: config.visitors.cookies,
            acks: config.journal.clone(),
            orphans: Flood::per_minute(secrets[0], config.limits.orphans_per_minute),
            refusals: Flood::per_minute(secrets[1], config.limits.refusals_per_minute),
            busy: Flood::per_second(secrets[2], config.limits.spread_per_second),
            visits: Arc::clone(&shared.visits),
            scratch: RefCell::default(),
            random: Random { key: secrets[3], drawn: Cell::new(0) },
        })
    }

    /// Whether a request came unencrypted from another machine, and the operator does not put up with that.
    pub(crate) fn is_exposed(&self, sender: &Sender<'_>) -> bool {
        sender.is_exposed && !self.allows_plain_http
    }

    /// A number nobody can foretell, another one every time.
    pub(crate) fn random(&self) -> u64 {
        self.random.draw()
    }
}

/// Random numbers at the price of a hash: a keyed function of a counter.
struct Random {
    key: [u8; 16],
    drawn: Cell<u64>,
}

impl Random {
    fn draw(&self) -> u64 {
        let drawn = self.drawn.get();
        self.drawn.set(drawn + 1);
        let mut hasher = SipHasher13::new_with_key(&self.key);
        hasher.write_u64(drawn);
        hasher.finish()
    }
}
