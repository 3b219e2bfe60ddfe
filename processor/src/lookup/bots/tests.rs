//! The kept list knows its own examples, and no browser.

use serde::Deserialize;

use super::{Bots, LIST};

#[derive(Deserialize)]
struct Example {
    pattern: String,
    #[serde(default)]
    instances: Vec<String>,
}

#[test]
fn every_example_of_the_list_is_a_robot() {
    let bots = Bots::new();
    let examples: Vec<Example> = serde_json::from_str(LIST).unwrap();
    assert!(examples.len() > 1_000);
    for example in examples {
        for agent in example.instances {
            assert!(bots.knows(&agent), "{}: {agent}", example.pattern);
        }
    }
}

#[test]
fn a_request_without_an_agent_is_a_robots() {
    assert!(Bots::new().knows(""));
}

#[test]
fn browsers_are_no_robots() {
    let bots = Bots::new();
    for agent in super::super::agents::tests::BROWSERS {
        assert!(!bots.knows(agent.0), "{}", agent.0);
    }
}
