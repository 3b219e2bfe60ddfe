//! More partitions: visitors stay known, sales find their clicks, whoever has which partition.

use journal::JournalId;
use migrations::testing::Role;
use schemas::event::ClickRef;

use crate::{
    event_log::EventLog,
    kill::start_with,
    world::{Log, NOON, World, click, sale},
};

const FIRST: u64 = 0x0102_0304_0506_0708;
const SECOND: u64 = 0x1112_1314_1516_1718;
const MORE: u16 = 8;
const VISITORS: u64 = 48;
const UNIQUE: &str = "SELECT toInt64(countIf(outcome = 'unique')) FROM clicks";
/// 1 when everything announced is in and ClickHouse has it.
const SETTLED: &str = "SELECT (NOT EXISTS (SELECT FROM outbox_block) AND NOT EXISTS (SELECT FROM pipeline_waiting)
    AND NOT EXISTS (SELECT FROM pipeline_seqs WHERE NOT covered @> int8range(1, announced + 1)))::int::bigint";
const SEALED: &str = "SELECT count(*) FROM pipeline_journal WHERE state = 'sealed'";

/// A click of every visitor.
fn visits(log: &mut Log, at_ms: u64) -> Vec<ClickRef> {
    let clicks: Vec<ClickRef> =
        (1..=VISITORS).map(|visitor| log.click(click(at_ms + visitor, visitor))).collect();
    log.beat(at_ms + 1000);
    clicks
}

async fn open(world: &World) -> Vec<String> {
    migrations::postgres::journals_open_below(&world.postgres.url(Role::Owner), MORE).await.unwrap()
}

/// The next incarnation, for more partitions: everybody comes again, and buys what they clicked on before.
fn come_again(world: &World, before: &[ClickRef]) {
    let mut log = world.writer_for(MORE, SECOND, NOON + 10_000);
    visits(&mut log, NOON + 11_000);
    for (n, named) in before.iter().enumerate() {
        log.conversion(sale(NOON + 20_000 + n as u64, *named, &format!("T-{n}")));
    }
    log.beat(NOON + 700_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_more_partitions_everybody_is_known_and_every_sale_finds_its_click() {
    let world = World::new().await;
    let mut events = EventLog::make("growth").await;
    let arguments = events.arguments();
    let (first, second) = (start_with(&world, &arguments), start_with(&world, &arguments));
    let mut log = world.writer(FIRST, NOON);
    let clicks = visits(&mut log, NOON);
    events.ship(&world);
    world.stored(VISITORS as i64).await;
    assert_eq!(open(&world).await.len(), 1, "its journal has not ended");
    log.0.end(Some((JournalId(SECOND), NOON + 10_000))).unwrap();
    events.ship(&world);
    world.reaches(SEALED, 1).await;
    assert_eq!(open(&world).await, Vec::<String>::new());

    events.grow(MORE).await;
    come_again(&world, &clicks);
    events.ship(&world);
    // Both have some of the new partitions, and clicks of sales lie in partitions of the other one.
    let owners = "SELECT count(DISTINCT owner_epoch) FROM pipeline_partition WHERE partition >= 0";
    world.stored(2 * VISITORS as i64).await;
    world.reaches(SETTLED, 1).await;
    assert_eq!(world.ask(owners).await, 2);
    assert_eq!(world.ask_engine(UNIQUE).await, VISITORS as i64);
    let earned = "SELECT count(*) FROM affiliate_commission";
    assert_eq!(world.ask(earned).await, VISITORS as i64);
    drop((first, second));
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_counted_from_the_journals_is_known_in_kafka_and_back() {
    let world = World::new().await;
    let mut log = world.writer(FIRST, NOON);
    let clicks = visits(&mut log, NOON);
    world.drain().await;
    let mut events = EventLog::make("both_ways").await;
    log.0.end(Some((JournalId(SECOND), NOON + 10_000))).unwrap();
    // Everything of the first journal comes once more.
    events.ship(&world);
    events.grow(MORE).await;
    come_again(&world, &clicks);
    events.ship(&world);
    let processor = start_with(&world, &events.arguments());
    world.stored(2 * VISITORS as i64).await;
    world.reaches(SETTLED, 1).await;
    processor.kill();
    assert_eq!(world.ask_engine(UNIQUE).await, VISITORS as i64);

    let mut third = world.writer_for(3, SECOND + 1, NOON + 710_000);
    visits(&mut third, NOON + 720_000);
    world.drain().await;
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, 3 * VISITORS as i64);
    assert_eq!(world.ask_engine(UNIQUE).await, VISITORS as i64);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_waits_for_a_click_that_its_own_processor_reads_late_in_another_partition() {
    let world = World::new().await;
    let mut events = EventLog::make("own_late").await;
    let mut log = world.writer(FIRST, NOON);
    let clicks = visits(&mut log, NOON);
    log.0.end(Some((JournalId(SECOND), NOON + 10_000))).unwrap();
    events.grow(MORE).await;
    // The old journal is known and ended, but its clicks are on their way; what comes behind it says that the sales'
    // own partitions are read far beyond the end of the wait.
    events.ship_without(&world, |_, batch| !batch.records.is_empty());
    come_again(&world, &clicks);
    events.ship(&world);
    let arguments = events.arguments();
    let more: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let waiting = world.reaches("SELECT count(*) FROM pipeline_waiting", VISITORS as i64);
    world.run_until(world.config(&more), waiting).await;
    events.ship_again(&world);
    world.run_until(world.config(&more), world.reaches(SETTLED, 1)).await;
    assert_eq!(world.ask("SELECT count(*) FROM affiliate_commission").await, VISITORS as i64);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_waits_for_a_click_that_another_processor_reads_late() {
    let world = World::new().await;
    let mut events = EventLog::make("late").await;
    let mut log = world.writer(FIRST, NOON);
    log.beat(NOON);
    let clicks = visits(&mut log, NOON);
    log.0.end(Some((JournalId(SECOND), NOON + 10_000))).unwrap();
    events.grow(MORE).await;
    // The old journal is known and ended, but its clicks are on their way.
    events.ship_without(&world, |_, batch| !batch.records.is_empty());
    let arguments = events.arguments();
    let (first, second) = (start_with(&world, &arguments), start_with(&world, &arguments));
    world.reaches(SEALED, 1).await;
    come_again(&world, &clicks);
    events.ship(&world);
    world.reaches("SELECT count(*) FROM pipeline_waiting", VISITORS as i64).await;
    events.ship_again(&world);
    world.stored(2 * VISITORS as i64).await;
    world.reaches(SETTLED, 1).await;
    assert_eq!(world.ask("SELECT count(*) FROM affiliate_commission").await, VISITORS as i64);
    drop((first, second));
    world.audit().await;
}
