//! Amount: the value of the order, as money.
//!
//! Written as `12` or `12.50`, with no more decimals than the currency has, in the currency of the
//! terms (a row has one currency, and nothing here changes money), and no larger than `LARGEST_UNITS`:
//! one absurd call must not be the end of every sum. No amount is zero, except where a
//! share of it is due.

use schemas::{
    money::{LARGEST_UNITS, Money},
    reason::Refusal,
};

use super::ConversionCase;
use crate::facts::Pay;

/// Reads the amount.
pub fn put_amount(case: &mut ConversionCase<'_>) -> Result<(), Refusal> {
    let event = &case.record.event;
    let Some(program) = case.program else { return Err(Refusal::UnknownProgram) };
    let currency = case.plan.map_or(program.currency, |plan| plan.currency);
    let said = event.currency.parse().ok();
    if !event.currency.is_empty() && said != Some(currency) {
        return Err(Refusal::BadAmount);
    }
    let share_of_it = case.plan.is_some_and(|plan| matches!(plan.pay, Pay::Percent(_)));
    let amount = match event.amount.as_str() {
        "" if share_of_it => return Err(Refusal::BadAmount),
        "" => Money::from_units(0, currency),
        text => Money::parse(text, currency).map_err(|_| Refusal::BadAmount)?,
    };
    if amount.units() > LARGEST_UNITS {
        return Err(Refusal::BadAmount);
    }
    case.amount = Some(amount);
    Ok(())
}

#[cfg(test)]
mod tests;
