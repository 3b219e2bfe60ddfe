//! Conversions: decided once their click is, taken once, paid once.

use schemas::event::{ClickRef, Flags};

use crate::world::{NOON, World, click, sale};

const JOURNAL: u64 = 0x0102_0304_0506_0708;

#[tokio::test(flavor = "multi_thread")]
async fn the_same_transaction_counts_once_and_the_others_are_stored_as_duplicates() {
    let world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    let named = log.click(click(NOON + 1, 7));
    for n in 0..50 {
        log.conversion(sale(NOON + 60_000 + n, named, "T-1"));
        if n == 25 {
            log.beat(NOON + 61_000);
            world.drain().await;
        }
    }
    log.beat(NOON + 62_000);
    world.drain().await;
    assert_eq!(
        world.ask("SELECT count(*) FROM affiliate_conversion WHERE reason = 'duplicate_txn'").await,
        49
    );
    assert_eq!(world.ask("SELECT count(*) FROM affiliate_commission").await, 1);
    assert_eq!(world.ask("SELECT count(*) FROM ledger_tx").await, 1);
    assert_eq!(
        world.ask_engine("SELECT toInt64(sum(refused)) FROM conversions_by_day_link").await,
        49
    );
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_first_refused_and_later_valid_counts_once() {
    let world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    let named = log.click(click(NOON + 1, 7));
    let mut refused = sale(NOON + 2, named, "T-1");
    refused.event = "unheard".to_owned();
    log.conversion(refused);
    log.conversion(sale(NOON + 3, named, "T-1"));
    log.beat(NOON + 1000);
    world.drain().await;
    assert_eq!(
        world.ask("SELECT count(*) FROM affiliate_conversion WHERE reason = 'unknown_event'").await,
        1
    );
    assert_eq!(
        world.ask("SELECT count(*) FROM affiliate_conversion WHERE status = 'pending'").await,
        1
    );
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversion_before_its_click_waits_and_is_woken_by_it() {
    let world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    let first = log.click(click(NOON + 1, 7));
    let next = ClickRef { seq: first.seq + 1, time_ms: NOON + 100, ..first };
    log.conversion(sale(NOON + 200, next, "T-1"));
    log.beat(NOON + 300);
    world.drain().await;
    assert_eq!(world.ask("SELECT count(*) FROM pipeline_waiting").await, 1);
    assert_eq!(world.ask("SELECT count(*) FROM affiliate_conversion").await, 0);
    log.click(click(NOON + 100, 7));
    log.beat(NOON + 400);
    world.drain().await;
    assert_eq!(world.ask("SELECT count(*) FROM pipeline_waiting").await, 0);
    assert_eq!(
        world.ask("SELECT count(*) FROM affiliate_conversion WHERE status = 'pending'").await,
        1
    );
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_wait_is_told_by_heartbeats_and_recorded() {
    let world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    let first = log.click(click(NOON + 1, 7));
    let never = ClickRef { seq: first.seq + 1_000_000, ..first };
    log.conversion(sale(NOON + 200, never, "T-1"));
    log.beat(NOON + 600_199);
    world.drain().await;
    assert_eq!(
        world.ask("SELECT count(*) FROM pipeline_waiting").await,
        1,
        "one millisecond too early"
    );
    log.beat(NOON + 600_200);
    world.drain().await;
    assert_eq!(
        world.ask("SELECT count(*) FROM affiliate_conversion WHERE reason = 'unknown_click'").await,
        1
    );
    assert_eq!(world.ask("SELECT count(*) FROM pipeline_expiry").await, 1);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_in_the_dead_letters_holds_its_conversion_until_it_is_repaired() {
    let world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    let good = click(NOON + 1, 7);
    let partition = (good.shard % 4) as u16;
    let seq = log.put(schemas::topic::Topic::Clicks, partition, &[0xff, 0xff, 0xff]);
    let named = ClickRef {
        key_version: 1,
        time_ms: NOON + 1,
        shard: good.shard,
        journal: JOURNAL as u32 & 0xf_ffff,
        seq,
        link: 1,
    };
    log.conversion(sale(NOON + 200, named, "T-1"));
    log.beat(NOON + 1000);
    world.drain().await;
    assert_eq!(
        world.ask("SELECT count(*) FROM pipeline_dead_letter WHERE resolved_by IS NULL").await,
        1
    );
    assert_eq!(world.ask("SELECT count(*) FROM pipeline_waiting").await, 1);
    world.audit().await;

    let db = processor::dead_letter::connect(&world.config(&[]).stores).await.unwrap();
    let letter = processor::dead_letter::list(&db, 0, 10, false).await.unwrap().remove(0);
    let as_it_is = processor::dead_letter::resend(&db, letter.id, None, "a test").await.unwrap();
    world.drain().await;
    let answer = processor::dead_letter::answer(&db, as_it_is).await.unwrap().unwrap();
    assert_ne!(answer, "decided", "what could not be read still cannot");
    let bytes = schemas::event::Message::encode_to_vec(&good);
    let mut wishes = Vec::new();
    for _ in 0..2 {
        wishes.push(
            processor::dead_letter::resend(&db, letter.id, Some(&bytes), "a test").await.unwrap(),
        );
    }
    world.drain().await;
    let answer = processor::dead_letter::answer(&db, wishes[0]).await.unwrap().unwrap();
    assert_eq!(answer, "decided");
    let answer = processor::dead_letter::answer(&db, wishes[1]).await.unwrap().unwrap();
    assert_eq!(answer, "it is decided already");
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, 1);
    assert_eq!(
        world.ask("SELECT count(*) FROM affiliate_conversion WHERE status = 'pending'").await,
        1
    );
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_clicks_label_is_kept_for_its_conversion() {
    let world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    let mut disabled = click(NOON + 1, 7);
    disabled.verdict = schemas::reason::Invalid::Disabled.code().into();
    let named = log.click(disabled);
    log.beat(NOON + 100);
    world.drain().await;
    log.conversion(sale(NOON + 200, named, "T-1"));
    log.beat(NOON + 1000);
    world.drain().await;
    assert_eq!(
        world.ask("SELECT count(*) FROM affiliate_conversion WHERE reason = 'click_blocked'").await,
        1
    );
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_percent_of_nothing_is_no_commission() {
    let world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    let named = log.click(click(NOON + 1, 7));
    let mut lead = sale(NOON + 200, named, "T-1");
    lead.event = "lead".to_owned();
    lead.amount = "0".to_owned();
    lead.flags = Flags::Trusted as u32;
    log.conversion(lead);
    log.beat(NOON + 1000);
    world.drain().await;
    assert_eq!(
        world.ask("SELECT count(*) FROM affiliate_conversion WHERE status = 'pending'").await,
        1
    );
    assert_eq!(world.ask("SELECT count(*) FROM affiliate_commission").await, 0);
    world.audit().await;
}
