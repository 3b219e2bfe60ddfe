//! Events out of a real Kafka, by several processors: each once, whoever has its partition, whatever
//! happens to them.

use kafka::local::{guard::Guard, jars};
use schemas::topic::Topic;
use std::net::SocketAddr;

use crate::{
    event_log::EventLog,
    kill::{Dice, Running, start_at, start_with, write},
    world::{LOOK, NOON, World, click, free_address, limited, metric, sale},
};

const JOURNAL: u64 = 0x0102_0304_0506_0708;
const COMMIT: &str = "SELECT commit FROM pipeline_owner";

/// Waits until everything announced is in, and decided, and ClickHouse has it.
pub(crate) async fn settled(world: &World, clicks: i64) {
    world.stored(clicks).await;
    let sql = "SELECT (NOT EXISTS (SELECT FROM outbox_block) AND NOT EXISTS (SELECT FROM pipeline_waiting)
        AND NOT EXISTS (SELECT FROM pipeline_seqs WHERE NOT covered @> int8range(1, announced + 1)))::int::bigint";
    world.reaches(sql, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clicks_and_their_conversion_come_out_of_kafka_as_out_of_the_journal() {
    const AS_OF: &str = "SELECT (extract(epoch FROM as_of) * 1000)::bigint FROM pipeline_as_of";
    let world = World::new().await;
    let mut events = EventLog::make("way").await;
    let mut log = world.writer(JOURNAL, NOON);
    let first = log.click(click(NOON + 1, 7));
    log.click(click(NOON + 2, 7));
    log.click(click(NOON + 3, 8));
    log.conversion(sale(NOON + 60_000, first, "T-1"));
    log.beat(NOON + 61_000);
    events.ship(&world);
    let arguments = events.arguments();
    let more: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let so = async {
        settled(&world, 3).await;
        world.reaches(AS_OF, (NOON + 61_000) as i64).await;
    };
    world.run_until(world.config(&more), so).await;
    assert_eq!(
        world.ask_engine("SELECT toInt64(countIf(outcome = 'unique')) FROM clicks").await,
        2
    );
    assert_eq!(world.ask("SELECT amount_units FROM affiliate_commission").await, 1_000_000);
    assert_eq!(world.ask(AS_OF).await, (NOON + 61_000) as i64);

    // Everything again: each record is known by its number, whichever message brings it.
    events.ship_again(&world);
    let repeated = "SELECT sum(repeated)::bigint FROM pipeline_seqs";
    world.run_until(world.config(&more), world.reaches(repeated, 4)).await;
    assert_eq!(world.ask(repeated).await, 4);
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, 3);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_processors_share_the_partitions_and_one_killed_loses_and_doubles_nothing() {
    let world = World::new().await;
    let mut events = EventLog::make("several").await;
    let (mut dice, mut at) = (Dice(0x9e37_79b9_7f4a_7c15), NOON);
    let mut log = world.writer(JOURNAL, NOON);
    let arguments = events.arguments();
    let (first, second) = (start_with(&world, &arguments), start_with(&world, &arguments));
    let mut written = 0;
    for _ in 0..20 {
        write(&mut log, &mut dice, &mut at, 60);
        written += 60;
        events.ship(&world);
    }
    // Both have something: two epochs stand beside one another.
    let owners = "SELECT count(DISTINCT owner_epoch) FROM pipeline_partition WHERE partition >= 0";
    world.reaches(owners, 2).await;
    first.kill();
    for _ in 0..20 {
        write(&mut log, &mut dice, &mut at, 60);
        written += 60;
        events.ship(&world);
    }
    log.beat(at + 700_000);
    events.ship(&world);
    settled(&world, written).await;
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, written);
    second.kill();
    let report = world.audit().await;
    assert!(report.conversions > 0 && report.blocks > 0, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_processors_than_partitions_take_over_from_those_that_are_killed() {
    let world = World::new().await;
    let mut events = EventLog::make("spare").await;
    let (mut dice, mut at) = (Dice(0x6a09_e667_f3bc_c908), NOON);
    let mut log = world.writer(JOURNAL, NOON);
    let arguments = events.arguments();
    let addresses: Vec<_> = (0..6).map(|_| free_address()).collect();
    let start = |at: &SocketAddr| start_at(&world, &at.to_string(), &arguments);
    let mut processors: Vec<_> = addresses.iter().map(start).collect();
    write(&mut log, &mut dice, &mut at, 200);
    events.ship(&world);
    settled(&world, 200).await;
    let owners = "SELECT count(DISTINCT owner_epoch) FROM pipeline_partition WHERE partition >= 0";
    world.reaches(owners, 4).await;
    // Six share four partitions: one that has none is left alone.
    let spare = limited("one without partitions", one_without(&addresses)).await;
    let spare = processors.swap_remove(spare);
    processors.into_iter().for_each(Running::kill);
    write(&mut log, &mut dice, &mut at, 200);
    log.beat(at + 700_000);
    events.ship(&world);
    settled(&world, 400).await;
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, 400);
    drop(spare);
    world.audit().await;
}

/// A processor that no partition is left for, once all are somebody's.
async fn one_without(addresses: &[SocketAddr]) -> usize {
    loop {
        let mut of = Vec::new();
        for address in addresses {
            of.push(metric(*address, "tributary_processor_partitions").await.unwrap_or(u64::MAX));
        }
        if let (1, Some(one)) =
            (of.iter().max().copied().unwrap_or(0), of.iter().position(|n| *n == 0))
        {
            return one;
        }
        tokio::time::sleep(LOOK).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_frozen_writes_nothing_when_it_thaws() {
    let world = World::new().await;
    let mut events = EventLog::make("frozen").await;
    let (mut dice, mut at) = (Dice(0x2545_f491_4f6c_dd1d), NOON);
    let mut log = world.writer(JOURNAL, NOON);
    let arguments = events.arguments();
    let frozen = start_with(&world, &arguments);
    write(&mut log, &mut dice, &mut at, 200);
    events.ship(&world);
    world.reaches(COMMIT, 1).await;
    frozen.signal("-STOP");
    // What comes meanwhile is decided by another one, once Kafka has missed the first.
    write(&mut log, &mut dice, &mut at, 200);
    events.ship(&world);
    let other = start_with(&world, &arguments);
    world.stored(400).await;
    frozen.signal("-CONT");
    write(&mut log, &mut dice, &mut at, 200);
    log.beat(at + 700_000);
    events.ship(&world);
    settled(&world, 600).await;
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, 600);
    drop((frozen, other));
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_is_unique_once_wherever_the_partition_goes() {
    let world = World::new().await;
    let mut events = EventLog::make("moved").await;
    let mut log = world.writer(JOURNAL, NOON);
    let arguments = events.arguments();
    let unique = "SELECT toInt64(countIf(outcome = 'unique')) FROM clicks";
    for n in 0..3 {
        for visitor in 0..50 {
            log.click(click(NOON + n * 1000 + visitor, visitor + 1));
        }
        log.beat(NOON + n * 1000 + 500);
        events.ship(&world);
        let processor = start_with(&world, &arguments);
        settled(&world, (n as i64 + 1) * 50).await;
        processor.kill();
    }
    assert_eq!(world.ask_engine(unique).await, 50);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_and_nonsense_are_dead_letters_and_hold_nobody_up() {
    let world = World::new().await;
    let mut events = EventLog::make("strangers").await;
    let mut forged = world.forged(0x0f0f, NOON);
    forged.click(click(NOON + 1, 5));
    forged.beat(NOON + 2);
    let mut log = world.writer(JOURNAL, NOON);
    log.click(click(NOON + 1, 7));
    log.beat(NOON + 1000);
    for partition in 0..4 {
        events.send_raw(Topic::Clicks, partition, b"\xff\xffno batch");
    }
    events.ship(&world);
    let processor = start_with(&world, &events.arguments());
    settled(&world, 1).await;
    world.reaches("SELECT count(*) FROM pipeline_dead_letter", 5).await;
    let forged =
        "SELECT count(*) FROM pipeline_dead_letter WHERE reason LIKE '%not made with our keys'";
    assert_eq!(world.ask(forged).await, 1);
    assert_eq!(world.ask("SELECT count(*) FROM pipeline_journal").await, 1);
    processor.kill();
    limited("the audit", world.audit()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hole_holds_the_numbers_until_it_is_sent_again_also_of_a_journal_that_has_ended() {
    const AS_OF: &str =
        "SELECT coalesce((extract(epoch FROM as_of) * 1000)::bigint, 0) FROM pipeline_as_of";
    const HOLED: &str =
        "SELECT count(*) FROM pipeline_as_of WHERE note = 'announced and never received: c0'";
    let world = World::new().await;
    let mut events = EventLog::make("holes").await;
    let mut log = world.writer(JOURNAL, NOON);
    let mut ids = Vec::new();
    for n in 0..20 {
        // All in one partition, so that a message has several.
        ids.push(log.click(click(NOON + n, 4)));
    }
    log.conversion(sale(NOON + 60_000, ids[8], "T-1"));
    log.beat(NOON + 61_000);
    drop(log);
    let key = world.key();
    journal::retire(&world.journals(), "c0", journal::JournalId(JOURNAL), &key, "a test").unwrap();
    // The second message of clicks, with the one that was sold, does not arrive.
    events.ship_without(&world, |topic, batch| topic == Topic::Clicks && batch.first_seq == 8);
    let processor = start_with(&world, &events.arguments());
    world.reaches(HOLED, 1).await;
    world.stored(13).await;
    assert_eq!(world.ask("SELECT count(*) FROM affiliate_conversion").await, 0);
    assert!(world.ask(AS_OF).await < NOON as i64 + 60_000);
    events.ship_again(&world);
    settled(&world, 20).await;
    world.reaches("SELECT count(*) FROM affiliate_conversion WHERE status = 'pending'", 1).await;
    world.reaches(AS_OF, NOON as i64 + 61_000).await;
    assert_eq!(world.ask(HOLED).await, 0);
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, 20);
    processor.kill();
    world.audit().await;
}

/// Why a processor does not start.
async fn refusal(world: &World, more: &[&str]) -> String {
    let run = processor::run(world.config(more), std::future::pending());
    limited("the refusal", run).await.unwrap_err().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_wants_tls_and_a_password_is_read_and_a_wrong_one_stops_the_start() {
    let (world, folder) = (World::new().await, tempfile::tempdir().unwrap());
    let guard = Guard::make(folder.path(), "tributary", "right-one").unwrap();
    let cluster = guard.start(&jars(), folder.path()).unwrap();
    let servers = cluster.config().servers.join(",");
    let options = |password: &str| guard.options(folder.path(), password).unwrap();
    let (right, wrong) = (options("right-one"), options("wrong-one"));
    let (right, wrong) = (right.to_str().unwrap(), wrong.to_str().unwrap());
    let base = ["--kafka", servers.as_str(), "--kafka-options"];
    let no_topics = refusal(&world, &[&base[..], &[right]].concat()).await;
    assert!(no_topics.contains("no topic clicks: run `migrate --kafka"), "{no_topics}");

    let mut events = EventLog::at(cluster.config()).await;
    let mut log = world.writer(JOURNAL, NOON);
    for visitor in 1..=20 {
        log.click(click(NOON + visitor, visitor));
    }
    log.beat(NOON + 1000);
    events.ship(&world);
    let config = world.config(&[&base[..], &[right]].concat());
    world.run_until(config, settled(&world, 20)).await;

    let refused = refusal(&world, &[&base[..], &[wrong]].concat()).await;
    assert!(refused.contains("Authentication failed") && refused.contains("sasl.*"), "{refused}");
    assert!(!refused.contains("wrong-one"), "{refused}");
    let unknown = [&base[..], &[right, "--kafka-option", "session.timeout=1"]].concat();
    let unknown = refusal(&world, &unknown).await;
    assert!(unknown.contains("session.timeout"), "{unknown}");
    world.audit().await;
}
