//! Tables of the rule.

use schemas::{
    event::Flags,
    reason::{Invalid, Refusal},
};

use super::{reject_invalid, reject_judged};
use crate::{
    batch::Record,
    facts::Facts,
    lookup::agents::Agent,
    stages::{
        ClickCase,
        tests::{VALID, ask, facts, sale},
    },
    stores::claims::{Claims, ClaimsConfig},
};

/// link, verdict, flags, robot → reason
fn check(link: u32, verdict: u32, flags: &[Flags], bot: bool, expected: Option<Invalid>) {
    let mut record = Record { journal: 1, partition: 0, seq: 1, ..Record::default() };
    record.event = schemas::event::Click { link, verdict, ..Default::default() };
    record.event.flags = flags.iter().map(|flag| *flag as u32).sum();
    let config = ClaimsConfig { memory_bytes: 0, spill: "/nowhere".into() };
    let mut case = ClickCase {
        record: &record,
        facts: &Facts::default(),
        claims: &mut Claims::new(config),
        agent: Agent { bot, ..Agent::default() },
        unique: false,
    };
    assert_eq!(reject_invalid(&mut case).err(), expected);
}

#[test]
fn the_first_reason_of_the_precedence_is_recorded() {
    let expired = u32::from(Invalid::Expired.code());
    let cap = u32::from(Invalid::Cap.code());
    check(7, 0, &[], false, None);
    check(7, 0, &[Flags::Impression, Flags::CookieMinted, Flags::Privacy], false, None);
    check(7, 0, &[], true, Some(Invalid::Bot));
    check(7, 0, &[Flags::Head], false, Some(Invalid::Prefetch));
    check(7, 0, &[Flags::Prefetch], true, Some(Invalid::Prefetch));
    check(7, expired, &[Flags::Head], true, Some(Invalid::Expired));
    check(7, cap, &[], true, Some(Invalid::Bot));
    check(7, cap, &[], false, Some(Invalid::Cap));
    check(0, 0, &[], false, Some(Invalid::Orphan));
    check(0, expired, &[Flags::Head], true, Some(Invalid::Orphan));
}

#[test]
fn a_reason_of_a_later_collector_stays_a_reason() {
    check(7, 200, &[], false, Some(Invalid::Malformed));
}

#[test]
fn what_the_collector_judged_is_not_judged_again() {
    for &reason in Refusal::ALL {
        let mut record = sale();
        record.event.verdict = reason.code().into();
        assert_eq!(ask(reject_judged, &record, VALID, &facts()), Err(reason));
    }
    assert_eq!(ask(reject_judged, &sale(), VALID, &facts()), Ok(()));
    let mut later = sale();
    later.event.verdict = 200;
    assert_eq!(ask(reject_judged, &later, VALID, &facts()), Err(Refusal::Malformed));
}
