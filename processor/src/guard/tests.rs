//! A block under another id is the same block otherwise.

use super::*;
use crate::{
    batch::Record,
    lookup::words::Words,
    native::ClicksBlock,
    outcome::{ClickOutcome, Dimensions},
};
use schemas::event::Click;

fn block(id: BlockId) -> Vec<u8> {
    let outcome = ClickOutcome {
        invalid: None,
        unique: true,
        day: 20_000,
        dimensions: Dimensions::default(),
    };
    let mut clicks = ClicksBlock::default();
    for seq in 1..=30_000 {
        let event =
            Click { site: 1, link: 1, time_ms: 1_728_000_000_000 + seq, ..Click::default() };
        clicks.push(&Record { journal: 1, partition: 0, seq, event }, &outcome, &Words::default());
    }
    clicks.finish(u128::from_be_bytes(id.0), 1).bytes
}

#[test]
fn a_renamed_block_is_what_it_would_have_been_under_its_new_id() {
    let (old, new) = (BlockId([0x11; 16]), BlockId([0x22; 16]));
    assert_eq!(rename(&block(old), old, new).unwrap(), block(new));
    assert!(rename(&block(old), new, old).is_err(), "another block's id is not in it");
    assert!(unframe::unframe(&[1, 2, 3]).is_none());
}

#[test]
fn a_restart_is_waited_out_from_its_moment_and_a_failover_from_now() {
    let at = |seconds: i64| chrono::DateTime::from_timestamp(seconds, 0).unwrap();
    let promoted = |system_identifier, seconds, timeline| Pair {
        system_identifier,
        started_at: at(seconds),
        timeline,
    };
    let pair = |system_identifier, seconds| promoted(system_identifier, seconds, 1);
    let wait = |before, here| {
        rest(before, here, Duration::from_secs(4), Duration::from_secs(11)).as_secs()
    };
    assert_eq!(wait(Some(pair(1, 100)), pair(1, 200)), 7);
    assert_eq!(wait(Some(pair(1, 200)), pair(1, 100)), 11, "an older start is a replica promoted");
    assert_eq!(wait(Some(pair(1, 100)), pair(2, 200)), 11);
    assert_eq!(wait(None, pair(1, 100)), 11);
    assert_eq!(wait(Some(pair(1, 100)), promoted(1, 200, 2)), 11, "a replica started later");
}
