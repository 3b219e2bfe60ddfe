//! How often something may be done, and by whom (security.md, limits): shared by all processes through Redis where it
//! is named, else counted here.
//!
//! Counted before it is done, so that whoever tries a hundred times at once is counted a hundred times. While Redis is
//! away each process counts by itself, with its part of what is allowed: nobody is let through for want of it, and
//! nobody is kept out (ADR 16).

mod lock;
mod local;
mod rules;
mod settings;
mod shared;

pub use lock::Lock;
pub use rules::*;
pub use settings::{Setting, Settings};
pub use shared::Shared;

use local::Local;
use std::sync::Arc;

use crate::error::Error;

/// The counts. Cheap to clone: all clones count together.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    local: Local,
    shared: Option<Shared>,
    /// Processes that count by themselves while Redis is away.
    nodes: u32,
    settings: Arc<Settings>,
}

/// What is left of what a rule allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// The rule, as it is set here.
    pub rule: Rule,
    /// As many more may come at once.
    pub more: u32,
    /// In so many seconds all of it may come again.
    pub whole_in_s: u64,
}

impl Limits {
    /// Counts here, or in Redis while it answers; `nodes` processes share what is allowed while it does not.
    pub fn new(shared: Option<Shared>, nodes: u32) -> Self {
        Self { local: Local::default(), shared, nodes, settings: Arc::default() }
    }

    /// With some rules set otherwise.
    #[must_use]
    pub fn set(self, settings: Settings) -> Self {
        Self { settings: Arc::new(settings), ..self }
    }

    /// Counts one more.
    ///
    /// # Errors
    /// `TooOften` with the seconds to wait; it is not counted then.
    pub async fn take(&self, rule: Rule, key: &str, now_ms: i64) -> Result<(), Error> {
        self.spend(rule, key, now_ms).await.map(drop)
    }

    /// The same, and says what is left.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub async fn spend(&self, rule: Rule, key: &str, now_ms: i64) -> Result<Left, Error> {
        let rule = self.settings.rule(rule);
        let key = format!("{}:{key}", rule.name);
        let shared = match &self.shared {
            Some(shared) => shared.take(rule, &key, now_ms).await,
            None => None,
        };
        let wait_ms = match shared {
            Some(wait_ms) => wait_ms,
            None => self.local.take(rule.part(self.nodes), &key, now_ms),
        };
        allowed(wait_ms)?;
        let taken_ms = wait_ms.unsigned_abs();
        let taken = u32::try_from(taken_ms.div_ceil(rule.step_ms().unsigned_abs().max(1)));
        let more = rule.burst.saturating_sub(taken.unwrap_or(rule.burst));
        Ok(Left { rule, more, whole_in_s: taken_ms.div_ceil(1000) })
    }

    /// Takes a count back: it was none of what the rule counts.
    pub async fn give_back(&self, rule: Rule, key: &str) {
        let rule = self.settings.rule(rule);
        let key = format!("{}:{key}", rule.name);
        let told = match &self.shared {
            Some(shared) => shared.give_back(rule, &key).await,
            None => false,
        };
        if !told {
            self.local.give_back(rule.part(self.nodes), &key);
        }
    }

    /// Counts a try at a lock that closes for longer each time.
    ///
    /// # Errors
    /// `TooOften` with the seconds to wait.
    pub async fn attempt(&self, lock: Lock, key: &str, now_ms: i64) -> Result<(), Error> {
        let lock = self.settings.lock(lock);
        let key = format!("{}:{key}", lock.name);
        let shared = match &self.shared {
            Some(shared) => shared.attempt(lock, &key, now_ms).await,
            None => None,
        };
        let wait_ms = match shared {
            Some(wait_ms) => wait_ms,
            None => self.local.attempt(lock.part(self.nodes), &key, now_ms),
        };
        allowed(wait_ms)
    }

    /// The lock was opened: what was tried before is forgotten.
    pub async fn opened(&self, lock: Lock, key: &str) {
        let key = format!("{}:{key}", lock.name);
        if let Some(shared) = &self.shared {
            shared.forget(&key).await;
        }
        self.local.opened(&key);
    }

    /// Begins anew, as after a start.
    pub fn forget(&self) {
        self.local.forget();
    }
}

fn allowed(wait_ms: i64) -> Result<(), Error> {
    match wait_ms {
        ..=0 => Ok(()),
        wait_ms => Err(Error::TooOften(wait_ms.unsigned_abs().div_ceil(1000).max(1))),
    }
}
