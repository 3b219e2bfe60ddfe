//! What is kept, for how long, and what goes on while ClickHouse does not keep up.

use migrations::clickhouse::{Database, Keep};
use processor::dead_letter;
use schemas::topic::Topic;

use crate::{
    stores::{HOLD_SENDING, LET_SEND, write},
    world::{NOON, World, click, sale},
};

const JOURNAL: u64 = 0x0102_0304_0506_0708;

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_ended_long_ago_is_removed_with_its_addresses() {
    let world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    write(&mut log, 0, 20);
    log.0.end(Some((journal::JournalId(JOURNAL + 1), NOON + 1000))).unwrap();
    let mut next = world.writer(JOURNAL + 1, NOON + 1000);
    next.beat(NOON + 2000);
    world.drain().await;
    assert!(world.journal(JOURNAL).exists(), "it is kept for a day");
    next.click(click(NOON + 3000, 1));
    next.beat(NOON + 4000);
    world.drain_with(&["--keep-hours", "0"]).await.unwrap();
    assert!(!world.journal(JOURNAL).exists());
    assert!(world.journal(JOURNAL + 1).exists(), "a live one stays");
    // Its clicks are known for as long as their ids are.
    let named = schemas::event::ClickRef {
        key_version: 1,
        time_ms: NOON,
        shard: 1,
        journal: JOURNAL as u32 & 0xf_ffff,
        seq: 1,
        link: 1,
    };
    next.conversion(sale(NOON + 5000, named, "T-late"));
    next.beat(NOON + 6000);
    world.drain().await;
    let paid = "SELECT count(*) FROM affiliate_conversion WHERE txn_id = 'T-late' AND reason = ''";
    assert_eq!(world.ask(paid).await, 1);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_dead_letters_are_emptied_after_the_days_of_addresses() {
    let world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    for partition in [1, 2, 3] {
        log.put(Topic::Clicks, partition, &[0xff, 0xff, 0xff]);
    }
    log.beat(NOON + 1000);
    world.forged(0xbad, NOON).beat(NOON + 1000);
    world.drain().await;
    let db = dead_letter::connect(&world.config(&[]).stores).await.unwrap();
    let letters = dead_letter::list(&db, 0, 10, false).await.unwrap();
    let events: Vec<i64> =
        letters.iter().filter(|one| one.topic == "clicks").map(|one| one.id).collect();
    let bytes = schemas::event::Message::encode_to_vec(&click(NOON + 1, 1));
    dead_letter::resend(&db, events[0], Some(&bytes), "a test").await.unwrap();
    world.drain().await;
    let age = "UPDATE pipeline_dead_letter SET created_at = now() - interval '8 days'
                   WHERE topic = 0 OR partition < 3;
               UPDATE pipeline_resend SET done_at = now() - interval '8 days';";
    sqlx::raw_sql(age).execute(&world.owner).await.unwrap();
    let kept = "SELECT count(*) FROM pipeline_dead_letter WHERE bytes <> ''";
    log.click(click(NOON + 2000, 1));
    log.beat(NOON + 3000);
    world.drain_with(&["--address-days", "9"]).await.unwrap();
    assert_eq!(world.ask(kept).await, 4);
    log.beat(NOON + 4000);
    world.drain_with(&["--address-days", "7"]).await.unwrap();
    assert_eq!(
        world.ask(kept).await,
        2,
        "a younger one, and a header that says nothing of visitors"
    );
    assert_eq!(world.ask("SELECT count(*) FROM pipeline_resend WHERE bytes <> ''").await, 0);
    let refused = dead_letter::resend(&db, events[1], None, "a test").await.unwrap_err();
    assert!(refused.to_string().contains("not kept any more"), "{refused}");
    dead_letter::resend(&db, events[1], Some(&bytes), "a test").await.unwrap();
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_expired_are_no_difference_and_their_sums_stay() {
    let world = World::new().await;
    let now = world.ask("SELECT (extract(epoch FROM now()) * 1000)::bigint").await as u64;
    let mut log = world.writer(JOURNAL, NOON);
    write(&mut log, 0, 20);
    world.drain().await;
    for n in 0..10 {
        let named = log.click(click(now - 10_000 + n, n + 1));
        log.conversion(sale(now - 9_000 + n, named, &format!("T-new-{n}")));
    }
    log.beat(now);
    world.drain().await;
    let (url, database) = (world.clickhouse.url(), world.clickhouse.database());
    let keep = Keep { event_days: Some(30), shorten_retention: true, ..Keep::default() };
    Database::one(url, database).keep(&keep).await.unwrap();
    let run = async |statement: &str| {
        let client = world.clickhouse.client();
        client.query(statement).with_setting("mutations_sync", "2").execute().await.unwrap();
    };
    run("OPTIMIZE TABLE clicks FINAL").await;
    run("OPTIMIZE TABLE conversions FINAL").await;
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, 10);
    assert_eq!(world.ask_engine("SELECT toInt64(sum(gross)) FROM clicks_by_day_link").await, 30);
    world.audit().await;
    let config = world.config(&[]);
    let repair = async |day: &str| {
        processor::repair::rollup(&config.stores, &config.window, day.parse().unwrap()).await
    };
    let refused = repair("2026-01-01").await.unwrap_err();
    assert!(refused.to_string().contains("have expired"), "{refused}");
    assert_eq!(world.ask_engine("SELECT toInt64(sum(gross)) FROM clicks_by_day_link").await, 30);
    // What has not expired is compared as ever.
    run("ALTER TABLE clicks DELETE WHERE shard = 3").await;
    run("ALTER TABLE conversions DELETE WHERE txn_id = 'T-new-4'").await;
    let report = processor::audit::run(&config).await.unwrap();
    for what in ["stored", "block", "conversions", "rollup"] {
        assert!(report.discrepancies.iter().any(|one| one.what == what), "{what}: {report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_that_expired_before_their_events_are_neither_compared_nor_made_again() {
    const MADE: [&str; 2] = [
        "CREATE TABLE clicks_by_hour_test (site UInt32, day Date, hour DateTime('UTC'), gross Int64)
         ENGINE = SummingMergeTree PARTITION BY toYYYYMM(day) ORDER BY (site, day, hour)
         SETTINGS non_replicated_deduplication_window = 10000",
        "CREATE MATERIALIZED VIEW clicks_by_hour_test_mv TO clicks_by_hour_test AS
         SELECT site, day, toStartOfHour(toDateTime(time, 'UTC')) AS hour, sum(toInt64(count)) AS gross
         FROM clicks GROUP BY site, day, hour",
    ];
    let world = World::new().await;
    for statement in MADE {
        world.clickhouse.client().query(statement).execute().await.unwrap();
    }
    let now = world.ask("SELECT (extract(epoch FROM now()) * 1000)::bigint").await as u64;
    let mut log = world.writer(JOURNAL, NOON);
    write(&mut log, 0, 20);
    log.click(click(now - 10_000, 1));
    log.beat(now);
    world.drain().await;
    let sums = "SELECT toInt64(sum(gross)) FROM clicks_by_hour_test";
    assert_eq!(world.ask_engine(sums).await, 21);
    let keep = Keep { hour_sum_days: Some(30), shorten_retention: true, ..Keep::default() };
    let (url, database) = (world.clickhouse.url(), world.clickhouse.database());
    Database::one(url, database).keep(&keep).await.unwrap();
    let client = world.clickhouse.client();
    client.query("OPTIMIZE TABLE clicks_by_hour_test FINAL").execute().await.unwrap();
    assert_eq!(world.ask_engine(sums).await, 1, "a month is gone");
    let report = world.audit().await;
    let kept: Vec<&str> = report.kept.iter().map(|kept| kept.table.as_str()).collect();
    assert!(kept.contains(&"clicks_by_hour_test") && kept.contains(&"clicks"), "{kept:?}");
    let config = world.config(&[]);
    let day = "2026-01-01".parse().unwrap();
    processor::repair::rollup(&config.stores, &config.window, day).await.unwrap();
    assert_eq!(world.ask_engine(sums).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_go_on_while_the_sender_does_not_keep_up() {
    let world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    write(&mut log, 0, 1);
    world.drain().await;
    let commits = world.ask("SELECT commit FROM pipeline_owner").await;
    // Who compares rollups holds this alone: nothing is sent meanwhile.
    let mut held = world.owner.acquire().await.unwrap();
    sqlx::raw_sql(HOLD_SENDING).execute(&mut *held).await.unwrap();
    let behind = async {
        for n in 1..=4 {
            write(&mut log, n * 10, 10);
            world.reaches("SELECT commit FROM pipeline_owner", commits + n as i64).await;
        }
    };
    world.run_until(world.config(&[]), behind).await;
    assert!(world.ask("SELECT count(DISTINCT commit) FROM outbox_block").await >= 4);
    sqlx::raw_sql(LET_SEND).execute(&mut *held).await.unwrap();
    world.drain().await;
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, 41);
    world.audit().await;
}
