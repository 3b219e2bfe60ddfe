//! The ledger's own guards: they hold for whoever writes, the owner too.

use migrations::testing::{Postgres, Role};
use sqlx::PgPool;

type Line = (&'static str, &'static str, i64);

pub(crate) const TX: &str =
    "INSERT INTO ledger_tx (site_id, kind, idem, event_at, actor, ref_type, ref_id)
    VALUES (1, 'accrued', $1, now(), 'test', 'conversion', 1)";

/// Postings of transaction `id`, and the transaction with them unless it is there already.
async fn post(
    pool: &PgPool,
    id: i64,
    is_new: bool,
    first: i16,
    lines: &[Line],
) -> Result<(), String> {
    let n: Vec<i16> = (first..).take(lines.len()).collect();
    let account: Vec<&str> = lines.iter().map(|line| line.0).collect();
    let currency: Vec<&str> = lines.iter().map(|line| line.1).collect();
    let amount: Vec<i64> = lines.iter().map(|line| line.2).collect();
    sqlx::query(
        "WITH written AS (
             INSERT INTO ledger_tx (id, site_id, kind, idem, event_at, actor, ref_type, ref_id) OVERRIDING SYSTEM VALUE
             SELECT $1, 1, 'accrued', 'accrued/cnv_' || $1, now(), 'test', 'conversion', 1 WHERE $6)
         INSERT INTO ledger_posting SELECT $1, line.n, 1, line.account, line.currency, line.amount
         FROM UNNEST($2::smallint[], $3::text[], $4::text[], $5::bigint[]) AS line (n, account, currency, amount)",
    )
    .bind(id)
    .bind(n)
    .bind(account)
    .bind(currency)
    .bind(amount)
    .bind(is_new)
    .execute(pool)
    .await
    .map(drop)
    .map_err(|error| error.to_string())
}

pub(crate) const EXPENSE: &str = "program:1:commission_expense";
pub(crate) const PENDING: &str = "affiliate:1:pending";

#[tokio::test]
async fn a_balanced_transaction_is_taken_and_stays_as_it_is() {
    let db = Postgres::fresh().await;
    let pool = db.pool(Role::Owner).await;
    post(&pool, 9, true, 1, &[(EXPENSE, "EUR", 500), (PENDING, "EUR", -500)]).await.unwrap();
    for statement in [
        "UPDATE ledger_posting SET amount = 501 WHERE n = 1",
        "DELETE FROM ledger_posting",
        "TRUNCATE ledger_posting",
        "UPDATE ledger_tx SET idem = 'other'",
        "DELETE FROM ledger_tx",
        "TRUNCATE ledger_tx CASCADE",
    ] {
        let refused = sqlx::query(statement).execute(&pool).await.unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{statement}: {refused}");
    }
    let again = sqlx::query(TX).bind("accrued/cnv_9");
    assert!(again.execute(&pool).await.unwrap_err().to_string().contains("ledger_tx_site_id_idem"));
}

#[tokio::test]
async fn what_does_not_balance_is_refused() {
    let db = Postgres::fresh().await;
    let pool = db.pool(Role::Owner).await;
    let cases: [(&[Line], &str); 6] = [
        (&[(EXPENSE, "EUR", 500), (PENDING, "EUR", -499)], "sum to zero"),
        (&[(EXPENSE, "EUR", 500), (PENDING, "USD", -500)], "sum to zero"),
        (&[(EXPENSE, "EUR", 500)], "sum to zero"),
        (&[(EXPENSE, "EUR", 0), (PENDING, "EUR", 0)], "ledger_posting_amount_check"),
        (&[("Expense", "EUR", 500), (PENDING, "EUR", -500)], "ledger_posting_account_check"),
        (&[(EXPENSE, "eur", 500), (PENDING, "eur", -500)], "ledger_posting_currency_check"),
    ];
    for (lines, reason) in cases {
        let refused = post(&pool, 1, true, 1, lines).await.unwrap_err();
        assert!(refused.contains(reason), "{lines:?}: {refused}");
    }
}

#[tokio::test]
async fn a_transaction_without_postings_is_refused() {
    let db = Postgres::fresh().await;
    let pool = db.pool(Role::Owner).await;
    let refused = sqlx::query(TX).bind("accrued/cnv_1").execute(&pool).await.unwrap_err();
    assert!(refused.to_string().contains("has no postings"), "{refused}");
}

#[tokio::test]
async fn postings_without_their_transaction_are_refused() {
    let db = Postgres::fresh().await;
    let pool = db.pool(Role::Owner).await;
    let lines = [(EXPENSE, "EUR", 500), (PENDING, "EUR", -500)];
    let refused = post(&pool, 99, false, 1, &lines).await.unwrap_err();
    assert!(refused.contains("names a transaction that its site does not have"), "{refused}");
}

#[tokio::test]
async fn nothing_is_added_to_a_transaction_that_has_its_postings() {
    let db = Postgres::fresh().await;
    let pool = db.pool(Role::Owner).await;
    let lines = [(EXPENSE, "EUR", 500), (PENDING, "EUR", -500)];
    post(&pool, 1, true, 1, &lines).await.unwrap();
    for (first, reason) in [(1, "ledger_posting_pkey"), (3, "gets no more")] {
        let refused = post(&pool, 1, false, first, &lines).await.unwrap_err();
        assert!(refused.contains(reason), "{refused}");
    }
}
