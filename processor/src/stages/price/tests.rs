//! Tables of the rule.

use schemas::{
    money::{LARGEST_UNITS, Money, Ppm},
    reason::Refusal,
};

use crate::{
    facts::Pay,
    stages::tests::{VALID, decide, eur, facts, plan, sale},
};

/// plan, amount → units of the commission; `None` for no commission at all
fn check(pay: Pay, amount: &str, expected: Option<i64>) {
    let mut facts = facts();
    let plans = &mut facts.programs.get_mut(&3).unwrap().plans;
    plans.insert("sale".into(), vec![plan(1, pay, eur())]);
    let mut record = sale();
    record.event.amount = amount.into();
    let outcome = decide(&record, VALID, &facts);
    assert_eq!(outcome.refusal(), None);
    let units = outcome.commission().map(|line| line.amount.units());
    assert_eq!(units, expected, "{pay:?} {amount}");
}

#[test]
fn a_flat_plan_pays_the_same_for_any_amount() {
    let flat = Pay::Flat(Money::from_minor(200, eur()).unwrap());
    check(flat, "0", Some(2_000_000));
    check(flat, "", Some(2_000_000));
    check(flat, "99999.99", Some(2_000_000));
    check(Pay::Flat(Money::from_units(0, eur())), "5", None);
}

#[test]
fn a_share_is_rounded_half_even_to_the_unit() {
    check(Pay::Percent(Ppm(50_000)), "12.50", Some(625_000));
    check(Pay::Percent(Ppm(1_000_000)), "0.01", Some(10_000));
    // A cent is 10,000 units: 50 parts per million of it are half a unit, 150 one and a half.
    check(Pay::Percent(Ppm(50)), "0.01", None);
    check(Pay::Percent(Ppm(150)), "0.01", Some(2));
    check(Pay::Percent(Ppm(250)), "0.01", Some(2));
    check(Pay::Percent(Ppm(0)), "12.50", None);
}

#[test]
fn a_commission_beyond_the_largest_amount_is_refused() {
    let mut facts = facts();
    let flat = Pay::Flat(Money::from_units(LARGEST_UNITS + 1, eur()));
    facts.programs.get_mut(&3).unwrap().plans.insert("sale".into(), vec![plan(1, flat, eur())]);
    assert_eq!(decide(&sale(), VALID, &facts).refusal(), Some(Refusal::BadAmount));
    check(Pay::Flat(Money::from_units(LARGEST_UNITS, eur())), "5", Some(LARGEST_UNITS));
}

#[test]
fn a_plan_that_pays_nothing_makes_no_commission() {
    check(Pay::Nothing, "12.50", None);
}
