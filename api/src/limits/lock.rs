//! A lock that closes for longer each time: so many tries, then a while of none, then as many again and a longer while.

/// The rule of a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lock {
    /// Its name: keys of different locks never meet.
    pub name: &'static str,
    /// Tries before it closes.
    pub tries: u32,
    /// In so many milliseconds.
    pub within_ms: i64,
    /// How long it closes the first time; twice as long the second, three times the third.
    pub locked_ms: i64,
    /// At most so long.
    pub longest_ms: i64,
    /// After so long without a try it is as new.
    pub forgotten_ms: i64,
}

/// How a lock stands for one key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// Tries since `since_ms`.
    pub(super) tries: i64,
    pub(super) since_ms: i64,
    /// How often it closed.
    pub(super) closed: i64,
    pub(super) until_ms: i64,
    /// The last try.
    pub(super) last_ms: i64,
}

impl Lock {
    /// What a try at `now_ms` does: how it stands then, and how long to wait (0: the try may be made).
    pub(super) fn attempt(self, standing: Standing, now_ms: i64) -> (Standing, i64) {
        let mut now = standing;
        if now_ms < now.until_ms {
            return (now, now.until_ms - now_ms);
        }
        if now_ms - now.last_ms > self.forgotten_ms {
            now = Standing { since_ms: now_ms, ..Standing::default() };
        }
        if now_ms - now.since_ms >= self.within_ms {
            (now.tries, now.since_ms) = (0, now_ms);
        }
        now.last_ms = now_ms;
        if now.tries < i64::from(self.tries) {
            now.tries += 1;
            return (now, 0);
        }
        now.closed += 1;
        now.tries = 0;
        let locked_ms = (self.locked_ms * now.closed).min(self.longest_ms);
        now.until_ms = now_ms + locked_ms;
        now.since_ms = now.until_ms;
        (now, locked_ms)
    }

    /// One of `nodes` parts, one try at least.
    pub(super) fn part(self, nodes: u32) -> Self {
        Self { tries: (self.tries / nodes.max(1)).max(1), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::super::WRONG_PASSWORD;
    use super::*;

    #[test]
    fn it_closes_for_five_ten_and_fifteen_minutes_and_forgets_in_an_hour() {
        let minute = 60_000;
        let (mut standing, mut now, mut waits) =
            (Standing::default(), 1_795_168_800_000, Vec::new());
        for _ in 0..4 {
            for _ in 0..5 {
                let (next, wait) = WRONG_PASSWORD.attempt(standing, now);
                assert_eq!(wait, 0);
                standing = next;
            }
            let (next, wait) = WRONG_PASSWORD.attempt(standing, now);
            assert_eq!(WRONG_PASSWORD.attempt(next, now + wait - 1).1, 1);
            waits.push(wait / minute);
            (standing, now) = (next, now + wait);
        }
        assert_eq!(waits, [5, 10, 15, 15]);
        let (_, wait) =
            (0..6).fold((standing, 0), |(at, _), _| WRONG_PASSWORD.attempt(at, now + 61 * minute));
        assert_eq!(wait / minute, 5);
    }

    #[test]
    fn tries_that_lie_apart_close_nothing() {
        let mut standing = Standing::default();
        for n in 0..100 {
            let (next, wait) = WRONG_PASSWORD.attempt(standing, 1_795_168_800_000 + n * 61_000);
            assert_eq!(wait, 0, "{n}");
            standing = next;
        }
    }
}
