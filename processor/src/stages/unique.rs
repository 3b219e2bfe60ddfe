//! Unique: is this the visitor's first in the program's window?
//!
//! Judged under the cookie's key when the visitor brought a cookie, else under the network's; the
//! claim is made under both, so that a visitor is known again either way. A cookie just minted
//! proves nothing about being new: it is claimed, and the network judges. A visitor who asked not to
//! be followed has no key and is never unique, since nothing proves a first visit.

use schemas::{event::Flags, reason::Invalid};

use super::ClickCase;
use crate::{
    facts::DEFAULT_UNIQUE_WINDOW_MS,
    stores::claims::{Claim, Keys},
};

/// Claims the visitor for the program's window.
pub fn put_claim(case: &mut ClickCase<'_>) -> Result<(), Invalid> {
    let event = &case.record.event;
    let minted = event.has(Flags::CookieMinted);
    let keys = Keys {
        cookie: event.visitor_cookie,
        network: event.visitor_network,
        network_previous: event.visitor_network_previous,
        by_cookie: event.visitor_cookie != 0 && !minted,
    };
    let program = case.facts.programs.get(&event.program);
    let claim = Claim {
        partition: case.record.partition,
        site: event.site,
        program: event.program,
        // What was seen is no visit: an impression does not make the click after it a duplicate.
        impression: event.has(Flags::Impression),
        time_ms: event.time_ms,
        window_ms: program.map_or(DEFAULT_UNIQUE_WINDOW_MS, |program| program.unique_window_ms),
        keys,
    };
    case.unique = case.claims.claim(&claim);
    Ok(())
}

#[cfg(test)]
mod tests;
