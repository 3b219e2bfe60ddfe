//! One site sees nothing of another's: by its queries, by row-level security (security.md, threats 14, 27).

use api::{
    queries::{
        affiliates, clicks, commissions, conversions, events, links, live, names, programs, sites,
        stats,
    },
    tenant::{Db, Reach, TenantCtx},
};
use migrations::testing::Role;
use schemas::ids::{AffiliateId, ConversionId, LinkId, ProgramId, SiteId};
use sqlx::PgPool;

use crate::world::{Click, Conversion, FRIDAY_MS, World};

/// Two sites that have the same things under other numbers: 1 to 9 of the first, 11 to 19 of the second.
pub(crate) async fn two_sites() -> World {
    let world = World::new().await;
    world
        .sql(
            "INSERT INTO whitelabel_whitelabelsite (id, domain, name) VALUES (2, 'partner.localhost', 'Partner');
             INSERT INTO affiliate_affiliate (id, site_id, name) VALUES (1, 1, 'Anna'), (2, 1, 'Ben'), (11, 2, 'Zoe'), (12, 2, 'Yan');
             INSERT INTO affiliate_program (id, site_id, slug, name, destination) VALUES
                 (1, 1, 'shop', 'Shop', 'https://shop.example/'), (2, 1, 'news', 'News', 'https://news.example/'),
                 (11, 2, 'shop', 'Other', 'https://other.example/');
             INSERT INTO affiliate_plan (id, site_id, program_id, event, kind, amount_units, currency) VALUES
                 (1, 1, 1, 'sale', 'flat', 5000000, 'EUR'), (11, 2, 11, 'sale', 'flat', 5000000, 'EUR');
             INSERT INTO affiliate_affiliatelink (id, site_id, affiliate_id, program_id, code) VALUES
                 (1, 1, 1, 1, 'one'), (2, 1, 1, 2, 'two'), (3, 1, 2, 1, 'three'), (11, 2, 11, 11, 'one');
             INSERT INTO affiliate_conversion (id, site_id, program_id, affiliate_id, link_id, event, status, occurred_at,
                 journal, shard, seq, via, trace) VALUES
                 (1, 1, 1, 1, 1, 'sale', 'pending', now(), 9, 7, 1, 'postback', '{}'),
                 (2, 1, 1, 2, 3, 'sale', 'pending', now(), 9, 7, 2, 'postback', '{}'),
                 (11, 2, 11, 11, 11, 'sale', 'pending', now(), 9, 7, 3, 'postback', '{}');
             WITH posted AS (
                 INSERT INTO ledger_posting (tx_id, n, site_id, account, currency, amount) VALUES
                     (1, 1, 1, 'program:1:commission_expense', 'EUR', 5), (1, 2, 1, 'affiliate:1:pending', 'EUR', -5),
                     (11, 1, 2, 'program:11:commission_expense', 'EUR', 5), (11, 2, 2, 'affiliate:11:pending', 'EUR', -5))
             INSERT INTO ledger_tx (id, site_id, kind, idem, event_at, actor, ref_type, ref_id) OVERRIDING SYSTEM VALUE VALUES
                 (1, 1, 'accrued', 'accrued/cnv_1', now(), 'processor', 'conversion', 1),
                 (11, 2, 'accrued', 'accrued/cnv_11', now(), 'processor', 'conversion', 11);
             INSERT INTO affiliate_commission (id, site_id, affiliate_id, program_id, link_id, conversion_id, plan_id,
                 amount, amount_units, currency, status, occurred_at, hold_until, ledger_tx_id) VALUES
                 (1, 1, 1, 1, 1, 1, 1, 5, 5, 'EUR', 'hold', now(), now(), 1),
                 (11, 2, 11, 11, 11, 11, 11, 5, 5, 'EUR', 'hold', now(), now(), 11);",
        )
        .await;
    world.app.hosts.load(&world.app.db).await.unwrap();
    world
}

fn of_site(world: &World, site: u32) -> TenantCtx {
    TenantCtx::new(world.app.clone(), SiteId(site), Reach::ALL)
}

fn reaching(world: &World, reach: Reach) -> TenantCtx {
    TenantCtx::new(world.app.clone(), SiteId(1), reach)
}

/// How many rows each question gives somebody, by the name of the question.
async fn seen(ctx: &TenantCtx) -> Vec<(&'static str, usize)> {
    let all = api::queries::Cursor::default();
    let now = chrono::DateTime::from_timestamp_millis(FRIDAY_MS).unwrap();
    let range =
        api::params::range::Range::days(now.date_naive(), now.date_naive(), chrono_tz::Tz::UTC);
    let ids: Vec<u32> = (0..20).collect();
    let query = stats::Query {
        range,
        site_zone: chrono_tz::Tz::UTC,
        group_by: vec![stats::Dimension::Link],
        filters: Vec::new(),
        order: (stats::Order::Key(0), false),
        limit: 100,
    };
    let plans = async |id| programs::plans(&ctx.db, ProgramId(id), now).await.unwrap().len();
    let frame = live::frame(ctx, now).await.unwrap();
    vec![
        (
            "affiliates",
            affiliates::list(&ctx.db, &Default::default(), all).await.unwrap().rows.len(),
        ),
        ("programs", programs::list(&ctx.db, &Default::default(), all).await.unwrap().rows.len()),
        ("plans", plans(1).await + plans(11).await),
        ("links", links::list(&ctx.db, &Default::default(), all).await.unwrap().rows.len()),
        ("conversions", conversions::list(ctx, &Default::default(), all).await.unwrap().rows.len()),
        (
            "commissions",
            commissions::list(&ctx.db, &Default::default(), all).await.unwrap().rows.len(),
        ),
        ("sums", commissions::sums(&ctx.db, &Default::default()).await.unwrap().len()),
        ("names of programs", names::programs(&ctx.db, &ids).await.unwrap().len()),
        ("names of affiliates", names::affiliates(&ctx.db, &ids).await.unwrap().len()),
        ("names of links", names::links(&ctx.db, &ids).await.unwrap().len()),
        ("report", stats::report(ctx, &query).await.unwrap().rows.len()),
        (
            "clicks",
            clicks::list(ctx, (clicks::Kind::Click, &query), None, 50).await.unwrap().rows.len(),
        ),
        (
            "conversions counted",
            conversions::counted(ctx, (range, &[]), None, 50).await.unwrap().rows.len(),
        ),
        ("live", frame.recent.len() + frame.minutes.len()),
    ]
}

async fn with_events(world: &World) {
    let click = |site, link, seq| Click { site, link, seq: Some(seq), ..Click::UNIQUE };
    world.clicks(&[click(1, 1, 1), click(1, 3, 2), Click { seq: Some(3), ..Click::ORPHAN }]).await;
    world.conversions(&[Conversion::SALE, Conversion::SALE]).await;
}

#[tokio::test]
async fn every_question_gives_a_site_its_own_rows_alone() {
    let world = two_sites().await;
    with_events(&world).await;
    let first = seen(&of_site(&world, 1)).await;
    assert!(first.iter().all(|(_, rows)| *rows > 0), "{first:?}");
    let second = seen(&of_site(&world, 2)).await;
    // The second has one of each in PostgreSQL, and no events.
    let expected = |name: &str| match name {
        "report" | "clicks" | "conversions counted" | "live" => 0,
        "affiliates" | "names of affiliates" => 2,
        _ => 1,
    };
    for (name, rows) in second {
        assert_eq!(rows, expected(name), "{name}");
    }
    world
        .sql("INSERT INTO whitelabel_whitelabelsite (id, domain) VALUES (3, 'empty.localhost')")
        .await;
    let third = seen(&of_site(&world, 3)).await;
    assert!(third.iter().all(|(_, rows)| *rows == 0), "{third:?}");
}

#[tokio::test]
async fn anothers_id_is_not_there() {
    let world = two_sites().await;
    with_events(&world).await;
    let theirs = of_site(&world, 2);
    assert!(links::get(&theirs.db, LinkId(1)).await.is_err());
    assert!(programs::get(&theirs.db, ProgramId(1)).await.is_err());
    assert!(affiliates::get(&theirs.db, AffiliateId(1)).await.is_err());
    assert!(conversions::get(&theirs, ConversionId(1)).await.is_err());
    assert!(conversions::life(&theirs, ConversionId(1)).await.is_err());
    assert!(sites::get(&of_site(&world, 3).db).await.is_err());
    let id = world.click_id(FRIDAY_MS, 1, 1);
    let id = world.app.keys.click_ids().verify(&id).unwrap();
    assert!(clicks::find(&of_site(&world, 1), &id).await.unwrap().is_some());
    assert!(clicks::find(&theirs, &id).await.unwrap().is_none());
    assert_eq!(events::get(&theirs, &id).await.unwrap(), events::Standing::Taken);
    let change = links::LinkChange { is_active: Some(false), ..Default::default() };
    let changed = theirs.db.write(async |tx| links::update(tx, LinkId(1), &change).await).await;
    assert!(changed.is_err());
    let changed = theirs.db.write(async |tx| programs::rotate_token(tx, ProgramId(1)).await).await;
    assert!(changed.is_err());
}

/// What a statement that names no site sees, as the role that really runs.
async fn bare(db: &PgPool, begin: &'static str) -> Vec<(String, i64)> {
    let mut tx = db.begin_with(begin).await.unwrap();
    let mut counts = Vec::new();
    for table in TABLES {
        let text = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        counts
            .push((table.to_owned(), sqlx::query_scalar(text).fetch_one(&mut *tx).await.unwrap()));
    }
    counts
}

const TABLES: [&str; 9] = [
    "whitelabel_whitelabelsite",
    "affiliate_affiliate",
    "affiliate_program",
    "affiliate_plan",
    "affiliate_affiliatelink",
    "affiliate_conversion",
    "affiliate_commission",
    "ledger_tx",
    "ledger_posting",
];

#[tokio::test]
async fn a_statement_that_forgets_its_site_sees_nothing() {
    let world = two_sites().await;
    for begin in ["BEGIN", "BEGIN; SET LOCAL app.site = ''", "BEGIN; SET LOCAL app.site = '3'"] {
        for (table, rows) in bare(&world.app.db, begin).await {
            assert_eq!(rows, 0, "{begin}: {table}");
        }
    }
    for (table, rows) in bare(&world.app.db, "BEGIN; SET LOCAL app.site = '2'").await {
        let two = ["ledger_posting", "affiliate_affiliate"];
        let expected = if two.contains(&table.as_str()) { 2 } else { 1 };
        assert_eq!(rows, expected, "{table}");
    }
    // Nothing of a transaction stays behind on its connection.
    let ctx = of_site(&world, 1);
    assert_eq!(sites::get(&ctx.db).await.unwrap().name, "Tributary");
    for (table, rows) in bare(&world.app.db, "BEGIN").await {
        assert_eq!(rows, 0, "{table}");
    }
}

#[tokio::test]
async fn a_row_of_another_site_can_be_neither_written_nor_taken_away() {
    let world = two_sites().await;
    let mut tx = of_site(&world, 2).db.begin().await.unwrap();
    let moved = sqlx::query("UPDATE affiliate_affiliatelink SET site_id = 1 WHERE id = 11")
        .execute(&mut *tx)
        .await;
    assert!(moved.unwrap_err().to_string().contains("row-level security"));
    let mut tx = of_site(&world, 2).db.begin().await.unwrap();
    let made = sqlx::query("INSERT INTO affiliate_affiliate (site_id, name) VALUES (1, 'x')")
        .execute(&mut *tx)
        .await;
    assert!(made.unwrap_err().to_string().contains("row-level security"));
    let mut tx = of_site(&world, 2).db.begin().await.unwrap();
    let changed =
        sqlx::query("UPDATE affiliate_affiliate SET name = 'x'").execute(&mut *tx).await.unwrap();
    assert_eq!(changed.rows_affected(), 2);
}

#[tokio::test]
async fn every_table_with_a_site_is_closed_and_no_service_can_open_it() {
    let world = World::new().await;
    let open: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
         WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND NOT a.attisdropped
           AND (a.attname = 'site_id' OR c.relname = 'whitelabel_whitelabelsite')
           AND NOT (c.relrowsecurity AND c.relforcerowsecurity)",
    )
    .fetch_all(&world.owner)
    .await
    .unwrap();
    assert!(open.is_empty(), "{open:?}");
    let mighty: Vec<String> = sqlx::query_scalar(
        "SELECT rolname::text FROM pg_roles WHERE rolname LIKE 'tributary\\_%' AND (rolbypassrls OR rolsuper
             OR EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid))",
    )
    .fetch_all(&world.owner)
    .await
    .unwrap();
    assert!(mighty.is_empty(), "{mighty:?}");
}

#[tokio::test]
async fn within_a_site_a_viewer_reaches_its_programs_and_affiliates_alone() {
    let world = two_sites().await;
    with_events(&world).await;
    let some = |programs: Option<&[u32]>, affiliates: Option<&[u32]>| Reach {
        programs: programs.map(|ids| ids.iter().map(|id| ProgramId(*id)).collect()),
        affiliates: affiliates.map(|ids| ids.iter().map(|id| AffiliateId(*id)).collect()),
    };
    let count = async |reach: Reach, name: &str| {
        let rows = seen(&reaching(&world, reach)).await;
        rows.into_iter().find(|(known, _)| *known == name).unwrap().1
    };
    // Ben, whose is link three alone.
    for (name, rows) in
        [("links", 1), ("affiliates", 1), ("conversions", 1), ("commissions", 0), ("clicks", 1)]
    {
        assert_eq!(count(some(None, Some(&[2])), name).await, rows, "{name}");
    }
    // An advertiser with the second program.
    for (name, rows) in
        [("links", 1), ("programs", 1), ("plans", 0), ("conversions", 0), ("clicks", 0)]
    {
        assert_eq!(count(some(Some(&[2]), None), name).await, rows, "{name}");
    }
    // Both limits hold at once; one of the second site opens nothing.
    for reach in [
        some(Some(&[2]), Some(&[2])),
        some(None, Some(&[11])),
        some(Some(&[]), None),
        some(None, Some(&[])),
    ] {
        for name in [
            "links",
            "conversions",
            "commissions",
            "sums",
            "report",
            "clicks",
            "conversions counted",
            "live",
        ] {
            assert_eq!(count(reach.clone(), name).await, 0, "{name} {reach:?}");
        }
    }
    let mut tx = reaching(&world, some(None, Some(&[2]))).db.begin().await.unwrap();
    let for_anna = sqlx::query(
        "INSERT INTO affiliate_affiliatelink (site_id, affiliate_id, program_id, code) VALUES (1, 1, 1, 'hers')",
    );
    assert!(
        for_anna.execute(&mut *tx).await.unwrap_err().to_string().contains("row-level security")
    );
}

#[tokio::test]
async fn a_service_with_too_much_power_is_refused_by_the_database() {
    let world = World::new().await;
    let _: PgPool = sqlx::PgPool::connect(&world.url(Role::Api)).await.unwrap();
    for (role, fine) in
        [(Role::Owner, false), (Role::Api, true), (Role::Collector, true), (Role::Processor, true)]
    {
        let db = sqlx::PgPool::connect(&world.url(role)).await.unwrap();
        assert_eq!(
            sqlx::query("SELECT refuse_owner_role()").execute(&db).await.is_ok(),
            fine,
            "{role:?}"
        );
    }
    let _ = Db::new(world.app.db.clone(), SiteId(1), &Reach::ALL);
}
