//! What was heard of a journal stays heard, whoever owns its partitions next.

use schemas::topic::Topic;

use super::Journals;
use crate::{
    batch::Batch,
    ownership::Scope,
    said::Of,
    stores::{
        journals::Known,
        seqs::{Key, Seqs},
    },
};

const JOURNAL: u64 = 0x0102_0304_0506_0708;

fn known(heard: &[u64]) -> Known {
    Known {
        journal: JOURNAL,
        slot: "c1".to_owned(),
        import: false,
        partitions: 2,
        start_ms: 1,
        ended_ms: None,
        heard: heard.to_vec(),
    }
}

fn open(partitions: &[u16], heard: &[u64], seqs: Vec<(Key, Seqs)>) -> Journals {
    Journals::new(Scope::Partitions(partitions.to_vec()), vec![known(heard)], seqs, &[])
}

/// A beat in one lane; the time of the whole journal that came of it.
fn hear(journals: &mut Journals, topic: Topic, partition: u16, time_ms: u64) -> Option<u64> {
    let mut batch = Batch::default();
    let of = Of::Lane { topic, partition, last: 0 };
    journals.get_mut(JOURNAL).unwrap().hear(of, time_ms, &mut batch);
    batch.heard.get(&JOURNAL).copied()
}

/// What a commit stores of the sets.
fn stored(journals: &mut Journals) -> Vec<(Key, Seqs)> {
    journals.gather(&mut Batch::default());
    let touched: Vec<(Key, Seqs)> =
        journals.touched().into_iter().map(|(key, seqs)| (key, seqs.clone())).collect();
    journals.settle();
    touched
}

#[test]
fn a_lane_that_heard_more_than_the_others_is_stored_once_and_goes_on_from_there() {
    let mut first = open(&[0], &[10, 10], Vec::new());
    assert_eq!(hear(&mut first, Topic::Clicks, 0, 100), None, "its conversions were not heard");
    let seqs = stored(&mut first);
    assert_eq!(seqs.len(), 1, "{seqs:?}");
    assert_eq!((seqs[0].0.topic, seqs[0].1.heard_ms), (Topic::Clicks, 100));
    assert_eq!(stored(&mut first), [], "it is not written with every commit");

    let mut next = open(&[0], &[10, 10], seqs);
    assert_eq!(hear(&mut next, Topic::Conversions, 0, 100), Some(100));
}

#[test]
fn a_partition_that_joins_slower_ones_keeps_what_it_heard() {
    let mut both = open(&[0, 1], &[100, 10], Vec::new());
    assert_eq!(both.get(JOURNAL).unwrap().heard_ms, 10);
    assert_eq!(hear(&mut both, Topic::Clicks, 1, 100), None);
    assert_eq!(hear(&mut both, Topic::Conversions, 1, 100), Some(100));
}

#[test]
fn lanes_that_hear_the_same_are_not_written_for_it() {
    let mut all = open(&[0, 1], &[10, 10], Vec::new());
    for topic in Topic::ALL {
        for partition in 0..2 {
            hear(&mut all, topic, partition, 100);
        }
    }
    assert_eq!(stored(&mut all), []);
}

#[test]
fn lanes_of_others_are_never_written() {
    let mut ours = open(&[0], &[10, 10], Vec::new());
    hear(&mut ours, Topic::Clicks, 1, 100);
    let written: Vec<u16> = stored(&mut ours).iter().map(|(key, _)| key.partition).collect();
    assert!(!written.contains(&1), "{written:?}");
}
