//! Sales before their clicks and clicks after their sales' waits, out of a real Kafka: two topics and several
//! collectors keep no order among them.

use schemas::{event::ClickRef, topic::Topic};

use crate::{
    event_log::EventLog,
    kill::start_with,
    partitions::settled,
    trouble::{
        AS_OF, DAY, EXPIRED, FIRST, MINUTE, SALES_READ, SECOND, THIRD, WAITING, counted, of_two,
        reasons, visits,
    },
    world::{NOON, World, click, sale},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_that_overtakes_its_click_waits_however_far_its_own_topic_has_come() {
    let world = World::new().await;
    let mut events = EventLog::make("overtaken").await;
    let arguments = of_two(&events);
    let mut clicks = world.writer_of("c0", FIRST, NOON);
    let mut sales = world.writer_of("c1", SECOND, NOON);
    let named = visits(&mut clicks, NOON, 1..=8);
    for (n, click) in named.iter().enumerate() {
        sales.conversion(sale(NOON + MINUTE, *click, &format!("T-{n}")));
    }
    // One whose click never comes.
    let never = ClickRef { seq: 1000, ..named[0] };
    sales.conversion(sale(NOON + MINUTE, never, "T-never"));
    clicks.beat(NOON + DAY);
    sales.beat(NOON + DAY);

    // Nobody has heard of the collector of the clicks.
    events.ship_only(&world, SECOND);
    let processor = start_with(&world, &arguments);
    world.reaches(SALES_READ, 13).await;
    processor.stop().await;
    assert_eq!((world.ask(WAITING).await, world.ask(EXPIRED).await), (9, 0));
    // It is known, and says in one topic that it is a day further; its clicks are on their way.
    events.ship_without(&world, |topic, _| topic == Topic::Clicks);
    let processor = start_with(&world, &arguments);
    world.reaches(SALES_READ, 17).await;
    processor.stop().await;
    assert_eq!((world.ask(WAITING).await, world.ask(EXPIRED).await), (9, 0));

    events.ship_again(&world);
    let processor = start_with(&world, &arguments);
    world.reaches(EXPIRED, 1).await;
    settled(&world, 8).await;
    processor.stop().await;
    assert_eq!(reasons(&world).await, counted(&[("", 8), ("unknown_click", 1)]));
    assert_eq!(world.ask("SELECT count(*) FROM affiliate_commission").await, 8);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_ends_with_the_slowest_collector_and_a_click_that_comes_later_counts_all_the_same() {
    const END: u64 = NOON + 11 * MINUTE;
    let world = World::new().await;
    let mut events = EventLog::make("ended").await;
    let mut first = world.writer_of("c0", FIRST, NOON);
    let mut second = world.writer_of("c1", SECOND, NOON);
    // Nobody said that there is a third one: nobody waits for it.
    let mut unheard = world.writer_of("c9", THIRD, NOON);
    let late = unheard.click(click(NOON + 1, 5));
    unheard.beat(NOON + 2);
    first.conversion(sale(NOON + MINUTE, late, "T-1"));
    first.beat(END + DAY);
    second.beat(END - 1);
    events.ship_only(&world, FIRST);
    events.ship_only(&world, SECOND);
    let processor = start_with(&world, &of_two(&events));
    world.reaches(AS_OF, NOON as i64 + MINUTE as i64 - 1).await;
    world.reaches(SALES_READ, 9).await;
    assert_eq!((world.ask(WAITING).await, world.ask(EXPIRED).await), (1, 0));
    second.beat(END);
    events.ship_only(&world, SECOND);
    world.reaches(EXPIRED, 1).await;
    assert_eq!(reasons(&world).await, counted(&[("unknown_click", 1)]));

    events.ship_only(&world, THIRD);
    first.conversion(sale(NOON + 2 * MINUTE, late, "T-2"));
    first.beat(END + DAY);
    events.ship_only(&world, FIRST);
    world.reaches("SELECT count(*) FROM affiliate_commission", 1).await;
    settled(&world, 1).await;
    processor.stop().await;
    assert_eq!(reasons(&world).await, counted(&[("", 1), ("unknown_click", 1)]));
    world.audit().await;
}
