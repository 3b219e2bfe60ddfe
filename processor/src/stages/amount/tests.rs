//! Tables of the rule.

use schemas::{money::Money, reason::Refusal};

use super::put_amount;
use crate::{
    facts::Pay,
    stages::{
        ConversionCase,
        terms::put_program,
        tests::{VALID, facts, plan, sale},
    },
};

/// event, amount, currency as sent → minor units
fn check(event: &str, amount: &str, currency: &str, expected: Option<i64>) {
    let mut record = sale();
    record.event.event = event.into();
    record.event.amount = amount.into();
    record.event.currency = currency.into();
    let mut facts = facts();
    let jpy = plan(8, Pay::Nothing, "JPY".parse().unwrap());
    facts.programs.get_mut(&3).unwrap().plans.insert("yen".into(), vec![jpy]);
    let mut case = ConversionCase::new(&record, VALID, &facts);
    put_program(&mut case).unwrap();
    let read = put_amount(&mut case).map(|()| case.amount.map_or(0, Money::minor));
    assert_eq!(read, expected.ok_or(Refusal::BadAmount), "{event} {amount} {currency}");
    assert_eq!(case.amount.is_some(), expected.is_some());
}

#[test]
fn an_amount_is_plain_digits_of_the_plans_currency() {
    check("sale", "12.50", "EUR", Some(1250));
    check("sale", "12.5", "", Some(1250));
    check("sale", "0", "EUR", Some(0));
    check("yen", "1250", "JPY", Some(1250));
    for amount in ["NaN", "1e400", "-5", "1,00", "12.", ".5", "12.505", "+1", " 1", "∞", "1 000"]
    {
        check("sale", amount, "EUR", None);
    }
    check("sale", "99999999999999999999", "EUR", None);
    check("sale", "1000000000.00", "EUR", Some(100_000_000_000));
    check("sale", "1000000000.01", "EUR", None);
    check("yen", "100000000000", "JPY", Some(100_000_000_000));
    check("yen", "100000000001", "JPY", None);
}

#[test]
fn another_currency_than_the_plans_is_no_amount() {
    for currency in ["USD", "eur", "XXX", "XAU", "€"] {
        check("sale", "12.50", currency, None);
    }
    check("yen", "12", "EUR", None);
    check("yen", "12.50", "JPY", None);
}

#[test]
fn no_amount_is_zero_except_where_a_share_of_it_is_due() {
    check("lead", "", "EUR", Some(0));
    check("visit", "", "", Some(0));
    check("sale", "", "EUR", None);
}

#[test]
fn an_event_not_known_is_read_in_the_programs_currency() {
    check("party", "12.50", "EUR", Some(1250));
    check("party", "12.50", "USD", None);
}
