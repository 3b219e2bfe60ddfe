//! Trouble between collectors, out of a real Kafka: journals that come a day late, clocks that differ. What counts is
//! when things happened, by their own stamps, never when they came.

use journal::JournalId;
use schemas::{event::ClickRef, reason::Invalid, topic::Topic};
use std::ops::RangeInclusive;

use crate::{
    event_log::EventLog,
    kill::start_with,
    partitions::settled,
    world::{Log, NOON, World, click, sale},
};

pub(crate) const FIRST: u64 = 0x0102_0304_0506_0708;
pub(crate) const SECOND: u64 = 0x1112_1314_1516_1718;
pub(crate) const THIRD: u64 = 0x2122_2324_2526_2728;
pub(crate) const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
pub(crate) const DAY: u64 = 24 * HOUR;

pub(crate) const AS_OF: &str =
    "SELECT coalesce((extract(epoch FROM as_of) * 1000)::bigint, 0) FROM pipeline_as_of";
pub(crate) const WAITING: &str = "SELECT count(*) FROM pipeline_waiting";
pub(crate) const EXPIRED: &str = "SELECT count(*) FROM pipeline_expiry";
/// Messages read of the topic of conversions.
pub(crate) const SALES_READ: &str = "SELECT coalesce(sum(conversions_offset), 0)::bigint FROM pipeline_partition WHERE partition >= 0";
/// Whether there are claims of the first day, and whether there are labels.
const OLD: &str =
    "SELECT (EXISTS (SELECT FROM pipeline_claims WHERE max_ms < 1767312000000))::int::bigint
    + (EXISTS (SELECT FROM pipeline_label))::int::bigint";
const UNIQUE: &str = "SELECT toInt64(countIf(outcome = 'unique')) FROM clicks";

/// Flags of a processor that knows of two collectors.
pub(crate) fn of_two(events: &EventLog) -> Vec<String> {
    let slots = ["--slots", "c0,c1"].map(str::to_owned);
    events.arguments().into_iter().chain(slots).collect()
}

/// Visitors are new again after an hour, and a click earns for another half.
async fn short_windows(world: &World) {
    let short =
        "UPDATE affiliate_program SET unique_window_ms = 3600000, click_window_ms = 5400000";
    sqlx::query(short).execute(&world.owner).await.unwrap();
}

/// A click of each of these visitors.
pub(crate) fn visits(log: &mut Log, at_ms: u64, visitors: RangeInclusive<u64>) -> Vec<ClickRef> {
    visitors.map(|visitor| log.click(click(at_ms + visitor, visitor))).collect()
}

/// How many conversions were refused, by reason; those that earn have none.
pub(crate) async fn reasons(world: &World) -> Vec<(String, i64)> {
    let sql = "SELECT reason, count(*) FROM affiliate_conversion GROUP BY reason ORDER BY reason";
    sqlx::query_as(sql).fetch_all(&world.owner).await.unwrap()
}

pub(crate) fn counted(expected: &[(&str, i64)]) -> Vec<(String, i64)> {
    expected.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect()
}

/// A day of twenty visitors, one of whom buys just in time and another just too late; gives the click of a third.
fn every_second_hour(log: &mut Log) -> ClickRef {
    let mut tenth = None;
    for n in 1..=12 {
        let at = NOON + n * 2 * HOUR;
        let named = visits(log, at, 1..=20);
        let last = named[4].time_ms + 90 * MINUTE;
        log.conversion(sale(last, named[4], &format!("T-soon-{n}")));
        log.conversion(sale(last + 2, named[5], &format!("T-late-{n}")));
        log.beat(at + 100 * MINUTE);
        tenth = (n == 10).then_some(named[6]).or(tenth);
    }
    tenth.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_back_after_a_day_is_counted_by_the_times_of_its_events() {
    let world = World::new().await;
    short_windows(&world).await;
    let mut events = EventLog::make("day_late").await;
    let arguments = of_two(&events);
    let mut late = world.writer_of("c0", FIRST, NOON);
    let first = visits(&mut late, NOON, 1..=20);
    let mut disabled = click(NOON + 21, 21);
    disabled.verdict = Invalid::Disabled.code().into();
    let disabled = late.click(disabled);
    late.beat(NOON + 1000);
    events.ship(&world);
    let processor = start_with(&world, &arguments);
    world.stored(21).await;
    world.reaches("SELECT count(*) FROM pipeline_heartbeat", 1).await;
    processor.stop().await;

    // It goes on for a day without Kafka: everybody comes again soon, and then every second hour.
    visits(&mut late, NOON + HOUR / 2, 1..=20);
    late.conversion(sale(NOON + HOUR, first[0], "T-first"));
    late.conversion(sale(NOON + HOUR, disabled, "T-disabled"));
    late.beat(NOON + HOUR);
    let sold = every_second_hour(&mut late);
    // The other collector goes on for three days. A visitor of the first comes to it too, and one buys there.
    let mut other = world.writer_of("c1", SECOND, NOON);
    for n in 1..=72 {
        other.click(click(NOON + n * HOUR, 100 + n));
        if n == 20 {
            other.click(click(NOON + n * HOUR + 10 * MINUTE, 1));
            other.conversion(sale(NOON + n * HOUR + 20 * MINUTE, sold, "T-elsewhere"));
        }
        other.beat(NOON + n * HOUR + HOUR / 2);
    }
    events.ship_only(&world, SECOND);
    let processor = start_with(&world, &arguments);
    world.stored(21 + 73).await;
    world.reaches(SALES_READ, 4 + 72 * 4 + 1).await;
    processor.stop().await;
    // What is dropped as old is dropped with a processor's first commit.
    let processor = start_with(&world, &arguments);
    other.beat(NOON + 73 * HOUR);
    events.ship_only(&world, SECOND);
    world.reaches(AS_OF, (NOON + 1000) as i64).await;
    world.reaches(SALES_READ, 4 + 73 * 4 + 1).await;
    processor.stop().await;
    assert_eq!(world.ask(AS_OF).await, (NOON + 1000) as i64);
    assert_eq!((world.ask(WAITING).await, world.ask(EXPIRED).await), (1, 0));
    assert_eq!(world.ask(OLD).await, 2, "what the late ones ask for is kept");

    late.0.end(Some((JournalId(THIRD), NOON + 72 * HOUR))).unwrap();
    let mut next = world.writer_of("c0", THIRD, NOON + 72 * HOUR);
    next.beat(NOON + 73 * HOUR);
    events.ship(&world);
    let processor = start_with(&world, &arguments);
    settled(&world, 21 + 73 + 20 + 240).await;
    world.reaches(AS_OF, (NOON + 73 * HOUR) as i64).await;
    processor.stop().await;
    // By their times everybody is new each second hour, but for the one who was at the other collector just after.
    assert_eq!(world.ask_engine(UNIQUE).await, 20 + 240 + 73 - 1);
    let expected = counted(&[("", 1 + 12 + 1), ("click_blocked", 1), ("window_expired", 12)]);
    assert_eq!(reasons(&world).await, expected);
    assert_eq!(world.ask(EXPIRED).await, 0);
    world.audit().await;

    // Now nobody can ask for it any more.
    let sales_read = world.ask(SALES_READ).await;
    other.beat(NOON + 74 * HOUR);
    events.ship(&world);
    let processor = start_with(&world, &arguments);
    world.reaches(SALES_READ, sales_read + 4).await;
    processor.stop().await;
    assert_eq!(world.ask(OLD).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fast_clock_expires_no_claim_and_no_wait_and_completes_nothing() {
    const FAST: u64 = NOON + 3 * DAY;
    let world = World::new().await;
    short_windows(&world).await;
    let mut events = EventLog::make("fast_clock").await;
    let arguments = of_two(&events);
    let mut right = world.writer_of("c0", FIRST, NOON);
    let mut fast = world.writer_of("c1", SECOND, FAST);
    let at_right = visits(&mut right, NOON, 1..=10);
    let at_fast = visits(&mut fast, FAST, 101..=104);
    right.beat(NOON + 1000);
    fast.beat(FAST + 1000);
    events.ship(&world);
    let processor = start_with(&world, &arguments);
    settled(&world, 14).await;
    processor.stop().await;

    // Everybody comes again; the clicks of one partition are on their way while the fast clock says that days passed.
    visits(&mut right, NOON + 10 * MINUTE, 1..=10);
    let on_its_way = right.click(click(NOON + 10 * MINUTE + 20, 201));
    let soon = NOON + 20 * MINUTE;
    right.conversion(sale(soon, on_its_way, "T-on-its-way"));
    right.conversion(sale(soon, at_right[2], "T-right-right"));
    right.conversion(sale(soon, at_fast[0], "T-fast-right"));
    fast.conversion(sale(FAST + 20 * MINUTE, at_fast[1], "T-fast-fast"));
    // By the stamps that there are this one is days late.
    fast.conversion(sale(FAST + 20 * MINUTE, at_right[3], "T-right-fast"));
    right.beat(NOON + HOUR);
    fast.beat(FAST + DAY);
    events.ship_without(&world, |topic, batch| topic == Topic::Clicks && batch.journal == FIRST);
    let processor = start_with(&world, &arguments);
    world.reaches(SALES_READ, 21).await;
    world.reaches(AS_OF, (NOON + 1000) as i64).await;
    processor.stop().await;
    assert_eq!((world.ask(WAITING).await, world.ask(EXPIRED).await), (1, 0));
    assert_eq!(world.ask(AS_OF).await, (NOON + 1000) as i64);

    events.ship_again(&world);
    let processor = start_with(&world, &arguments);
    settled(&world, 14 + 11).await;
    world.reaches(AS_OF, (NOON + HOUR) as i64).await;
    processor.stop().await;
    assert_eq!(world.ask_engine(UNIQUE).await, 10 + 4 + 1);
    assert_eq!(reasons(&world).await, counted(&[("", 4), ("window_expired", 1)]));
    let marked = "SELECT count(*) FROM affiliate_conversion WHERE trace -> 'signals' ? 'before_click' AND txn_id = 'T-fast-right'";
    assert_eq!(world.ask(marked).await, 1);
    world.audit().await;
}
