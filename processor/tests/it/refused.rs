//! Data that PostgreSQL does not take, absurd amounts, letters that cannot be decided: none of them
//! stops what comes with them.

use processor::dead_letter;

use crate::world::{NOON, World, click, sale};

const JOURNAL: u64 = 0x0102_0304_0506_0708;

#[tokio::test(flavor = "multi_thread")]
async fn an_absurd_amount_is_refused_and_the_largest_believed_is_paid() {
    let world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    let named = log.click(click(NOON + 1, 7));
    for (n, amount) in ["20000000000.00", "1000000000.00", "1000000000.01"].iter().enumerate() {
        let mut lead = sale(NOON + 2 + n as u64, named, &format!("T-{n}"));
        lead.event = "lead".to_owned();
        lead.amount = (*amount).to_owned();
        log.conversion(lead);
    }
    log.beat(NOON + 1000);
    world.drain().await;
    let refused = "SELECT count(*) FROM affiliate_conversion WHERE reason = 'bad_amount'";
    assert_eq!(world.ask(refused).await, 2);
    assert_eq!(world.ask("SELECT amount::bigint FROM affiliate_commission").await, 100_000_000);
    // Whatever a plan pays has room in the shown column.
    let widest = "SELECT (9223372036854775807::numeric / 10000)::numeric(20, 4)::bigint";
    assert_eq!(world.ask(widest).await, 922_337_203_685_478);
    world.audit().await;
}

/// A rule of the database that one conversion breaks, as any data may that nobody thought of.
const BROKEN: &str = "
    CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'a value is out of range' USING ERRCODE = '22003';
    END $$;
    CREATE TRIGGER broken BEFORE INSERT ON affiliate_conversion FOR EACH ROW
        WHEN (NEW.txn_id IN ('T-13', 'T-14')) EXECUTE FUNCTION broken();";

#[tokio::test(flavor = "multi_thread")]
async fn a_conversion_that_postgresql_does_not_take_is_a_dead_letter_and_the_others_are_stored() {
    let world = World::new().await;
    sqlx::raw_sql(BROKEN).execute(&world.owner).await.unwrap();
    let mut log = world.writer(JOURNAL, NOON);
    let named = log.click(click(NOON + 1, 7));
    for n in 0..50 {
        // Each twice: what the broken ones would have made duplicates of is none.
        log.conversion(sale(NOON + 2 + n, named, &format!("T-{}", n % 25)));
    }
    log.beat(NOON + 1000);
    world.drain().await;
    let open = "SELECT count(*) FROM pipeline_dead_letter WHERE resolved_by IS NULL AND topic = 2
                AND reason = 'a value is out of range'";
    assert_eq!(world.ask(open).await, 4);
    assert_eq!(world.ask("SELECT count(*) FROM affiliate_commission").await, 23);
    assert_eq!(world.ask("SELECT count(*) FROM affiliate_conversion").await, 46);
    world.audit().await;

    let db = dead_letter::connect(&world.config(&[]).stores).await.unwrap();
    let letters = dead_letter::list(&db, 0, 10, false).await.unwrap();
    let wish = dead_letter::resend(&db, letters[0].id, None, "a test").await.unwrap();
    world.drain().await;
    let answer = dead_letter::answer(&db, wish).await.unwrap().unwrap();
    assert_eq!(answer, "a value is out of range");
    assert_eq!(world.ask(open).await, 4, "the letter stays open");
    world.audit().await;

    sqlx::raw_sql("DROP TRIGGER broken ON affiliate_conversion")
        .execute(&world.owner)
        .await
        .unwrap();
    for letter in &letters {
        dead_letter::resend(&db, letter.id, None, "a test").await.unwrap();
    }
    world.drain().await;
    assert_eq!(world.ask(open).await, 0);
    assert_eq!(world.ask("SELECT count(*) FROM affiliate_commission").await, 25);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_whose_site_does_not_exist_stays_open_until_it_does() {
    let world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    let named = log.click(click(NOON + 1, 7));
    let mut strange = sale(NOON + 2, named, "T-1");
    strange.site = 99;
    log.conversion(strange);
    log.beat(NOON + 1000);
    world.drain().await;
    let db = dead_letter::connect(&world.config(&[]).stores).await.unwrap();
    let letter = dead_letter::list(&db, 0, 10, false).await.unwrap().remove(0);
    let wish = dead_letter::resend(&db, letter.id, None, "a test").await.unwrap();
    world.drain().await;
    let answer = dead_letter::answer(&db, wish).await.unwrap();
    assert_eq!(answer.as_deref(), Some("there is no site 99"));
    assert_eq!(dead_letter::list(&db, 0, 10, false).await.unwrap().len(), 1);
    world.audit().await;

    let site = "INSERT INTO whitelabel_whitelabelsite (id, domain) VALUES (99, 'late.example')";
    sqlx::raw_sql(site).execute(&world.owner).await.unwrap();
    let wish = dead_letter::resend(&db, letter.id, None, "a test").await.unwrap();
    world.drain().await;
    assert_eq!(dead_letter::answer(&db, wish).await.unwrap().as_deref(), Some("decided"));
    assert_eq!(world.ask("SELECT count(*) FROM affiliate_conversion WHERE site_id = 99").await, 1);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_of_another_site_lends_its_affiliate_to_nobody() {
    let world = World::new().await;
    let site = "INSERT INTO whitelabel_whitelabelsite (id, domain) VALUES (2, 'other.example');
                INSERT INTO affiliate_program (id, site_id, slug, name, destination)
                    VALUES (2, 2, 'shop', 'Shop', 'https://shop.example/');
                INSERT INTO affiliate_plan (site_id, program_id, event, kind, amount_units, currency)
                    VALUES (2, 2, 'sale', 'flat', 1000000, 'EUR');";
    sqlx::raw_sql(site).execute(&world.owner).await.unwrap();
    let mut log = world.writer(JOURNAL, NOON);
    let named = log.click(click(NOON + 1, 7));
    let mut foreign = sale(NOON + 2, named, "T-1");
    (foreign.site, foreign.program) = (2, 2);
    log.conversion(foreign);
    log.beat(NOON + 1000);
    world.drain().await;
    let unknown = "SELECT count(*) FROM affiliate_conversion
                   WHERE site_id = 2 AND reason = 'unknown_click' AND affiliate_id = 0 AND link_id = 0";
    assert_eq!(world.ask(unknown).await, 1);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_call_is_no_further_conversion_for_the_velocity_rule() {
    let world = World::new().await;
    let limit = "UPDATE affiliate_program SET velocity_per_hour = 2";
    sqlx::raw_sql(limit).execute(&world.owner).await.unwrap();
    let mut log = world.writer(JOURNAL, NOON);
    let named = log.click(click(NOON + 1, 7));
    for (n, txn) in ["T-1", "T-1", "T-1", "T-2", "T-3"].iter().enumerate() {
        log.conversion(sale(NOON + 2 + n as u64, named, txn));
    }
    log.beat(NOON + 1000);
    world.drain().await;
    let by = async |reason: &'static str| world.ask(reason).await;
    assert_eq!(by("SELECT count(*) FROM affiliate_conversion WHERE reason = ''").await, 2);
    assert_eq!(by("SELECT count(*) FROM affiliate_conversion WHERE reason = 'velocity'").await, 1);
    assert_eq!(
        by("SELECT count(*) FROM affiliate_conversion WHERE reason = 'duplicate_txn'").await,
        2
    );
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_call_and_a_click_said_besides_is_kept() {
    let world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    let mut clicked = click(NOON + 1, 7);
    (clicked.aff_click_id, clicked.coupon) = ("net-77".to_owned(), "SPRING".to_owned());
    let named = log.click(clicked);
    let mut said = sale(NOON + 2, named, "T-1");
    said.payout = "3.50".to_owned();
    said.revenue = "7.00".to_owned();
    said.status = "approved".to_owned();
    said.coupon = "SPRING".to_owned();
    said.customer_id = "c\0-9".to_owned();
    said.adv = (1..=12).map(|n| format!("a{n}")).collect();
    said.click_id = "no-id-of-ours".to_owned();
    log.conversion(said);
    log.conversion(sale(NOON + 3, named, "T-2"));
    log.beat(NOON + 1000);
    world.drain().await;
    let kept = "SELECT count(*) FROM affiliate_conversion WHERE parameters = jsonb_build_object(
                    'payout', '3.50', 'revenue', '7.00', 'status', 'approved', 'coupon', 'SPRING',
                    'customer_id', 'c\u{fffd}-9', 'click_id', 'no-id-of-ours',
                    'adv1', 'a1', 'adv2', 'a2', 'adv3', 'a3', 'adv4', 'a4', 'adv5', 'a5',
                    'adv6', 'a6', 'adv7', 'a7', 'adv8', 'a8', 'adv9', 'a9', 'adv10', 'a10')";
    assert_eq!(world.ask(kept).await, 1);
    assert_eq!(
        world.ask("SELECT count(*) FROM affiliate_conversion WHERE parameters = '{}'").await,
        1
    );
    let shown = "SELECT toInt64(countIf(coupon = 'SPRING' AND adv1 = 'a1' AND adv10 = 'a10')) FROM conversions";
    assert_eq!(world.ask_engine(shown).await, 1);
    let shown =
        "SELECT toInt64(countIf(coupon = 'SPRING' AND aff_click_id = 'net-77')) FROM clicks";
    assert_eq!(world.ask_engine(shown).await, 1);
    world.audit().await;
}
