//! Attribute: is the click named one that earns?
//!
//! The click id is final: the click named is the click, and no other is looked for. Its window is
//! judged by the click's time in the token, never by when either event arrived.

use schemas::reason::{Invalid, Refusal};

use super::{ClickFact, ConversionCase};

/// No click, no commission: none was named, it never came, it led to no link, or it lies in the dead
/// letters.
pub fn reject_unknown_click(case: &mut ConversionCase<'_>) -> Result<(), Refusal> {
    match case.click {
        ClickFact::DeadLettered => Err(Refusal::ClickUnresolved),
        ClickFact::Decided { .. } if case.link.is_some() => Ok(()),
        _ => Err(Refusal::UnknownClick),
    }
}

/// The click must belong to the program that was named or proved.
pub fn reject_foreign_click(case: &mut ConversionCase<'_>) -> Result<(), Refusal> {
    let program = case.program.map(|program| (program.site, program.id));
    let clicked = case.link.map(|link| (link.site, link.program));
    if program == clicked { Ok(()) } else { Err(Refusal::WrongProgram) }
}

/// Clicks with a mark of fraud stay candidates; those nobody was let through with do not.
pub fn reject_blocked_click(case: &mut ConversionCase<'_>) -> Result<(), Refusal> {
    match case.label() {
        Some(Invalid::Cap) => Err(Refusal::Cap),
        Some(label) if !is_signal(label) => Err(Refusal::ClickBlocked),
        _ => Ok(()),
    }
}

/// Whether a click with this label still earns, with the label shown to whoever approves.
pub const fn is_signal(label: Invalid) -> bool {
    match label {
        Invalid::Prefetch
        | Invalid::Bot
        | Invalid::Datacenter
        | Invalid::Proxy
        | Invalid::Velocity => true,
        Invalid::Orphan
        | Invalid::Malformed
        | Invalid::Expired
        | Invalid::Disabled
        | Invalid::Blocked
        | Invalid::Cap => false,
    }
}

/// Within the program's window: the last millisecond of it still counts.
pub fn reject_late(case: &mut ConversionCase<'_>) -> Result<(), Refusal> {
    let window_ms = case.program.map_or(0, |program| program.click_window_ms);
    let late = case.age_ms().is_none_or(|age_ms| age_ms > window_ms);
    if late { Err(Refusal::WindowExpired) } else { Ok(()) }
}

/// Not sooner than the program believes, where it has such a rule.
pub fn reject_hasty(case: &mut ConversionCase<'_>) -> Result<(), Refusal> {
    let least_ms = case.program.and_then(|program| program.too_fast_ms).unwrap_or(0);
    let hasty = case.age_ms().is_some_and(|age_ms| age_ms < least_ms);
    if hasty { Err(Refusal::TooFast) } else { Ok(()) }
}

/// Not more often than the program believes of one visitor (its click), where it has such a rule.
pub fn reject_frequent(case: &mut ConversionCase<'_>) -> Result<(), Refusal> {
    let limit = case.program.and_then(|program| program.velocity_per_hour);
    let recent = match case.click {
        ClickFact::Decided { recent, .. } => recent,
        _ => 0,
    };
    if limit.is_some_and(|limit| recent >= limit) { Err(Refusal::Velocity) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
