//! Sums that come to a store with events: exactly those of the events, whatever was on its way, and however often the
//! migrator was killed meanwhile.

use migrations::{
    Error,
    clickhouse::{Database, Outbox, SEND_LOCK},
    testing::{Clickhouse, Postgres, Role},
};
use schemas::retention::KEPT;
use sqlx::{Connection, PgConnection};
use std::time::Duration;

/// A store whose last files are not applied yet, and its outbox.
struct Old {
    postgres: Postgres,
    db: Clickhouse,
    /// Sums that the last files make.
    sums: Vec<String>,
}

impl Old {
    /// As the files before 0005 left it.
    async fn store() -> Self {
        let (postgres, db) = (Postgres::fresh().await, Clickhouse::fresh().await);
        let sums = "SELECT replaceOne(name, '_mv', '') FROM system.tables WHERE database = currentDatabase()
             AND engine = 'MaterializedView' AND name NOT IN
             ('clicks_by_day_link_mv', 'clicks_by_day_country_mv', 'conversions_by_day_link_mv') ORDER BY name";
        let sums: Vec<String> = db.client().query(sums).fetch_all().await.unwrap();
        assert!(sums.len() > 5, "{sums:?}");
        let old = Self { postgres, db, sums };
        for name in &old.sums {
            old.run(&format!("DROP VIEW {name}_mv SYNC")).await;
            old.run(&format!("DROP TABLE {name} SYNC")).await;
        }
        old.forget().await;
        old
    }

    /// As if a migrator had been killed before it recorded the files.
    async fn forget(&self) {
        self.forget_from(5).await;
    }

    async fn forget_from(&self, version: u32) {
        let forget = format!("ALTER TABLE schema_migrations DELETE WHERE version >= {version}");
        let forget = self.db.client().query(&forget).with_setting("mutations_sync", "2");
        forget.execute().await.unwrap();
    }

    async fn run(&self, statement: &str) {
        self.db.client().query(statement).execute().await.unwrap();
    }

    /// Clicks of a block and a sale of every tenth of them, as a sender inserts them.
    async fn insert(&self, block: &str, month: u8) {
        let statement = format!(
            "INSERT INTO clicks (site, affiliate, link, program, time, day, kind, outcome, country, os, sub1, code, block)
             SELECT 1, number % 3, number % 5, number % 2,
                 toDateTime64('2026-{month:02}-10 10:00:00', 3, 'UTC') + number * 7000,
                 toDate('2026-{month:02}-10') + intDiv(36000 + number * 7000, 86400),
                 'click', ['unique', 'invalid'][1 + number % 2], ['FR', ''][1 + number % 2], 'Linux',
                 ['', 'a', 'b'][1 + number % 3], if(number % 50 = 0, 'nowhere', ''), '{block}' FROM numbers(100)"
        );
        self.send(&statement, block).await;
        let statement = format!(
            "INSERT INTO conversions (site, affiliate, link, program, time, day, outcome, click_time, click_journal, block)
             SELECT site, affiliate, link, program, time + 60, day, 'accepted', time, journal, block
             FROM clicks WHERE block = '{block}' AND toSecond(time) = 0 AND toMonth(time) = {month} LIMIT 1 BY time"
        );
        self.send(&statement, &format!("{block}-sales")).await;
    }

    async fn send(&self, statement: &str, token: &str) {
        self.db
            .client()
            .query(statement)
            .with_setting("insert_deduplication_token", token)
            .with_setting("insert_deduplicate", "1")
            .with_setting("deduplicate_blocks_in_dependent_materialized_views", "1")
            .execute()
            .await
            .unwrap();
    }

    /// The outbox holds a block still.
    async fn open(&self, block: &str) {
        sqlx::query(
            "INSERT INTO outbox_block (id, commit, table_name, columns, rows, bytes)
             VALUES (decode($1, 'hex'), 1, 'clicks', '', 100, '')",
        )
        .bind(block)
        .execute(&self.postgres.pool(Role::Owner).await)
        .await
        .unwrap();
    }

    async fn migrate(&self) -> Result<(), Error> {
        let url = self.postgres.url(Role::Owner);
        let outbox = Outbox { url: &url, rest: Duration::ZERO };
        let database = Database::one(self.db.url(), self.db.database()).sent_from(outbox);
        database.migrate().await.map(drop)
    }

    /// Of two blocks still to be sent while sums are made, one is in with a hundred clicks, as is a block before them: each
    /// counts once, sent however often.
    async fn assert_blocks_count_once(&self) {
        for block in [OPEN, LATER] {
            self.open(block).await;
        }
        self.migrate().await.unwrap();
        for _ in 0..2 {
            self.insert(OPEN, 11).await;
            self.insert(LATER, 11).await;
        }
        self.assert_exact(300).await;
    }

    /// Every sum is that of the rows, as its view counts them.
    async fn assert_exact(&self, clicks: u64) {
        let client = self.db.client();
        let rows: u64 = client.query("SELECT count() FROM clicks").fetch_one().await.unwrap();
        assert_eq!(rows, clicks);
        for name in &self.sums {
            let [n, u] = match name.starts_with("conversions") {
                true => ["conversions", "amount"],
                false => ["gross", "uniques"],
            };
            let select: String = client
                .query("SELECT as_select FROM system.tables WHERE database = currentDatabase() AND name = ?")
                .bind(format!("{name}_mv"))
                .fetch_one()
                .await
                .unwrap();
            let keys: String = client
                .query("SELECT sorting_key FROM system.tables WHERE database = currentDatabase() AND name = ?")
                .bind(name)
                .fetch_one()
                .await
                .unwrap();
            let wrong = format!(
                "SELECT count() FROM (SELECT {keys}, sum(n) AS more, sum(u) AS first FROM (
                     SELECT {keys}, {n} AS n, {u} AS u FROM ({select})
                     UNION ALL SELECT {keys}, -{n} AS n, -{u} AS u FROM {name}
                 ) GROUP BY {keys} HAVING more != 0 OR first != 0)"
            );
            let wrong: u64 = client.query(&wrong).fetch_one().await.unwrap();
            assert_eq!(wrong, 0, "{name}");
            let sums = format!("SELECT toUInt64(sum({n})) FROM {name}");
            let counted: u64 = client.query(&sums).fetch_one().await.unwrap();
            assert!(
                counted > 0 || name.contains("place") || name.contains("sub"),
                "{name} is empty"
            );
        }
        let sold = "SELECT toUInt64(sum(conversions)), toUInt64(sumIf(conversions, country = 'FR' AND os = 'Linux')),
                assumeNotNull((SELECT count() FROM conversions)) FROM conversions_by_click";
        let (sold, to_the_french, sales): (u64, u64, u64) =
            client.query(sold).fetch_one().await.unwrap();
        assert!(
            sold == sales && to_the_french > 0 && to_the_french < sold,
            "{to_the_french} {sold} {sales}"
        );
    }
}

const DONE: &str = "000000000000000000000000000000aa";
const OPEN: &str = "000000000000000000000000000000bb";
const LATER: &str = "000000000000000000000000000000cc";

#[tokio::test]
async fn sums_of_a_store_with_events_are_those_of_the_events() {
    let old = Old::store().await;
    old.insert(DONE, 9).await;
    old.insert(LATER, 11).await;
    old.migrate().await.unwrap();
    old.assert_exact(200).await;
    old.insert("dd", 11).await;
    old.assert_exact(300).await;
    old.migrate().await.unwrap();
    old.assert_exact(300).await;
}

#[tokio::test]
async fn a_block_that_is_in_and_whose_answer_was_lost_counts_once() {
    let old = Old::store().await;
    old.insert(DONE, 11).await;
    // Inserted before there was a view, and sent again afterwards.
    old.insert(OPEN, 11).await;
    old.assert_blocks_count_once().await;
}

#[tokio::test]
async fn sums_of_what_another_view_made_count_a_block_once_whose_answer_was_lost() {
    let old = Old::store().await;
    old.migrate().await.unwrap();
    old.insert(DONE, 11).await;
    // Its rows are beside their clicks already, and are not counted there again.
    old.insert(OPEN, 11).await;
    old.forget_from(13).await;
    old.assert_blocks_count_once().await;
}

#[tokio::test]
async fn sums_made_when_events_were_gone_say_since_when_they_have_all() {
    let old = Old::store().await;
    old.insert(DONE, 11).await;
    let begun = async || -> i64 {
        let kept = format!("SELECT max(since_ms) FROM ({KEPT}) WHERE name = 'clicks_by_day_site'");
        old.db.client().query(&kept).fetch_one().await.unwrap()
    };
    old.migrate().await.unwrap();
    assert_eq!(begun().await, 0, "nothing has gone");
    old.run("ALTER TABLE clicks MODIFY TTL toDateTime(toStartOfMonth(time), 'UTC') + toIntervalMonth(1) + toIntervalDay(4000)")
        .await;
    old.forget_from(13).await;
    old.migrate().await.unwrap();
    let first = begun().await;
    assert!(first > 0);
    // A day later than the events themselves, and it does not move with them.
    let events = format!("SELECT max(since_ms) FROM ({KEPT}) WHERE name = 'clicks'");
    let events: i64 = old.db.client().query(&events).fetch_one().await.unwrap();
    assert_eq!(first, events + 86_400_000);
    old.assert_exact(100).await;
}

#[tokio::test]
async fn a_migrator_killed_half_way_is_run_again() {
    let old = Old::store().await;
    old.insert(DONE, 11).await;
    old.migrate().await.unwrap();
    // Killed before the record was made: a view is missing, sending went on, an answer was lost.
    old.forget().await;
    old.run(&format!("DROP VIEW {}_mv SYNC", old.sums[0])).await;
    old.insert(OPEN, 11).await;
    old.open(OPEN).await;
    old.migrate().await.unwrap();
    old.insert(OPEN, 11).await;
    old.assert_exact(200).await;
}

/// What links had, and how long that is kept.
const OF_LINKS: &str = "SELECT assumeNotNull((SELECT toString(groupArray(tuple(*))) FROM (SELECT * FROM clicks_by_day_link FINAL ORDER BY ALL))),
    assumeNotNull((SELECT engine_full LIKE '%TTL %toIntervalDay(77) SETTINGS%' FROM system.tables
                   WHERE database = currentDatabase() AND name = 'clicks_by_day_link'))";

#[tokio::test]
async fn sums_made_in_another_way_are_kept_where_their_events_are_gone() {
    let old = Old::store().await;
    old.insert(DONE, 9).await;
    old.migrate().await.unwrap();
    old.run(
        "ALTER TABLE clicks_by_day_link MODIFY TTL day + toIntervalYear(90) + toIntervalDay(77)",
    )
    .await;
    for raw in ["clicks", "conversions"] {
        old.run(&format!("TRUNCATE TABLE {raw}")).await;
    }
    let of_links =
        async || -> (String, u8) { old.db.client().query(OF_LINKS).fetch_one().await.unwrap() };
    let before = of_links().await;
    assert!(before.0.len() > 100 && before.1 == 1, "{before:?}");
    // Anew; then once more after a run that was killed with the next table half filled.
    for killed in [false, true] {
        old.forget_from(10).await;
        if killed {
            old.run("CREATE TABLE clicks_by_day_link_next AS clicks_by_day_link").await;
            old.run("INSERT INTO clicks_by_day_link_next SELECT * FROM clicks_by_day_link LIMIT 3")
                .await;
        }
        old.migrate().await.unwrap();
        assert_eq!(of_links().await, before, "{killed}");
    }
    let left = "SELECT count() FROM system.tables WHERE database = currentDatabase() AND endsWith(name, '_next')";
    assert_eq!(old.db.client().query(left).fetch_one::<u64>().await.unwrap(), 0);
    old.insert(LATER, 11).await;
    let gross = "SELECT toUInt64(sum(gross)) FROM clicks_by_day_link";
    assert_eq!(old.db.client().query(gross).fetch_one::<u64>().await.unwrap(), 200);
}

#[tokio::test]
async fn sums_made_in_another_way_count_a_block_once_whose_answer_was_lost() {
    let old = Old::store().await;
    old.insert(DONE, 9).await;
    old.migrate().await.unwrap();
    // In, and sent again afterwards: the new tables know nothing of it.
    old.insert(OPEN, 11).await;
    for block in [OPEN.to_owned(), LATER.to_owned()] {
        old.open(&block).await;
    }
    old.forget_from(10).await;
    old.migrate().await.unwrap();
    for _ in 0..2 {
        old.insert(OPEN, 11).await;
        old.insert(LATER, 9).await;
    }
    let gross = "SELECT toUInt64(sum(gross)) FROM ";
    for sums in ["clicks_by_day_link", "clicks_by_day_country", "clicks_by_day_agent"] {
        let counted = old.db.client().query(&format!("{gross}{sums}")).fetch_one::<u64>().await;
        assert_eq!(counted.unwrap(), 300, "{sums}");
    }
}

#[tokio::test]
async fn sums_are_made_while_nobody_sends() {
    let old = Old::store().await;
    old.insert(DONE, 11).await;
    let refused = Database::one(old.db.url(), old.db.database()).migrate().await;
    assert!(matches!(refused, Err(Error::NotPaused { version: 5 })), "{refused:?}");
    let mut sender = PgConnection::connect(&old.postgres.url(Role::Owner)).await.unwrap();
    let lock = async |sender: &mut PgConnection, statement: &'static str| {
        sqlx::query(statement).bind(SEND_LOCK).execute(sender).await.unwrap();
    };
    lock(&mut sender, "SELECT pg_advisory_lock_shared($1)").await;
    let mut migrating = Box::pin(old.migrate());
    let waits = tokio::time::timeout(Duration::from_millis(700), &mut migrating).await;
    assert!(waits.is_err(), "a sender still sends");
    let views = "SELECT count() FROM system.tables WHERE database = currentDatabase() AND engine = 'MaterializedView'";
    let views: u64 = old.db.client().query(views).fetch_one().await.unwrap();
    assert_eq!(views, 3);
    lock(&mut sender, "SELECT pg_advisory_unlock_shared($1)").await;
    migrating.await.unwrap();
    old.assert_exact(100).await;
}
