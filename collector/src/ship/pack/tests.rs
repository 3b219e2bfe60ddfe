//! Packing over a real journal.

use journal::{JournalId, Partition, Position, Reader, TopicId, Writer, WriterConfig};
use proptest::prelude::*;

use super::*;

const KEY: journal::Key = [3; 32];
const NOW_MS: u64 = 1_795_000_000_000;
const CLICKS: TopicId = TopicId(Topic::Clicks.id());

/// A journal of two partitions, written by `write` and packed in windows of at most `bytes`.
fn packed(bytes: usize, write: impl FnOnce(&mut Writer)) -> Vec<Vec<Packed>> {
    let folder = tempfile::tempdir().unwrap();
    let config = WriterConfig::new(folder.path(), "c0", 2, KEY);
    let mut writer = Writer::create(config, NOW_MS, JournalId(77)).unwrap();
    write(&mut writer);
    writer.commit().unwrap();
    let place = writer.place();
    let mut reader =
        Reader::open(&place.root, &place.slot, place.journal, Position::START, &KEY).unwrap();
    let mut packer = Packer::new(reader.header());
    let mut windows = Vec::new();
    while reader.read_batch(bytes, |entry| packer.take(entry.body)).unwrap() > 0 {
        windows.push(packer.finish());
    }
    windows
}

fn batches(windows: &[Vec<Packed>]) -> Vec<(Topic, u16, EventBatch)> {
    let read = |message: &Packed| {
        let batch = EventBatch::decode(message.payload.as_slice()).unwrap();
        (message.topic, message.partition, batch)
    };
    windows.iter().flatten().map(read).collect()
}

#[test]
fn consecutive_records_travel_together_and_the_header_with_the_first() {
    let windows = packed(1 << 20, |writer| {
        for (partition, text) in [(0, "a"), (1, "b"), (0, "c")] {
            writer.stage(CLICKS, Partition(partition), text.as_bytes()).unwrap();
        }
    });
    let batches = batches(&windows);
    let text = |batch: &EventBatch| -> Vec<String> {
        batch.records.iter().map(|r| String::from_utf8(r.to_vec()).unwrap()).collect()
    };
    let seen: Vec<_> =
        batches.iter().map(|(_, partition, b)| (*partition, b.first_seq, text(b))).collect();
    assert_eq!(seen, [(0, 1, vec!["a".into(), "c".into()]), (1, 1, vec!["b".into()])]);
    for (topic, _, batch) in &batches {
        assert_eq!((*topic, batch.journal), (Topic::Clicks, 77));
        let header = journal::Header::from_bytes(&batch.header).unwrap();
        assert!(header.verify(&KEY) && header.slot == "c0");
    }
}

#[test]
fn a_journal_says_again_who_it_is_with_every_sixtieth_mark() {
    let windows = packed(1 << 20, |writer| {
        writer.stage(CLICKS, Partition(1), b"a").unwrap();
        for n in 0..130 {
            writer.heartbeat(NOW_MS + n).unwrap();
        }
        writer.stage(CLICKS, Partition(1), b"b").unwrap();
    });
    let told = |of: (Topic, u16)| -> Vec<usize> {
        let all = batches(&windows);
        let lane = all.iter().filter(|(topic, partition, _)| (*topic, *partition) == of);
        let tells = lane.enumerate().filter(|(_, (.., batch))| !batch.header.is_empty());
        tells.map(|(n, _)| n).collect()
    };
    assert_eq!(told((Topic::Clicks, 1)), [0, 60, 120]);
    assert_eq!(told((Topic::Conversions, 0)), [0, 60, 120]);
}

#[test]
fn what_the_journal_says_stands_in_every_partition_behind_what_it_speaks_of() {
    let windows = packed(1 << 20, |writer| {
        writer.stage(CLICKS, Partition(1), b"a").unwrap();
        writer.heartbeat(NOW_MS + 5).unwrap();
        writer.stage(CLICKS, Partition(1), b"b").unwrap();
    });
    let batches = batches(&windows);
    let beats: Vec<_> = batches
        .iter()
        .filter_map(|(topic, partition, batch)| {
            let beat = batch.heartbeat.as_ref()?;
            assert_eq!(beat.time_ms, NOW_MS + 5);
            Some((*topic, *partition, beat.last_seq))
        })
        .collect();
    assert_eq!(beats.len(), 4);
    assert!(beats.contains(&(Topic::Clicks, 1, 1)) && beats.contains(&(Topic::Conversions, 0, 0)));
    let lane: Vec<_> = batches
        .iter()
        .filter(|(topic, partition, _)| (*topic, *partition) == (Topic::Clicks, 1))
        .map(|(_, _, batch)| (batch.first_seq, batch.heartbeat.is_some(), batch.header.is_empty()))
        .collect();
    assert_eq!(lane, [(1, false, false), (0, true, true), (2, false, true)]);
}

#[test]
fn a_record_as_large_as_may_be_fits_into_a_message() {
    let windows = packed(1 << 20, |writer| {
        writer.stage(CLICKS, Partition(0), &vec![7; journal::MAX_PAYLOAD]).unwrap();
        writer.stage(CLICKS, Partition(0), b"small").unwrap();
    });
    let sizes: Vec<usize> = windows.iter().flatten().map(|m| m.payload.len()).collect();
    assert!(sizes.iter().all(|size| *size < 1_500_000) && sizes.len() == 2, "{sizes:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_partition_gets_its_records_in_order_and_none_twice(
        steps in prop::collection::vec((0_u8..4, 0_u16..2, 0_usize..2000), 1..200),
        bytes in 64_usize..100_000,
    ) {
        let windows = packed(bytes, |writer| {
            for (what, partition, length) in &steps {
                match what {
                    0 => writer.heartbeat(NOW_MS).unwrap(),
                    1 => drop(writer.commit().unwrap()),
                    _ => drop(writer.stage(CLICKS, Partition(*partition), &vec![1; *length]).unwrap()),
                }
            }
        });
        let mut next = [1_u64; 2];
        for (topic, partition, batch) in batches(&windows) {
            if topic == Topic::Clicks && !batch.records.is_empty() {
                prop_assert_eq!(batch.first_seq, next[usize::from(partition)]);
                next[usize::from(partition)] += batch.records.len() as u64;
            }
            if let (Topic::Clicks, Some(beat)) = (topic, batch.heartbeat) {
                prop_assert_eq!(beat.last_seq + 1, next[usize::from(partition)]);
            }
        }
        let staged = |of: u16| steps.iter().filter(|(what, partition, _)| *what > 1 && *partition == of).count() as u64;
        prop_assert_eq!(next, [staged(0) + 1, staged(1) + 1]);
    }
}
