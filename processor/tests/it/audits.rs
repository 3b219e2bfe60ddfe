//! The audit that is always on, and the one of past days.

use migrations::testing::Role;
use processor::audit::Extent;
use sqlx::{Connection, PgConnection};

use crate::world::{NOON, World, click, free_address, sale};

const JOURNAL: u64 = 0x0102_0304_0506_0708;
const DAY_MS: u64 = 86_400_000;

fn day(n: u64) -> Extent {
    let midnight = NOON - NOON % DAY_MS + n * DAY_MS;
    Extent::Between(midnight..midnight + DAY_MS)
}

async fn audit(world: &World, extent: &Extent) -> String {
    processor::audit::run_over(&world.config(&[]), extent).await.unwrap().to_string()
}

async fn change(world: &World, statement: &str) {
    let client = world.clickhouse.client();
    client.query(statement).with_setting("mutations_sync", "2").execute().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_past_day_is_proved_by_the_stores_alone() {
    let world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    // One block holds events of all three days.
    for n in 0..3 {
        for visitor in 0..10 {
            let named = log.click(click(NOON + n * DAY_MS + visitor, n * 100 + visitor + 1));
            if visitor == 0 {
                log.conversion(sale(NOON + n * DAY_MS + 500, named, &format!("T-{n}")));
            }
        }
    }
    log.beat(NOON + 2 * DAY_MS + 1000);
    world.drain().await;
    // Another one, of the last day only.
    log.click(click(NOON + 2 * DAY_MS + 2000, 900));
    log.beat(NOON + 2 * DAY_MS + 3000);
    world.drain().await;
    // No file of a journal is needed for it.
    std::fs::remove_dir_all(world.journals()).unwrap();
    for (n, blocks) in [(0, 2), (1, 2), (2, 3), (3, 0)] {
        let text = audit(&world, &day(n)).await;
        assert!(text.ends_with("clean\n"), "day {n}: {text}");
        let line = format!("{blocks} blocks, ");
        assert!(text.lines().any(|found| found.starts_with(&line)), "day {n}: {text}");
    }

    change(&world, "ALTER TABLE clicks DELETE WHERE visitor = (SELECT max(visitor) FROM clicks WHERE day = '2026-01-03') AND day = '2026-01-03'").await;
    let ruined = "WRONG block: ";
    assert!(audit(&world, &day(2)).await.contains(ruined));
    assert!(audit(&world, &day(2)).await.contains("WRONG rollup: "));
    assert!(!audit(&world, &day(3)).await.contains("WRONG"), "another day");

    let unpost = "ALTER TABLE ledger_posting DISABLE TRIGGER USER;
        DELETE FROM ledger_posting WHERE tx_id = (SELECT max(id) FROM ledger_tx);
        ALTER TABLE ledger_posting ENABLE TRIGGER USER;";
    sqlx::raw_sql(unpost).execute(&world.owner).await.unwrap();
    assert!(audit(&world, &day(2)).await.contains("WRONG ledger: commission"));
    assert!(!audit(&world, &day(0)).await.contains("WRONG ledger"));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_nobody_committed_are_named_among_a_days_own() {
    let world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    for visitor in 0..10 {
        log.click(click(NOON + visitor, visitor + 1));
    }
    log.beat(NOON + 1000);
    world.drain().await;
    change(&world, "INSERT INTO clicks SELECT * REPLACE ('00000000000000000000000000000001' AS block) FROM clicks WHERE seq = 1 LIMIT 1").await;
    let text = audit(&world, &day(0)).await;
    assert!(
        text.contains("block 00000000000000000000000000000001 was never committed: 1 rows"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_processor_audits_itself_and_what_no_stage_explains_is_an_alarm() {
    const RECORDS: &str = "tributary_processor_ledger_records";
    let world = World::new().await;
    let now_ms = world.ask("SELECT (extract(epoch FROM now()) * 1000)::bigint").await as u64;
    let mut log = world.writer(JOURNAL, now_ms - 10_000);
    let named = log.click(click(now_ms - 9_000, 1));
    for visitor in 2..21 {
        log.click(click(now_ms - 9_000 + visitor, visitor));
    }
    log.conversion(sale(now_ms - 8_000, named, "T-1"));
    log.beat(now_ms - 7_000);
    world.drain().await;
    let spoil = "UPDATE pipeline_stored SET rows = rows - 3 WHERE topic = 1 AND rows > 3
        AND partition = (SELECT min(partition) FROM pipeline_stored WHERE topic = 1 AND rows > 3)";
    let mut db = PgConnection::connect(&world.postgres.url(Role::Owner)).await.unwrap();
    assert_eq!(sqlx::query(spoil).execute(&mut db).await.unwrap().rows_affected(), 1);

    let mut config = world.config(&[]);
    config.admin = free_address();
    let address = config.admin;
    let so = async {
        for (name, least) in [
            (format!("{RECORDS}{{stage=\"announced\"}}"), 21),
            (format!("{RECORDS}{{stage=\"decided\"}}"), 21),
            (format!("{RECORDS}{{stage=\"stored\"}}"), 18),
            ("tributary_processor_unexplained_records".to_owned(), 3),
            ("tributary_processor_audit_timestamp_seconds".to_owned(), now_ms / 1000),
            ("tributary_processor_audit_discrepancies".to_owned(), 1),
            ("tributary_processor_oldest_undecided_seconds".to_owned(), 7),
        ] {
            world.metric_reaches(address, &format!("{name} "), least).await;
        }
    };
    world.run_until(config, so).await;
    // Recent events, and the day before.
    assert_eq!(world.ask("SELECT count(*) FROM pipeline_audit WHERE blocks >= 0").await, 2);
    assert_eq!(world.ask("SELECT max(conversions) FROM pipeline_audit").await, 1);
    let told = "SELECT count(*) FROM pipeline_audit WHERE found -> 0 ->> 'what' = 'sent' AND discrepancies = 1";
    assert_eq!(world.ask(told).await, 2);
}
