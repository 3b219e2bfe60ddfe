//! Amounts as people type them, and sums that never lose a unit.

use super::*;
use proptest::prelude::*;

fn currency(code: &str) -> Currency {
    code.parse().unwrap()
}

fn eur(units: i64) -> Money {
    Money::from_units(units, currency("EUR"))
}

#[test]
fn amounts_are_read_as_the_currency_writes_them() {
    let cases = [
        ("12.50", "EUR", Ok(1250)),
        ("12.5", "EUR", Ok(1250)),
        ("12", "EUR", Ok(1200)),
        ("0", "EUR", Ok(0)),
        ("007", "EUR", Ok(700)),
        ("500", "JPY", Ok(500)),
        ("1.234", "KWD", Ok(1234)),
        ("0.5", "JPY", Err(MoneyError::Decimals)),
        ("0.005", "EUR", Err(MoneyError::Decimals)),
        ("NaN", "EUR", Err(MoneyError::Shape)),
        ("1e400", "EUR", Err(MoneyError::Shape)),
        ("-5", "EUR", Err(MoneyError::Shape)),
        ("-0", "EUR", Err(MoneyError::Shape)),
        ("+5", "EUR", Err(MoneyError::Shape)),
        ("1,00", "EUR", Err(MoneyError::Shape)),
        ("1.", "EUR", Err(MoneyError::Shape)),
        (".5", "EUR", Err(MoneyError::Shape)),
        ("1.2.3", "EUR", Err(MoneyError::Shape)),
        ("", "EUR", Err(MoneyError::Shape)),
        (" 1", "EUR", Err(MoneyError::Shape)),
        ("١", "EUR", Err(MoneyError::Shape)),
        ("9223372036854775807", "EUR", Err(MoneyError::Overflow)),
        ("99999999999999999999999", "EUR", Err(MoneyError::Overflow)),
    ];
    for (text, code, expected) in cases {
        assert_eq!(Money::parse(text, currency(code)).map(Money::minor), expected, "{text} {code}");
    }
}

#[test]
fn only_currencies_with_minor_units_are_taken() {
    for code in ["XAU", "XXX", "eur", "EURO", "", "€"] {
        assert_eq!(code.parse::<Currency>(), Err(MoneyError::Currency), "{code}");
    }
}

#[test]
fn ties_go_to_the_even_neighbour() {
    for (units, minor) in
        [(5_000, 0), (15_000, 2), (25_000, 2), (-5_000, 0), (-15_000, -2), (15_001, 2), (14_999, 1)]
    {
        assert_eq!(eur(units).minor(), minor, "{units}");
    }
}

#[test]
fn a_payout_rounds_toward_zero_and_leaves_the_rest() {
    assert_eq!(eur(19_999).payable(), (1, eur(9_999)));
    assert_eq!(eur(-19_999).payable(), (-1, eur(-9_999)));
}

#[test]
fn sums_refuse_two_currencies_and_overflow() {
    assert_eq!(eur(1).plus(Money::from_units(1, currency("USD"))), Err(MoneyError::Mixed));
    assert_eq!(eur(i64::MAX).plus(eur(1)), Err(MoneyError::Overflow));
    assert_eq!(eur(i64::MIN).negated(), Err(MoneyError::Overflow));
}

#[test]
fn money_is_shown_with_its_currencys_decimals() {
    for (minor, code, text) in [
        (1250, "EUR", "12.50 EUR"),
        (-5, "EUR", "-0.05 EUR"),
        (1250, "JPY", "1250 JPY"),
        (5, "KWD", "0.005 KWD"),
    ] {
        assert_eq!(Money::from_minor(minor, currency(code)).unwrap().to_string(), text);
    }
}

#[test]
fn remainders_go_to_the_largest_then_the_earliest() {
    let parts = |units, weights: &[u64]| {
        eur(units).split(weights).iter().map(|part| part.units()).collect::<Vec<_>>()
    };
    assert_eq!(parts(100, &[1, 1, 1]), [34, 33, 33]);
    assert_eq!(parts(-100, &[1, 1, 1]), [-34, -33, -33]);
    assert_eq!(parts(10, &[5, 3, 2]), [5, 3, 2]);
    assert_eq!(parts(1, &[1, 2]), [0, 1]);
    assert!(parts(1, &[0, 0]).is_empty());
}

proptest! {
    #[test]
    fn a_split_sums_to_the_whole(units in -1_000_000_000_000_i64..1_000_000_000_000, weights in prop::collection::vec(0u64..1_000_000, 1..20)) {
        let parts = eur(units).split(&weights);
        if weights.iter().any(|&weight| weight > 0) {
            prop_assert_eq!(parts.iter().map(|part| part.units()).sum::<i64>(), units);
            let total: i128 = weights.iter().map(|&weight| i128::from(weight)).sum();
            for (part, &weight) in parts.iter().zip(&weights) {
                let off = i128::from(part.units()) * total - i128::from(units) * i128::from(weight);
                prop_assert!(off.abs() < total);
            }
        }
    }

    #[test]
    fn a_share_is_within_half_a_unit(units in any::<i32>(), rate in 0u32..2_000_000) {
        let share = eur(units.into()).share(Ppm(rate)).unwrap().units();
        let off = i128::from(share) * 1_000_000 - i128::from(units) * i128::from(rate);
        prop_assert!(off.abs() <= 500_000);
    }

    #[test]
    fn what_is_shown_reads_back(minor in 0i64..1_000_000_000_000) {
        for code in ["EUR", "JPY", "KWD"] {
            let text = decimal(minor, currency(code));
            prop_assert_eq!(Money::parse(&text, currency(code)).unwrap().minor(), minor);
        }
    }
}
