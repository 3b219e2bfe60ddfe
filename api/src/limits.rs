//! How often something may be done, and by whom: each rule counts by a key of its own (security.md, limits).
//!
//! Counted before it is done, so that whoever tries a hundred times at once is counted a hundred times. The
//! generic cell rate algorithm: one number for each key, the time at which it would be as if nothing had happened.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::error::Error;

/// So many at once, and as many again in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its name: keys of different rules never meet.
    pub name: &'static str,
    /// How many.
    pub burst: u32,
    /// In so many milliseconds.
    pub per_ms: i64,
}

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

const fn rule(name: &'static str, burst: u32, per_ms: i64) -> Rule {
    Rule { name, burst, per_ms }
}

/// Attempts to sign in from an address.
pub const SIGN_IN_ADDRESS: Rule = rule("sign_in_address", 30, MINUTE_MS);
/// And from a network.
pub const SIGN_IN_NETWORK: Rule = rule("sign_in_network", 300, HOUR_MS);
/// Wrong passwords of an account from a network.
pub const WRONG_PASSWORD: Rule = rule("wrong_password", 5, 5 * MINUTE_MS);
/// Second factors of an account, right or wrong.
pub const SECOND_FACTOR: Rule = rule("second_factor", 5, 5 * MINUTE_MS);
/// Proofs of who is signed in already.
pub const REAUTHENTICATE: Rule = rule("reauthenticate", 5, 5 * MINUTE_MS);
/// New accounts from an address.
pub const SIGN_UP: Rule = rule("sign_up", 20, HOUR_MS);
/// Forgotten passwords from an address.
pub const RESET_ADDRESS: Rule = rule("reset_address", 10, HOUR_MS);
/// And of an account.
pub const RESET_ACCOUNT: Rule = rule("reset_account", 3, HOUR_MS);
/// Mails to somebody at once, and in an hour.
pub const MAIL_MINUTE: Rule = rule("mail_minute", 1, MINUTE_MS);
/// See [`MAIL_MINUTE`].
pub const MAIL_HOUR: Rule = rule("mail_hour", 5, HOUR_MS);
/// Codes typed from an address.
pub const CODE_ADDRESS: Rule = rule("code_address", 30, MINUTE_MS);

/// Keys kept at most: beyond that the ones that would be as new go, then the oldest.
const MOST_KEYS: usize = 200_000;

impl Rule {
    /// What one more at `now_ms` does to a key that is clear at `clear_ms`: until when it is not, or how long to wait.
    fn take(self, clear_ms: i64, now_ms: i64) -> Result<i64, i64> {
        let step_ms = self.per_ms / i64::from(self.burst.max(1));
        let next_ms = clear_ms.max(now_ms) + step_ms;
        let wait_ms = next_ms - now_ms - self.per_ms;
        if wait_ms > 0 { Err(wait_ms) } else { Ok(next_ms) }
    }
}

/// The counts of this process. Cheap to clone: all clones count together.
#[derive(Debug, Clone, Default)]
pub struct Limits(Arc<Mutex<HashMap<String, i64>>>);

impl Limits {
    /// Counts one more.
    ///
    /// # Errors
    /// `TooOften` with the seconds to wait; it is not counted then.
    pub fn take(&self, rule: Rule, key: &str, now_ms: i64) -> Result<(), Error> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = format!("{}:{key}", rule.name);
        let clear_ms = known.get(&key).copied().unwrap_or(now_ms);
        match rule.take(clear_ms, now_ms) {
            Ok(next_ms) => {
                if known.len() >= MOST_KEYS {
                    known.retain(|_, clear_ms| *clear_ms > now_ms);
                }
                // Somebody with so many keys is slowed down by the rules above them.
                if known.len() < MOST_KEYS || known.contains_key(&key) {
                    known.insert(key, next_ms);
                }
                Ok(())
            }
            Err(wait_ms) => Err(Error::TooOften(wait_ms.unsigned_abs().div_ceil(1000).max(1))),
        }
    }

    /// Begins anew, as after a start.
    pub fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Takes a count back: it was none of what the rule counts.
    pub fn give_back(&self, rule: Rule, key: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(clear_ms) = known.get_mut(&format!("{}:{key}", rule.name)) {
            *clear_ms -= rule.per_ms / i64::from(rule.burst.max(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIVE: Rule = rule("five", 5, 5 * MINUTE_MS);

    fn wait(result: Result<(), Error>) -> u64 {
        match result {
            Ok(()) => 0,
            Err(Error::TooOften(seconds)) => seconds,
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn so_many_at_once_and_one_more_for_each_part_of_the_time() {
        let limits = Limits::default();
        let take = |key: &str, second: i64| wait(limits.take(FIVE, key, second * 1000));
        assert_eq!((0..5).map(|_| take("a", 0)).sum::<u64>(), 0);
        assert_eq!(take("a", 0), 60);
        assert_eq!(take("b", 0), 0);
        assert_eq!((take("a", 59), take("a", 60), take("a", 60)), (1, 0, 60));
        assert_eq!((0..5).map(|_| take("a", 10_000)).sum::<u64>(), 0);
        limits.give_back(FIVE, "a");
        assert_eq!((take("a", 10_000), take("a", 10_000)), (0, 60));
    }

    proptest! {
        #[test]
        fn never_more_than_twice_the_burst_in_the_time(steps in prop::collection::vec(0_i64..100_000, 1..200)) {
            let limits = Limits::default();
            let (mut now, mut taken) = (0, Vec::new());
            for step in steps {
                now += step;
                if limits.take(FIVE, "x", now).is_ok() {
                    taken.push(now);
                }
            }
            for start in &taken {
                let within = taken.iter().filter(|at| (*start..*start + FIVE.per_ms).contains(*at)).count();
                prop_assert!(within <= 10, "{within}");
            }
        }
    }
}
