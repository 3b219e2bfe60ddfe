//! Whatever the bytes are, reading and recovering come to an end without a panic, and never give a record that was
//! not written.

use proptest::prelude::*;

use super::*;
use crate::frame::{self, Frame, Kind, Seal};
use crate::header::{HEADER_BYTES, Header};
use crate::{Error, marks};

/// A change to a file as disks, editors and half-done copies make them.
#[derive(Debug, Clone)]
enum Change {
    Set { at: usize, byte: u8 },
    Fill { at: usize, len: usize, byte: u8 },
    Cut { at: usize },
    Remove { at: usize, len: usize },
    Insert { at: usize, bytes: Vec<u8> },
    CopyWithin { from: usize, len: usize, to: usize },
}

fn change() -> impl Strategy<Value = Change> {
    let at = 0..1200_usize;
    let len = 0..300_usize;
    prop_oneof![
        (at.clone(), any::<u8>()).prop_map(|(at, byte)| Change::Set { at, byte }),
        (at.clone(), len.clone(), prop_oneof![Just(0), any::<u8>()])
            .prop_map(|(at, len, byte)| Change::Fill { at, len, byte }),
        at.clone().prop_map(|at| Change::Cut { at }),
        (at.clone(), len.clone()).prop_map(|(at, len)| Change::Remove { at, len }),
        (at.clone(), prop::collection::vec(any::<u8>(), 0..300))
            .prop_map(|(at, bytes)| Change::Insert { at, bytes }),
        (at.clone(), len, at).prop_map(|(from, len, to)| Change::CopyWithin { from, len, to }),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    let end = bytes.len();
    let within = |at: usize, len: usize| at.min(end)..(at + len).min(end);
    match change {
        Change::Set { at, byte } => bytes[within(*at, 1)].fill(*byte),
        Change::Fill { at, len, byte } => bytes[within(*at, *len)].fill(*byte),
        Change::Cut { at } => bytes.truncate(*at),
        Change::Remove { at, len } => drop(bytes.drain(within(*at, *len))),
        Change::Insert { at, bytes: new } => {
            drop(bytes.splice(within(*at, 0), new.iter().copied()))
        }
        Change::CopyWithin { from, len, to } => {
            let piece = bytes[within(*from, *len)].to_vec();
            let target = within(*to, piece.len());
            let fits = target.len();
            bytes[target].copy_from_slice(&piece[..fits]);
        }
    }
}

/// Reads to the end; every entry must move forward.
fn seqs_in_order(journal: &Fixture) -> Vec<u64> {
    let opened = Reader::open_any_on(journal.disk(), journal.place.clone(), Position::START, &KEY);
    let Ok(mut reader) = opened else { return Vec::new() };
    let mut seqs = Vec::new();
    let mut last = Position::START;
    while let Some(entry) = reader.next().unwrap() {
        assert!(entry.at >= last && entry.next > entry.at, "{last} then {entry:?}");
        last = entry.next;
        if let Body::Record { seq, payload: got, .. } = entry.body {
            assert_eq!(got, payload(seq));
            seqs.push(seq);
        }
    }
    seqs
}

/// Numbers as somebody who forges would choose them.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..5_u64, Just(u64::MAX), Just(u64::MAX - 1), any::<u64>()]
}

/// A payload of a mark, or anything: what stands in it may lie, its frame does not.
fn forged_payload() -> impl Strategy<Value = Vec<u8>> {
    let last = (0..4_u8, 0..3_u16, number()).prop_map(|(topic, partition, seq)| {
        [&[topic][..], &partition.to_le_bytes(), &seq.to_le_bytes()].concat()
    });
    let last = prop::collection::vec(last, 0..4).prop_map(|last| last.concat()).boxed();
    let end = (number(), number(), prop::collection::vec(any::<u8>(), 0..40), last.clone());
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..80),
        number().prop_map(|number| number.to_le_bytes().to_vec()),
        // Heartbeats; and bases, which begin with a position.
        (number(), last.clone()).prop_map(|(time, last)| [&time.to_le_bytes()[..], &last].concat()),
        (0..4_u32, number(), number(), last).prop_map(|(segment, offset, time, last)| {
            let numbers = [offset.to_le_bytes(), time.to_le_bytes()].concat();
            [&segment.to_le_bytes()[..], &numbers, &last].concat()
        }),
        end.prop_map(|(time, other, reason, last)| {
            let numbers = [time.to_le_bytes(), other.to_le_bytes()].concat();
            [&numbers[..], &(reason.len() as u16).to_le_bytes(), &reason, &last].concat()
        }),
    ]
}

/// A frame with its right length and a kind that is known.
fn forged_frame() -> impl Strategy<Value = Vec<u8>> {
    let kinds = [Kind::Record, Kind::Heartbeat, Kind::Skip, Kind::End, Kind::Base];
    let place = (0..crate::ids::MAX_TOPICS, 0..2_u16, number());
    (prop::sample::select(kinds.to_vec()), place, forged_payload()).prop_map(
        |(kind, (topic, partition, seq), payload)| {
            let (topic, partition) = (TopicId(topic), Partition(partition));
            let mut bytes = Vec::new();
            let frame = Frame { topic, partition, seq, ..Frame::mark(kind, &payload) };
            frame::push(&mut bytes, &frame);
            bytes
        },
    )
}

/// Reads to the end, whatever stands there.
fn read_all(journal: &Fixture) {
    let opened = Reader::open_any_on(journal.disk(), journal.place.clone(), Position::START, &KEY);
    let Ok(mut reader) = opened else { return };
    let mut last = Position::START;
    while let Some(entry) = reader.next().unwrap() {
        assert!(entry.next > entry.at && entry.next > last, "{last} then {entry:?}");
        last = entry.next;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn a_mangled_journal_gives_only_what_was_written(
        changes in prop::collection::vec((1..4_u32, change()), 1..6),
    ) {
        let journal = Fixture::new(3);
        for (segment, change) in &changes {
            journal.edit(*segment, |bytes| apply(bytes, change));
        }
        let before = seqs_in_order(&journal);
        let writer = Writer::create_on(journal.disk(), config(), 2_000, JournalId(2)).unwrap();
        let recovered = writer.seal_previous().unwrap();
        for (_, why) in &recovered.refused {
            prop_assert!(matches!(why, Error::BadHeader(_) | Error::Copy(_) | Error::Forged(_)), "{}", why);
        }
        let after = seqs_in_order(&journal);
        if recovered.refused.is_empty() {
            prop_assert!(before.iter().all(|seq| after.contains(seq)), "recovery lost {:?} of {:?}", after, before);
            if !after.is_empty() {
                let _ = verify_on(&journal.disk(), &journal.place, &KEY).unwrap().to_string();
            }
        }
    }

    #[test]
    fn forged_frames_with_right_checksums_panic_nobody(
        batches in prop::collection::vec((1..4_u32, any::<bool>(), prop::collection::vec(forged_frame(), 1..5)), 1..5),
    ) {
        let journal = Fixture::new(3);
        for (segment, instead, frames) in batches {
            let mut batch = frames.concat();
            frame::close_batch(&mut batch, Seal::new(JournalId(1), segment, 2));
            journal.edit(segment, |bytes| {
                // In the place of what was there, its base too, or behind it.
                if instead {
                    bytes.truncate(HEADER_BYTES);
                }
                bytes.extend_from_slice(&batch);
            });
        }
        let look = || {
            read_all(&journal);
            let _ = verify_on(&journal.disk(), &journal.place, &KEY).map(|found| found.to_string());
        };
        look();
        let writer = Writer::create_on(journal.disk(), config(), 2_000, JournalId(2)).unwrap();
        let _ = writer.seal_previous().unwrap();
        look();
    }

    #[test]
    fn arbitrary_bytes_are_no_journal(bytes in prop::collection::vec(any::<u8>(), 0..4000)) {
        let journal = Fixture::new(1);
        journal.edit(1, |file| {
            file.truncate(HEADER_BYTES);
            file.extend_from_slice(&bytes);
        });
        prop_assert_eq!(seqs_in_order(&journal), Vec::<u64>::new());
        let recovered = journal.recover();
        prop_assert_eq!(recovered.sealed.len(), 1);
        prop_assert_eq!(seqs_in_order(&journal), Vec::<u64>::new());
    }

    #[test]
    fn decoders_take_anything(bytes in prop::collection::vec(any::<u8>(), 0..600), seed: u64) {
        let seal = Seal::new(JournalId(seed), 1, 4);
        let _ = (frame::check(&bytes, seal), frame::trusted(&bytes, seal));
        let _ = (marks::parse_end(&bytes), marks::parse_heartbeat(&bytes));
        let _ = (marks::parse_base(&bytes), marks::parse_skip(&bytes));
        prop_assert_eq!(Header::from_bytes(&bytes), None);
    }

    #[test]
    fn a_header_with_a_changed_byte_is_none(at in 0..HEADER_BYTES, flip in 1..=255_u8) {
        let journal = Fixture::new(1);
        let mut bytes = journal.sim.bytes(&journal.path(1));
        let header = Header::from_bytes(&bytes).unwrap();
        prop_assert!(header.verify(&KEY));
        bytes[at] ^= flip;
        prop_assert!(Header::from_bytes(&bytes).is_none_or(|changed| !changed.verify(&KEY)));
    }
}
