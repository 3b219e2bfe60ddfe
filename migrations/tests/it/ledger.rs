//! The ledger's own guards: they hold for whoever writes, the owner too.

use migrations::testing::{Postgres, Role};
use sqlx::{PgPool, Postgres as Db, Transaction};

type Line = (&'static str, &'static str, i64);

async fn begin(pool: &PgPool, idem: &str) -> (Transaction<'static, Db>, i64) {
    let mut tx = pool.begin().await.unwrap();
    let id = sqlx::query_scalar(
        "INSERT INTO ledger_tx (site_id, kind, idem, event_at, actor, ref_type, ref_id)
         VALUES (1, 'accrued', $1, now(), 'test', 'conversion', 1) RETURNING id",
    )
    .bind(idem)
    .fetch_one(&mut *tx)
    .await
    .unwrap();
    (tx, id)
}

async fn post(
    tx: &mut Transaction<'static, Db>,
    id: i64,
    first: i16,
    lines: &[Line],
) -> Result<(), String> {
    let n: Vec<i16> = (first..).take(lines.len()).collect();
    let account: Vec<&str> = lines.iter().map(|line| line.0).collect();
    let currency: Vec<&str> = lines.iter().map(|line| line.1).collect();
    let amount: Vec<i64> = lines.iter().map(|line| line.2).collect();
    sqlx::query(
        "INSERT INTO ledger_posting SELECT $1, line.n, 1, line.account, line.currency, line.amount
         FROM UNNEST($2::smallint[], $3::text[], $4::text[], $5::bigint[]) AS line (n, account, currency, amount)",
    )
    .bind(id)
    .bind(n)
    .bind(account)
    .bind(currency)
    .bind(amount)
    .execute(&mut **tx)
    .await
    .map(drop)
    .map_err(|error| error.to_string())
}

const EXPENSE: &str = "program:1:commission_expense";
const PENDING: &str = "affiliate:1:pending";

#[tokio::test]
async fn a_balanced_transaction_is_taken_and_stays_as_it_is() {
    let db = Postgres::fresh().await;
    let pool = db.pool(Role::Owner).await;
    let (mut tx, id) = begin(&pool, "accrued/cnv_1").await;
    post(&mut tx, id, 1, &[(EXPENSE, "EUR", 500), (PENDING, "EUR", -500)]).await.unwrap();
    tx.commit().await.unwrap();
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
    let again = sqlx::query(
        "INSERT INTO ledger_tx (site_id, kind, idem, event_at, actor, ref_type, ref_id)
         VALUES (1, 'accrued', 'accrued/cnv_1', now(), 'test', 'conversion', 1)",
    );
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
        let (mut tx, id) = begin(&pool, "accrued/cnv_1").await;
        let refused = post(&mut tx, id, 1, lines).await.unwrap_err();
        assert!(refused.contains(reason), "{lines:?}: {refused}");
    }
}

#[tokio::test]
async fn a_transaction_without_postings_is_refused_at_commit() {
    let db = Postgres::fresh().await;
    let pool = db.pool(Role::Owner).await;
    let (tx, _) = begin(&pool, "accrued/cnv_1").await;
    assert!(tx.commit().await.unwrap_err().to_string().contains("has no postings"));
}

#[tokio::test]
async fn a_posting_without_its_transaction_is_refused_at_commit() {
    let db = Postgres::fresh().await;
    let pool = db.pool(Role::Owner).await;
    let mut tx = pool.begin().await.unwrap();
    post(&mut tx, 99, 1, &[(EXPENSE, "EUR", 500), (PENDING, "EUR", -500)]).await.unwrap();
    assert!(tx.commit().await.is_err());
}

#[tokio::test]
async fn nothing_is_added_to_a_transaction_that_has_its_postings() {
    let db = Postgres::fresh().await;
    let pool = db.pool(Role::Owner).await;
    let lines = [(EXPENSE, "EUR", 500), (PENDING, "EUR", -500)];
    let (mut tx, id) = begin(&pool, "accrued/cnv_1").await;
    post(&mut tx, id, 1, &lines).await.unwrap();
    let refused = post(&mut tx, id, 3, &lines).await.unwrap_err();
    assert!(refused.contains("already has its postings"), "{refused}");
    let (mut tx, id) = begin(&pool, "accrued/cnv_1").await;
    post(&mut tx, id, 1, &lines).await.unwrap();
    tx.commit().await.unwrap();
    let mut later = pool.begin().await.unwrap();
    let refused = post(&mut later, id, 3, &lines).await.unwrap_err();
    assert!(refused.contains("already has its postings"), "{refused}");
}
