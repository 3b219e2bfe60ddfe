//! Stores that are away, restored, repeated to or tampered with: the traps of `pipeline.md` §6.

use migrations::testing::Role;
use sqlx::{Connection, PgConnection};

use crate::world::{Log, NOON, World, click, free_address, limited, sale};

const JOURNAL: u64 = 0x0102_0304_0506_0708;

pub(crate) fn write(log: &mut Log, from: u64, clicks: u64) {
    for n in from..from + clicks {
        let named = log.click(click(NOON + n * 10, n + 1));
        if n % 5 == 0 {
            log.conversion(sale(NOON + n * 10 + 5, named, &format!("T-{n}")));
        }
    }
    log.beat(NOON + (from + clicks) * 10);
}

/// A block that is never DONE: the sender sends it again and again.
pub(crate) const KEEP: &str = "
    CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER keep BEFORE DELETE ON outbox_block FOR EACH ROW EXECUTE FUNCTION keep();";

#[tokio::test(flavor = "multi_thread")]
async fn a_block_sent_again_and_again_counts_once_in_raw_and_rollups() {
    let world = World::new().await;
    sqlx::raw_sql(KEEP).execute(&world.owner).await.unwrap();
    let mut log = world.writer(JOURNAL, NOON);
    write(&mut log, 0, 40);
    for _ in 0..3 {
        let address = free_address();
        let mut config = world.config(&[]);
        config.admin = address;
        // The oldest block stays the oldest: this one inserts it several times itself.
        let inserts = "tributary_processor_inserts_total{result=\"done\"}";
        world.run_until(config, world.metric_reaches(address, inserts, 3)).await;
    }
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, 40);
    assert!(world.ask("SELECT count(*) FROM outbox_block").await > 0, "nothing was ever done");
    sqlx::raw_sql("DROP TRIGGER keep ON outbox_block").execute(&world.owner).await.unwrap();
    world.drain().await;
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, 40);
    assert_eq!(world.ask_engine("SELECT toInt64(sum(gross)) FROM clicks_by_day_country").await, 40);
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
    let address = free_address();
    away.admin = address;
    // Several turns find no room: what is committed by then is all that is.
    world
        .run_until(away, world.metric_reaches(address, "tributary_processor_paused_turns_total", 3))
        .await;
    let waits = "SELECT sum(octet_length(bytes))::bigint FROM outbox_block";
    // The bound, and the last batch that did not know yet.
    let most = "SELECT max(octet_length(bytes))::bigint FROM outbox_block";
    let (waits, most) = (world.ask(waits).await, world.ask(most).await);
    assert!(
        (2000..2000 + 2 * most).contains(&waits),
        "{waits} bytes wait, the largest block has {most}"
    );
    assert!(world.ask("SELECT sum(received)::bigint FROM pipeline_seqs").await < 246, "it went on");
    world.drain().await;
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, 205);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_gone_for_a_while_it_pauses_and_goes_on() {
    let world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    let config = world.config(&["--rows", "20"]);
    let mut clicks = 0;
    let cut_off = async {
        // Every connection is cut, again and again, at whatever it does just then; each time it gets
        // on again.
        let mut cut = 0;
        while cut < 20 {
            let before = world.ask("SELECT commit FROM pipeline_owner").await;
            write(&mut log, clicks, 50);
            clicks += 50;
            cut += world
                .ask(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                     WHERE datname = current_database() AND application_name = 'tributary processor'",
                )
                .await;
            world.reaches("SELECT commit FROM pipeline_owner", before + 1).await;
        }
    };
    world.run_until(config, cut_off).await;
    world.drain().await;
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, clicks as i64);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_whose_sender_fails_ends_instead_of_waiting_for_it() {
    let world = World::new().await;
    let refuse = "
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'no'; END $$;
        CREATE TRIGGER refuse BEFORE DELETE ON outbox_block FOR EACH ROW EXECUTE FUNCTION refuse();";
    sqlx::raw_sql(refuse).execute(&world.owner).await.unwrap();
    let mut log = world.writer(JOURNAL, NOON);
    write(&mut log, 0, 5);
    let failed = world.drain_with(&[]).await.unwrap_err();
    assert!(failed.to_string().contains("no"), "{failed}");
    sqlx::raw_sql("DROP TRIGGER refuse ON outbox_block").execute(&world.owner).await.unwrap();
    world.drain().await;
    world.audit().await;
}

/// Who compares rollups holds this alone: nothing is sent meanwhile …
pub(crate) const HOLD_SENDING: &str = "SELECT pg_advisory_lock(x'747269620002'::bit(48)::bigint)";
/// … and from here on again.
pub(crate) const LET_SEND: &str = "SELECT pg_advisory_unlock(x'747269620002'::bit(48)::bigint)";
/// How a sender takes a block: the first number of its lock, and its id's first four bytes, little end first.
const BLOCK: &str = "x'74726962'::int, (get_byte(id, 3) << 24) | (get_byte(id, 2) << 16) | (get_byte(id, 1) << 8) | get_byte(id, 0)";

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_ends_when_another_processors_sender_sent_what_it_waited_for() {
    let world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    log.click(click(NOON + 1, 7));
    log.beat(NOON + 1000);
    // The other one: it has the only block, and is not done with it.
    let mut other = world.owner.acquire().await.unwrap();
    sqlx::raw_sql(HOLD_SENDING).execute(&mut *other).await.unwrap();
    let committed = world.reaches("SELECT count(*) FROM outbox_block", 1);
    world.run_until(world.config(&[]), committed).await;
    let taken = format!("SELECT pg_advisory_lock({BLOCK}) FROM outbox_block");
    sqlx::raw_sql(sqlx::AssertSqlSafe(taken)).execute(&mut *other).await.unwrap();
    sqlx::raw_sql(LET_SEND).execute(&mut *other).await.unwrap();
    let epoch = world.ask("SELECT epoch FROM pipeline_owner").await;
    let sent = async {
        while world.ask("SELECT epoch FROM pipeline_owner").await == epoch {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        // It has looked at what waits.
        let looked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
            AND state = 'idle' AND query LIKE 'SELECT coalesce(sum(octet_length(bytes))%'";
        world.reaches(looked, 1).await;
        sqlx::raw_sql("DELETE FROM outbox_block").execute(&mut *other).await.unwrap();
    };
    tokio::join!(world.drain(), limited("the block of the other one", sent));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_owns_tables_is_refused() {
    let world = World::new().await;
    let mut config = world.config(&[]);
    config.stores.database_url = world.postgres.url(Role::Owner);
    let refused =
        limited("the refusal", processor::run(config, std::future::pending())).await.unwrap_err();
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
async fn sums_of_what_another_view_made_are_compared_and_repaired() {
    let world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    write(&mut log, 0, 20);
    world.drain().await;
    let sold = "SELECT toInt64(sum(conversions)) FROM conversions_by_day_site WHERE dimension = 'affiliate'";
    let before = world.ask_engine(sold).await;
    assert!(before > 0);
    let config = world.config(&[]);
    let day = "2026-01-01".parse().unwrap();
    for (spoil, named) in [
        (
            "INSERT INTO conversions_by_day_site (site, dimension, day, id, conversions) VALUES (1, 'affiliate', '2026-01-01', 1, 3)",
            "conversions_by_day_site on 2026-01-01",
        ),
        // What is put right beside clicks is put right in the sums of that, too.
        (
            "INSERT INTO conversions_by_click (site, time, day, affiliate, conversions) VALUES (1, '2026-01-01 12:00:00', '2026-01-01', 1, 2)",
            "conversions_by_click on 2026-01-01",
        ),
    ] {
        world.clickhouse.client().query(spoil).execute().await.unwrap();
        assert!(world.ask_engine(sold).await > before);
        let report = processor::audit::run(&config).await.unwrap();
        assert!(report.to_string().contains(named), "{report}");
        processor::repair::rollup(&config.stores, &config.window, day).await.unwrap();
        assert_eq!(world.ask_engine(sold).await, before, "{named}");
        world.audit().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_names_rows_that_are_missing_and_rows_that_are_double() {
    let world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    write(&mut log, 0, 20);
    world.drain().await;
    let audit = async || processor::audit::run(&world.config(&[])).await.unwrap().to_string();
    let run = async |statement: &str| {
        let client = world.clickhouse.client();
        client.query(statement).with_setting("mutations_sync", "2").execute().await.unwrap();
    };
    run("CREATE TABLE kept ENGINE = MergeTree ORDER BY seq AS SELECT * FROM clicks").await;
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM kept").await, 20);
    // What the materialized views add to the rollups is not this test's matter.
    let put = async |statement: &str| {
        run(statement).await;
        let config = world.config(&[]);
        let day = "2026-01-01".parse().unwrap();
        processor::repair::rollup(&config.stores, &config.window, day).await.unwrap();
    };

    put("ALTER TABLE clicks DELETE WHERE shard % 4 = 1 AND seq = 2").await;
    let text = audit().await;
    let lane = "journal 0102030405060708 clicks partition 1";
    assert!(text.contains(&format!("WRONG stored: {lane}: decided 5, in clickhouse 4")), "{text}");
    assert!(text.contains("committed 20, in clickhouse 19; "), "{text}");
    assert!(text.contains(&format!("{lane} seq 1 to 5")), "{text}");

    // One doubled does not make up for the one that is missing.
    put("INSERT INTO clicks SELECT * FROM kept WHERE shard % 4 = 1 AND seq = 3").await;
    let text = audit().await;
    assert!(text.contains("committed 20, in clickhouse 20, not the same ones; "), "{text}");
    assert!(!text.contains("WRONG stored"), "{text}");

    put("INSERT INTO clicks SELECT * FROM kept WHERE shard % 4 = 1 AND seq = 2").await;
    let text = audit().await;
    assert!(text.contains(&format!("WRONG stored: {lane}: decided 5, in clickhouse 6")), "{text}");
    assert!(text.contains("committed 20, in clickhouse 21; "), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_compares_conversions_by_whose_they_are() {
    let world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    write(&mut log, 0, 20);
    world.drain().await;
    let more = "INSERT INTO affiliate_affiliate (id, site_id, name) VALUES (2, 1, 'Bob');
                UPDATE affiliate_conversion SET affiliate_id = 2 WHERE txn_id = 'T-5';";
    sqlx::raw_sql(more).execute(&world.owner).await.unwrap();
    let text = processor::audit::run(&world.config(&[])).await.unwrap().to_string();
    assert!(
        text.contains("WRONG conversions: site 1 program 1 affiliate 2 \"sale\" accepted EUR"),
        "{text}"
    );
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
                 AND (name IN ('clicks', 'conversions') OR name LIKE '%_by_%' AND name NOT LIKE '%_mv')
                 AND NOT (create_table_query LIKE '%non_replicated_deduplication_window = 10000%'
                          AND create_table_query LIKE '%fsync_after_insert = 1%'
                          AND create_table_query LIKE '%fsync_part_directory = 1%')";
    assert_eq!(world.ask_engine(wrong).await, 0);
    let all = "SELECT toInt64(count()) FROM system.tables WHERE database = currentDatabase()
               AND create_table_query LIKE '%non_replicated_deduplication_window = 10000%'";
    assert_eq!(world.ask_engine(all).await, 22);
}
