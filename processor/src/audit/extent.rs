//! Which events an audit compares: all of them, or those of some days.

use chrono::{Days, NaiveDate};
use std::{fmt, ops::Range, str::FromStr};

use crate::stores::timestamp;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Extent {
    /// Everything that is kept, the files of journals too.
    #[default]
    Whole,
    /// Events of these milliseconds since 1970, in the stores alone.
    Between(Range<u64>),
}

/// A text that names no days.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no days: write 2026-11-20, or 2026-11-20..2026-11-22")]
pub struct InvalidExtent(String);

impl Extent {
    /// The bounds, where there are some.
    pub(super) fn bounds(&self) -> Option<Range<u64>> {
        match self {
            Self::Whole => None,
            Self::Between(ms) => Some(ms.clone()),
        }
    }

    /// The days whose events may be among these, in whatever zone.
    pub(super) fn days(&self) -> Option<(NaiveDate, NaiveDate)> {
        let ms = self.bounds()?;
        let day = |ms| timestamp(ms).date_naive();
        Some((day(ms.start), day(ms.end.saturating_sub(1))))
    }
}

/// Whole days of UTC, the last one included.
impl FromStr for Extent {
    type Err = InvalidExtent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidExtent(text.to_owned());
        let day = |text: &str| text.trim().parse::<NaiveDate>().map_err(|_| invalid());
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        let (first, last) = (day(first)?, day(last)?);
        let after = last.checked_add_days(Days::new(1)).ok_or_else(invalid)?;
        let ms = |day: NaiveDate| {
            let midnight = day.and_time(chrono::NaiveTime::MIN).and_utc();
            u64::try_from(midnight.timestamp_millis()).map_err(|_| invalid())
        };
        if last < first {
            return Err(invalid());
        }
        Ok(Self::Between(ms(first)?..ms(after)?))
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("all events"),
            Self::Between(ms) => {
                let at = |ms| timestamp(ms).format("%Y-%m-%d %H:%M:%S");
                write!(f, "events from {} until before {} UTC", at(ms.start), at(ms.end))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_whole_and_include_the_last_one() {
        const DAY: u64 = 86_400_000;
        let first = 1_763_596_800_000;
        for (text, expected) in [
            ("2025-11-20", Some(first..first + DAY)),
            ("2025-11-20..2025-11-20", Some(first..first + DAY)),
            ("2025-11-20 .. 2025-11-22", Some(first..first + 3 * DAY)),
            ("2025-11-22..2025-11-20", None),
            ("1969-12-31", None),
            ("yesterday", None),
            ("2025-11-20..", None),
            ("", None),
        ] {
            let parsed: Result<Extent, _> = text.parse();
            assert_eq!(parsed.ok().and_then(|extent| extent.bounds()), expected, "{text:?}");
        }
        let extent: Extent = "2025-11-20..2025-11-22".parse().unwrap();
        assert_eq!(
            extent.days().map(|(a, b)| format!("{a} {b}")).as_deref(),
            Some("2025-11-20 2025-11-22")
        );
        assert_eq!(
            extent.to_string(),
            "events from 2025-11-20 00:00:00 until before 2025-11-23 00:00:00 UTC"
        );
    }
}
