//! Numbers, money, shares and times as people of each language write them.
//!
//! French groups digits with a narrow no-break space and writes `1 234,56 €`; English `€1,234.56`.
//! Refuses to round money: it writes the minor units `schemas::money` gives.

use super::{Lang, Text};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use chrono_tz::Tz;
use schemas::money::{Currency, Money};

/// A narrow no-break space.
const NARROW: char = '\u{202f}';
/// A no-break space.
const FIXED: char = '\u{a0}';

/// An amount in three pieces, so that a page can align the digits and set the currency small.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cash {
    /// What stands before the digits (`€`), if anything.
    pub before: String,
    /// The digits, with a minus where negative.
    pub digits: String,
    /// What stands behind (`€`, `CHF`), if anything.
    pub after: String,
}

impl std::fmt::Display for Cash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { before, digits, after } = self;
        match digits.strip_prefix('−').filter(|_| !before.is_empty()) {
            Some(size) => write!(f, "−{before}{size}{after}"),
            None => write!(f, "{before}{digits}{after}"),
        }
    }
}

impl Text {
    /// A whole number: `1,234,567`, `1 234 567`.
    pub fn number(self, n: i64) -> String {
        let sign = if n < 0 { "−" } else { "" };
        format!("{sign}{}", self.grouped(&n.unsigned_abs().to_string()))
    }

    /// A whole number that may not be known; then a dash.
    pub fn known(self, n: Option<i64>) -> String {
        n.map_or_else(|| "–".to_owned(), |n| self.number(n))
    }

    /// Tenths of a percent of `part` in `whole`, rounded: `12.3%`, `12,3 %`; a dash of nothing.
    pub fn share(self, part: i64, whole: i64) -> String {
        if whole == 0 {
            return "–".to_owned();
        }
        let tenths = (i128::from(part) * 2000 + i128::from(whole)) / (i128::from(whole) * 2);
        self.percent_tenths(i64::try_from(tenths).unwrap_or(i64::MAX))
    }

    /// Tenths of a percent as a percentage.
    pub fn percent_tenths(self, tenths: i64) -> String {
        let (whole, rest) = (self.number(tenths / 10), (tenths % 10).abs());
        match self.lang {
            Lang::En => format!("{whole}.{rest}%"),
            Lang::Fr => format!("{whole},{rest}{NARROW}%"),
        }
    }

    /// Parts per million as a percentage, with the decimals it has: `5%`, `12.5%`.
    pub fn percent_ppm(self, ppm: i64) -> String {
        let decimals = format!("{:04}", ppm % 10_000);
        let decimals = decimals.trim_end_matches('0');
        let whole = self.number(ppm / 10_000);
        match (self.lang, decimals) {
            (Lang::En, "") => format!("{whole}%"),
            (Lang::En, _) => format!("{whole}.{decimals}%"),
            (Lang::Fr, "") => format!("{whole}{NARROW}%"),
            (Lang::Fr, _) => format!("{whole},{decimals}{NARROW}%"),
        }
    }

    /// An amount of units of 1/10,000 minor in a currency of ISO 4217, rounded to minor units.
    pub fn money(self, units: i64, currency: &str) -> Cash {
        let Ok(known) = currency.parse::<Currency>() else {
            let after = format!("{FIXED}{currency}");
            return Cash { before: String::new(), digits: self.number(units), after };
        };
        let minor = Money::from_units(units, known).minor();
        let scale = 10_u64.pow(known.exponent());
        let mut digits = String::from(if minor < 0 { "−" } else { "" });
        digits.push_str(&self.grouped(&(minor.unsigned_abs() / scale).to_string()));
        if scale > 1 {
            digits.push(if self.lang == Lang::Fr { ',' } else { '.' });
            let width = known.exponent() as usize;
            digits.push_str(&format!("{:0width$}", minor.unsigned_abs() % scale));
        }
        let (symbol, is_sign) = symbol(currency);
        match (self.lang, is_sign) {
            (Lang::En, true) => Cash { before: symbol.into(), digits, after: String::new() },
            _ => Cash { before: String::new(), digits, after: format!("{FIXED}{symbol}") },
        }
    }

    /// The time of day to the second: `14:03:07`.
    pub fn clock(self, at: DateTime<Utc>, zone: Tz) -> String {
        at.with_timezone(&zone).format("%H:%M:%S").to_string()
    }

    /// Until when: the time of day, or the whole moment where that is another day.
    pub fn until(self, at: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
        let day = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
        match (self.lang, day(at) == day(now)) {
            (Lang::En, true) => self.clock(at, zone),
            (Lang::En, false) => self.moment(at, zone),
            (Lang::Fr, true) => format!("à{FIXED}{}", self.clock(at, zone)),
            (Lang::Fr, false) => format!("au{FIXED}{}", self.moment(at, zone)),
        }
    }

    /// A day: `23 Nov 2026`, `23 nov. 2026`.
    pub fn day(self, day: NaiveDate) -> String {
        let (month, year) = (day.month().to_string(), day.year().to_string());
        let first = self.lang == Lang::Fr && day.day() == 1;
        let number = if first { "1er".to_owned() } else { day.day().to_string() };
        let month = self.word("month", &month);
        format!("{number}{FIXED}{month}{FIXED}{year}")
    }

    /// A day without its year: `23 Nov`.
    pub fn short_day(self, day: NaiveDate) -> String {
        let text = self.day(day);
        text.rsplit_once(FIXED).map_or(text.clone(), |(short, _)| short.to_owned())
    }

    /// A month: `Nov 2026`.
    pub fn month(self, day: NaiveDate) -> String {
        format!("{}{FIXED}{}", self.word("month", &day.month().to_string()), day.year())
    }

    /// A moment: `23 Nov 2026, 14:03`.
    pub fn moment(self, at: DateTime<Utc>, zone: Tz) -> String {
        let local = at.with_timezone(&zone);
        let time = local.format("%H:%M");
        match self.lang {
            Lang::En => format!("{}, {time}", self.day(local.date_naive())),
            Lang::Fr => format!("{} à{FIXED}{time}", self.day(local.date_naive())),
        }
    }

    /// A moment of this year, or of another with its year.
    pub fn near(self, at: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
        let (local, today) = (at.with_timezone(&zone), now.with_timezone(&zone));
        match local.year() == today.year() {
            true => format!("{}, {}", self.short_day(local.date_naive()), local.format("%H:%M")),
            false => self.moment(at, zone),
        }
    }

    /// A moment to the millisecond, for timelines: `14:03:07.123`.
    pub fn instant(self, at: DateTime<Utc>, zone: Tz) -> String {
        let local = at.with_timezone(&zone);
        match self.lang {
            Lang::En => local.format("%H:%M:%S%.3f").to_string(),
            Lang::Fr => local.format("%H:%M:%S%.3f").to_string().replace('.', ","),
        }
    }

    /// A length of time in its largest whole parts, two at most: `2 h 5 min`, `3 d`, `820 ms`.
    pub fn duration(self, ms: i64) -> String {
        let day = if self.lang == Lang::Fr { "j" } else { "d" };
        let units = [(86_400_000, day), (3_600_000, "h"), (60_000, "min"), (1_000, "s"), (1, "ms")];
        let mut rest = ms.max(0);
        let mut parts = Vec::new();
        for (size, unit) in units {
            let n = rest / size;
            rest %= size;
            if n > 0 && (unit != "ms" || parts.is_empty()) {
                parts.push(format!("{}{FIXED}{unit}", self.number(n)));
            }
            if parts.len() == 2 {
                break;
            }
        }
        if parts.is_empty() { format!("0{FIXED}ms") } else { parts.join(" ") }
    }

    fn grouped(self, digits: &str) -> String {
        let separator = if self.lang == Lang::Fr { NARROW } else { ',' };
        let mut out = String::with_capacity(digits.len() * 2);
        for (n, digit) in digits.chars().enumerate() {
            if n > 0 && (digits.len() - n).is_multiple_of(3) {
                out.push(separator);
            }
            out.push(digit);
        }
        out
    }
}

/// How a currency is written, and whether that is a sign that goes before the digits in English.
fn symbol(currency: &str) -> (&str, bool) {
    match currency {
        "EUR" => ("€", true),
        "USD" => ("$", true),
        "GBP" => ("£", true),
        "JPY" => ("¥", true),
        code => (code, false),
    }
}
