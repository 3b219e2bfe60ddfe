//! Days across time zones and their odd hours.

use chrono_tz::Tz;

use super::{Days, day};
use crate::facts::{Facts, Site};

/// 29 March 2026, 00:00 UTC: the day clocks go forward in Europe.
const SPRING_MS: u64 = 1_774_742_400_000;
const HOUR_MS: u64 = 3_600_000;

fn facts(zones: &[(u32, &str)]) -> Facts {
    let mut facts = Facts::default();
    for (site, zone) in zones {
        facts.sites.insert(*site, Site { time_zone: zone.parse().unwrap() });
    }
    facts
}

#[test]
fn the_day_given_from_memory_is_the_day_of_the_zone() {
    let zones = ["UTC", "Europe/Paris", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia"];
    for zone in zones {
        let facts = facts(&[(1, zone)]);
        let zone: Tz = zone.parse().unwrap();
        let mut days = Days::default();
        // Forward in halves of an hour over two weeks, then back and forth.
        let forward = (0..700).map(|n| SPRING_MS - 48 * HOUR_MS + n * HOUR_MS / 2);
        let jumps = (0..700).map(|n| SPRING_MS + n * 7919 % 400 * HOUR_MS);
        for time_ms in forward.chain(jumps) {
            assert_eq!(days.of(1, &facts, time_ms), day(zone, time_ms), "{zone} {time_ms}");
        }
    }
}

#[test]
fn sites_have_days_of_their_own() {
    let facts = facts(&[(1, "Pacific/Kiritimati"), (2, "Pacific/Pago_Pago")]);
    let mut days = Days::default();
    let noon = SPRING_MS + 12 * HOUR_MS;
    assert_eq!(days.of(1, &facts, noon), 20_542);
    assert_eq!(days.of(2, &facts, noon), 20_541);
    assert_eq!(days.of(3, &facts, noon), 20_541, "a site not known: UTC");
    assert_eq!(days.of(1, &facts, noon), 20_542);
}

#[test]
fn a_midnight_that_does_not_exist_begins_no_day() {
    // Clocks in Santiago went from 24:00 of 7 September 2024 to 01:00.
    let zone: Tz = "America/Santiago".parse().unwrap();
    let facts = facts(&[(1, "America/Santiago")]);
    let mut days = Days::default();
    for minute in 0..600 {
        let time_ms = 1_725_760_800_000 + minute * 60_000;
        assert_eq!(days.of(1, &facts, time_ms), day(zone, time_ms), "{minute}");
    }
}

#[test]
fn times_beyond_the_calendar_have_a_day() {
    let mut days = Days::default();
    for time_ms in [0, u64::MAX, u64::MAX - 1, 1 << 42] {
        let _ = days.of(1, &Facts::default(), time_ms);
    }
    assert_eq!(days.of(1, &Facts::default(), 86_400_000), 1);
}
