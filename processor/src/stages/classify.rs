//! Classify: what speaks against an event before anything is asked of the stores.
//!
//! A click's reasons are gathered from the collector's verdict, the request's flags and its agent;
//! the first of the published precedence is the one recorded.

use schemas::{
    event::Flags,
    reason::{Invalid, Refusal},
};

use super::{ClickCase, ConversionCase};

/// Refuses a click with anything against it.
pub fn reject_invalid(case: &mut ClickCase<'_>) -> Result<(), Invalid> {
    let event = &case.record.event;
    let orphan = (event.link == 0).then_some(Invalid::Orphan);
    let fetched_ahead = event.has(Flags::Head) || event.has(Flags::Prefetch);
    let prefetch = fetched_ahead.then_some(Invalid::Prefetch);
    let bot = case.agent.bot.then_some(Invalid::Bot);
    let reasons = [orphan, verdict(event.verdict), prefetch, bot];
    reasons.into_iter().flatten().min().map_or(Ok(()), Err)
}

/// A collector of a later version may know reasons that this one does not: the click stays invalid.
fn verdict(code: u32) -> Option<Invalid> {
    match code {
        0 => None,
        code => Some(Invalid::from_code(code).unwrap_or(Invalid::Malformed)),
    }
}

/// Refuses a conversion the collector has judged already (malformed, token, address, click id), and
/// one that belongs to no program of its site.
pub fn reject_judged(case: &mut ConversionCase<'_>) -> Result<(), Refusal> {
    let judged = match case.record.event.verdict {
        0 => None,
        code => Some(Refusal::from_code(code).unwrap_or(Refusal::Malformed)),
    };
    let nobodys = case.program.is_none().then_some(Refusal::UnknownProgram);
    [judged, nobodys].into_iter().flatten().min().map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests;
