//! The published shape, whole: `docs/trace.md` shows the same.

use schemas::reason::Invalid;
use serde_json::{Value, json};

use crate::stages::{
    ClickFact,
    tests::{VALID, decide, facts, labelled, sale},
};

/// The example of the page.
const PUBLISHED: &str = include_str!("../../../../docs/trace.md");

fn published() -> Value {
    let example = PUBLISHED.split("```json").nth(1).unwrap().split("```").next().unwrap();
    serde_json::from_str(example).unwrap()
}

#[test]
fn the_published_example_is_what_the_rules_write() {
    let outcome = decide(&sale(), labelled(Invalid::Bot), &facts());
    assert_eq!(outcome.traced(), published());
}

#[test]
fn every_trace_has_the_same_keys() {
    let keys = |trace: &Value| trace.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let mut bare = sale();
    bare.event.click = None;
    bare.event.program = 0;
    let outcome = decide(&bare, ClickFact::None, &facts());
    assert_eq!(keys(&outcome.traced()), keys(&published()));
    for key in ["program", "affiliate", "click", "window", "plan", "hold_until"] {
        assert!(outcome.traced()[key].is_null(), "{key}");
    }
    assert_eq!(outcome.traced()["reason"], "unknown_program");
    let steps = json!([
        { "step": "program", "result": "ok" }, { "step": "classify", "result": "unknown_program" }
    ]);
    assert_eq!(outcome.traced()["steps"], steps);
}

#[test]
fn a_trace_holds_nothing_of_the_visitor() {
    let mut record = sale();
    record.event.address = vec![203, 0, 113, 9];
    record.event.user_agent = "Somebody".into();
    record.event.customer_id = "customer".into();
    let text = decide(&record, VALID, &facts()).trace;
    for secret in ["203.0.113", "Somebody", "customer"] {
        assert!(!text.contains(secret));
    }
}
