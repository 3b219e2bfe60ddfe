//! With every rule nothing goes wrong; without any one of them something does.

use super::*;

const COPIES: Bounds = Bounds { copies: true, mishaps: 1, restores: 0, ..Bounds::SMALL };

#[test]
fn with_every_rule_nothing_is_lost_doubled_told_too_early_or_stuck() {
    for bounds in [Bounds::SMALL, COPIES] {
        let found = search(bounds, Rules { off: None });
        assert_eq!(found.counterexample, None);
        assert!(found.states > 1000, "{}", found.states);
    }
}

#[test]
fn each_rule_switched_off_shows_why_it_is_there() {
    for rule in Rule::ALL {
        let bounds = [Bounds::SMALL, COPIES].into_iter();
        let found = bounds.map(|bounds| search(bounds, Rules { off: Some(rule) }));
        let mut shown = found.filter_map(|found| found.counterexample);
        assert!(shown.next().is_some(), "nothing goes wrong without {rule:?}");
    }
}
