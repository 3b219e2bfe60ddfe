//! Facts: everything the rules ask about sites, programs, plans and links, in memory before a batch
//! is decided.
//!
//! Values only; `facts::store` loads them, `facts::recent` counts a click's conversions. Holds no
//! SQL and decides nothing.

use chrono_tz::Tz;
use hashbrown::HashMap;
use schemas::money::{Currency, Money, Ppm};

pub mod recent;
pub mod store;

pub use store::FactStore;

/// The uniqueness window where a click's program is not known (a store restored behind the log).
pub const DEFAULT_UNIQUE_WINDOW_MS: u64 = 86_400_000;

/// A white-label tenant.
#[derive(Debug, Clone)]
pub struct Site {
    /// Its days are days of this zone.
    pub time_zone: Tz,
}

/// What a plan pays a conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pay {
    /// The same for each.
    Flat(Money),
    /// A share of the order's value.
    Percent(Ppm),
    /// Counted, not paid.
    Nothing,
}

/// Terms of an event of a program, from a moment on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// `affiliate_plan.id`.
    pub id: i64,
    /// What it pays.
    pub pay: Pay,
    /// The currency of the order's value, and of the commission.
    pub currency: Currency,
    /// In force from this millisecond since 1970 on; 0: ever.
    pub valid_from_ms: u64,
}

/// What is promoted, and its terms.
#[derive(Debug, Clone)]
pub struct Program {
    /// `affiliate_program.id`.
    pub id: u32,
    /// The tenant it belongs to.
    pub site: u32,
    /// Of the program's own amounts.
    pub currency: Currency,
    /// Switched off now.
    pub paused: bool,
    /// A conversion counts up to this long after its click.
    pub click_window_ms: u64,
    /// A visitor is unique once in this time.
    pub unique_window_ms: u64,
    /// A commission can be released this long after its event.
    pub hold_ms: u64,
    /// Conversions sooner after the click are refused; `None`: no such rule.
    pub too_fast_ms: Option<u64>,
    /// More conversions of one click within an hour are refused; `None`: no such rule.
    pub velocity_per_hour: Option<u32>,
    /// By event, oldest first.
    pub plans: HashMap<String, Vec<Plan>>,
}

impl Program {
    /// The terms of an event in force at a millisecond: the latest whose beginning is not after it.
    pub fn plan(&self, event: &str, at_ms: u64) -> Option<&Plan> {
        self.plans.get(event)?.iter().rev().find(|plan| plan.valid_from_ms <= at_ms)
    }
}

/// A code owned by an affiliate for a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The tenant it belongs to.
    pub site: u32,
    /// The program it promotes.
    pub program: u32,
    /// Whose it is.
    pub affiliate: u32,
}

/// All facts, as of the last look at PostgreSQL.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// By id.
    pub sites: HashMap<u32, Site>,
    /// By id.
    pub programs: HashMap<u32, Program>,
    /// By id.
    pub links: HashMap<u32, Link>,
}

impl Facts {
    /// The zone of a site's days; UTC for a site not known.
    pub fn time_zone(&self, site: u32) -> Tz {
        self.sites.get(&site).map_or(Tz::UTC, |site| site.time_zone)
    }

    /// The longest uniqueness window of any program: how long claims must be kept.
    pub fn longest_unique_window_ms(&self) -> u64 {
        let windows = self.programs.values().map(|program| program.unique_window_ms);
        windows.max().unwrap_or(0).max(DEFAULT_UNIQUE_WINDOW_MS)
    }
}

#[cfg(test)]
mod tests;
