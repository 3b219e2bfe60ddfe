//! ClickHouse: once, repeatable when cut short, and never over a file that changed.

use migrations::{
    Error,
    clickhouse::{FILES, keep_addresses, keep_events, migrate, plan},
    testing::Clickhouse,
};

async fn run(db: &Clickhouse, statement: &str) {
    db.client().query(statement).execute().await.unwrap();
}

async fn count(db: &Clickhouse, query: &str) -> u64 {
    db.client().query(query).fetch_one().await.unwrap()
}

#[tokio::test]
async fn a_second_run_finds_nothing_to_do() {
    let db = Clickhouse::fresh().await;
    assert_eq!(migrate(db.url(), db.database()).await.unwrap(), []);
    assert_eq!(plan(db.url(), db.database()).await.unwrap(), []);
    let files = FILES.iter().count() as u64;
    assert_eq!(count(&db, "SELECT count() FROM schema_migrations").await, files);
}

#[tokio::test]
async fn a_dry_run_names_the_files_and_changes_nothing() {
    let db = Clickhouse::fresh().await;
    let other = format!("{}_dry", db.database());
    let steps = plan(db.url(), &other).await.unwrap();
    assert_eq!(steps[0].name, "create clicks");
    let made = format!("SELECT count() FROM system.databases WHERE name = '{other}'");
    assert_eq!(count(&db, &made).await, 0);
}

#[tokio::test]
async fn a_run_cut_short_goes_on() {
    let db = Clickhouse::fresh().await;
    // As if the last file had been cut short: one of its statements done, the record not made.
    run(&db, "TRUNCATE TABLE schema_migrations").await;
    run(&db, "INSERT INTO clicks_by_day_link (site, gross) SELECT 1, 7").await;
    run(&db, "DROP VIEW conversions_by_day_link_mv").await;
    let views = "SELECT count() FROM system.tables WHERE database = currentDatabase()
                 AND name = 'conversions_by_day_link_mv'";
    assert_eq!(count(&db, views).await, 0);
    assert_eq!(migrate(db.url(), db.database()).await.unwrap().len(), FILES.iter().count());
    assert_eq!(count(&db, views).await, 1, "the statement that was missing is made up for");
    run(
        &db,
        "INSERT INTO conversions (site, time, outcome, amount) SELECT 1, now64(3), 'accepted', 5",
    )
    .await;
    let filled = "SELECT toUInt64(sum(amount)) FROM conversions_by_day_link";
    assert_eq!(count(&db, filled).await, 5, "and the view fills its table");
    assert_eq!(count(&db, "SELECT toUInt64(sum(gross)) FROM clicks_by_day_link").await, 7);
    assert_eq!(migrate(db.url(), db.database()).await.unwrap(), []);
}

#[tokio::test]
async fn a_changed_file_and_a_newer_database_are_refused() {
    let db = Clickhouse::fresh().await;
    run(&db, "INSERT INTO schema_migrations (version, name, checksum) SELECT 9999, 'later', '00'")
        .await;
    let refused = migrate(db.url(), db.database()).await;
    assert!(matches!(refused, Err(Error::Newer { version: 9999, .. })), "{refused:?}");
    run(&db, "TRUNCATE TABLE schema_migrations").await;
    run(
        &db,
        "INSERT INTO schema_migrations (version, name, checksum) SELECT 1, 'create clicks', '00'",
    )
    .await;
    for refused in [migrate(db.url(), db.database()).await, plan(db.url(), db.database()).await] {
        assert!(matches!(refused, Err(Error::Changed { version: 1, .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn migrators_at_the_same_time_do_no_harm() {
    let db = Clickhouse::fresh().await;
    run(&db, "TRUNCATE TABLE schema_migrations").await;
    let (url, name) = (db.url().to_owned(), db.database().to_owned());
    let runs = (0..4).map(|_| {
        tokio::spawn({
            let (url, name) = (url.clone(), name.clone());
            async move { migrate(&url, &name).await.map(drop) }
        })
    });
    for run in runs.collect::<Vec<_>>() {
        run.await.unwrap().unwrap();
    }
    assert_eq!(migrate(&url, &name).await.unwrap(), []);
}

#[tokio::test]
async fn raw_addresses_expire_after_the_days_asked_for() {
    let db = Clickhouse::fresh().await;
    let tables_with = async |days: u16| {
        let query = format!(
            "SELECT count() FROM system.tables WHERE database = '{}' AND name IN ('clicks', 'conversions')
             AND create_table_query LIKE '%`address` String TTL toDateTime(time) + toIntervalDay({days})%'",
            db.database()
        );
        count(&db, &query).await
    };
    assert_eq!(tables_with(30).await, 2);
    for _ in 0..2 {
        keep_addresses(db.url(), db.database(), 7).await.unwrap();
        assert_eq!(tables_with(7).await, 2);
    }
    // An event of long ago has lost its address, and nothing else, once its part is merged.
    run(&db, "INSERT INTO clicks (site, time, code, address) SELECT 1, now64(3) - INTERVAL 8 DAY, 'old', '192.0.2.1'")
        .await;
    run(
        &db,
        "INSERT INTO clicks (site, time, code, address) SELECT 1, now64(3), 'new', '192.0.2.2'",
    )
    .await;
    run(&db, "OPTIMIZE TABLE clicks FINAL").await;
    assert_eq!(
        count(&db, "SELECT count() FROM clicks WHERE code = 'old' AND address = ''").await,
        1
    );
    assert_eq!(
        count(&db, "SELECT count() FROM clicks WHERE code = 'new' AND address != ''").await,
        1
    );
}

#[tokio::test]
async fn raw_events_expire_after_the_days_asked_for_and_their_sums_stay() {
    let db = Clickhouse::fresh().await;
    let keep = async |days| keep_events(db.url(), db.database(), days).await.unwrap();
    let kept = "SELECT count() FROM system.tables WHERE database = currentDatabase()
                AND engine_full LIKE '% TTL toDateTime(time) + toIntervalDay(7) %'";
    for _ in 0..2 {
        keep(Some(7)).await;
        assert_eq!(count(&db, kept).await, 2);
    }
    for day in [8, 0] {
        let insert = format!(
            "INSERT INTO clicks (site, time, day, outcome)
             SELECT 1, now64(3) - INTERVAL {day} DAY, today() - {day}, 'unique'"
        );
        run(&db, &insert).await;
    }
    run(&db, "OPTIMIZE TABLE clicks FINAL").await;
    assert_eq!(count(&db, "SELECT count() FROM clicks").await, 1);
    assert_eq!(count(&db, "SELECT toUInt64(sum(gross)) FROM clicks_by_day_link").await, 2);
    for _ in 0..2 {
        keep(None).await;
        assert_eq!(count(&db, kept).await, 0, "for ever again");
    }
    let addresses = "SELECT count() FROM system.tables WHERE database = currentDatabase()
                     AND name IN ('clicks', 'conversions')
                     AND create_table_query LIKE '%`address` String TTL toDateTime(time) + toIntervalDay(30)%'";
    assert_eq!(count(&db, addresses).await, 2, "addresses have their own days");
}

#[tokio::test]
async fn rollups_stay_exact_when_an_insert_is_repeated() {
    let db = Clickhouse::fresh().await;
    for _ in 0..3 {
        db.client()
            .query(
                "INSERT INTO clicks (site, link, time, day, kind, outcome, country)
                 SELECT 1, number % 3, toDateTime64('2026-11-20 10:00:00', 3, 'UTC'), '2026-11-20', 'click', 'unique', 'FR'
                 FROM numbers(100)",
            )
            .with_setting("insert_deduplication_token", "block-1")
            .with_setting("deduplicate_blocks_in_dependent_materialized_views", "1")
            .with_setting("insert_deduplicate", "1")
            .execute()
            .await
            .unwrap();
    }
    for table in ["clicks_by_day_link", "clicks_by_day_country"] {
        let sum = format!("SELECT toUInt64(sum(gross)) FROM {table}");
        assert_eq!(count(&db, &sum).await, 100, "{table}");
    }
    assert_eq!(count(&db, "SELECT count() FROM clicks").await, 100);
}
