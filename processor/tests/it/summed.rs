//! Blocks of long ago are put together, and everything is proved as before.

use processor::audit::Extent;

use crate::{
    stores::{KEEP, write},
    world::{NOON, World},
};

const JOURNAL: u64 = 0x0102_0304_0506_0708;
const DAY_MS: u64 = 86_400_000;

/// All blocks so far were committed forty days ago.
async fn age(world: &World) {
    let sql = "UPDATE pipeline_block SET created_at = now() - interval '40 days'";
    sqlx::raw_sql(sql).execute(&world.owner).await.unwrap();
}

/// Runs a processor until so many lanes are put together.
async fn sum(world: &World, lanes: i64) {
    let summed = world.reaches("SELECT count(*) FROM pipeline_block_sum", lanes);
    world.run_until(world.config(&["--audit-minutes", "0"]), summed).await;
}

async fn change(world: &World, statement: &str) {
    let client = world.clickhouse.client();
    client.query(statement).with_setting("mutations_sync", "2").execute().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn old_blocks_are_put_together_and_still_compared() {
    let world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    for part in 0..3 {
        write(&mut log, part * 10, 10);
        world.drain().await;
    }
    age(&world).await;
    write(&mut log, 30, 10);
    world.drain().await;
    let young = world
        .ask("SELECT count(*) FROM pipeline_block WHERE created_at > now() - interval '1 day'")
        .await;
    sum(&world, 2).await;
    assert_eq!(world.ask("SELECT count(*) FROM pipeline_block").await, young);
    assert_eq!(world.ask("SELECT count(DISTINCT last_commit) FROM pipeline_block_sum").await, 1);
    assert_eq!(
        world
            .ask("SELECT sum(rows)::bigint FROM pipeline_block_sum WHERE table_name = 'clicks'")
            .await,
        30
    );
    world.audit().await;
    // Another stretch, later.
    age(&world).await;
    let lanes = world.ask("SELECT count(*) FROM pipeline_block_sum").await;
    sum(&world, lanes + 1).await;
    assert_eq!(world.ask("SELECT count(*) FROM pipeline_block").await, 0);
    let stretches = "SELECT count(DISTINCT (first_commit, last_commit)) FROM pipeline_block_sum";
    assert_eq!(world.ask(stretches).await, 2);
    world.audit().await;
    let midnight = NOON - NOON % DAY_MS;
    let config = world.config(&[]);
    let day = Extent::Between(midnight..midnight + DAY_MS);
    let report = processor::audit::run_over(&config, &day).await.unwrap();
    assert!(report.is_clean(), "{report}");
    let empty = Extent::Between(midnight + DAY_MS..midnight + 2 * DAY_MS);
    assert!(processor::audit::run_over(&config, &empty).await.unwrap().is_clean());

    // One row is gone and another one doubled: as many as before, and not the same.
    change(&world, "INSERT INTO clicks SELECT * FROM clicks ORDER BY shard, seq LIMIT 1").await;
    change(&world, "ALTER TABLE clicks DELETE WHERE (shard, seq) = (SELECT shard, seq FROM clicks ORDER BY shard DESC, seq DESC LIMIT 1)").await;
    for extent in [Extent::Whole, day] {
        let text = processor::audit::run_over(&config, &extent).await.unwrap().to_string();
        assert!(text.contains("block of clicks from commit 1 on"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgresql_restored_after_blocks_were_put_together_loses_and_doubles_nothing() {
    let mut world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    write(&mut log, 0, 20);
    world.drain().await;
    age(&world).await;
    sum(&world, 2).await;
    write(&mut log, 20, 20);
    world.drain().await;
    let backup = world.back_up().await;
    write(&mut log, 40, 20);
    world.drain().await;
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, 60);
    world.restore(backup).await;
    // Not before it is compared with ClickHouse, however old the backup is.
    age(&world).await;
    world.drain().await;
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, 60);
    assert_eq!(world.ask_engine("SELECT toInt64(uniqExact(shard, seq)) FROM clicks").await, 60);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_still_to_be_sent_are_kept_one_by_one() {
    let world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    write(&mut log, 0, 10);
    world.drain().await;
    let before = world.ask("SELECT max(commit) FROM pipeline_block").await;
    // What ClickHouse has is not taken out of the outbox.
    sqlx::raw_sql(KEEP).execute(&world.owner).await.unwrap();
    write(&mut log, 10, 10);
    world.run_until(world.config(&[]), world.stored(20)).await;
    age(&world).await;
    sum(&world, 2).await;
    assert_eq!(world.ask("SELECT max(last_commit) FROM pipeline_block_sum").await, before);
    sqlx::raw_sql("DROP TRIGGER keep ON outbox_block").execute(&world.owner).await.unwrap();
    world.drain().await;
    world.audit().await;
}
