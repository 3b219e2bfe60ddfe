//! On a real PostgreSQL: what counts, and what is another click's.

use migrations::testing::{Postgres, Role};
use schemas::event::{ClickRef, Conversion};

use super::{HOUR_MS, Recent};

const CLICK: ClickRef =
    ClickRef { key_version: 1, time_ms: 1_767_225_600_123, shard: 9, journal: 77, seq: 5, link: 7 };
const NOON_MS: u64 = 1_767_268_800_000;

#[tokio::test]
async fn accepted_conversions_of_the_same_click_within_the_hour_count() {
    let postgres = Postgres::fresh().await;
    let pool = postgres.pool(Role::Owner).await;
    // (status, reason, journal, shard, seq, at): the journal as alias or whole, others' clicks.
    sqlx::raw_sql(
        "INSERT INTO affiliate_conversion (site_id, program_id, event, txn_id, status, reason,
             occurred_at, journal, shard, seq, via, click_at, click_journal, click_shard, click_seq,
             trace)
         SELECT 1, 3, 'sale', 'T' || n, status, reason, to_timestamp(at), 1, 9, n, 'postback',
             '2026-01-01 00:00:00.123Z', journal, shard, seq, '{}'
         FROM (VALUES
             (1, 'pending', '', 77, 9, 5, 1767268800.000),
             (2, 'approved', '', 77 + (3::bigint << 20), 9, 5, 1767268000.000),
             (3, 'invalid', 'too_fast', 77, 9, 5, 1767268800.000),
             (4, 'pending', '', 78, 9, 5, 1767268800.000),
             (5, 'pending', '', 77, 8, 5, 1767268800.000),
             (6, 'pending', '', 77, 9, 6, 1767268800.000),
             (7, 'pending', '', 77, 9, 5, 1767260000.000)
         ) AS made (n, status, reason, journal, shard, seq, at)",
    )
    .execute(&pool)
    .await
    .unwrap();
    let mut recent = Recent::load(&pool, &[(1, CLICK), (1, CLICK)]).await.unwrap();
    assert_eq!(recent.count(1, &CLICK, NOON_MS), 2);
    assert_eq!(recent.count(1, &CLICK, NOON_MS - 1), 1, "a later one is not before");
    assert_eq!(recent.count(1, &CLICK, NOON_MS + HOUR_MS - 1), 1);
    assert_eq!(recent.count(1, &CLICK, NOON_MS + HOUR_MS), 0);
    recent.put(&sale("T1"), 3);
    assert_eq!(recent.count(1, &CLICK, NOON_MS), 2, "a transaction known counts once");
    recent.put(&sale("T9"), 3);
    recent.put(&sale("T9"), 3);
    assert_eq!(recent.count(1, &CLICK, NOON_MS), 3, "so does one repeated in a batch");
    recent.put(&sale(""), 3);
    recent.put(&sale(""), 3);
    assert_eq!(recent.count(1, &CLICK, NOON_MS), 4, "and a click without a transaction");
    let other = ClickRef { time_ms: CLICK.time_ms + 1, ..CLICK };
    assert_eq!(recent.count(1, &other, NOON_MS), 0);
    assert_eq!(recent.count(2, &CLICK, NOON_MS), 0, "another site's");
    let none = Recent::load(&pool, &[(1, other), (2, CLICK)]).await.unwrap();
    assert_eq!((none.count(1, &other, NOON_MS), none.count(2, &CLICK, NOON_MS)), (0, 0));
    assert_eq!(Recent::load(&pool, &[]).await.unwrap().count(1, &CLICK, NOON_MS), 0);
}

fn sale(txn: &str) -> Conversion {
    Conversion {
        site: 1,
        program: 3,
        event: "sale".to_owned(),
        txn_id: txn.to_owned(),
        time_ms: NOON_MS,
        click: Some(CLICK),
        ..Conversion::default()
    }
}
