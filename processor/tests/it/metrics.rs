//! What a processor tells of itself while it works.

use schemas::{event::Message, topic::Topic};
use std::net::SocketAddr;

use crate::{
    event_log::EventLog,
    partitions::settled,
    stores::write,
    world::{NOON, World, click, free_address},
};

const JOURNAL: u64 = 0x0102_0304_0506_0708;
/// A port where nobody listens.
const NOBODY: &str = "http://owner:dev@127.0.0.1:9/";

fn config(world: &World, more: &[&str]) -> (processor::Config, SocketAddr) {
    let mut config = world.config(more);
    config.admin = free_address();
    let address = config.admin;
    (config, address)
}

/// Runs a processor that decides one batch and then has no room, and one that has.
async fn behind_and_not(world: &World, arguments: &[&str], unit: &str) {
    let unread = format!("tributary_processor_lag_{unit} ");
    let few = [arguments, &["--rows", "20", "--outbox-bytes", "1"]].concat();
    let (mut away, address) = config(world, &few);
    away.stores.clickhouse_url = NOBODY.to_owned();
    let late = async {
        world.metric_reaches(address, "tributary_processor_paused_turns_total ", 1).await;
        world.metric_reaches(address, &unread, 1).await;
        world.metric_reaches(address, "tributary_processor_lag_events ", 1).await;
        // By the journal's own time, which stands still at noon of a day long ago.
        world.metric_reaches(address, "tributary_processor_lag_seconds ", 1_000_000).await;
    };
    world.run_until(away, late).await;
    let (well, address) = config(world, arguments);
    let read = async {
        world.stored(200).await;
        world.metric_is(address, &unread, 0).await;
        world.metric_is(address, "tributary_processor_lag_events ", 0).await;
    };
    world.run_until(well, read).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_unread_in_kafka_is_told_also_while_there_is_no_room_for_it() {
    let world = World::new().await;
    // Who has not seen these stores before asks ClickHouse first.
    world.drain().await;
    let mut events = EventLog::make("lag").await;
    write(&mut world.writer(JOURNAL, NOON), 0, 200);
    events.ship(&world);
    let arguments = events.arguments();
    let more: Vec<&str> = arguments.iter().map(String::as_str).collect();
    behind_and_not(&world, &more, "messages").await;
    let (well, address) = config(&world, &more);
    let partitions = world.metric_reaches(address, "tributary_processor_partitions ", 4);
    world.run_until(well, partitions).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_unread_in_journals_is_told_also_while_there_is_no_room_for_it() {
    let world = World::new().await;
    world.drain().await;
    write(&mut world.writer(JOURNAL, NOON), 0, 200);
    behind_and_not(&world, &[], "bytes").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_falls_silent_is_told_although_nothing_comes_any_more() {
    let world = World::new().await;
    let now_ms = world.ask("SELECT (extract(epoch FROM now()) * 1000)::bigint").await as u64;
    // It was heard of in the future, and from then on never again.
    world.writer(JOURNAL, now_ms).beat(now_ms + 2000);
    let (config, address) = config(&world, &[]);
    let told = async {
        world.metric_reaches(address, "tributary_processor_commits_total ", 1).await;
        world.metric_reaches(address, "tributary_processor_silent_journals ", 1).await;
    };
    world.run_until(config, told).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fence_that_was_lost_is_counted_and_the_partitions_are_taken_again() {
    let world = World::new().await;
    let mut events = EventLog::make("fence").await;
    let mut log = world.writer(JOURNAL, NOON);
    write(&mut log, 0, 50);
    events.ship(&world);
    let arguments = events.arguments();
    let more: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (config, address) = config(&world, &more);
    let fenced = async {
        world.stored(50).await;
        world.metric_is(address, "tributary_processor_fences_lost_total ", 0).await;
        let taken = "UPDATE pipeline_partition SET owner_epoch = owner_epoch + 1";
        sqlx::query(taken).execute(&world.owner).await.unwrap();
        write(&mut log, 50, 50);
        events.ship(&world);
        settled(&world, 100).await;
        world.metric_is(address, "tributary_processor_fences_lost_total ", 1).await;
    };
    world.run_until(config, fenced).await;
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_and_dead_letters_are_counted_by_a_word_and_stages_by_their_time() {
    let world = World::new().await;
    let mut log = world.writer(JOURNAL, NOON);
    write(&mut log, 0, 10);
    log.put(Topic::Clicks, 1, b"\xff no click");
    // Its shard belongs to partition 3.
    log.put(Topic::Clicks, 0, &click(NOON + 200, 3).encode_to_vec());
    log.beat(NOON + 1000);
    let (config, address) = config(&world, &[]);
    let counted = async {
        for (line, count) in [
            ("dead_letters_total{reason=\"undecodable\"} ", 1),
            ("dead_letters_total{reason=\"misplaced\"} ", 1),
            ("dead_letters_total{reason=\"foreign\"} ", 0),
            ("records_total{what=\"received\"} ", 14),
            ("outcomes_total{outcome=\"unique\",topic=\"clicks\"} ", 10),
            ("outcomes_total{outcome=\"accepted\",topic=\"conversions\"} ", 2),
            ("outcomes_total{outcome=\"velocity\",topic=\"clicks\"} ", 0),
        ] {
            world.metric_is(address, &format!("tributary_processor_{line}"), count).await;
        }
        for stage in ["read", "decide", "commit", "insert"] {
            let line = format!("tributary_processor_stage_seconds_count{{stage=\"{stage}\"}} ");
            world.metric_reaches(address, &line, 1).await;
        }
    };
    world.run_until(config, counted).await;
}
