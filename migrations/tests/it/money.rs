//! What money points at: looked up for a whole statement, and kept for as long as it is named.

use migrations::testing::{Postgres, Role};
use sqlx::PgPool;

use crate::ledger::{EXPENSE, PENDING, TX};

/// A conversion with its commission, as a sale of program 1 leaves them.
const MONEY: &str = "
    INSERT INTO affiliate_affiliate (id, site_id, name) VALUES (1, 1, 'Ada'), (2, 1, 'Bob');
    INSERT INTO affiliate_program (id, site_id, slug, name, destination)
        VALUES (1, 1, 'shop', 'Shop', 'https://shop.example/'), (2, 1, 'other', 'Other', 'https://shop.example/');
    INSERT INTO affiliate_plan (id, site_id, program_id, event, kind, currency)
        VALUES (1, 1, 1, 'sale', 'flat', 'EUR'), (2, 1, 2, 'sale', 'flat', 'EUR');
    INSERT INTO affiliate_conversion (id, site_id, program_id, event, status, occurred_at, journal, shard, seq, via, trace)
        VALUES (1, 1, 1, 'sale', 'pending', now(), 1, 1, 1, 'api', '{}');
    INSERT INTO affiliate_commission (id, affiliate_id, amount, status, site_id, program_id, link_id, conversion_id, plan_id,
        amount_units, currency, occurred_at, hold_until) VALUES (1, 1, 5, 'pending', 1, 1, 1, 1, 1, 1, 'EUR', now(), now());";

async fn with_money() -> (Postgres, PgPool) {
    let db = Postgres::fresh().await;
    let pool = db.pool(Role::Owner).await;
    sqlx::raw_sql(MONEY).execute(&pool).await.unwrap();
    (db, pool)
}

#[tokio::test]
async fn money_names_nothing_that_its_site_does_not_have() {
    let (_db, pool) = with_money().await;
    let site =
        "INSERT INTO whitelabel_whitelabelsite (id, name, domain) VALUES (2, 'Two', 'two.example')";
    sqlx::raw_sql(site).execute(&pool).await.unwrap();
    let cases = [
        ("affiliate_commission", "affiliate_id = 3"),
        ("affiliate_commission", "program_id = 3"),
        ("affiliate_commission", "plan_id = 3"),
        ("affiliate_commission", "conversion_id = 3"),
        ("affiliate_commission", "ledger_tx_id = 3"),
        ("affiliate_commission", "site_id = 2"),
        ("affiliate_conversion", "site_id = 3"),
    ];
    for (table, change) in cases {
        let update = format!("UPDATE {table} SET {change}");
        let refused =
            sqlx::raw_sql(sqlx::AssertSqlSafe(update.clone())).execute(&pool).await.unwrap_err();
        let code = refused.as_database_error().and_then(|error| error.code()).unwrap_or_default();
        assert_eq!(code, "23503", "{update}: {refused}");
    }
    let of_no_site = TX.replace("VALUES (1,", "VALUES (3,");
    let reversing = TX
        .replace("ref_id)", "ref_id, reverses_tx)")
        .replace("'conversion', 1)", "'conversion', 1, 3)");
    for (transaction, site, reason) in [
        (of_no_site.as_str(), 3, "names a site that does not exist"),
        (reversing.as_str(), 1, "names a transaction to reverse that its site does not have"),
        (TX, 2, "names a transaction that its site does not have"),
    ] {
        let both = format!(
            "WITH written AS ({transaction}) INSERT INTO ledger_posting
             VALUES (1, 1, {site}, '{EXPENSE}', 'EUR', 5), (1, 2, {site}, '{PENDING}', 'EUR', -5)"
        );
        // The transaction's id is the next one: each try that is refused draws one.
        sqlx::raw_sql("ALTER SEQUENCE ledger_tx_id_seq RESTART 1").execute(&pool).await.unwrap();
        let written = sqlx::query(sqlx::AssertSqlSafe(both)).bind("accrued/cnv_1").execute(&pool);
        let refused = written.await.unwrap_err();
        assert!(refused.to_string().contains(reason), "{refused}");
    }
}

#[tokio::test]
async fn what_money_names_is_neither_deleted_nor_renumbered() {
    let (_db, pool) = with_money().await;
    for (table, named) in [
        ("affiliate_affiliate", "affiliate_commission"),
        ("affiliate_plan", "affiliate_commission"),
        ("affiliate_conversion", "affiliate_commission"),
    ] {
        for change in [
            format!("DELETE FROM {table} WHERE id = 1"),
            format!("UPDATE {table} SET id = 9 WHERE id = 1"),
        ] {
            let refused = sqlx::raw_sql(sqlx::AssertSqlSafe(change.clone()))
                .execute(&pool)
                .await
                .unwrap_err();
            assert!(
                refused.to_string().contains(&format!("is named by {named}")),
                "{change}: {refused}"
            );
        }
    }
    // Nothing earned by them: they may go.
    for change in
        ["DELETE FROM affiliate_affiliate WHERE id = 2", "DELETE FROM affiliate_plan WHERE id = 2"]
    {
        sqlx::raw_sql(change).execute(&pool).await.unwrap();
    }
}

#[tokio::test]
async fn who_deletes_an_affiliate_waits_for_the_commission_under_way() {
    let (_db, pool) = with_money().await;
    let mut writer = pool.begin().await.unwrap();
    let earn = "
        INSERT INTO affiliate_conversion (id, site_id, program_id, event, status, occurred_at, journal, shard, seq, via, trace)
            VALUES (2, 1, 1, 'sale', 'pending', now(), 1, 1, 2, 'api', '{}');
        INSERT INTO affiliate_commission (id, affiliate_id, amount, status, site_id, program_id, link_id, conversion_id, plan_id,
            amount_units, currency, occurred_at, hold_until) VALUES (2, 2, 5, 'pending', 1, 1, 1, 2, 1, 1, 'EUR', now(), now());";
    sqlx::raw_sql(earn).execute(&mut *writer).await.unwrap();
    let other = pool.clone();
    let deleting = tokio::spawn(async move {
        sqlx::raw_sql("DELETE FROM affiliate_affiliate WHERE id = 2").execute(&other).await
    });
    let waiting = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
        WHERE NOT l.granted AND l.mode = 'ShareRowExclusiveLock' AND d.datname = current_database()";
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&pool).await.unwrap() == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    writer.commit().await.unwrap();
    let refused = deleting.await.unwrap().unwrap_err();
    assert!(refused.to_string().contains("is named by affiliate_commission"), "{refused}");
}
