//! Spans by name and by date, over changes of the clocks.

use super::*;

fn at(text: &str) -> i64 {
    DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
}

fn read(query: &str) -> Result<Range, Field> {
    let now = DateTime::parse_from_rfc3339("2026-11-23T00:30:00Z").unwrap().to_utc();
    Range::take(&mut Pairs::parse(query).unwrap(), Tz::Europe__Paris, now)
}

#[test]
fn spans_are_whole_days_of_the_zone() {
    let cases = [
        ("range=today", "2026-11-23T00:00:00+01:00", "2026-11-24T00:00:00+01:00"),
        ("range=yesterday", "2026-11-22T00:00:00+01:00", "2026-11-23T00:00:00+01:00"),
        ("", "2026-11-17T00:00:00+01:00", "2026-11-24T00:00:00+01:00"),
        ("range=30d", "2026-10-25T00:00:00+02:00", "2026-11-24T00:00:00+01:00"),
        ("range=month", "2026-11-01T00:00:00+01:00", "2026-11-24T00:00:00+01:00"),
        ("range=last_month", "2026-10-01T00:00:00+02:00", "2026-11-01T00:00:00+01:00"),
        (
            "range=today&tz=America/New_York",
            "2026-11-22T00:00:00-05:00",
            "2026-11-23T00:00:00-05:00",
        ),
        ("from=2026-10-25&to=2026-10-25", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"),
        ("from=2026-11-20", "2026-11-20T00:00:00+01:00", "2026-11-24T00:00:00+01:00"),
        (
            "from=2026-11-20T10:00:00Z&to=2026-11-20T11:00:00Z",
            "2026-11-20T10:00:00Z",
            "2026-11-20T11:00:00Z",
        ),
    ];
    for (query, from, to) in cases {
        let range = read(query).unwrap();
        assert_eq!((range.from_ms, range.to_ms), (at(from), at(to)), "{query}");
    }
}

#[test]
fn what_is_no_span_is_refused() {
    let cases = [
        ("range=forever", "range"),
        ("range=7d&from=2026-11-01", "range"),
        ("tz=Mars/Olympus", "tz"),
        ("from=9999-99-99", "from"),
        ("from=2026-1-2", "from"),
        ("from=9999-01-01", "from"),
        ("from=1970-01-01", "from"),
        ("to=2026-11-01", "from"),
        ("from=2026-11-02&to=2026-11-01", "to"),
        ("from=2010-01-01&to=2026-11-01", "to"),
        ("from=%2B262143-01-01", "from"),
        ("from=now", "from"),
    ];
    for (query, field) in cases {
        assert_eq!(read(query).unwrap_err().field, field, "{query}");
    }
}

#[test]
fn the_span_before_has_as_many_days() {
    let range = read("from=2026-10-26&to=2026-10-26").unwrap().before();
    assert_eq!(range.from_ms, at("2026-10-25T00:00:00+02:00"));
    let range = read("from=2026-11-20T10:00:00Z&to=2026-11-20T11:00:00Z").unwrap().before();
    assert_eq!(
        (range.from_ms, range.to_ms),
        (at("2026-11-20T09:00:00Z"), at("2026-11-20T10:00:00Z"))
    );
}

#[test]
fn a_midnight_the_clocks_skip_is_the_first_moment_after() {
    // Beirut goes from 23:59:59 to 01:00 on 2026-03-29.
    let day = NaiveDate::from_ymd_opt(2026, 3, 29).unwrap();
    let range = Range::days(day, day, Tz::Asia__Beirut);
    assert_eq!(range.to_ms - range.from_ms, 23 * 3_600_000);
    assert!(range.is_whole_days(Tz::Asia__Beirut));
    assert!(!range.is_whole_days(Tz::UTC));
}
