//! Tables of the rule.

use schemas::reason::{Invalid, Refusal};

use super::{
    is_signal, reject_blocked_click, reject_foreign_click, reject_frequent, reject_hasty,
    reject_late, reject_unknown_click,
};
use crate::stages::{
    ClickFact,
    tests::{HOUR_MS, NOON_MS, VALID, ask, decide, facts, labelled, sale},
};

#[test]
fn no_click_no_commission() {
    for (click, expected) in [
        (VALID, Ok(())),
        (labelled(Invalid::Bot), Ok(())),
        (ClickFact::None, Err(Refusal::UnknownClick)),
        (ClickFact::Expired, Err(Refusal::UnknownClick)),
        (ClickFact::DeadLettered, Err(Refusal::ClickUnresolved)),
    ] {
        assert_eq!(ask(reject_unknown_click, &sale(), click, &facts()), expected, "{click:?}");
    }
}

#[test]
fn an_orphans_click_has_nobody_to_pay() {
    let mut record = sale();
    record.event.click.as_mut().unwrap().link = 0;
    let outcome = decide(&record, labelled(Invalid::Orphan), &facts());
    assert_eq!(outcome.refusal(), Some(Refusal::UnknownClick));
    assert_eq!((outcome.program, outcome.affiliate, outcome.link), (3, 0, 0));
}

#[test]
fn a_click_of_another_program_or_site_does_not_earn() {
    let mut record = sale();
    record.event.click.as_mut().unwrap().link = 8;
    assert_eq!(ask(reject_foreign_click, &record, VALID, &facts()), Err(Refusal::WrongProgram));
    let mut elsewhere = facts();
    elsewhere.links.get_mut(&7).unwrap().site = 2;
    assert_eq!(ask(reject_foreign_click, &sale(), VALID, &elsewhere), Err(Refusal::WrongProgram));
    assert_eq!(ask(reject_foreign_click, &sale(), VALID, &facts()), Ok(()));
}

#[test]
fn marks_of_fraud_stay_candidates_and_closed_doors_do_not() {
    for &label in Invalid::ALL {
        let expected = match label {
            Invalid::Cap => Err(Refusal::Cap),
            label if is_signal(label) => Ok(()),
            _ => Err(Refusal::ClickBlocked),
        };
        let asked = ask(reject_blocked_click, &sale(), labelled(label), &facts());
        assert_eq!(asked, expected, "{label}");
    }
    let signals = Invalid::ALL.iter().filter(|label| is_signal(**label)).count();
    assert_eq!(signals, 5);
}

#[test]
fn a_bots_click_earns_pending_with_the_signal() {
    let outcome = decide(&sale(), labelled(Invalid::Bot), &facts());
    assert!(outcome.commission().is_some());
    assert_eq!(outcome.traced()["signals"], serde_json::json!(["bot"]));
}

/// milliseconds after the click → within the window of an hour
fn check_window(age_ms: u64, expected: Result<(), Refusal>) {
    let mut record = sale();
    record.event.time_ms = record.event.click.unwrap().time_ms + age_ms;
    assert_eq!(ask(reject_late, &record, VALID, &facts()), expected, "{age_ms}");
}

#[test]
fn late_click_does_not_earn() {
    check_window(0, Ok(()));
    check_window(HOUR_MS, Ok(()));
    check_window(HOUR_MS + 1, Err(Refusal::WindowExpired));
}

#[test]
fn a_click_whose_clock_ran_ahead_still_counts_and_is_marked() {
    let mut record = sale();
    record.event.click.as_mut().unwrap().time_ms = NOON_MS + 5;
    assert_eq!(ask(reject_late, &record, VALID, &facts()), Ok(()));
    assert_eq!(decide(&record, VALID, &facts()).traced()["signals"][0], "before_click");
}

#[test]
fn too_fast_is_off_until_a_program_wants_it() {
    let mut record = sale();
    record.event.time_ms = record.event.click.unwrap().time_ms + 999;
    assert_eq!(ask(reject_hasty, &record, VALID, &facts()), Ok(()));
    let mut strict = facts();
    strict.programs.get_mut(&3).unwrap().too_fast_ms = Some(1_000);
    assert_eq!(ask(reject_hasty, &record, VALID, &strict), Err(Refusal::TooFast));
    record.event.time_ms += 1;
    assert_eq!(ask(reject_hasty, &record, VALID, &strict), Ok(()));
}

#[test]
fn velocity_is_off_until_a_program_wants_it() {
    let after = |recent| ClickFact::Decided { label: None, recent };
    assert_eq!(ask(reject_frequent, &sale(), after(1_000), &facts()), Ok(()));
    let mut strict = facts();
    strict.programs.get_mut(&3).unwrap().velocity_per_hour = Some(2);
    assert_eq!(ask(reject_frequent, &sale(), after(1), &strict), Ok(()));
    assert_eq!(ask(reject_frequent, &sale(), after(2), &strict), Err(Refusal::Velocity));
}
