//! What each number means: one published formula each, and the arithmetic of those that are made of
//! others. Money stays an integer; shares of counts are the only fractions.

use super::{Clicks, Conversions, Row, Sums};

/// A number of the answer and how it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Formula {
    /// Its name in the answer.
    pub name: &'static str,
    /// How it is counted.
    pub formula: &'static str,
}

const fn formula(name: &'static str, formula: &'static str) -> Formula {
    Formula { name, formula }
}

/// All of them, in the order of the answer.
pub const FORMULAS: [Formula; 16] = [
    formula("gross", "every click asked for: unique + duplicate + invalid"),
    formula("unique", "valid clicks that are the first of their visitor in the program's window"),
    formula("duplicate", "valid clicks of a visitor seen before in the program's window"),
    formula("invalid", "clicks that do not count, each with its reason: bot, prefetch, orphan, …"),
    formula("clicks", "valid clicks: unique + duplicate"),
    formula("impressions", "views of a link's picture; no clicks"),
    formula("conversions", "accepted conversions: pending + approved + rejected later"),
    formula("refused", "refused conversions, each with its reason; they earn nothing"),
    formula("cvr", "conversions / clicks"),
    formula("sales_minor", "value of the orders of accepted conversions, by currency"),
    formula("payout_minor", "commissions of accepted conversions, by currency"),
    formula("epc_units", "payout / clicks, in 1/10,000 of the currency's minor unit"),
    formula("cpc_units", "what a valid click costs the program: payout / clicks, as epc_units"),
    formula("cpa_units", "payout / conversions, in 1/10,000 of the currency's minor unit"),
    formula("currency", "of the money beside it; sums of different currencies are never added"),
    formula("as_of", "everything the collectors took before this moment is in the numbers"),
];

impl Clicks {
    /// Valid ones.
    pub const fn valid(self) -> i64 {
        self.unique + self.duplicate
    }
}

impl Row {
    /// Nothing counted on either side.
    pub fn zero() -> Self {
        Self {
            keys: Vec::new(),
            clicks: Some(Clicks::default()),
            conversions: Some(Conversions::default()),
        }
    }

    /// Conversions by valid click, as a share; `None` without clicks or where one is not known.
    pub fn cvr(&self) -> Option<f64> {
        let clicks = self.clicks.filter(|clicks| clicks.valid() > 0)?.valid();
        let conversions = self.conversions.as_ref()?.accepted;
        // Six decimals: a share of counts, not money.
        Some((conversions as f64 / clicks as f64 * 1e6).round() / 1e6)
    }
}

impl Sums {
    /// Commission by valid click, in units of 1/10,000 minor, toward zero.
    pub fn epc_units(&self, clicks: Option<Clicks>) -> Option<i64> {
        self.payout_units.checked_div(clicks?.valid())
    }

    /// Commission by conversion, in units of 1/10,000 minor, toward zero.
    pub fn cpa_units(&self, conversions: &Conversions) -> Option<i64> {
        self.payout_units.checked_div(conversions.accepted)
    }
}
