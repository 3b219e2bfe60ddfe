//! ClickHouse: once, repeatable when cut short, and never over a file that changed.

use migrations::{
    Error,
    clickhouse::{Database, FILES, Keep, Outbox, migrate, plan},
    testing::{Clickhouse, Postgres, Role},
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
    let (postgres, db) = (Postgres::fresh().await, Clickhouse::fresh().await);
    run(&db, "TRUNCATE TABLE schema_migrations").await;
    let outbox = postgres.url(Role::Owner);
    let runs = (0..4).map(|_| {
        let (url, name, outbox) = (db.url().to_owned(), db.database().to_owned(), outbox.clone());
        tokio::spawn(async move {
            let database = Database::one(&url, &name).sent_from(Outbox::of(&outbox));
            database.migrate().await.map(drop)
        })
    });
    for run in runs.collect::<Vec<_>>() {
        run.await.unwrap().unwrap();
    }
    assert_eq!(migrate(db.url(), db.database()).await.unwrap(), []);
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
    for changed in [2, 0] {
        let keep = Keep { address_days: Some(7), ..ever() };
        assert_eq!(database(&db).keep(&keep).await.unwrap().len(), changed);
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

fn database(db: &Clickhouse) -> Database<'_> {
    Database::one(db.url(), db.database())
}

/// Everything for ever, but addresses.
fn ever() -> Keep {
    let (hour_sum_days, day_sum_days) = (Some(0), Some(0));
    Keep { event_days: Some(0), hour_sum_days, day_sum_days, ..Keep::default() }
}

/// Days, by what the tables themselves say.
async fn kept(db: &Clickhouse, table: &str) -> (u32, i64) {
    let all: Vec<(String, u32, i64)> =
        db.client().query(schemas::retention::KEPT).fetch_all().await.unwrap();
    let found = all.into_iter().find(|(name, _, _)| name == table).unwrap();
    (found.1, found.2)
}

#[tokio::test]
async fn raw_events_expire_by_whole_months_and_their_sums_stay() {
    let db = Clickhouse::fresh().await;
    let keep = Keep { event_days: Some(7), ..ever() };
    for changed in [3, 0] {
        assert_eq!(database(&db).keep(&keep).await.unwrap().len(), changed);
    }
    // The end of a month is at most 31 days behind any of its days.
    for day in [40, 0] {
        let insert = format!(
            "INSERT INTO clicks (site, time, day, outcome)
             SELECT 1, now64(3) - INTERVAL {day} DAY, today() - {day}, 'unique'"
        );
        run(&db, &insert).await;
    }
    run(&db, "OPTIMIZE TABLE clicks FINAL").await;
    assert_eq!(count(&db, "SELECT count() FROM clicks").await, 1);
    assert_eq!(count(&db, "SELECT toUInt64(sum(gross)) FROM clicks_by_day_link").await, 2);
    // What says since when everything is there says it of the first of a month.
    let (days, since_ms) = kept(&db, "clicks").await;
    let limit = "SELECT toInt64(toUnixTimestamp(toDateTime(toStartOfMonth(toDateTime(now() + 3600, 'UTC') - INTERVAL 7 DAY), 'UTC')))";
    let limit: i64 = db.client().query(limit).fetch_one().await.unwrap();
    assert_eq!((days, since_ms), (7, limit * 1000));
    assert_eq!(database(&db).keep(&ever()).await.unwrap().len(), 3);
    assert_eq!(kept(&db, "clicks").await, (0, 0), "for ever again");
    let addresses = "SELECT count() FROM system.tables WHERE database = currentDatabase()
                     AND name IN ('clicks', 'conversions')
                     AND create_table_query LIKE '%`address` String TTL toDateTime(time) + toIntervalDay(30)%'";
    assert_eq!(count(&db, addresses).await, 2, "addresses have their own days");
}

#[tokio::test]
async fn events_of_before_go_too_although_nothing_merges_them() {
    let db = Clickhouse::fresh().await;
    database(&db).keep(&ever()).await.unwrap();
    for month in ["2025-01", "2025-06"] {
        let insert = format!(
            "INSERT INTO clicks (site, time, day) SELECT 1, toDateTime64('{month}-05 00:00:00', 3, 'UTC'), '{month}-05'"
        );
        run(&db, &insert).await;
    }
    let keep = Keep { event_days: Some(30), shorten_retention: true, ..ever() };
    database(&db).keep(&keep).await.unwrap();
    // Waits until what the change began in the background is over: nothing is merged, nothing inserted.
    run(&db, "ALTER TABLE clicks MODIFY COMMENT 'waited for'").await;
    let learned =
        "SELECT count() FROM system.parts WHERE database = currentDatabase() AND table = 'clicks'
                   AND active AND rows > 0 AND delete_ttl_info_max = 0";
    let going =
        "SELECT count() FROM system.mutations WHERE database = currentDatabase() AND NOT is_done";
    let over = async {
        while count(&db, going).await + count(&db, learned).await > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), over).await.unwrap();
}

#[tokio::test]
async fn nothing_is_kept_shorter_by_mistake() {
    let db = Clickhouse::fresh().await;
    // Nothing is lost of empty tables: the defaults are taken.
    let made = database(&db).keep(&Keep::default()).await.unwrap();
    assert_eq!((kept(&db, "clicks").await.0, kept(&db, "clicks_by_day_link").await.0), (400, 3650));
    let text: Vec<String> = made.iter().map(ToString::to_string).collect();
    assert!(text.contains(&"clicks: raw events for 400 days, not for ever".to_owned()), "{text:?}");
    run(&db, "INSERT INTO clicks (site, time, day) SELECT 1, now64(3), today()").await;

    let typo = Keep { event_days: Some(40), ..Keep::default() };
    for refused in [database(&db).keep(&typo).await, database(&db).plan_keep(&typo).await] {
        let said = refused.unwrap_err().to_string();
        for part in [
            "clicks: raw events for 40 days, not for 400 days",
            "TRIBUTARY_EVENT_DAYS",
            "--shorten-retention",
        ] {
            assert!(said.contains(part), "{said}");
        }
        assert_eq!(kept(&db, "clicks").await.0, 400);
        assert_eq!(kept(&db, "conversions").await.0, 400, "nothing of it is done");
    }
    let longer = Keep { event_days: Some(500), ..Keep::default() };
    assert_eq!(database(&db).plan_keep(&longer).await.unwrap().len(), 3);
    assert_eq!(kept(&db, "clicks").await.0, 400, "a plan changes nothing");
    database(&db).keep(&longer).await.unwrap();
    assert_eq!(kept(&db, "clicks").await.0, 500);
    // One that comes later, filled, is no loss: it keeps what conversions are kept for.
    run(&db, "ALTER TABLE conversions_by_click REMOVE TTL").await;
    run(&db, "INSERT INTO conversions_by_click (site, time, conversions) SELECT 1, now64(3), 1")
        .await;
    let later = database(&db).keep(&longer).await.unwrap();
    assert_eq!(later.len(), 1, "{later:?}");
    assert_eq!(kept(&db, "conversions_by_click").await.0, 500);
    // A default is no wish: what somebody made longer stays so where the setting is forgotten.
    assert_eq!(
        database(&db).keep(&Keep::default()).await.unwrap().len(),
        2,
        "only the empty table, and what follows it"
    );
    assert_eq!(kept(&db, "clicks").await.0, 500);
    let meant = Keep { shorten_retention: true, ..typo };
    database(&db).keep(&meant).await.unwrap();
    assert_eq!(kept(&db, "clicks").await.0, 40);
}

#[tokio::test]
async fn events_that_went_one_by_one_go_by_months_from_now_on() {
    let db = Clickhouse::fresh().await;
    database(&db).keep(&ever()).await.unwrap();
    run(&db, "ALTER TABLE clicks MODIFY TTL toDateTime(time) + INTERVAL 90 DAY").await;
    run(&db, "INSERT INTO clicks (site, time, day) SELECT 1, now64(3), today()").await;
    let keep = Keep { event_days: Some(90), ..ever() };
    let changed = database(&db).keep(&keep).await.unwrap();
    assert!(
        changed.iter().any(|kept| kept.table == "clicks" && kept.from == kept.to),
        "{changed:?}"
    );
    let by_month =
        "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = 'clicks'
                    AND engine_full LIKE '%toStartOfMonth(time)%'";
    assert_eq!(count(&db, by_month).await, 1);
    assert_eq!(kept(&db, "clicks").await.0, 90);
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
