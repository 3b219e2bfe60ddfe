//! Price: what the plan in force pays. All arithmetic is `Money`'s.

use schemas::{
    money::{LARGEST_UNITS, Money},
    reason::Refusal,
};

use super::ConversionCase;
use crate::{facts::Pay, outcome::CommissionLine};

/// Puts the commission; none where the plan pays nothing, or a share of nothing.
pub fn put_commission(case: &mut ConversionCase<'_>) -> Result<(), Refusal> {
    let Some((plan, order)) = case.plan.zip(case.amount) else { return Ok(()) };
    let amount = match plan.pay {
        Pay::Flat(amount) => amount,
        Pay::Percent(rate) => order.share(rate).map_err(|_| Refusal::BadAmount)?,
        Pay::Nothing => Money::from_units(0, plan.currency),
    };
    if amount.units() > LARGEST_UNITS {
        return Err(Refusal::BadAmount);
    }
    if amount.units() > 0 {
        let hold_until_ms = case.record.event.time_ms;
        case.commission = Some(CommissionLine { plan: plan.id, amount, hold_until_ms });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
