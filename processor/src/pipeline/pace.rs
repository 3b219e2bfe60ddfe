//! When the next batch begins. Knows no clock and no store.

use std::time::Duration;

/// However long blocks take, so much later than the shortest time allows at most: numbers stay fresh.
const LONGEST: u32 = 4;

/// While ClickHouse does not keep up, a batch begins this much later than the one before at the latest:
/// fewer and larger blocks.
pub(super) const BEHIND: Duration = Duration::from_secs(2);

/// How a batch went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    /// There was nothing to read.
    Nothing,
    /// Everything there was is committed.
    Some,
    /// There is more: go on at once.
    Full,
}

/// When the next batch begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    AtOnce,
    /// After the shortest time between two batches.
    Interval,
    /// When ClickHouse has caught up, or after `BEHIND`: as long as it is slower than the interval,
    /// batches grow, instead of more and more small blocks that wait.
    CaughtUp,
}

impl Pace {
    /// `oldest` is the commit of the oldest block that waits, `last` that of the last batch.
    pub(super) const fn of(done: Done, oldest: Option<i64>, last: i64) -> Self {
        match done {
            // As large as a batch may be: waiting would make no block larger.
            Done::Full => Self::AtOnce,
            Done::Nothing | Done::Some if is_behind(oldest, last) => Self::CaughtUp,
            Done::Nothing | Done::Some => Self::Interval,
        }
    }
}

/// The time between two batches of which the first one's blocks took ClickHouse so long: it has as much time for
/// merges and questions as for inserts, each of which costs the same however little is in it.
pub(super) fn interval(shortest: Duration, inserting: Duration) -> Duration {
    (inserting * 2).clamp(shortest, shortest * LONGEST)
}

/// So many records at once are no trickle: more is on its way from Kafka.
const BUSY: usize = 10_000;

/// Whether a batch that ran dry waits for more: while much comes, the time until the next batch is better spent
/// reading. Few records are committed at once, so that they are seen soon.
pub(super) fn reads_on(records: usize, since: Duration, interval: Duration) -> bool {
    records >= BUSY && since < interval
}

/// Whether blocks of more than the last commit wait.
pub(super) const fn is_behind(oldest: Option<i64>, last: i64) -> bool {
    matches!(oldest, Some(oldest) if oldest < last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_reads_on_while_much_comes_and_the_next_one_is_not_due() {
        let ms = Duration::from_millis;
        for (records, since, expected) in [
            (0, 0, false),
            (9_999, 0, false),
            (10_000, 0, true),
            (10_000, 249, true),
            (250_000, 250, false),
        ] {
            assert_eq!(reads_on(records, ms(since), ms(250)), expected, "{records} {since}");
        }
    }

    #[test]
    fn clickhouse_has_as_much_time_for_the_rest_as_for_inserts() {
        let ms = Duration::from_millis;
        for (inserting, expected) in
            [(0, 250), (40, 250), (125, 250), (126, 252), (200, 400), (500, 1000), (8000, 1000)]
        {
            assert_eq!(interval(ms(250), ms(inserting)), ms(expected), "{inserting}");
        }
    }

    #[test]
    fn batches_wait_for_clickhouse_while_more_than_one_commit_of_blocks_waits() {
        for (done, oldest, expected) in [
            (Done::Some, None, Pace::Interval),
            (Done::Some, Some(7), Pace::Interval),
            (Done::Some, Some(6), Pace::CaughtUp),
            (Done::Nothing, Some(6), Pace::CaughtUp),
            (Done::Nothing, None, Pace::Interval),
            (Done::Full, Some(1), Pace::AtOnce),
        ] {
            assert_eq!(Pace::of(done, oldest, 7), expected, "{done:?} {oldest:?}");
        }
    }
}
