//! Stores that are away, restored, repeated to or tampered with: the traps of `pipeline.md` §6.

use migrations::testing::Role;
use sqlx::{Connection, PgConnection};
use std::time::Duration;

use crate::world::{Log, NOON, World, click, sale};

const JOURNAL: u64 = 0x0102_0304_0506_0708;

fn write(log: &mut Log, from: u64, clicks: u64) {
    for n in from..from + clicks {
        let named = log.click(click(NOON + n * 10, n + 1));
        if n % 5 == 0 {
            log.conversion(sale(NOON + n * 10 + 5, named, &format!("T-{n}")));
        }
    }
    log.beat(NOON + (from + clicks) * 10);
}

/// Runs a processor until ClickHouse holds so many clicks, and drops it there.
async fn run_until(world: &World, config: processor::Config, clicks: i64) {
    let enough = async {
        while world.ask_engine("SELECT toInt64(count()) FROM clicks").await < clicks {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let limited = tokio::time::timeout(Duration::from_secs(60), processor::run(config, enough));
    limited.await.unwrap().unwrap();
}

/// A block that is never DONE: the sender sends it again and again.
const KEEP: &str = "
    CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER keep BEFORE DELETE ON outbox_block FOR EACH ROW EXECUTE FUNCTION keep();";

#[tokio::test(flavor = "multi_thread")]
async fn a_block_sent_again_and_again_counts_once_in_raw_and_rollups() {
    let world = World::new().await;
    sqlx::raw_sql(KEEP).execute(&world.owner).await.unwrap();
    let mut log = world.writer(JOURNAL, NOON);
    write(&mut log, 0, 40);
    for _ in 0..3 {
        run_until(&world, world.config(&[]), 40).await;
    }
    assert!(world.ask("SELECT count(*) FROM outbox_block").await > 0, "nothing was ever done");
    sqlx::raw_sql("DROP TRIGGER keep ON outbox_block").execute(&world.owner).await.unwrap();
    world.drain().await;
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, 40);
    assert_eq!(world.ask_engine("SELECT toInt64(sum(gross)) FROM clicks_by_day_country").await, 40);
    world.audit().await;
}

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
    run_until(&world, world.config(&[]), 40).await;
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
async fn clickhouse_away_the_outbox_grows_to_its_bound_and_is_sent_later() {
    let world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    write(&mut log, 0, 5);
    world.drain().await;
    write(&mut log, 5, 200);
    let mut away = world.config(&["--rows", "50", "--outbox-bytes", "2000"]);
    // A port where nobody listens.
    away.stores.clickhouse_url = "http://owner:dev@127.0.0.1:9/".to_owned();
    let committed = "SELECT coalesce(sum(octet_length(bytes)), 0)::bigint FROM outbox_block";
    let full = async {
        while world.ask(committed).await < 2000 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    processor::run(away, full).await.unwrap();
    assert!(world.ask("SELECT sum(received)::bigint FROM pipeline_seqs").await < 246, "it went on");
    world.drain().await;
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, 205);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_gone_for_a_while_it_pauses_and_goes_on() {
    let world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    write(&mut log, 0, 50);
    let config = world.config(&["--rows", "20"]);
    let cut_off = async {
        // Every connection is cut, again and again, at whatever it does.
        for _ in 0..20 {
            let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                       WHERE datname = current_database() AND application_name = 'tributary processor'";
            world.ask(cut).await;
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    };
    processor::run(config, cut_off).await.unwrap();
    world.drain().await;
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, 50);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_owns_tables_is_refused() {
    let world = World::new().await;
    let mut config = world.config(&[]);
    config.stores.database_url = world.postgres.url(Role::Owner);
    let refused = processor::run(config, std::future::pending()).await.unwrap_err();
    assert!(refused.to_string().contains("give a service its own role"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollup_that_differs_is_named_and_repaired() {
    let world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    write(&mut log, 0, 20);
    world.drain().await;
    let spoil = "INSERT INTO clicks_by_day_link (site, affiliate, day, link, program, kind, gross, uniques, duplicates, invalid)
                 VALUES (1, 1, '2026-01-01', 1, 1, 'click', 3, 3, 0, 0)";
    world.clickhouse.client().query(spoil).execute().await.unwrap();
    let config = world.config(&[]);
    let report = processor::audit::run(&config).await.unwrap();
    assert!(report.to_string().contains("clicks_by_day_link on 2026-01-01"), "{report}");
    let day = "2026-01-01".parse().unwrap();
    let repaired = processor::repair::rollup(&config.stores, &config.window, day).await.unwrap();
    assert_eq!(repaired.iter().map(|one| one.rows).sum::<u64>(), 1);
    assert_eq!(world.ask_engine("SELECT toInt64(sum(gross)) FROM clicks_by_day_link").await, 20);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_names_rows_that_are_missing_and_rows_that_are_double() {
    let world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    write(&mut log, 0, 20);
    world.drain().await;
    let client = world.clickhouse.client();
    let lose = "ALTER TABLE clicks DELETE WHERE seq = 2";
    client.query(lose).with_setting("mutations_sync", "2").execute().await.unwrap();
    let report = processor::audit::run(&world.config(&[])).await.unwrap();
    let text = report.to_string();
    assert!(text.contains("WRONG stored") && text.contains("WRONG block"), "{text}");
    let double = "INSERT INTO clicks SELECT * FROM clicks WHERE seq = 1";
    client.query(double).execute().await.unwrap();
    let report = processor::audit::run(&world.config(&[])).await.unwrap();
    assert!(!report.is_clean(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_names_a_hole_in_the_log() {
    let world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    write(&mut log, 0, 20);
    world.drain().await;
    let hole = "UPDATE pipeline_seqs SET covered = '{[1,2)}', received = 1, decided = 1 WHERE topic = 1 AND partition = 1";
    let mut db = PgConnection::connect(&world.postgres.url(Role::Owner)).await.unwrap();
    sqlx::query(hole).execute(&mut db).await.unwrap();
    let report = processor::audit::run(&world.config(&[])).await.unwrap();
    let text = report.to_string();
    assert!(
        text.contains(
            "announced and never received: journal 0102030405060708 clicks partition 1 seq 2"
        ),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_remembers_enough_tokens_and_is_on_the_disk_when_it_answers() {
    let world = World::new().await;
    let wrong = "SELECT toInt64(count()) FROM system.tables WHERE database = currentDatabase()
                 AND (name IN ('clicks', 'conversions') OR name LIKE '%_by_day_%' AND name NOT LIKE '%_mv')
                 AND NOT (create_table_query LIKE '%non_replicated_deduplication_window = 10000%'
                          AND create_table_query LIKE '%fsync_after_insert = 1%'
                          AND create_table_query LIKE '%fsync_part_directory = 1%')";
    assert_eq!(world.ask_engine(wrong).await, 0);
}
