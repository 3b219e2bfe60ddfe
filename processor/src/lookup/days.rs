//! The day of a moment in a site's reporting time zone.
//!
//! Asking a time zone costs a search; the day last given costs a comparison, and times of a batch
//! lie together.

use chrono::{DateTime, Datelike, Days as Later, NaiveDate, TimeZone};
use chrono_tz::Tz;

use crate::facts::Facts;

/// The day last given, and from when to when it is that day.
#[derive(Debug, Default)]
pub(crate) struct Days {
    site: u32,
    from_ms: u64,
    until_ms: u64,
    day: u16,
}

impl Days {
    /// Days since 1970. A site's zone is looked up once a day, or after `Days::default`.
    pub(crate) fn of(&mut self, site: u32, facts: &Facts, time_ms: u64) -> u16 {
        let here = site == self.site && (self.from_ms..self.until_ms).contains(&time_ms);
        if !here {
            self.turn(site, facts.time_zone(site), time_ms);
        }
        self.day
    }

    fn turn(&mut self, site: u32, zone: Tz, time_ms: u64) {
        let date = date(zone, time_ms);
        self.site = site;
        self.day = number(date);
        // Where midnight falls away or comes twice, only this millisecond is certain.
        let until = date.checked_add_days(Later::new(1));
        let begin = midnight(zone, date).filter(|&ms| ms <= time_ms);
        let end = until.and_then(|next| midnight(zone, next)).filter(|&ms| ms > time_ms);
        (self.from_ms, self.until_ms) = match begin.zip(end) {
            Some(span) => span,
            None => (time_ms, time_ms.saturating_add(1)),
        };
    }
}

fn date(zone: Tz, time_ms: u64) -> NaiveDate {
    let moment = i64::try_from(time_ms).ok().and_then(DateTime::from_timestamp_millis);
    moment.unwrap_or_default().with_timezone(&zone).date_naive()
}

fn midnight(zone: Tz, date: NaiveDate) -> Option<u64> {
    let moment = zone.from_local_datetime(&date.and_hms_opt(0, 0, 0)?).single()?;
    u64::try_from(moment.timestamp_millis()).ok()
}

/// A `Date` of ClickHouse: 1970 to 2149.
fn number(date: NaiveDate) -> u16 {
    let epoch = NaiveDate::default().num_days_from_ce();
    u16::try_from(date.num_days_from_ce() - epoch).unwrap_or(0)
}

/// The day of a moment, without memory.
#[cfg(test)]
fn day(zone: Tz, time_ms: u64) -> u16 {
    number(date(zone, time_ms))
}

#[cfg(test)]
mod tests;
