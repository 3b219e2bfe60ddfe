//! Tables of the rule.

use schemas::reason::{Invalid, Refusal};

use super::{put_program, reject_paused, reject_unknown_event};
use crate::stages::{
    ClickFact, ConversionCase,
    classify::reject_judged,
    tests::{HOUR_MS, NOON_MS, VALID, ask, facts, labelled, sale},
};

/// site, named program, its click's link → program found
fn check(site: u32, named: u32, link: u32, expected: Option<u32>) {
    let mut record = sale();
    record.event.site = site;
    record.event.program = named;
    record.event.click.as_mut().unwrap().link = link;
    let facts = facts();
    let mut case = ConversionCase::new(&record, VALID, &facts);
    put_program(&mut case).unwrap();
    let found = case.program.map(|program| program.id);
    assert_eq!(found, expected, "{site} {named} {link}");
    let refused = reject_judged(&mut case).err();
    assert_eq!(refused, expected.is_none().then_some(Refusal::UnknownProgram));
}

#[test]
fn the_program_named_goes_before_the_clicks() {
    check(1, 3, 7, Some(3));
    check(1, 3, 8, Some(3));
    check(1, 0, 8, Some(4));
    check(1, 0, 0, None);
    check(1, 0, 999, None);
    check(1, 99, 7, None);
    check(2, 3, 7, None);
}

#[test]
fn an_event_is_known_from_the_moment_of_its_first_plan() {
    let mut facts = facts();
    let plans = facts.programs.get_mut(&3).unwrap().plans.get_mut("sale").unwrap();
    plans[0].valid_from_ms = NOON_MS;
    let second = crate::facts::Plan { id: 9, valid_from_ms: NOON_MS + HOUR_MS, ..plans[0] };
    plans.push(second);
    for (time_ms, expected) in [
        (NOON_MS - 1, Err(Refusal::UnknownEvent)),
        (NOON_MS, Ok(1)),
        (NOON_MS + HOUR_MS - 1, Ok(1)),
        (NOON_MS + HOUR_MS, Ok(9)),
    ] {
        let mut record = sale();
        record.event.time_ms = time_ms;
        let mut case = ConversionCase::new(&record, VALID, &facts);
        put_program(&mut case).unwrap();
        let plan = reject_unknown_event(&mut case).map(|()| case.plan.unwrap().id);
        assert_eq!(plan, expected, "{time_ms}");
    }
    for event in ["party", "", "Sale"] {
        let mut record = sale();
        record.event.event = event.into();
        let refused = ask(reject_unknown_event, &record, VALID, &facts);
        assert_eq!(refused, Err(Refusal::UnknownEvent), "{event}");
    }
}

#[test]
fn a_pause_honours_the_clicks_accepted_before_it() {
    let mut paused = facts();
    paused.programs.get_mut(&3).unwrap().paused = true;
    for (click, accepted) in [
        (VALID, true),
        (labelled(Invalid::Bot), true),
        (labelled(Invalid::Disabled), false),
        (labelled(Invalid::Blocked), false),
        (ClickFact::None, false),
        (ClickFact::Expired, false),
        (ClickFact::DeadLettered, false),
    ] {
        let expected = if accepted { Ok(()) } else { Err(Refusal::ProgramPaused) };
        assert_eq!(ask(reject_paused, &sale(), click, &paused), expected, "{click:?}");
        assert_eq!(ask(reject_paused, &sale(), click, &facts()), Ok(()), "{click:?}");
    }
}
