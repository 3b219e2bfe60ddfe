//! On a real PostgreSQL, with transactions that end in another order than they began.

use migrations::testing::{Postgres, Role};
use schemas::{
    event::{Click, ClickRef, Conversion},
    money::{Money, Ppm},
};
use sqlx::PgPool;

use super::{FactStore, REFRESH_MS};
use crate::{
    batch::Record,
    facts::{Link, Pay},
};

async fn execute(pool: &PgPool, statement: &'static str) {
    sqlx::raw_sql(statement).execute(pool).await.unwrap();
}

/// An affiliate, a program with two plans for its sale, a link.
async fn seeded() -> (Postgres, PgPool) {
    let postgres = Postgres::fresh().await;
    let pool = postgres.pool(Role::Owner).await;
    execute(
        &pool,
        "UPDATE whitelabel_whitelabelsite SET time_zone = 'Europe/Paris';
         INSERT INTO affiliate_affiliate (id, site_id, name) VALUES (5, 1, 'A');
         INSERT INTO affiliate_program (id, site_id, slug, name, destination)
             VALUES (3, 1, 'p', 'P', 'https://example.com/');
         INSERT INTO affiliate_plan (id, site_id, program_id, event, kind, rate_ppm, currency)
             VALUES (1, 1, 3, 'sale', 'percent', 50000, 'EUR');
         INSERT INTO affiliate_plan
             (id, site_id, program_id, event, kind, amount_units, currency, valid_from)
             VALUES (2, 1, 3, 'sale', 'flat', 2000000, 'EUR', '2026-01-01 00:00:00.0005Z');
         INSERT INTO affiliate_affiliatelink (id, code, site_id, affiliate_id, program_id)
             VALUES (7, 'seven', 1, 5, 3);",
    )
    .await;
    (postgres, pool)
}

fn click(link: u32) -> Record<Click> {
    Record { event: Click { link, ..Click::default() }, ..Record::default() }
}

#[tokio::test]
async fn facts_are_what_the_tables_say() {
    let (_postgres, pool) = seeded().await;
    let store = FactStore::load(&pool, 0).await.unwrap();
    let facts = store.current();
    assert_eq!(facts.time_zone(1), chrono_tz::Europe::Paris);
    assert_eq!(facts.links[&7], Link { site: 1, program: 3, affiliate: 5 });
    let program = &facts.programs[&3];
    assert_eq!((program.site, program.paused, program.currency.code()), (1, false, "EUR"));
    assert_eq!(program.click_window_ms, 30 * 86_400_000);
    assert_eq!((program.unique_window_ms, program.hold_ms), (86_400_000, 30 * 86_400_000));
    assert_eq!((program.too_fast_ms, program.velocity_per_hour), (None, None));
    // A beginning within a millisecond holds from the next one on.
    let plan = |at_ms| program.plan("sale", at_ms).unwrap();
    assert_eq!(plan(1_767_225_600_000).pay, Pay::Percent(Ppm(50_000)));
    let flat = Money::from_units(2_000_000, program.currency);
    assert_eq!(plan(1_767_225_600_001).pay, Pay::Flat(flat));
    assert_eq!(plan(0).id, 1);
}

#[tokio::test]
async fn changes_are_seen_when_the_last_look_is_old_enough() {
    let (_postgres, pool) = seeded().await;
    let mut store = FactStore::load(&pool, 0).await.unwrap();
    execute(
        &pool,
        "UPDATE affiliate_program SET status = 'paused', velocity_per_hour = 9;
         UPDATE affiliate_plan SET kind = 'none' WHERE id = 1;
         INSERT INTO affiliate_plan (id, site_id, program_id, event, kind, currency)
             VALUES (3, 1, 3, 'lead', 'none', 'EUR');",
    )
    .await;
    assert!(!store.prepare(&pool, REFRESH_MS - 1, &[click(7)], &[]).await.unwrap());
    assert!(!store.current().programs[&3].paused);
    assert!(store.prepare(&pool, REFRESH_MS, &[click(7)], &[]).await.unwrap());
    let program = &store.current().programs[&3];
    assert!(program.paused);
    assert_eq!(program.velocity_per_hour, Some(9));
    assert_eq!(program.plan("sale", 0).unwrap().pay, Pay::Nothing);
    assert_eq!(program.plans["sale"].len(), 2, "a plan read again stands once");
    assert_eq!(program.plan("lead", 0).unwrap().id, 3);
}

#[tokio::test]
async fn a_link_not_yet_known_is_loaded_at_once() {
    let (_postgres, pool) = seeded().await;
    let mut store = FactStore::load(&pool, 0).await.unwrap();
    execute(
        &pool,
        "INSERT INTO affiliate_affiliatelink (id, code, site_id, affiliate_id, program_id)
         VALUES (8, 'eight', 1, 5, 3), (9, 'nine', 1, 5, 3);",
    )
    .await;
    assert!(!store.prepare(&pool, 1, &[click(7), click(0)], &[]).await.unwrap());
    assert!(store.prepare(&pool, 1, &[click(7), click(8)], &[]).await.unwrap());
    assert!(store.current().links.contains_key(&8));
    execute(&pool, "DELETE FROM affiliate_affiliatelink WHERE id = 9").await;
    let mut store = FactStore::load(&pool, 0).await.unwrap();
    let named = Some(ClickRef { link: 9, ..ClickRef::default() });
    let event = Conversion { click: named, ..Conversion::default() };
    let conversion = Record { event, ..Record::default() };
    assert!(store.prepare(&pool, 1, &[], &[conversion]).await.unwrap());
    assert!(!store.current().links.contains_key(&9), "nothing is made up");
}

#[tokio::test]
async fn a_transaction_that_began_before_a_look_and_ended_after_it_is_not_missed() {
    let (_postgres, pool) = seeded().await;
    let mut store = FactStore::load(&pool, 0).await.unwrap();
    let mut slow = pool.begin().await.unwrap();
    sqlx::raw_sql(
        "INSERT INTO affiliate_affiliatelink (id, code, site_id, affiliate_id, program_id)
         VALUES (8, 'eight', 1, 5, 3)",
    )
    .execute(&mut *slow)
    .await
    .unwrap();
    execute(&pool, "UPDATE affiliate_affiliatelink SET is_active = false WHERE id = 7").await;
    store.refresh(&pool, 1).await.unwrap();
    store.refresh(&pool, 2).await.unwrap();
    assert!(!store.current().links.contains_key(&8));
    slow.commit().await.unwrap();
    store.refresh(&pool, 3).await.unwrap();
    assert!(store.current().links.contains_key(&8));
}
