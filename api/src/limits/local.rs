//! Counts of this process alone.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::{Lock, Rule, lock::Standing};

/// Keys kept at most: beyond that the ones that would be as new go.
const MOST_KEYS: usize = 200_000;

#[derive(Debug, Clone, Default)]
pub(super) struct Local {
    rules: Arc<Mutex<HashMap<String, i64>>>,
    locks: Arc<Mutex<HashMap<String, (Standing, i64)>>>,
}

impl Local {
    /// How long to wait; where it is counted, minus the time that is taken up now.
    pub(super) fn take(&self, rule: Rule, key: &str, now_ms: i64) -> i64 {
        let mut known = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let clear_ms = known.get(key).copied().unwrap_or(now_ms);
        match rule.take(clear_ms, now_ms) {
            Ok(next_ms) => {
                if known.len() >= MOST_KEYS {
                    known.retain(|_, clear_ms| *clear_ms > now_ms);
                }
                // Somebody with so many keys is slowed down by the rules above them.
                if known.len() < MOST_KEYS || known.contains_key(key) {
                    known.insert(key.to_owned(), next_ms);
                }
                now_ms - next_ms
            }
            Err(wait_ms) => wait_ms,
        }
    }

    pub(super) fn give_back(&self, rule: Rule, key: &str) {
        let mut known = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(clear_ms) = known.get_mut(key) {
            *clear_ms -= rule.step_ms();
        }
    }

    /// How long to wait; 0 where the try may be made.
    pub(super) fn attempt(&self, lock: Lock, key: &str, now_ms: i64) -> i64 {
        let mut known = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known.get(key).map(|(standing, _)| *standing).unwrap_or_default();
        let (standing, wait_ms) = lock.attempt(before, now_ms);
        if known.len() >= MOST_KEYS {
            known.retain(|_, (_, over_ms)| *over_ms > now_ms);
        }
        if known.len() < MOST_KEYS || known.contains_key(key) {
            let over_ms = standing.until_ms.max(now_ms) + lock.forgotten_ms;
            known.insert(key.to_owned(), (standing, over_ms));
        }
        wait_ms
    }

    pub(super) fn opened(&self, key: &str) {
        self.locks.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    pub(super) fn forget(&self) {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.locks.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE_MS: i64 = 60_000;
    const FIVE: Rule = Rule { name: "five", burst: 5, per_ms: 5 * MINUTE_MS };

    #[test]
    fn so_many_at_once_and_one_more_for_each_part_of_the_time() {
        let limits = Local::default();
        let take = |key: &str, second: i64| limits.take(FIVE, key, second * 1000).max(0) / 1000;
        assert_eq!((0..5).map(|_| take("a", 0)).sum::<i64>(), 0);
        assert_eq!(take("a", 0), 60);
        assert_eq!(take("b", 0), 0);
        assert_eq!((take("a", 59), take("a", 60), take("a", 60)), (1, 0, 60));
        assert_eq!((0..5).map(|_| take("a", 10_000)).sum::<i64>(), 0);
        limits.give_back(FIVE, "a");
        assert_eq!((take("a", 10_000), take("a", 10_000)), (0, 60));
    }

    proptest! {
        #[test]
        fn never_more_than_twice_the_burst_in_the_time(steps in prop::collection::vec(0_i64..100_000, 1..200)) {
            let limits = Local::default();
            let (mut now, mut taken) = (0, Vec::new());
            for step in steps {
                now += step;
                if limits.take(FIVE, "x", now) <= 0 {
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
