//! Tables of the rule.

use crate::stages::tests::{HOUR_MS, NOON_MS, VALID, decide, facts, sale};

#[test]
fn a_hold_counts_from_the_event() {
    for (hold_ms, expected) in [(0, NOON_MS), (HOUR_MS, NOON_MS + HOUR_MS), (u64::MAX, u64::MAX)] {
        let mut facts = facts();
        facts.programs.get_mut(&3).unwrap().hold_ms = hold_ms;
        let line = decide(&sale(), VALID, &facts).commission().unwrap();
        assert_eq!(line.hold_until_ms, expected);
    }
}
