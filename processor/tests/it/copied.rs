//! A snapshot of a collector's disk started beside the collector itself, both shipped into one Kafka.

use journal::JournalId;
use std::path::Path;

use crate::{
    event_log::EventLog,
    kill::start_with,
    partitions::settled,
    world::{Log, NOON, PARTITIONS, World, click, sale},
};

const ORIGINAL: u64 = 0x0102_0304_0506_0708;
const COPY: u64 = 0x1112_1314_1516_1718;
const NEXT: u64 = 0x2122_2324_2526_2728;
const AS_OF: &str =
    "SELECT coalesce((extract(epoch FROM as_of) * 1000)::bigint, 0) FROM pipeline_as_of";

/// Twenty visitors; every fourth buys.
fn visits(log: &mut Log, at_ms: u64, first: u64) {
    for visitor in first..first + 20 {
        let named = log.click(click(at_ms + visitor, visitor));
        if visitor % 4 == 0 {
            log.conversion(sale(at_ms + 100 + visitor, named, &format!("T-{visitor}")));
        }
    }
    log.beat(at_ms + 1000);
}

fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_all(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_was_adopted_by_mistake_doubles_nothing_and_ends_nothing_for_good() {
    let world = World::new().await;
    let mut events = EventLog::make("copied").await;
    let mut original = world.writer(ORIGINAL, NOON);
    visits(&mut original, NOON, 1);
    let elsewhere = tempfile::tempdir().unwrap();
    copy_all(&world.journals(), elsewhere.path());
    visits(&mut original, NOON + 10_000, 21);

    // The copy begins anew. What it was copied from is not its own to end, until somebody says so.
    let mut copy = world.writer_at(elsewhere.path(), ("c0", PARTITIONS), COPY, NOON + 20_000);
    let recovered = copy.0.seal_previous().unwrap();
    assert_eq!((recovered.sealed.len(), recovered.refused.len()), (0, 1));
    let id = JournalId(ORIGINAL);
    journal::adopt(elsewhere.path(), "c0", id, &world.key(), "a mistake").unwrap();
    assert_eq!(copy.0.seal_previous().unwrap().sealed.len(), 1);
    visits(&mut copy, NOON + 20_000, 101);
    events.ship_from(elsewhere.path());
    let processor = start_with(&world, &events.arguments());
    settled(&world, 40).await;

    // The original lives, and says more than there was to come of it.
    events.ship(&world);
    settled(&world, 60).await;
    visits(&mut original, NOON + 30_000, 41);
    original.0.end(Some((JournalId(NEXT), NOON + 40_000))).unwrap();
    let mut next = world.writer(NEXT, NOON + 40_000);
    visits(&mut next, NOON + 40_000, 61);
    copy.beat(NOON + 50_000);
    next.beat(NOON + 50_000);
    events.ship_from(elsewhere.path());
    events.ship(&world);
    settled(&world, 100).await;
    world.reaches(AS_OF, NOON as i64 + 50_000).await;
    processor.stop().await;
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, 100);
    assert_eq!(world.ask("SELECT sum(repeated)::bigint FROM pipeline_seqs").await, 25);
    assert_eq!(world.ask("SELECT count(*) FROM affiliate_commission").await, 25);
    let ended = "SELECT count(*) FROM pipeline_journal WHERE state = 'sealed' AND successor = 2387509390608836392";
    assert_eq!(world.ask(ended).await, 1, "the original's own end is the one that stands");
    world.audit().await;
}
