//! Terms by time, and how long claims are kept.

use super::{DEFAULT_UNIQUE_WINDOW_MS, Facts, Pay, Plan, Program};

fn program() -> Program {
    let currency = "EUR".parse().unwrap();
    let plan = |id, valid_from_ms| Plan { id, pay: Pay::Nothing, currency, valid_from_ms };
    Program {
        id: 3,
        site: 1,
        currency,
        paused: false,
        click_window_ms: 1,
        unique_window_ms: 1,
        hold_ms: 1,
        too_fast_ms: None,
        velocity_per_hour: None,
        plans: [("sale".to_owned(), vec![plan(1, 0), plan(2, 100), plan(3, 200)])].into(),
    }
}

#[test]
fn the_plan_in_force_is_the_latest_that_has_begun() {
    let program = program();
    for (at_ms, id) in [(0, 1), (99, 1), (100, 2), (199, 2), (200, 3), (u64::MAX, 3)] {
        assert_eq!(program.plan("sale", at_ms).unwrap().id, id, "{at_ms}");
    }
    assert_eq!(program.plan("lead", 100), None);
}

#[test]
fn claims_are_kept_for_the_longest_window_and_never_less_than_a_day() {
    let mut facts = Facts::default();
    assert_eq!(facts.longest_unique_window_ms(), DEFAULT_UNIQUE_WINDOW_MS);
    facts.programs.insert(3, program());
    assert_eq!(facts.longest_unique_window_ms(), DEFAULT_UNIQUE_WINDOW_MS);
    facts.programs.insert(4, Program { unique_window_ms: 7 * 86_400_000, ..program() });
    assert_eq!(facts.longest_unique_window_ms(), 7 * 86_400_000);
}
