//! Lookups: what a request's address, agent, language and referrer say of a visit.
//!
//! All of it is cached and given as words, so that a click met before costs a few hashes. Refuses to
//! judge: that a robot's click is invalid is a rule of `stages`. One `Lookups` for each thread that
//! decides.

use std::{net::IpAddr, path::Path};

use schemas::event::{Click, Conversion};

use crate::{error::Result, facts::Facts, outcome::Dimensions};

pub mod agents;
pub(crate) mod bots;
pub(crate) mod days;
pub(crate) mod places;
pub(crate) mod texts;
pub mod words;

use agents::{Agent, Agents};
use days::Days;
use places::Places;
use texts::Texts;
use words::Words;

/// Words kept before all are forgotten; a bound, since visitors choose referrers.
const MOST_WORDS: usize = 1 << 18;

/// Caches and databases of one deciding thread.
pub struct Lookups {
    words: Words,
    agents: Agents,
    places: Option<Places>,
    texts: Texts,
    days: Days,
}

impl Lookups {
    /// With the database of countries or cities at `geography` (MaxMind's format); without one,
    /// places stay empty.
    ///
    /// # Errors
    /// `Geography` when the file cannot be read, is of another format or holds no countries.
    pub fn open(geography: Option<&Path>) -> Result<Self> {
        let places = geography.map(Places::open).transpose()?;
        Ok(Self {
            words: Words::default(),
            agents: Agents::new(),
            places,
            texts: Texts::new(),
            days: Days::default(),
        })
    }

    /// To be called between batches: words beyond their bound are forgotten, with every cache that
    /// holds them. Outcomes of an earlier batch mean nothing afterwards.
    pub fn begin_batch(&mut self) {
        self.days = Days::default();
        if self.words.count() > MOST_WORDS {
            self.words.restart();
            self.agents.forget();
            self.texts.forget();
            self.places.iter_mut().for_each(Places::forget);
        }
    }

    /// The words of the outcomes given since `begin_batch`.
    pub const fn words(&self) -> &Words {
        &self.words
    }

    /// The day of a moment in a site's reporting time zone, in days since 1970.
    pub fn day(&mut self, site: u32, facts: &Facts, time_ms: u64) -> u16 {
        self.days.of(site, facts, time_ms)
    }

    /// Agent and dimensions of a click or impression.
    pub(crate) fn visit(&mut self, event: &Click) -> (Agent, Dimensions) {
        let agent = self.agents.of(&event.user_agent, &mut self.words);
        let mut dimensions = self.request(&event.address, agent, &event.referrer);
        dimensions.language = self.texts.language(&event.language, &mut self.words);
        (agent, dimensions)
    }

    /// Dimensions of a conversion sent by a browser.
    pub(crate) fn conversion(&mut self, event: &Conversion) -> Dimensions {
        let agent = self.agents.of(&event.user_agent, &mut self.words);
        self.request(&event.address, agent, &event.referrer)
    }

    fn request(&mut self, address: &[u8], agent: Agent, referrer: &str) -> Dimensions {
        let place = self.places.as_mut().zip(address_of(address));
        let place = place.map(|(places, ip)| places.of(ip, &mut self.words)).unwrap_or_default();
        Dimensions {
            country: place.country,
            region: place.region,
            city: place.city,
            device: agent.device,
            os: agent.os,
            browser: agent.browser,
            referrer: self.texts.referrer(referrer, &mut self.words),
            ..Dimensions::default()
        }
    }
}

/// An address of 4 or 16 bytes; `None` where none is kept.
fn address_of(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(bytes).ok().map(|v6| IpAddr::from(v6).to_canonical()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
