//! PostgreSQL restored from a backup of an hour ago, the events in a real Kafka: what was decided since is decided
//! again from there, and where Kafka does not have it any more somebody is told.

use processor::dead_letter;
use schemas::event::ClickRef;

use crate::{
    event_log::EventLog,
    kill::start_with,
    partitions::settled,
    stores::KEEP,
    world::{Log, NOON, World, click, sale},
};

const FIRST: u64 = 0x0102_0304_0506_0708;
const SECOND: u64 = 0x1112_1314_1516_1718;
const HOUR: u64 = 3_600_000;
/// Clicks of an hour.
const CLICKS: i64 = 40;

const AS_OF: &str =
    "SELECT coalesce((extract(epoch FROM as_of) * 1000)::bigint, 0) FROM pipeline_as_of";
/// Messages read, of all partitions.
const READ: &str = "SELECT sum(clicks_offset + conversions_offset)::bigint FROM pipeline_partition";
const HOLED: &str =
    "SELECT count(*) FROM pipeline_as_of WHERE note = 'announced and never received: c0'";
const DROP_KEEP: &str = "DROP TRIGGER IF EXISTS keep ON outbox_block";

/// An hour of thirty visitors, some of whom buy.
fn hour(log: &mut Log, n: u64) -> Vec<ClickRef> {
    let at = NOON + n * HOUR;
    let mut named = Vec::new();
    for visit in 0..CLICKS as u64 {
        named.push(log.click(click(at + visit, visit % 30 + 1)));
        if visit % 5 == 0 {
            log.conversion(sale(
                at + 100 + visit,
                *named.last().unwrap(),
                &format!("T-{n}-{visit}"),
            ));
        }
    }
    log.beat(at + 1000);
    named
}

/// What both stores say.
async fn numbers(world: &World) -> Vec<i64> {
    let mut all = Vec::new();
    for sql in [
        "SELECT toInt64(count()) FROM clicks",
        "SELECT toInt64(uniqExact(journal, shard, seq)) FROM clicks",
        "SELECT toInt64(countIf(outcome = 'unique')) FROM clicks",
        "SELECT toInt64(sum(gross)) FROM clicks_by_day_link",
        "SELECT toInt64(sum(uniques)) FROM clicks_by_day_country",
        "SELECT toInt64(count()) FROM conversions",
        "SELECT toInt64(sum(commission)) FROM conversions_by_day_link",
    ] {
        all.push(world.ask_engine(sql).await);
    }
    for sql in [
        "SELECT count(*) FROM affiliate_conversion WHERE status = 'pending'",
        "SELECT count(*) FROM affiliate_conversion WHERE reason <> ''",
        "SELECT sum(amount_units)::bigint FROM affiliate_commission",
        "SELECT count(*) FROM ledger_tx",
        "SELECT sum(amount)::bigint FROM ledger_posting WHERE account = 'affiliate:1:pending'",
        "SELECT count(*) FROM pipeline_dead_letter",
        "SELECT count(*) FROM pipeline_expiry",
        "SELECT count(*) FROM pipeline_journal WHERE state = 'sealed'",
        AS_OF,
        READ,
    ] {
        all.push(world.ask(sql).await);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_that_a_restored_postgresql_does_not_know_is_decided_again_and_nothing_differs() {
    let mut world = World::new().await;
    let mut events = EventLog::make("restored").await;
    let arguments = events.arguments();
    let mut log = world.writer(FIRST, NOON);
    hour(&mut log, 0);
    events.ship(&world);
    let before = start_with(&world, &arguments);
    settled(&world, CLICKS).await;
    // The backup holds blocks, the oldest of which ClickHouse has had, and a sale whose click is on its way.
    sqlx::raw_sql(KEEP).execute(&world.owner).await.unwrap();
    let last = *hour(&mut log, 1).iter().rfind(|named| named.shard % 4 == 1).unwrap();
    let next = ClickRef { seq: last.seq + 1, time_ms: NOON + 2 * HOUR, shard: 1, ..last };
    log.conversion(sale(NOON + HOUR + 2000, next, "T-early"));
    log.beat(NOON + HOUR + 3000);
    events.ship(&world);
    world.stored(CLICKS + 1).await;
    world.reaches("SELECT count(*) FROM pipeline_waiting", 1).await;
    let backup = world.back_up().await;
    sqlx::raw_sql(DROP_KEEP).execute(&world.owner).await.unwrap();
    // Others go on. They notice nothing of a backup.
    before.stop().await;
    let processors = [start_with(&world, &arguments), start_with(&world, &arguments)];
    hour(&mut log, 2);
    events.send_raw(schemas::topic::Topic::Clicks, 2, b"\xff\xffno batch");
    log.0.end(Some((journal::JournalId(SECOND), NOON + 3 * HOUR))).unwrap();
    let mut log = world.writer(SECOND, NOON + 3 * HOUR);
    hour(&mut log, 3);
    events.ship(&world);
    settled(&world, 4 * CLICKS).await;
    world.reaches(AS_OF, (NOON + 3 * HOUR) as i64 + 1000).await;
    let expected = numbers(&world).await;

    world.restore(backup).await;
    assert!(world.ask("SELECT count(*) FROM outbox_block").await > 0);
    sqlx::raw_sql(DROP_KEEP).execute(&world.owner).await.unwrap();
    world.reaches(AS_OF, (NOON + 3 * HOUR) as i64 + 1000).await;
    settled(&world, 4 * CLICKS).await;
    let found = numbers(&world).await;
    assert_eq!(found, expected);
    assert_eq!(expected[..3], [4 * CLICKS, 4 * CLICKS, 30]);
    assert_eq!(expected[7], 4 * 8 + 1);
    drop(processors);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_kafka_removed_before_a_restored_postgresql_read_it_is_a_hole_until_it_is_sent_again()
{
    let mut world = World::new().await;
    let mut events = EventLog::make("removed").await;
    let arguments = events.arguments();
    let mut log = world.writer(FIRST, NOON);
    hour(&mut log, 0);
    events.ship(&world);
    let processor = start_with(&world, &arguments);
    settled(&world, CLICKS).await;
    world.reaches(AS_OF, NOON as i64 + 1000).await;
    let backup = world.back_up().await;
    let named = hour(&mut log, 1);
    events.ship(&world);
    settled(&world, 2 * CLICKS).await;
    processor.stop().await;

    world.restore(backup).await;
    events.remove_all().await;
    // The collector goes on. Somebody buys who had clicked in the hour that nobody has.
    log.conversion(sale(NOON + 2 * HOUR, named[7], "T-of-the-hour"));
    hour(&mut log, 2);
    events.ship(&world);
    let processor = start_with(&world, &arguments);
    world.reaches(HOLED, 1).await;
    world.reaches("SELECT count(*) FROM affiliate_conversion", 16).await;
    world.reaches("SELECT (NOT EXISTS (SELECT FROM outbox_block))::int::bigint", 1).await;
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, 2 * CLICKS);
    assert_eq!(world.ask(AS_OF).await, NOON as i64 + 1000);
    let report = processor::audit::run(&world.config(&[])).await.unwrap();
    assert!(!report.is_clean());
    let only = report.discrepancies.iter().all(|one| one.what == "announced and never received");
    assert!(only, "{report}");

    events.ship_again(&world);
    settled(&world, 3 * CLICKS).await;
    world.reaches(AS_OF, (NOON + 2 * HOUR) as i64 + 1000).await;
    processor.stop().await;
    assert_eq!(world.ask("SELECT count(*) FROM affiliate_commission").await, 3 * 8 + 1);
    let unique = "SELECT toInt64(countIf(outcome = 'unique')) FROM clicks";
    assert_eq!(world.ask_engine(unique).await, 30);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_whose_introduction_kafka_removed_is_dead_letters_and_none_of_them_counts_twice()
{
    let mut world = World::new().await;
    let mut events = EventLog::make("stranger").await;
    let arguments = events.arguments();
    let mut log = world.writer(FIRST, NOON);
    hour(&mut log, 0);
    events.ship(&world);
    let processor = start_with(&world, &arguments);
    settled(&world, CLICKS).await;
    world.reaches(AS_OF, NOON as i64 + 1000).await;
    let backup = world.back_up().await;
    log.0.end(Some((journal::JournalId(SECOND), NOON + HOUR))).unwrap();
    let mut log = world.writer(SECOND, NOON + HOUR);
    hour(&mut log, 1);
    events.ship(&world);
    settled(&world, 2 * CLICKS).await;
    processor.stop().await;

    world.restore(backup).await;
    events.remove_all().await;
    hour(&mut log, 2);
    events.introduces = false;
    events.ship(&world);
    let processor = start_with(&world, &arguments);
    let strangers =
        "SELECT count(*) FROM pipeline_dead_letter WHERE reason LIKE '%was never introduced'";
    world.reaches(strangers, CLICKS + 8).await;
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, CLICKS);
    assert_eq!(world.ask(AS_OF).await, NOON as i64 + 1000);

    // It says who it is, and how much it has sent.
    events.introduces = true;
    log.beat(NOON + 2 * HOUR + 2000);
    events.ship(&world);
    world.reaches(HOLED, 1).await;
    let db = dead_letter::connect(&world.config(&[]).stores).await.unwrap();
    let letters = dead_letter::list(&db, 0, 1000, false).await.unwrap();
    // Half of the letters are what a person uses, before and after all of it is sent again out of the files.
    let mut wishes = Vec::new();
    for letter in letters.iter().step_by(2) {
        wishes.push(dead_letter::resend(&db, letter.id, None, "a test").await.unwrap());
    }
    let answered = "SELECT count(*) FROM pipeline_resend WHERE done_at IS NOT NULL";
    world.reaches(answered, wishes.len() as i64).await;
    for wish in wishes {
        assert_eq!(dead_letter::answer(&db, wish).await.unwrap().unwrap(), "decided");
    }
    events.ship_again(&world);
    settled(&world, 3 * CLICKS).await;
    world.reaches(AS_OF, (NOON + 2 * HOUR) as i64 + 2000).await;
    let other = dead_letter::resend(&db, letters[1].id, None, "a test").await.unwrap();
    world.reaches("SELECT count(*) FROM pipeline_resend WHERE done_at IS NOT NULL", 25).await;
    let answer = dead_letter::answer(&db, other).await.unwrap().unwrap();
    assert_eq!(answer, "it was received after all");
    settled(&world, 3 * CLICKS).await;
    processor.stop().await;
    let found = numbers(&world).await;
    assert_eq!(found[..6], [3 * CLICKS, 3 * CLICKS, 30, 3 * CLICKS, 30, 24]);
    assert_eq!(world.ask("SELECT count(*) FROM affiliate_commission").await, 24);
    world.audit().await;
}
