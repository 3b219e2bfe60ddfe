//! Tables of the rule.

use schemas::event::{Click, Flags};

use super::put_claim;
use crate::{
    batch::Record,
    facts::Facts,
    lookup::agents::Agent,
    stages::{
        ClickCase,
        tests::{HOUR_MS, NOON_MS, facts},
    },
    stores::claims::{Claims, ClaimsConfig},
};

fn uniques(clicks: &[Click], facts: &Facts) -> Vec<bool> {
    let config = ClaimsConfig { memory_bytes: 1 << 20, spill: "/nowhere".into() };
    let mut claims = Claims::new(config);
    claims.rebuild(0, []).unwrap();
    let mut unique = |event: &Click| {
        let record = Record { journal: 1, partition: 0, seq: 1, event: event.clone() };
        let claims = &mut claims;
        let agent = Agent::default();
        let mut case = ClickCase { record: &record, facts, claims, agent, unique: false };
        put_claim(&mut case).unwrap();
        case.unique
    };
    clicks.iter().map(&mut unique).collect()
}

fn click(hours: u64, network: u64, cookie: u64) -> Click {
    Click {
        site: 1,
        program: 3,
        link: 7,
        time_ms: NOON_MS + hours * HOUR_MS,
        visitor_network: network,
        visitor_cookie: cookie,
        ..Click::default()
    }
}

#[test]
fn the_programs_window_rolls_from_the_first_click() {
    let clicks = [click(0, 1, 0), click(23, 1, 0), click(24, 1, 0), click(25, 1, 0)];
    assert_eq!(uniques(&clicks, &facts()), [true, false, true, false]);
    let mut short = facts();
    short.programs.get_mut(&3).unwrap().unique_window_ms = HOUR_MS;
    assert_eq!(uniques(&clicks, &short), [true; 4]);
}

#[test]
fn a_program_not_known_has_the_window_of_a_day() {
    let clicks = [click(0, 1, 0), click(23, 1, 0), click(24, 1, 0)];
    assert_eq!(uniques(&clicks, &Facts::default()), [true, false, true]);
}

#[test]
fn a_minted_cookie_is_judged_by_the_network() {
    let minted = |cookie| Click { flags: Flags::CookieMinted as u32, ..click(0, 1, cookie) };
    let brought = click(1, 2, 10);
    assert_eq!(uniques(&[minted(10), minted(11), brought], &facts()), [true, false, false]);
}

#[test]
fn an_impression_does_not_make_the_click_after_it_a_duplicate() {
    let seen = Click { flags: Flags::Impression as u32, ..click(0, 1, 0) };
    assert_eq!(uniques(&[seen.clone(), seen, click(0, 1, 0)], &facts()), [true, false, true]);
}

#[test]
fn who_asked_not_to_be_followed_is_never_unique() {
    assert_eq!(uniques(&[click(0, 0, 0), click(1, 0, 0)], &facts()), [false, false]);
}
