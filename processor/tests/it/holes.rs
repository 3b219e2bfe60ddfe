//! Holes in the log: they hold the numbers until somebody gives them up.

use journal::JournalId;
use processor::{
    dead_letter,
    lost::{self, Range},
};
use schemas::{event::ClickRef, topic::Topic};

use crate::world::{NOON, World, click, sale};

const JOURNAL: u64 = 0x0102_0304_0506_0708;
const AS_OF: &str = "SELECT (extract(epoch FROM as_of) * 1000)::bigint FROM pipeline_as_of";

fn range(first: u64, last: u64) -> Range {
    let why = "the disk is gone".to_owned();
    Range { journal: JOURNAL, topic: Topic::Clicks, partition: 3, first, last, why }
}

/// Asks, lets the processor answer, gives its answer.
async fn declare(world: &World, range: &Range) -> Result<u64, String> {
    let db = dead_letter::connect(&world.config(&[]).stores).await.unwrap();
    let wish = lost::declare(&db, range, "a test").await.unwrap();
    world.drain().await;
    lost::answer(&db, wish).await.unwrap().expect("it is answered")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hole_at_the_end_of_a_journal_holds_the_numbers_until_it_is_declared_lost() {
    let world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    let first = log.click(click(NOON + 1, 7));
    log.beat(NOON + 1000);
    world.drain().await;
    for n in 0..3 {
        let mut one = click(NOON + 2000 + n, 7);
        one.source = if n > 0 { "on a bad stretch" } else { "" }.to_owned();
        log.click(one);
    }
    // A conversion of a click that is to be missing: it waits.
    let missing = ClickRef { seq: first.seq + 2, time_ms: NOON + 2001, ..first };
    log.conversion(sale(NOON + 2500, missing, "T-1"));
    log.beat(NOON + 3000);
    log.0.end(Some((JournalId(JOURNAL + 1), NOON + 4000))).unwrap();
    world.damage(JOURNAL, "on a bad stretch");
    world.drain().await;
    assert_eq!(world.ask("SELECT count(*) FROM pipeline_journal WHERE state = 'sealed'").await, 1);
    assert_eq!(world.ask(AS_OF).await, NOON as i64 + 1000);
    let note =
        "SELECT count(*) FROM pipeline_as_of WHERE note = 'announced and never received: c0'";
    assert_eq!(world.ask(note).await, 1);
    let report = processor::audit::run(&world.config(&[])).await.unwrap().to_string();
    let named =
        "announced and never received: journal 0102030405060708 clicks partition 3 seq 3 to 4";
    assert!(report.contains(named), "{report}");

    // A restart knows of it too, and a mistaken range is refused.
    for (range, said) in [
        (range(2, 4), "not all of it is missing; what is: 3-4"),
        (range(3, 9), "only numbers up to 4 were announced"),
        (Range { partition: 99, ..range(3, 4) }, "the journal has no such partition"),
        (Range { journal: 5, ..range(3, 4) }, "its journal is not known"),
    ] {
        assert_eq!(declare(&world, &range).await, Err(said.to_owned()));
    }
    assert_eq!(world.ask(AS_OF).await, NOON as i64 + 1000, "nothing has changed");

    assert_eq!(declare(&world, &range(3, 3)).await, Ok(1));
    assert_eq!(world.ask(AS_OF).await, NOON as i64 + 1000, "one is still missing");
    assert_eq!(declare(&world, &range(4, 4)).await, Ok(1));
    assert_eq!(world.ask(AS_OF).await, NOON as i64 + 2499, "the conversion waits for its click");
    let report = world.audit().await;
    let lane = report.lanes.iter().find(|lane| lane.lost > 0).unwrap();
    assert_eq!((lane.lost, lane.received, lane.announced), (2, 2, 4));
    assert_eq!(
        world
            .ask("SELECT count(*) FROM pipeline_lost WHERE why = 'the disk is gone' AND lost = 1")
            .await,
        2
    );

    // A click that is lost was never decided: its conversion's wait ends as that of one that never came.
    let mut next = world.writer(JOURNAL + 1, NOON + 4000);
    next.beat(NOON + 2500 + 600_000);
    world.drain().await;
    let refused = "SELECT count(*) FROM affiliate_conversion WHERE reason = 'unknown_click'";
    assert_eq!(world.ask(refused).await, 1);
    assert_eq!(world.ask(AS_OF).await, NOON as i64 + 602_500);
    world.audit().await;
}
