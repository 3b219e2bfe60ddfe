//! Money: an integer of 1/10,000 of the currency's minor unit (`money.md`, Amounts).
//!
//! The only place that rounds. Half-even on accrual, toward zero on payout, splits by largest
//! remainder. Refuses floats, silent overflow and mixed currencies.

use iso_currency::Currency as Iso;
use std::{fmt, str::FromStr};

/// Units of 1/10,000 in one minor unit (a cent of EUR is 10,000 units, EUR 1 is 1,000,000).
pub const UNITS_PER_MINOR: i64 = 10_000;

/// The largest amount that is believed of one order or paid for one: 100,000,000,000 minor units (a
/// thousand million euros, a hundred thousand million yen). Thousands of them fit a sum of 64 bits.
pub const LARGEST_UNITS: i64 = 100_000_000_000 * UNITS_PER_MINOR;

/// A rate in parts per million: 5 % is 50,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ppm(pub u32);

/// A currency of ISO 4217 that has minor units.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(Iso);

/// What cannot be money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not three letters of a currency in ISO 4217.
    #[error("not a currency of ISO 4217")]
    Currency,
    /// Not `digits` or `digits.digits`.
    #[error("an amount is written with digits and a point, as 12.50")]
    Shape,
    /// More decimals than the currency has.
    #[error("more decimals than the currency has")]
    Decimals,
    /// Over nine trillion, or under its negative.
    #[error("the amount is too large")]
    Overflow,
    /// Two currencies in one sum.
    #[error("two currencies in one sum")]
    Mixed,
}

impl Currency {
    /// Digits after the point: 2 for EUR, 0 for JPY, 3 for KWD.
    pub fn exponent(self) -> u32 {
        self.0.exponent().unwrap_or(0).into()
    }

    /// The three letters.
    pub fn code(self) -> &'static str {
        self.0.code()
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(code: &str) -> Result<Self, MoneyError> {
        let iso = Iso::from_code(code).ok_or(MoneyError::Currency)?;
        // Gold, SDRs and the like have no minor unit: nobody is paid in them.
        iso.exponent().map(|_| Self(iso)).ok_or(MoneyError::Currency)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    units: i64,
    currency: Currency,
}

impl Money {
    /// From units of 1/10,000 minor.
    pub const fn from_units(units: i64, currency: Currency) -> Self {
        Self { units, currency }
    }

    /// From minor units (cents).
    ///
    /// # Errors
    /// `Overflow` beyond nine trillion.
    pub fn from_minor(minor: i64, currency: Currency) -> Result<Self, MoneyError> {
        let units = minor.checked_mul(UNITS_PER_MINOR).ok_or(MoneyError::Overflow)?;
        Ok(Self { units, currency })
    }

    /// Reads what a postback sends: `12`, `12.5`, `12.50`; no sign, no exponent, no comma, and no
    /// more decimals than the currency has.
    ///
    /// # Errors
    /// `Shape`, `Decimals` or `Overflow`.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let dangling = text.contains('.') && decimals.is_empty();
        if whole.is_empty() || dangling || !digits(whole) || !digits(decimals) {
            return Err(MoneyError::Shape);
        }
        let exponent = currency.exponent() as usize;
        if decimals.len() > exponent {
            return Err(MoneyError::Decimals);
        }
        let minor = format!("{whole}{decimals:0<exponent$}");
        Self::from_minor(minor.parse().map_err(|_| MoneyError::Overflow)?, currency)
    }

    /// Units of 1/10,000 minor.
    pub const fn units(self) -> i64 {
        self.units
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Minor units, half-even: what pages and JSON show.
    pub const fn minor(self) -> i64 {
        div_half_even(self.units as i128, UNITS_PER_MINOR as i128) as i64
    }

    /// Whole minor units toward zero, and what stays: what a payout sends and leaves payable.
    pub const fn payable(self) -> (i64, Self) {
        let rest = Self { units: self.units % UNITS_PER_MINOR, currency: self.currency };
        (self.units / UNITS_PER_MINOR, rest)
    }

    /// The sum.
    ///
    /// # Errors
    /// `Mixed` or `Overflow`.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Mixed);
        }
        let units = self.units.checked_add(other.units).ok_or(MoneyError::Overflow)?;
        Ok(Self { units, ..self })
    }

    /// The difference.
    ///
    /// # Errors
    /// `Mixed` or `Overflow`.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.plus(other.negated()?)
    }

    /// The other side of a posting.
    ///
    /// # Errors
    /// `Overflow` for the one number without a negative.
    pub fn negated(self) -> Result<Self, MoneyError> {
        let units = self.units.checked_neg().ok_or(MoneyError::Overflow)?;
        Ok(Self { units, ..self })
    }

    /// A share of the amount, half-even to the unit.
    ///
    /// # Errors
    /// `Overflow` when the rate is over 100 % and the product leaves the range.
    pub fn share(self, rate: Ppm) -> Result<Self, MoneyError> {
        let product = self.units as i128 * i128::from(rate.0);
        let units =
            i64::try_from(div_half_even(product, 1_000_000)).map_err(|_| MoneyError::Overflow)?;
        Ok(Self { units, ..self })
    }

    /// Parts in proportion to `weights` whose sum is exactly the whole: largest remainder, ties to
    /// the earlier weight (callers order them by id). Empty when every weight is zero.
    pub fn split(self, weights: &[u64]) -> Vec<Self> {
        let total: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
        if total == 0 {
            return Vec::new();
        }
        let whole = u128::from(self.units.unsigned_abs());
        let mut parts: Vec<(u128, u128)> = weights
            .iter()
            .map(|&weight| (whole * u128::from(weight) / total, whole * u128::from(weight) % total))
            .collect();
        let given: u128 = parts.iter().map(|part| part.0).sum();
        let mut order: Vec<usize> = (0..parts.len()).collect();
        order.sort_by(|&a, &b| parts[b].1.cmp(&parts[a].1).then(a.cmp(&b)));
        for &n in order.iter().take((whole - given) as usize) {
            parts[n].0 += 1;
        }
        let sign = self.units.signum();
        parts.iter().map(|part| Self { units: sign * part.0 as i64, ..self }).collect()
    }
}

/// In minor units, rounded half-even, with the currency behind: `12.50 EUR`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", decimal(self.minor(), self.currency), self.currency)
    }
}

/// Minor units as a decimal number: 1250 of EUR is `12.50`, 1250 of JPY is `1250`.
pub fn decimal(minor: i64, currency: Currency) -> String {
    let exponent = currency.exponent();
    let scale = 10_u64.pow(exponent);
    let (sign, size) = (if minor < 0 { "-" } else { "" }, minor.unsigned_abs());
    match exponent as usize {
        0 => format!("{sign}{size}"),
        digits => format!("{sign}{}.{:0digits$}", size / scale, size % scale),
    }
}

/// `numerator / denominator` (positive), ties to the even neighbour.
const fn div_half_even(numerator: i128, denominator: i128) -> i128 {
    let quotient = numerator.div_euclid(denominator);
    let twice = 2 * numerator.rem_euclid(denominator);
    if twice > denominator || (twice == denominator && quotient % 2 != 0) {
        quotient + 1
    } else {
        quotient
    }
}

#[cfg(test)]
mod tests;
