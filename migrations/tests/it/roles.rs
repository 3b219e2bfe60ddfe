//! Each service's role can do its work and nothing else.

use migrations::testing::{Postgres, Role};
use sqlx::{AssertSqlSafe, Executor};

const REFUSED: &str = "42501";

async fn code(db: &Postgres, role: Role, statement: &str) -> Option<String> {
    let pool = db.pool(role).await;
    let done = pool.execute(AssertSqlSafe(statement.to_owned())).await;
    match done {
        Ok(_) => None,
        Err(sqlx::Error::Database(error)) => error.code().map(|code| code.into_owned()),
        Err(error) => panic!("{statement}: {error}"),
    }
}

#[tokio::test]
async fn nobody_does_what_is_not_its_work() {
    let db = Postgres::fresh().await;
    let ledger = "INSERT INTO ledger_tx (site_id, kind, idem, event_at, actor, ref_type, ref_id)
                  VALUES (1, 'accrued', 'x', now(), 'x', 'x', 1)";
    let cases = [
        (Role::Collector, "SELECT * FROM affiliate_conversion"),
        (Role::Collector, "SELECT * FROM accounts_user"),
        (Role::Collector, "UPDATE affiliate_affiliatelink SET is_active = false"),
        (Role::Api, ledger),
        (Role::Api, "DELETE FROM ledger_posting"),
        (Role::Api, "UPDATE affiliate_commission SET amount_units = 1"),
        (Role::Api, "UPDATE affiliate_conversion SET status = 'approved'"),
        (Role::Api, "UPDATE affiliate_plan SET amount_units = 1"),
        (Role::Api, "DELETE FROM affiliate_affiliatelink"),
        (Role::Api, "SELECT record FROM pipeline_waiting"),
        (Role::Api, "SELECT bytes FROM pipeline_dead_letter"),
        (Role::Api, "UPDATE pipeline_owner SET epoch = epoch + 1"),
        (Role::Processor, "UPDATE ledger_tx SET reason = 'x'"),
        (Role::Processor, "DELETE FROM ledger_posting"),
        (Role::Processor, "TRUNCATE ledger_tx CASCADE"),
        (Role::Processor, "UPDATE affiliate_program SET name = 'x'"),
        (Role::Processor, "SELECT * FROM accounts_user"),
        (Role::Processor, "DELETE FROM affiliate_conversion"),
        (Role::Analyst, "SELECT email FROM affiliate_affiliate"),
        (Role::Analyst, "SELECT * FROM accounts_user"),
        (Role::Analyst, "SELECT * FROM pipeline_waiting"),
        (Role::Analyst, ledger),
        (Role::Api, "CREATE TABLE mine (id bigint)"),
        (Role::Processor, "CREATE TABLE mine (id bigint)"),
        (Role::Api, "ALTER TABLE ledger_posting DISABLE TRIGGER ALL"),
        (Role::Processor, "SET session_replication_role = replica"),
    ];
    for (role, statement) in cases {
        let got = code(&db, role, statement).await;
        assert_eq!(got.as_deref(), Some(REFUSED), "{role:?}: {statement}");
    }
}

#[tokio::test]
async fn everybody_can_do_its_work() {
    let db = Postgres::fresh().await;
    let cases = [
        (Role::Api, "SET app.site = 1; INSERT INTO affiliate_affiliate (site_id, name) VALUES (1, 'A')"),
        (
            Role::Api,
            "SET app.site = 1; INSERT INTO affiliate_program (site_id, slug, name, destination)
             VALUES (1, 'p', 'P', 'https://example.com/')",
        ),
        (
            Role::Api,
            "SET app.site = 1; INSERT INTO affiliate_plan (site_id, program_id, event, kind, amount_units, currency)
             VALUES (1, 1, 'sale', 'flat', 10000, 'EUR')",
        ),
        (
            Role::Api,
            "SET app.site = 1; INSERT INTO affiliate_affiliatelink (site_id, affiliate_id, program_id, code)
             VALUES (1, 1, 1, 'abc')",
        ),
        (Role::Api, "UPDATE affiliate_affiliatelink SET is_active = false"),
        (Role::Api, "SELECT seq FROM pipeline_waiting"),
        (Role::Collector, "SELECT * FROM affiliate_affiliatelink"),
        (Role::Processor, "SELECT * FROM affiliate_plan"),
        (Role::Processor, "UPDATE pipeline_owner SET epoch = epoch + 1"),
        (
            Role::Processor,
            "WITH tx AS (INSERT INTO ledger_tx (site_id, kind, idem, event_at, actor, ref_type, ref_id)
                VALUES (1, 'accrued', 'accrued/cnv_1', now(), 'processor', 'conversion', 1) RETURNING id)
             INSERT INTO ledger_posting SELECT id, n, 1, account, 'EUR', amount FROM tx,
                (VALUES (1, 'program:1:commission_expense', 10000), (2, 'affiliate:1:pending', -10000)) AS line (n, account, amount)",
        ),
        (Role::Api, "SELECT * FROM ledger_posting"),
        (Role::Api, "SELECT * FROM pipeline_as_of"),
        (Role::Analyst, "SELECT * FROM ledger_posting"),
        (Role::Analyst, "SELECT id, name FROM affiliate_affiliate"),
    ];
    for (role, statement) in cases {
        assert_eq!(code(&db, role, statement).await, None, "{role:?}: {statement}");
    }
}

#[tokio::test]
async fn a_service_is_told_apart_from_an_owner() {
    let db = Postgres::fresh().await;
    let ask = "SELECT refuse_owner_role()";
    for role in [Role::Collector, Role::Processor, Role::Api, Role::Jobs, Role::Analyst] {
        assert_eq!(code(&db, role, ask).await, None, "{role:?}");
    }
    assert_eq!(code(&db, Role::Owner, ask).await.as_deref(), Some(REFUSED));
    // No superuser, but the owner of a table, and one that owns nothing and passes by every policy;
    // the names are this test's own, and so is their end.
    let owner = db.pool(Role::Owner).await;
    let name = format!("tributary_t_owner_{}", std::process::id());
    let passes = format!("tributary_t_passes_{}", std::process::id());
    for statement in [
        format!("CREATE ROLE {name}"),
        format!("CREATE ROLE {passes} BYPASSRLS"),
        "CREATE TABLE owned (id bigint)".to_owned(),
        format!("ALTER TABLE owned OWNER TO {name}"),
    ] {
        owner.execute(AssertSqlSafe(statement)).await.unwrap();
    }
    let asked = owner.execute(AssertSqlSafe(format!("SET ROLE {name}; {ask}"))).await;
    owner.close().await;
    let owner = db.pool(Role::Owner).await;
    let passing = owner.execute(AssertSqlSafe(format!("SET ROLE {passes}; {ask}"))).await;
    owner.close().await;
    let owner = db.pool(Role::Owner).await;
    let end = format!("DROP TABLE owned; DROP ROLE {name}; DROP ROLE {passes}");
    owner.execute(AssertSqlSafe(end)).await.unwrap();
    assert!(asked.unwrap_err().to_string().contains("owns tables"));
    assert!(passing.unwrap_err().to_string().contains("may pass by every rule"));
}

#[tokio::test]
async fn no_table_is_forgotten() {
    let db = Postgres::fresh().await;
    let owner = db.pool(Role::Owner).await;
    // Of people, their mail and who asks to promote what the processor knows nothing; the migrator's own table is nobody's.
    let forgotten: Vec<String> = sqlx::query_scalar(
        "SELECT c.relname FROM pg_class c
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v')
           AND c.relname <> '_sqlx_migrations'
           AND (c.relname ~ '^(accounts_|audit_|mail_|affiliate_enrolment$)') = has_table_privilege('tributary_processor', c.oid, 'SELECT')",
    )
    .fetch_all(&owner)
    .await
    .unwrap();
    assert_eq!(forgotten, Vec::<String>::new());
}
