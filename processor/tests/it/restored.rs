//! PostgreSQL restored from a backup: ClickHouse and the journals are ahead of it (`pipeline.md` §6).

use processor::{
    dead_letter,
    lost::{self, Range},
};
use schemas::topic::Topic;

use crate::{
    stores::{KEEP, write},
    world::{NOON, World, limited},
};

const JOURNAL: u64 = 0x0102_0304_0506_0708;

/// A restored PostgreSQL: behind ClickHouse by one batch, with a block in its outbox that ClickHouse
/// has had for long.
#[tokio::test(flavor = "multi_thread")]
async fn a_restored_postgresql_makes_clickhouse_forget_what_it_did_not_commit() {
    let mut world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    write(&mut log, 0, 20);
    world.drain().await;
    sqlx::raw_sql(KEEP).execute(&world.owner).await.unwrap();
    write(&mut log, 20, 20);
    world.run_until(world.config(&[]), world.stored(40)).await;
    let backup = world.back_up().await;
    sqlx::raw_sql("DROP TRIGGER keep ON outbox_block").execute(&world.owner).await.unwrap();
    write(&mut log, 40, 20);
    world.drain().await;
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, 60);

    world.restore(backup).await;
    sqlx::raw_sql("DROP TRIGGER keep ON outbox_block").execute(&world.owner).await.unwrap();
    let open = world.ask("SELECT count(*) FROM outbox_block").await;
    assert!(open > 0, "the backup holds blocks that were sent");
    world.drain().await;
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, 60);
    assert_eq!(world.ask_engine("SELECT toInt64(uniqExact(shard, seq)) FROM clicks").await, 60);
    assert_eq!(world.ask("SELECT count(*) FROM affiliate_conversion").await, 12);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reconciliation_cut_short_before_its_rollups_are_rebuilt_is_gone_on_with() {
    let mut world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    write(&mut log, 0, 20);
    world.drain().await;
    let backup = world.back_up().await;
    write(&mut log, 20, 20);
    world.drain().await;
    world.restore(backup).await;
    let run = async |statement: &str| {
        world.clickhouse.client().query(statement).execute().await.unwrap();
    };
    // Rows are removed, and then the rebuilding fails.
    run("RENAME TABLE clicks_by_day_link TO hidden").await;
    world.drain_with(&[]).await.unwrap_err();
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, 20);
    run("RENAME TABLE hidden TO clicks_by_day_link").await;
    assert_eq!(world.ask_engine("SELECT toInt64(sum(gross)) FROM clicks_by_day_link").await, 40);
    world.drain().await;
    for rollup in ["clicks_by_day_link", "clicks_by_day_country"] {
        let sum = format!("SELECT toInt64(sum(gross)) FROM {rollup}");
        assert_eq!(world.ask_engine(&sum).await, 40, "{rollup}");
    }
    assert_eq!(world.ask("SELECT count(*) FROM pipeline_touched_day").await, 0);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_older_than_the_segments_goes_on_and_shows_what_is_missing() {
    let mut world = World::new().await;
    let mut log = world.writer_of_small_segments(JOURNAL, NOON);
    write(&mut log, 0, 20);
    world.drain().await;
    let backup = world.back_up().await;
    write(&mut log, 20, 20);
    world.drain().await;
    write(&mut log, 40, 20);
    world.drain_with(&["--keep-hours", "0"]).await.unwrap();
    world.restore(backup).await;
    world.drain().await;
    let report = processor::audit::run(&world.config(&[])).await.unwrap();
    let holes =
        report.discrepancies.iter().filter(|one| one.what == "announced and never received");
    let holes: Vec<Range> = holes.map(|one| range(&one.range)).collect();
    assert!(!holes.is_empty(), "{report}");
    assert_eq!(report.discrepancies.len(), holes.len(), "{report}");

    let db = dead_letter::connect(&world.config(&[]).stores).await.unwrap();
    for hole in &holes {
        lost::declare(&db, hole, "a test").await.unwrap();
    }
    world.drain().await;
    // The log goes on as if nothing had been.
    write(&mut log, 60, 20);
    limited("the rest", world.drain()).await;
    let as_of = "SELECT (extract(epoch FROM as_of) * 1000)::bigint FROM pipeline_as_of";
    assert_eq!(world.ask(as_of).await, NOON as i64 + 800);
    let report = world.audit().await;
    assert!(report.lanes.iter().map(|lane| lane.lost).sum::<u64>() >= 20, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_gone_before_a_backup_knew_its_end_holds_the_numbers_until_it_is_said() {
    let mut world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    write(&mut log, 0, 20);
    world.drain().await;
    let backup = world.back_up().await;
    log.0.end(Some((journal::JournalId(JOURNAL + 1), NOON + 1000))).unwrap();
    let mut next = world.writer(JOURNAL + 1, NOON + 1000);
    next.beat(NOON + 2000);
    world.drain().await;
    next.beat(NOON + 3000);
    world.drain_with(&["--keep-hours", "0"]).await.unwrap();
    assert!(!world.journal(JOURNAL).exists());
    world.restore(backup).await;
    world.drain().await;
    let as_of = "SELECT (extract(epoch FROM as_of) * 1000)::bigint FROM pipeline_as_of";
    assert_eq!(world.ask(as_of).await, NOON as i64 + 200, "it may have had more to say");

    let db = dead_letter::connect(&world.config(&[]).stores).await.unwrap();
    let mut wishes = Vec::new();
    for id in [JOURNAL, JOURNAL, JOURNAL + 1, 5] {
        wishes.push(lost::declare_gone(&db, id, "trimmed", "a test").await.unwrap());
    }
    world.drain().await;
    let mut answers = Vec::new();
    for wish in wishes {
        answers.push(lost::answer(&db, wish).await.unwrap().unwrap());
    }
    let refused = |why: &str| Err(why.to_owned());
    let expected = [
        Ok(0),
        refused("it has ended already"),
        refused("its files are still there: retire it"),
        refused("the journal is not known"),
    ];
    assert_eq!(answers, expected);
    assert_eq!(world.ask(as_of).await, NOON as i64 + 3000);
    let retired = "SELECT count(*) FROM pipeline_journal WHERE retired_because = 'trimmed'";
    assert_eq!(world.ask(retired).await, 1);
    world.audit().await;
}

/// From `journal 0102030405060708 clicks partition 3 seq 6 to 10`.
fn range(named: &str) -> Range {
    let words: Vec<&str> = named.split(' ').collect();
    let topic = Topic::ALL.into_iter().find(|topic| topic.name() == words[2]).unwrap();
    Range {
        journal: u64::from_str_radix(words[1], 16).unwrap(),
        topic,
        partition: words[4].parse().unwrap(),
        first: words[6].parse().unwrap(),
        last: words[8].parse().unwrap(),
        why: "the backup is older than the segments".to_owned(),
    }
}
