//! A span of time as people ask for it: `range=7d`, or `from` and `to`, in a time zone.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::pairs::Pairs;
use crate::error::Field;

/// Half-open: from `from_ms` up to but without `to_ms`, milliseconds since 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first millisecond in it.
    pub from_ms: i64,
    /// The first millisecond behind it.
    pub to_ms: i64,
    /// Whose days and hours are meant.
    pub zone: Tz,
}

/// What reading spans of time needs.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// The site's zone.
    pub zone: Tz,
    /// Now.
    pub now: DateTime<Utc>,
}

/// The named spans, in the order a page offers them. All end with today, but for the two that are
/// over, and count whole days of the zone.
pub const NAMES: [&str; 8] =
    ["today", "yesterday", "7d", "30d", "90d", "month", "last_month", "year"];

/// What is meant when nothing is said.
pub const DEFAULT: &str = "7d";

const YEARS: std::ops::RangeInclusive<i32> = 2000..=2100;
const MAX_DAYS: i64 = 3 * 366;

impl Range {
    /// Takes `range`, `from`, `to` and `tz` out of the pairs; `zone` is meant without `tz`.
    ///
    /// # Errors
    /// The field that is wrong.
    pub fn take(pairs: &mut Pairs, zone: Tz, now: DateTime<Utc>) -> Result<Self, Field> {
        let zone = match pairs.take("tz") {
            None => zone,
            Some(name) => name.parse().map_err(|_| {
                Field::new("tz", "invalid_time_zone", "a name of the IANA list, as Europe/Paris")
            })?,
        };
        let name = pairs.take("range");
        match (name, pairs.take("from"), pairs.take("to")) {
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) => {
                Err(Field::new("range", "conflict", "give range, or from and to"))
            }
            (name, None, None) => Self::named(name.as_deref().unwrap_or(DEFAULT), zone, now)
                .ok_or_else(|| {
                    Field::new("range", "invalid_range", format!("one of {}", NAMES.join(", ")))
                }),
            (None, from, to) => Self::between(from.as_deref(), to.as_deref(), zone, now),
        }
    }

    /// A named span, as of `now`; `None` for a name that is none.
    pub fn named(name: &str, zone: Tz, now: DateTime<Utc>) -> Option<Self> {
        let today = now.with_timezone(&zone).date_naive();
        let back = |days| today.checked_sub_days(Days::new(days));
        let month = today.with_day(1)?;
        let (first, last) = match name {
            "today" => (today, today),
            "yesterday" => (back(1)?, back(1)?),
            "7d" => (back(6)?, today),
            "30d" => (back(29)?, today),
            "90d" => (back(89)?, today),
            "month" => (month, today),
            "last_month" => (month.checked_sub_months(Months::new(1))?, month.pred_opt()?),
            "year" => (today.with_ordinal(1)?, today),
            _ => return None,
        };
        Some(Self::days(first, last, zone))
    }

    /// Whole days, the last one in it.
    pub fn days(first: NaiveDate, last: NaiveDate, zone: Tz) -> Self {
        let behind = last.checked_add_days(Days::new(1)).unwrap_or(last);
        Self { from_ms: midnight(first, zone), to_ms: midnight(behind, zone), zone }
    }

    /// The span of the same length that ends where this one begins.
    pub fn before(self) -> Self {
        let first = self.day(self.from_ms);
        match self.is_whole_days(self.zone) {
            // In days, so that a change of the clocks does not shift it.
            true => {
                let days = (self.day(self.to_ms) - first).num_days().unsigned_abs();
                let start = first.checked_sub_days(Days::new(days)).unwrap_or(first);
                Self { from_ms: midnight(start, self.zone), to_ms: self.from_ms, ..self }
            }
            false => Self {
                from_ms: self.from_ms - (self.to_ms - self.from_ms),
                to_ms: self.from_ms,
                ..self
            },
        }
    }

    /// The same days of the year before; of a span within a day, the same hours.
    pub fn year_before(self) -> Option<Self> {
        let year = Months::new(12);
        let back = |at_ms| {
            let day = self.day(at_ms);
            Some((day.checked_sub_months(year)?, at_ms - midnight(day, self.zone)))
        };
        if self.is_whole_days(self.zone) {
            let ((first, _), (last, _)) = (back(self.from_ms)?, back(self.to_ms - 1)?);
            return Some(Self::days(first, last, self.zone));
        }
        let (day, into_ms) = back(self.from_ms)?;
        let from_ms = midnight(day, self.zone) + into_ms;
        Some(Self { from_ms, to_ms: from_ms + (self.to_ms - self.from_ms), ..self })
    }

    /// The day a moment belongs to.
    pub fn day(self, at_ms: i64) -> NaiveDate {
        instant(at_ms).with_timezone(&self.zone).date_naive()
    }

    /// Whether it begins and ends at midnights of `zone`.
    pub fn is_whole_days(self, zone: Tz) -> bool {
        [self.from_ms, self.to_ms]
            .iter()
            .all(|&at| midnight(instant(at).with_timezone(&zone).date_naive(), zone) == at)
    }

    /// From the first midnight in it to the last; it may hold no day.
    pub fn whole_days(self) -> Self {
        let at_midnight = |at_ms| {
            let day = self.day(at_ms);
            (day, midnight(day, self.zone))
        };
        let (day, start) = at_midnight(self.from_ms);
        let from_ms = match start == self.from_ms {
            true => start,
            false => midnight(day.checked_add_days(Days::new(1)).unwrap_or(day), self.zone),
        };
        Self { from_ms, to_ms: at_midnight(self.to_ms).1, ..self }
    }

    fn between(
        from: Option<&str>,
        to: Option<&str>,
        zone: Tz,
        now: DateTime<Utc>,
    ) -> Result<Self, Field> {
        let Some(from) = from else {
            return Err(Field::new("from", "required", "give from beside to"));
        };
        let from_ms = moment("from", from, zone, 0)?;
        let to_ms = match to {
            Some(to) => moment("to", to, zone, 1)?,
            None => {
                Self::days(
                    instant(from_ms).date_naive(),
                    now.with_timezone(&zone).date_naive(),
                    zone,
                )
                .to_ms
            }
        };
        if to_ms <= from_ms {
            return Err(Field::new("to", "before_from", "to is before from"));
        }
        if to_ms - from_ms > TimeDelta::days(MAX_DAYS).num_milliseconds() {
            return Err(Field::new("to", "span", "at most three years at once"));
        }
        Ok(Self { from_ms, to_ms, zone })
    }
}

/// `2026-11-23` (then `after` days later, so that the last day is in), or `2026-11-23T14:00:00Z`.
fn moment(field: &str, value: &str, zone: Tz, after: u64) -> Result<i64, Field> {
    let wrong = || Field::new(field, "invalid_time", "as 2026-11-23, or 2026-11-23T14:00:00+01:00");
    if let Ok(at) = DateTime::parse_from_rfc3339(value) {
        return if YEARS.contains(&at.year()) { Ok(at.timestamp_millis()) } else { Err(wrong()) };
    }
    let day = NaiveDate::parse_from_str(value, "%Y-%m-%d").map_err(|_| wrong())?;
    // chrono reads `2026-1-2` too; one way of writing is enough.
    if value.len() != 10 || !YEARS.contains(&day.year()) {
        return Err(wrong());
    }
    Ok(midnight(day.checked_add_days(Days::new(after)).ok_or_else(wrong)?, zone))
}

/// The first moment of a day; where the clocks skip midnight, the first one that exists.
fn midnight(day: NaiveDate, zone: Tz) -> i64 {
    let start = day.and_time(NaiveTime::MIN);
    let at = (0..=4).find_map(|half_hours| {
        zone.from_local_datetime(&(start + TimeDelta::minutes(30 * half_hours))).earliest()
    });
    at.map_or_else(|| start.and_utc().timestamp_millis(), |at| at.timestamp_millis())
}

fn instant(at_ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at_ms).unwrap_or_default()
}

#[cfg(test)]
mod tests;
