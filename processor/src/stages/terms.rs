//! Terms: whose conversion it is, and which of the program's terms are in force at its millisecond.

use schemas::reason::Refusal;

use super::{ClickFact, ConversionCase, attribute};

/// Finds the program (the one named or proved, else the click's) and its terms for the event.
pub fn put_program(case: &mut ConversionCase<'_>) -> Result<(), Refusal> {
    let event = &case.record.event;
    let number = match event.program {
        0 => case.link.map_or(0, |link| link.program),
        named => named,
    };
    let program = case.facts.programs.get(&number).filter(|program| program.site == event.site);
    case.program = program;
    case.plan = program.and_then(|program| program.plan(&event.event, event.time_ms));
    Ok(())
}

/// The program's events are those of its plans; one whose first plan begins later is not known yet.
pub fn reject_unknown_event(case: &mut ConversionCase<'_>) -> Result<(), Refusal> {
    case.plan.map(|_| ()).ok_or(Refusal::UnknownEvent)
}

/// A pause is judged at the click: one accepted before it is honoured through its window, so a
/// paused program refuses only what has no such click.
pub fn reject_paused(case: &mut ConversionCase<'_>) -> Result<(), Refusal> {
    let paused = case.program.is_some_and(|program| program.paused);
    let accepted = matches!(case.click, ClickFact::Decided { label, .. }
        if label.is_none_or(attribute::is_signal));
    if paused && !accepted { Err(Refusal::ProgramPaused) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
