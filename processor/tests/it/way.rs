//! The way of an event from the journal into both stores.

use crate::{
    stores::KEEP,
    world::{NOON, World, click, sale},
};
use schemas::{event::ClickRef, topic::Topic};

#[tokio::test(flavor = "multi_thread")]
async fn clicks_and_their_conversion_come_into_both_stores() {
    let world = World::new().await;
    let mut log = world.writer(0x0102_0304_0506_0708, NOON);
    let first = log.click(click(NOON + 1, 7));
    log.click(click(NOON + 2, 7));
    log.click(click(NOON + 3, 8));
    log.conversion(sale(NOON + 60_000, first, "T-1"));
    log.beat(NOON + 61_000);
    world.drain().await;

    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, 3);
    assert_eq!(
        world.ask_engine("SELECT toInt64(countIf(outcome = 'unique')) FROM clicks").await,
        2
    );
    assert_eq!(world.ask_engine("SELECT toInt64(sum(gross)) FROM clicks_by_day_link").await, 3);
    assert_eq!(
        world.ask_engine("SELECT toInt64(sum(commission)) FROM conversions_by_day_link").await,
        1_000_000
    );
    let beside = "SELECT toInt64(count()) FROM conversions_by_click WHERE (conversions, commission) = (1, 1000000)
        AND (os, browser, referrer, sub1) = (SELECT os, browser, referrer, sub1 FROM clicks LIMIT 1) AND os != ''";
    assert_eq!(world.ask_engine(beside).await, 1, "a conversion has the system of its click");
    assert_eq!(
        world.ask("SELECT count(*) FROM affiliate_conversion WHERE status = 'pending'").await,
        1
    );
    assert_eq!(world.ask("SELECT amount_units FROM affiliate_commission").await, 1_000_000);
    assert_eq!(world.ask("SELECT sum(amount)::bigint FROM ledger_posting").await, 0);
    assert_eq!(world.ask("SELECT count(*) FROM outbox_block").await, 0);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn draining_again_changes_nothing() {
    let world = World::new().await;
    let mut log = world.writer(0x0102_0304_0506_0708, NOON);
    log.click(click(NOON + 1, 7));
    log.beat(NOON + 1000);
    world.drain().await;
    world.drain().await;
    log.click(click(NOON + 2000, 7));
    log.beat(NOON + 3000);
    world.drain().await;
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, 2);
    assert_eq!(
        world.ask_engine("SELECT toInt64(countIf(outcome = 'unique')) FROM clicks").await,
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn as_of_is_the_heartbeat_whose_blocks_are_in() {
    const AS_OF: &str = "SELECT (extract(epoch FROM as_of) * 1000)::bigint FROM pipeline_as_of";
    let world = World::new().await;
    world.drain().await;
    let complete = "SELECT complete::int::bigint FROM pipeline_as_of";
    assert_eq!(world.ask(complete).await, 0, "a declared slot was never heard of");
    let mut log = world.writer(0x0102_0304_0506_0708, NOON);
    let first = log.click(click(NOON + 1, 7));
    log.beat(NOON + 1000);
    world.drain().await;
    assert_eq!((world.ask(AS_OF).await, world.ask(complete).await), (NOON as i64 + 1000, 1));

    let later = ClickRef { seq: first.seq + 1, ..first };
    log.conversion(sale(NOON + 5000, later, "T-1"));
    log.beat(NOON + 6000);
    world.drain().await;
    assert_eq!(world.ask(AS_OF).await, NOON as i64 + 4999, "bounded by the conversion that waits");
    log.click(click(NOON + 6500, 7));
    log.beat(NOON + 7000);
    world.drain().await;
    assert_eq!(world.ask(AS_OF).await, NOON as i64 + 7000);

    // A block that is not done holds it, although its rows are there.
    sqlx::raw_sql(KEEP).execute(&world.owner).await.unwrap();
    log.click(click(NOON + 7500, 7));
    log.beat(NOON + 8000);
    world.run_until(world.config(&[]), world.stored(3)).await;
    assert_eq!(world.ask(AS_OF).await, NOON as i64 + 7000, "a block waits");
    sqlx::raw_sql("DROP TRIGGER keep ON outbox_block").execute(&world.owner).await.unwrap();
    world.drain().await;
    assert_eq!(world.ask(AS_OF).await, NOON as i64 + 8000);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_journal_is_a_dead_letter_and_nothing_of_it_is_read() {
    let world = World::new().await;
    let mut genuine = world.writer(0x0102_0304_0506_0708, NOON);
    genuine.click(click(NOON + 1, 7));
    genuine.beat(NOON + 1000);
    let mut forged = world.forged(0xbad, NOON);
    forged.click(click(NOON + 2, 8));
    forged.beat(NOON + 1000);
    world.drain().await;
    world.drain().await;
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, 1);
    let letters = "SELECT count(*) FROM pipeline_dead_letter WHERE topic = 0 AND journal = 2989";
    assert_eq!(world.ask(letters).await, 1);
    assert_eq!(world.ask("SELECT count(*) FROM pipeline_journal").await, 1);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_numbers_its_lines_and_a_repeated_one_changes_nothing() {
    let world = World::new().await;
    for _ in 0..2 {
        let Some(mut import) = world.import(0x77, NOON) else { continue };
        for line in 1..=40_u64 {
            let event = click(NOON - 86_400_000 + line, line);
            let partition = (event.shard % 4) as u16;
            import.skip_to(Topic::Clicks, partition, line);
            import.click(event);
        }
        import.0.end(None).unwrap();
    }
    world.drain().await;
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, 40);
    assert_eq!(world.ask("SELECT sum(received)::bigint FROM pipeline_seqs").await, 40);
    assert_eq!(world.ask("SELECT count(*) FROM pipeline_journal WHERE state = 'sealed'").await, 1);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_table_takes_stops_nothing() {
    let world = World::new().await;
    let mut log = world.writer(0x0102_0304_0506_0708, NOON);
    let named = log.click(click(NOON + 1, 7));
    let mut strange = sale(NOON + 2, named, "T-1");
    strange.site = 99;
    log.conversion(strange);
    let mut nul = sale(NOON + 3, named, "T\0-2");
    nul.event = "sa\0le".to_owned();
    nul.source = "a\0b".to_owned();
    nul.click_id = "\0".to_owned();
    nul.status = "\0".to_owned();
    log.conversion(nul);
    let mut far = sale(u64::MAX / 2, named, "T-3");
    far.amount = "9".repeat(40);
    far.revision = u32::MAX;
    log.conversion(far);
    let mut click = click(NOON + 4, 8);
    (click.site, click.link, click.program) = (99, 77, 55);
    click.sub = vec!["\0".to_owned(); 12];
    log.click(click);
    log.beat(NOON + 1000);
    world.drain().await;
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, 2);
    assert_eq!(world.ask("SELECT count(*) FROM affiliate_conversion").await, 2);
    assert_eq!(
        world
            .ask("SELECT count(*) FROM pipeline_dead_letter WHERE reason = 'there is no site 99'")
            .await,
        1
    );
    world.audit().await;
}
