//! Whole decisions, and the makers of cases that the rules' own tests use.

use schemas::{
    event::{Click, ClickRef, Conversion, Flags},
    money::{Currency, Money, Ppm},
    reason::{Invalid, Refusal},
};

use super::{
    CONVERSION_STAGES, ClickFact, ConversionCase, ConversionStage, decide_click, decide_conversion,
};
use crate::{
    batch::Record,
    facts::{Facts, Link, Pay, Plan, Program, Site},
    lookup::Lookups,
    outcome::{ClickOutcome, ConversionOutcome},
    stores::claims::{Claims, ClaimsConfig},
};

pub(super) const NOON_MS: u64 = 1_767_268_800_000;
pub(super) const HOUR_MS: u64 = 3_600_000;
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0";

pub(super) fn eur() -> Currency {
    "EUR".parse().unwrap()
}

/// A plan in EUR, in force for ever.
pub(super) const fn plan(id: i64, pay: Pay, currency: Currency) -> Plan {
    Plan { id, pay, currency, valid_from_ms: 0 }
}

/// Program 3 of site 1, EUR, click window an hour; `sale` pays 5 %, `lead` EUR 2, `visit` nothing.
pub(super) fn program() -> Program {
    let plans = [
        ("sale", plan(1, Pay::Percent(Ppm(50_000)), eur())),
        ("lead", plan(2, Pay::Flat(Money::from_minor(200, eur()).unwrap()), eur())),
        ("visit", plan(3, Pay::Nothing, eur())),
    ];
    Program {
        id: 3,
        site: 1,
        currency: eur(),
        paused: false,
        click_window_ms: HOUR_MS,
        unique_window_ms: 24 * HOUR_MS,
        hold_ms: 48 * HOUR_MS,
        too_fast_ms: None,
        velocity_per_hour: None,
        plans: plans.into_iter().map(|(event, plan)| (event.to_owned(), vec![plan])).collect(),
    }
}

/// `program`, its link 7 of affiliate 5, and link 8 of program 4.
pub(super) fn facts() -> Facts {
    let mut facts = Facts::default();
    facts.sites.insert(1, Site { time_zone: chrono_tz::Europe::Paris });
    facts.programs.insert(3, program());
    facts.programs.insert(4, Program { id: 4, ..program() });
    facts.links.insert(7, Link { site: 1, program: 3, affiliate: 5 });
    facts.links.insert(8, Link { site: 1, program: 4, affiliate: 6 });
    facts
}

/// A sale of EUR 12.50 at noon, by a click on link 7 ten minutes before.
pub(super) fn sale() -> Record<Conversion> {
    let click = ClickRef {
        key_version: 1,
        time_ms: NOON_MS - HOUR_MS / 6,
        shard: 9,
        journal: 77,
        seq: 5,
        link: 7,
    };
    let event = Conversion {
        site: 1,
        program: 3,
        time_ms: NOON_MS,
        shard: 9,
        via: 1,
        flags: Flags::Trusted as u32,
        event: "sale".into(),
        txn_id: "T1".into(),
        amount: "12.50".into(),
        currency: "EUR".into(),
        click: Some(click),
        ..Conversion::default()
    };
    Record { journal: 1, partition: 1, seq: 2, event }
}

pub(super) const VALID: ClickFact = ClickFact::Decided { label: None, recent: 0 };

pub(super) const fn labelled(label: Invalid) -> ClickFact {
    ClickFact::Decided { label: Some(label), recent: 0 }
}

/// What one rule says of a conversion, after the program was found.
pub(super) fn ask(
    stage: ConversionStage,
    record: &Record<Conversion>,
    click: ClickFact,
    facts: &Facts,
) -> Result<(), Refusal> {
    let mut case = ConversionCase::new(record, click, facts);
    super::terms::put_program(&mut case).unwrap();
    stage(&mut case)
}

pub(super) fn decide(
    record: &Record<Conversion>,
    click: ClickFact,
    facts: &Facts,
) -> ConversionOutcome {
    decide_conversion(record, click, facts, &mut Lookups::open(None).unwrap())
}

#[test]
fn a_sale_earns_its_share_and_is_held() {
    let outcome = decide(&sale(), VALID, &facts());
    let line = outcome.commission().unwrap();
    assert_eq!(line.amount, Money::from_units(625_000, eur()));
    assert_eq!((line.plan, line.hold_until_ms), (1, NOON_MS + 48 * HOUR_MS));
    assert_eq!((outcome.program, outcome.affiliate, outcome.link), (3, 5, 7));
    assert_eq!(outcome.amount, Some(Money::from_minor(1250, eur()).unwrap()));
    assert_eq!(outcome.status().name(), "pending");
    assert_eq!(outcome.day, 20_454);
}

#[test]
fn the_first_reason_of_the_precedence_is_recorded() {
    // Everything is wrong with it; each step mends what was found.
    let mut facts = facts();
    let program = facts.programs.get_mut(&3).unwrap();
    (program.too_fast_ms, program.velocity_per_hour) = (Some(HOUR_MS), Some(1));
    program.paused = true;
    let mut record = sale();
    record.event.verdict = u32::from(Refusal::BadClickId.code());
    record.event.program = 99;
    record.event.amount = "NaN".into();
    record.event.event = "party".into();
    let mut click = ClickFact::Expired;
    let mut found = Vec::new();
    for _ in 0..16 {
        let Some(reason) = decide(&record, click, &facts).refusal() else { break };
        found.push(reason);
        match reason {
            Refusal::BadClickId => record.event.verdict = 0,
            Refusal::UnknownProgram => record.event.program = 3,
            Refusal::BadAmount => record.event.amount = "1".into(),
            Refusal::UnknownEvent => record.event.event = "sale".into(),
            Refusal::ProgramPaused => facts.programs.get_mut(&3).unwrap().paused = false,
            Refusal::UnknownClick => {
                click = ClickFact::Decided { label: Some(Invalid::Blocked), recent: 1 };
                facts.links.get_mut(&7).unwrap().program = 4;
                record.event.time_ms += 9 * HOUR_MS;
            }
            Refusal::WrongProgram => facts.links.get_mut(&7).unwrap().program = 3,
            Refusal::ClickBlocked => click = ClickFact::Decided { label: None, recent: 1 },
            Refusal::WindowExpired => record.event.time_ms -= 9 * HOUR_MS,
            Refusal::TooFast => facts.programs.get_mut(&3).unwrap().too_fast_ms = None,
            Refusal::Velocity => facts.programs.get_mut(&3).unwrap().velocity_per_hour = None,
            other => panic!("{other}"),
        }
    }
    let sorted = {
        let mut sorted = found.clone();
        sorted.sort();
        sorted
    };
    assert_eq!(found, sorted);
    assert_eq!(found.len(), 11, "{found:?}");
}

#[test]
fn stages_have_names_of_their_own() {
    for (n, (name, _)) in CONVERSION_STAGES.iter().enumerate() {
        assert!(CONVERSION_STAGES[..n].iter().all(|(other, _)| other != name));
    }
}

#[test]
fn only_a_browsers_conversion_has_dimensions() {
    for (via, device) in [(1, ""), (2, "desktop"), (3, "desktop"), (4, ""), (5, ""), (99, "")] {
        let mut record = sale();
        record.event.via = via;
        record.event.user_agent = BROWSER.into();
        let mut lookups = Lookups::open(None).unwrap();
        let outcome = decide_conversion(&record, VALID, &facts(), &mut lookups);
        assert_eq!(lookups.words().text(outcome.dimensions.device), device, "{via}");
    }
}

#[test]
fn a_refusal_of_the_store_takes_the_commission_out_of_the_trace() {
    let mut outcome = decide(&sale(), VALID, &facts());
    outcome.refuse(Refusal::DuplicateTxn);
    assert_eq!(outcome.commission(), None);
    assert_eq!(outcome.status().name(), "invalid");
    let trace = &outcome.traced();
    assert_eq!(
        (trace["decision"].as_str(), trace["reason"].as_str()),
        (Some("refused"), Some("duplicate_txn"))
    );
    assert_eq!(trace["money"].as_array().unwrap().len(), 1);
    assert!(trace["hold_until"].is_null());
}

fn click() -> Record<Click> {
    let event = Click {
        site: 1,
        link: 7,
        program: 3,
        affiliate: 5,
        time_ms: NOON_MS,
        user_agent: BROWSER.into(),
        visitor_network: 99,
        ..Click::default()
    };
    Record { journal: 1, partition: 0, seq: 1, event }
}

fn decide_clicks(records: &[Record<Click>]) -> Vec<ClickOutcome> {
    let folder = tempfile::tempdir().unwrap();
    let config = ClaimsConfig { memory_bytes: 1 << 20, spill: folder.path().to_owned() };
    let mut claims = Claims::new(config);
    claims.rebuild(0, []).unwrap();
    let mut lookups = Lookups::open(None).unwrap();
    let decide = |record| decide_click(record, &facts(), &mut lookups, &mut claims);
    records.iter().map(decide).collect()
}

#[test]
fn a_bots_click_claims_nothing() {
    let mut bot = click();
    bot.event.user_agent = "Googlebot/2.1".into();
    let outcomes = decide_clicks(&[bot, click(), click()]);
    let names: Vec<&str> = outcomes.iter().map(ClickOutcome::name).collect();
    assert_eq!(names, ["invalid", "unique", "duplicate"]);
    assert_eq!(outcomes[0].invalid, Some(Invalid::Bot));
    assert_eq!(outcomes[1].day, 20_454);
}
