//! Hold: when the commission can be released at the earliest, counted from the event.

use schemas::reason::Refusal;

use super::ConversionCase;

/// Puts the end of the hold.
pub fn put_release_date(case: &mut ConversionCase<'_>) -> Result<(), Refusal> {
    let hold_ms = case.program.map_or(0, |program| program.hold_ms);
    if let Some(commission) = &mut case.commission {
        commission.hold_until_ms = case.record.event.time_ms.saturating_add(hold_ms);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
