//! A processor that is frozen where it hurts: in the middle of a commit, with the rows of its partitions locked.

use crate::{
    event_log::EventLog,
    kill::{Dice, start_with, write},
    partitions::settled,
    world::{NOON, World},
};

/// Processors that wait for a lock inside of a transaction.
const BLOCKED: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
    AND application_name = 'tributary processor' AND wait_event_type = 'Lock' AND query LIKE 'UPDATE pipeline_owner SET commit%'";
/// 1 when everything was read and is in ClickHouse: only the last heartbeat is of later than ten past noon.
const READ: &str = "SELECT (as_of >= '2026-01-01 12:10:00+00')::int::bigint FROM pipeline_as_of";
/// Those whose transaction is open, and who say nothing.
const SILENT: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
    AND application_name = 'tributary processor' AND state = 'idle in transaction'";

#[tokio::test(flavor = "multi_thread")]
async fn one_frozen_in_the_middle_of_a_commit_keeps_nobody_out_for_long_and_commits_nothing() {
    let world = World::new().await;
    let mut events = EventLog::make("middle").await;
    let (mut dice, mut at) = (Dice(0x6a09_e667_f3bc_c908), NOON);
    let mut log = world.writer(0x0102_0304_0506_0708, NOON);
    let arguments = events.arguments();
    let frozen = start_with(&world, &arguments);
    write(&mut log, &mut dice, &mut at, 200);
    events.ship(&world);
    world.stored(200).await;
    // Its next commit comes as far as its last statement, and waits there for us.
    let mut held = world.owner.begin().await.unwrap();
    sqlx::query("LOCK TABLE pipeline_owner IN EXCLUSIVE MODE").execute(&mut *held).await.unwrap();
    write(&mut log, &mut dice, &mut at, 200);
    events.ship(&world);
    world.reaches(BLOCKED, 1).await;
    frozen.signal("-STOP");
    held.rollback().await.unwrap();
    world.reaches(SILENT, 1).await;
    // PostgreSQL gives it up after seconds, Kafka too: another one decides all of it.
    let other = start_with(&world, &arguments);
    world.stored(400).await;
    frozen.signal("-CONT");
    write(&mut log, &mut dice, &mut at, 200);
    log.beat(at + 700_000);
    events.ship(&world);
    world.reaches(READ, 1).await;
    settled(&world, 600).await;
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, 600);
    drop((frozen, other));
    world.audit().await;
}
