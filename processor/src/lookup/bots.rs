//! Robots by their user agent: the list `crawler-user-agents` (MIT), kept in `processor/data` in the
//! version its README names, as one alternation.
//!
//! A request without a user agent counts as a robot's: every browser sends one.

use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;
use std::sync::LazyLock;

const LIST: &str = include_str!("../../data/crawler-user-agents.json");

#[derive(Deserialize)]
struct Robot {
    pattern: String,
}

/// Compiled once a process: it takes some tens of milliseconds.
static ROBOTS: LazyLock<Regex> = LazyLock::new(|| compile(LIST));

/// The list as one expression. A copy has its own scratch space, so that threads do not share it.
pub(crate) struct Bots(Regex);

impl Bots {
    pub(crate) fn new() -> Self {
        Self(ROBOTS.clone())
    }

    /// Whether an agent is a robot's.
    pub(crate) fn knows(&self, agent: &str) -> bool {
        agent.is_empty() || self.0.is_match(agent.as_bytes())
    }
}

fn compile(list: &str) -> Regex {
    let expression = serde_json::from_str(list).ok().and_then(|robots: Vec<Robot>| {
        let patterns: Vec<String> =
            robots.iter().map(|robot| format!("(?:{})", robot.pattern)).collect();
        RegexBuilder::new(&patterns.join("|"))
            .unicode(false)
            .size_limit(64 << 20)
            .dfa_size_limit(16 << 20)
            .build()
            .ok()
    });
    // The list is part of the program, and a test compiles it.
    expression.expect("the kept list of robots is a list of expressions")
}

#[cfg(test)]
mod tests;
