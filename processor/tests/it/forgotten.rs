//! A visitor's data deleted on request: nothing of them is left, and no number changes.

use migrations::testing::Clickhouse;
use processor::{
    Config,
    forget::{self, Report, Whom, Wish},
};
use schemas::{
    click_id::ClickId,
    event::{Click, ClickRef, Conversion},
    ids::SiteId,
    keys::Keys,
};
use std::time::Duration;

use crate::{
    stores::{HOLD_SENDING, LET_SEND},
    world::{NOON, World, click, free_address, sale},
};

const JOURNAL: u64 = 0x0102_0304_0506_0708;
const SITE: SiteId = SiteId(1);
const VISITOR: u64 = 77;

/// What only these columns may say before and must not say after.
const SECRETS: [&str; 6] =
    ["198.51.100.77", "aff-secret-1", "aff-secret-2", "cus-secret", "adv-secret", "their-click-9"];

fn whom(click: ClickRef) -> Whom {
    let ClickRef { key_version, time_ms, shard, journal, seq, link } = click;
    let (key_version, shard) = (key_version as u8, shard as u16);
    Whom::Click(ClickId { key_version, time_ms, shard, journal, seq, link }, None)
}

fn wish(whom: Whom) -> Wish {
    Wish { whom, why: "request 12".to_owned(), actor: "a test".to_owned(), dry_run: false }
}

async fn forget(world: &World, wish: &Wish) -> processor::Result<Report> {
    forget::run(&world.config(&[]), wish, Duration::from_secs(60)).await
}

fn theirs(time_ms: u64, n: u64) -> Click {
    Click {
        address: vec![198, 51, 100, 77],
        aff_click_id: format!("aff-secret-{n}"),
        ..click(time_ms, VISITOR)
    }
}

fn their_sale(time_ms: u64, of: ClickRef) -> Conversion {
    let mut adv = vec![String::new(); 10];
    adv[3] = "adv-secret".to_owned();
    Conversion {
        address: vec![198, 51, 100, 77],
        customer_id: "cus-secret".to_owned(),
        click_id: "their-click-9".to_owned(),
        coupon: "SPRING".to_owned(),
        adv,
        ..sale(time_ms, of, "T-theirs")
    }
}

/// An hour ago: addresses of that time are still kept.
async fn recently(world: &World) -> u64 {
    world.ask("SELECT (extract(epoch FROM now()) * 1000)::bigint - 3600000").await as u64
}

/// Two clicks and a sale of the visitor among others'; the first click.
async fn arranged(world: &World) -> ClickRef {
    let noon = recently(world).await;
    let mut log = world.writer(JOURNAL, noon);
    let first = log.click(theirs(noon + 1, 1));
    log.click(theirs(noon + 2, 2));
    for n in 0..20 {
        let of = log.click(click(noon + 10 + n, n + 1));
        if n % 5 == 0 {
            let mut other = sale(noon + 500 + n, of, &format!("T-{n}"));
            other.customer_id = "another".to_owned();
            log.conversion(other);
        }
    }
    log.conversion(their_sale(noon + 600, first));
    log.beat(noon + 1000);
    world.drain().await;
    first
}

/// Everything that is counted or placed by: what must be the same before and after.
async fn counted(world: &World) -> Vec<i64> {
    let mut all = Vec::new();
    for sql in [
        "SELECT toInt64(reinterpretAsInt64(sum(cityHash64(* EXCEPT (visitor, address, aff_click_id))))) FROM clicks",
        "SELECT toInt64(reinterpretAsInt64(sum(cityHash64(* EXCEPT (address, adv1, adv2, adv3, adv4, adv5, adv6, adv7, adv8, adv9, adv10))))) FROM conversions",
        "SELECT toInt64(reinterpretAsInt64(sum(cityHash64(*)))) FROM clicks_by_day_link FINAL",
        "SELECT toInt64(reinterpretAsInt64(sum(cityHash64(*)))) FROM clicks_by_day_country FINAL",
        "SELECT toInt64(reinterpretAsInt64(sum(cityHash64(*)))) FROM conversions_by_day_link FINAL",
    ] {
        all.push(world.ask_engine(sql).await);
    }
    for sql in [
        "SELECT sum(amount)::bigint FROM ledger_posting WHERE amount > 0",
        "SELECT count(*) FROM affiliate_conversion WHERE status <> 'invalid'",
        "SELECT sum(hashtextextended((to_jsonb(c) - 'parameters')::text, 0) % 1000000007)::bigint FROM affiliate_conversion c",
    ] {
        all.push(world.ask(sql).await);
    }
    all
}

/// Columns in which any of the secrets stands, of every table of both stores.
async fn found(world: &World) -> Vec<String> {
    let mut found = Vec::new();
    let columns: Vec<(String, String)> = world
        .clickhouse
        .client()
        .query(
            "SELECT table, name FROM system.columns WHERE database = currentDatabase() AND type LIKE '%String%'
                 AND table IN (SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree')",
        )
        .fetch_all()
        .await
        .unwrap();
    let needles = SECRETS.map(|secret| format!("'{secret}'")).join(", ");
    for (table, column) in columns {
        let sql = format!(
            "SELECT toInt64(countIf(multiSearchAny(toString({column}), [{needles}]))) FROM {table}"
        );
        if world.ask_engine(&sql).await > 0 {
            found.push(format!("{table}.{column}"));
        }
    }
    let key = format!("SELECT toInt64(countIf(visitor = {VISITOR})) FROM clicks");
    if world.ask_engine(&key).await > 0 {
        found.push("clicks.visitor".to_owned());
    }
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename",
    )
    .fetch_all(&world.owner)
    .await
    .unwrap();
    for table in tables {
        for secret in SECRETS {
            let sql = format!(
                "SELECT count(*) FROM {table} t WHERE position('{secret}' IN to_jsonb(t)::text) > 0"
            );
            let rows: i64 =
                sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&world.owner).await.unwrap();
            if rows > 0 {
                found.push(format!("{table}: {secret}"));
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_visitor_is_left_and_no_number_changes() {
    let world = World::new().await;
    let first = arranged(&world).await;
    world.audit().await;
    let (before, told) = (counted(&world).await, found(&world).await);
    for column in ["clicks.address", "clicks.aff_click_id", "conversions.adv4", "clicks.visitor"] {
        assert!(told.iter().any(|one| one == column), "{column}: {told:?}");
    }

    let dry = forget(&world, &Wish { dry_run: true, ..wish(whom(first)) }).await.unwrap();
    for (table, rows) in [("clicks", 2), ("conversions", 1), ("affiliate_conversion", 1)] {
        assert_eq!(dry.rows(table), rows, "{table}: {dry}");
    }
    assert!(dry.to_string().contains("2 rows would be emptied: visitor, address"), "{dry}");
    assert_eq!(found(&world).await, told, "a dry run changes nothing");
    assert_eq!(world.ask("SELECT count(*) FROM pipeline_forget").await, 0);

    let done = forget(&world, &wish(whom(first))).await.unwrap();
    assert_eq!(done.emptied, dry.emptied);
    assert!(done.kept.iter().any(|kept| kept.what == "journals"), "{done}");
    assert_eq!(found(&world).await, Vec::<String>::new());
    assert_eq!(counted(&world).await, before);
    world.audit().await;
    let config = world.config(&[]);
    let day: String = world
        .clickhouse
        .client()
        .query("SELECT toString(max(day)) FROM clicks")
        .fetch_one()
        .await
        .unwrap();
    let day = day.parse().unwrap();
    let repaired = processor::repair::rollup(&config.stores, &config.window, day).await.unwrap();
    assert!(repaired.iter().all(|one| one.rows == 0));
    let others =
        "SELECT count(*) FROM affiliate_conversion WHERE parameters ->> 'customer_id' = 'another'";
    assert_eq!(world.ask(others).await, 4, "others' stay");
    let coupon =
        "SELECT count(*) FROM affiliate_conversion WHERE parameters ->> 'coupon' = 'SPRING'";
    assert_eq!(world.ask(coupon).await, 1);
    let logged =
        "SELECT count(*) FROM pipeline_forget WHERE done_at IS NOT NULL AND why = 'request 12'
                  AND actor = 'a test' AND clicks = 2 AND conversions = 1 AND site_id = 1";
    assert_eq!(world.ask(logged).await, 1);

    let again = forget(&world, &wish(whom(first))).await.unwrap();
    assert!(again.is_empty() && again.to_string().contains("nothing is left"), "{again}");
    assert_eq!(world.ask("SELECT count(*) FROM pipeline_forget").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_visitor_who_returns_is_not_unique_again() {
    let world = World::new().await;
    let first = arranged(&world).await;
    forget(&world, &wish(Whom::Key(SITE, VISITOR))).await.unwrap();
    let mut log = world.writer(JOURNAL + 1, first.time_ms + 2000);
    log.click(click(first.time_ms + 3000, VISITOR));
    log.beat(first.time_ms + 4000);
    world.drain().await;
    let last = format!(
        "SELECT toInt64(countIf(outcome = 'duplicate')) FROM clicks WHERE journal = {}",
        JOURNAL + 1
    );
    assert_eq!(world.ask_engine(&last).await, 1);
    world.audit().await;
    // What came afterwards is theirs too, by the key; the old click id finds itself alone.
    let old = forget(&world, &wish(whom(first))).await.unwrap();
    assert!(old.is_empty(), "{old}");
    let new = forget(&world, &wish(Whom::Key(SITE, VISITOR))).await.unwrap();
    assert_eq!(new.rows("clicks"), 1);
    let none = forget(&world, &wish(Whom::Key(SITE, VISITOR))).await.unwrap();
    assert!(none.is_empty(), "{none}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_cut_short_is_run_again() {
    let world = World::new().await;
    let first = arranged(&world).await;
    let before = counted(&world).await;
    // As if the conversions had been done and one of two parts of clicks, when everything was killed.
    let sql = "ALTER TABLE clicks UPDATE visitor = 0, address = '', aff_click_id = '' WHERE aff_click_id = 'aff-secret-2'";
    let client = world.clickhouse.client();
    client.query(sql).with_setting("mutations_sync", "2").execute().await.unwrap();
    let rest = forget(&world, &wish(whom(first))).await.unwrap();
    assert_eq!(rest.rows("clicks"), 1, "{rest}");
    assert_eq!(found(&world).await, Vec::<String>::new());
    assert_eq!(counted(&world).await, before);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asked_not_to_be_followed_is_found_by_the_click_alone() {
    let world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    let private = |n: u64| Click { visitor_network: 0, shard: 7, ..theirs(NOON + n, n) };
    let first = log.click(private(1));
    log.click(private(2));
    log.beat(NOON + 1000);
    world.drain().await;
    let done = forget(&world, &wish(whom(first))).await.unwrap();
    assert_eq!(done.rows("clicks"), 1, "{done}");
    let kept = "SELECT toInt64(count()) FROM clicks WHERE aff_click_id = 'aff-secret-2'";
    assert_eq!(world.ask_engine(kept).await, 1, "0 is no visitor");
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_of_a_click_that_expired_is_found_by_its_id() {
    let world = World::new().await;
    let first = arranged(&world).await;
    let client = world.clickhouse.client();
    let sql = format!("ALTER TABLE clicks DELETE WHERE visitor = {VISITOR}");
    client.query(&sql).with_setting("mutations_sync", "2").execute().await.unwrap();
    let done = forget(&world, &wish(whom(first))).await.unwrap();
    assert_eq!((done.rows("clicks"), done.rows("affiliate_conversion")), (0, 1), "{done}");
    assert_eq!(found(&world).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_found_is_said() {
    let world = World::new().await;
    let first = arranged(&world).await;
    let refused = async |whom: Whom| {
        let error = forget(&world, &wish(whom)).await.unwrap_err();
        error.to_string()
    };
    let later = ClickRef { time_ms: first.time_ms + 9, ..first };
    for (whom, said) in [
        (whom(later), "no such click is stored"),
        (whom(ClickRef { link: 9, ..later }), "no such click is stored"),
        (Whom::Key(SITE, 0), "0 is nobody's key"),
        (Whom::Key(SiteId(9), 5), "there is no site_9"),
    ] {
        let error = refused(whom).await;
        assert!(error.contains(said), "{whom:?}: {error}");
    }
    let Whom::Click(id, None) = whom(first) else { panic!("a click") };
    let other = refused(Whom::Click(id, Some(SiteId(2)))).await;
    assert!(other.contains("not one of site_2"), "{other}");
    let keys = Keys::parse(&format!("1 {}", "00".repeat(32))).unwrap();
    for text in ["", "not-a-click-id", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let error = forget::read_click(&keys, text).unwrap_err().to_string();
        assert!(error.contains("nothing was changed"), "{error}");
    }
    let unsaid = forget(&world, &Wish { why: " ".to_owned(), ..wish(whom(first)) }).await;
    assert!(unsaid.unwrap_err().to_string().contains("say why"));
    assert_eq!(world.ask("SELECT count(*) FROM pipeline_forget").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_done_while_clickhouse_is_away_or_blocks_wait() {
    let world = World::new().await;
    let first = arranged(&world).await;
    let told = found(&world).await;
    let mut away: Config = world.config(&[]);
    away.stores.clickhouse_url = format!("http://owner:x@{}/", free_address());
    let error = forget::run(&away, &wish(whom(first)), Duration::ZERO).await.unwrap_err();
    assert!(error.to_string().starts_with("clickhouse"), "{error}");
    // Another click of theirs is decided, and not sent.
    let mut held = world.owner.acquire().await.unwrap();
    sqlx::raw_sql(HOLD_SENDING).execute(&mut *held).await.unwrap();
    let mut log = world.writer(JOURNAL + 1, first.time_ms + 2000);
    log.click(theirs(first.time_ms + 3000, 1));
    log.beat(first.time_ms + 4000);
    let behind = world.reaches("SELECT count(*) FROM outbox_block", 1);
    world.run_until(world.config(&[]), behind).await;
    let error = forget::run(&world.config(&[]), &wish(whom(first)), Duration::ZERO).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("blocks wait for clickhouse"), "{error}");
    let unchanged = found(&world).await;
    assert!(told.iter().all(|one| unchanged.contains(one)), "{told:?} {unchanged:?}");
    sqlx::raw_sql(LET_SEND).execute(&mut *held).await.unwrap();
    world.drain().await;
    let done = forget(&world, &wish(whom(first))).await.unwrap();
    assert_eq!(done.rows("clicks"), 3, "{done}");
    assert_eq!(found(&world).await, Vec::<String>::new());
    world.audit().await;
}

/// A further table or rollup with one of these columns must be thought of where the visitor is forgotten.
#[tokio::test]
async fn no_other_table_tells_about_a_visitor_and_no_rollup_counts_by_it() {
    let clickhouse = Clickhouse::fresh().await;
    let tables: Vec<String> = clickhouse
        .client()
        .query(
            "SELECT DISTINCT table FROM system.columns WHERE database = currentDatabase() AND name IN
                 ('visitor', 'address', 'aff_click_id', 'adv1') ORDER BY table",
        )
        .fetch_all()
        .await
        .unwrap();
    assert_eq!(tables, ["clicks", "conversions"]);
}
