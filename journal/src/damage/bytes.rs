//! Damaged bytes.

use super::*;
use crate::header::HEADER_BYTES;

/// (torn bytes, corrupt stretches) of the one journal sealed.
fn repaired(recovered: &Recovered) -> (u64, u64) {
    assert!(recovered.refused.is_empty(), "{:?}", recovered.refused);
    let repair = recovered.sealed[0].repair;
    (repair.torn_bytes, repair.corrupt)
}

#[test]
fn an_undamaged_journal_is_sound() {
    let journal = Fixture::new(3);
    assert_eq!(repaired(&journal.recover()), (0, 0));
    assert_eq!(journal.read(), ((1..=9).collect(), vec![]));
    assert_eq!(journal.problems(), []);
}

#[test]
fn a_torn_tail_is_cut_wherever_it_was_torn() {
    for cut in 1..120 {
        let journal = Fixture::new(1);
        let start = journal.at[2].offset as usize;
        journal.edit(1, |bytes| bytes.truncate(start + cut));
        assert_eq!(
            journal.read(),
            (vec![1, 2], vec![]),
            "before recovery the tail may be a batch being written"
        );
        assert_eq!(repaired(&journal.recover()), (cut as u64, 0));
        assert_eq!(journal.len(1), start);
        assert_eq!(journal.read(), (vec![1, 2], vec![]));
        assert!(journal.aside().is_empty());
    }
}

#[test]
fn a_tail_of_zeros_is_cut() {
    for zeros in [1, 19, 20, 200, 3_000_000] {
        let journal = Fixture::new(2);
        let len = journal.len(2);
        journal.edit(2, |bytes| bytes.resize(len + zeros, 0));
        assert_eq!(repaired(&journal.recover()), (zeros as u64, 0));
        assert_eq!(journal.len(2), len);
        assert_eq!(journal.read(), ((1..=6).collect(), vec![]));
    }
}

#[test]
fn a_corrupt_record_is_kept_aside_and_costs_only_itself() {
    let journal = Fixture::new(2);
    let at = journal.at[4];
    journal.edit(2, |bytes| bytes[at.offset as usize + 50] ^= 1);
    let corrupt = vec![(at, 120, Damage::Frames)];
    assert_eq!(
        journal.read(),
        (vec![1, 2, 3, 4, 6], corrupt.clone()),
        "also while the journal is open"
    );
    let before = journal.len(2);
    assert_eq!(repaired(&journal.recover()), (0, 1));
    assert_eq!(journal.len(2), before, "evidence stays in place");
    assert_eq!(journal.aside(), [format!("00000002-{}.bad", at.offset)]);
    assert_eq!(journal.read(), (vec![1, 2, 3, 4, 6], corrupt));
    let missing = Problem::Missing { topic: CLICKS, partition: P, from: 5, to: 5 };
    assert_eq!(
        journal.problems(),
        [Problem::Damage { at, bytes: 120, damage: Damage::Frames }, missing]
    );
}

#[test]
fn a_whole_record_that_is_corrupt_at_the_very_end_is_no_torn_tail() {
    let journal = Fixture::new(1);
    let at = journal.at[2];
    journal.edit(1, |bytes| bytes[at.offset as usize + 119] ^= 0x80);
    let before = journal.len(1);
    assert_eq!(repaired(&journal.recover()), (0, 1));
    assert_eq!((journal.len(1), journal.aside().len()), (before, 1));
    assert_eq!(journal.read(), (vec![1, 2], vec![(at, 120, Damage::Frames)]));
}

#[test]
fn any_flipped_bit_costs_at_most_the_frame_it_is_in() {
    let pristine = Fixture::new(2);
    let original = pristine.sim.bytes(&pristine.path(1));
    let base_end = pristine.at[0].offset as usize;
    for bit in (base_end * 8..original.len() * 8).step_by(3) {
        pristine.edit(1, |bytes| {
            bytes.clone_from(&original);
            bytes[bit / 8] ^= 1 << (bit % 8);
        });
        let hit = (bit / 8 - base_end) as u64 / 120 + 1;
        let (seqs, damage) = pristine.read();
        let expected: Vec<u64> = (1..=6).filter(|seq| *seq != hit).collect();
        assert_eq!(seqs, expected, "bit {bit}");
        assert_eq!(damage.len(), 1);
    }
}

#[test]
fn a_length_that_points_beyond_the_file_hides_nothing() {
    let journal = Fixture::new(1);
    let at = journal.at[0].offset as usize;
    journal.edit(1, |bytes| bytes[at + 2] = 0x0f);
    assert_eq!(repaired(&journal.recover()), (0, 1));
    assert_eq!(journal.read(), (vec![2, 3], vec![(journal.at[0], 120, Damage::Frames)]));
}

#[test]
fn nothing_is_cut_from_an_older_segment() {
    let journal = Fixture::new(3);
    let at = journal.at[5];
    journal.edit(2, |bytes| bytes[at.offset as usize..].fill(0));
    let before = journal.len(2);
    assert_eq!(repaired(&journal.recover()), (0, 1));
    assert_eq!((journal.len(2), journal.aside().len()), (before, 1));
    assert_eq!(journal.read(), (vec![1, 2, 3, 4, 5, 7, 8, 9], vec![(at, 120, Damage::Frames)]));
}

#[test]
fn an_older_segment_that_lost_its_end_says_so() {
    let journal = Fixture::new(3);
    let at = journal.at[5];
    journal.edit(2, |bytes| bytes.truncate(at.offset as usize));
    let lost = (vec![1, 2, 3, 4, 5, 7, 8, 9], vec![(at, 120, Damage::CutShort)]);
    assert_eq!(journal.read(), lost);
    journal.recover();
    assert_eq!(journal.read(), lost);
}

#[test]
fn a_missing_segment_is_told() {
    let journal = Fixture::new(3);
    journal.disk().remove_file(&journal.path(2)).unwrap();
    let (seqs, damage) = journal.read();
    assert_eq!(seqs, [1, 2, 3, 7, 8, 9]);
    let found: Vec<Damage> = damage.iter().map(|(_, _, damage)| *damage).collect();
    assert_eq!(found, [Damage::MissingSegments]);
}

#[test]
fn a_segment_under_another_number_is_not_read() {
    let journal = Fixture::new(3);
    let first = journal.sim.bytes(&journal.path(1));
    journal.edit(2, |bytes| bytes.clone_from(&first));
    let (seqs, damage) = journal.read();
    assert_eq!(seqs, [1, 2, 3, 7, 8, 9]);
    assert_eq!(damage, [(Position { segment: 2, offset: 0 }, first.len() as u64, Damage::Foreign)]);
    assert!(repaired(&journal.recover()).1 > 0, "kept aside");
}

#[test]
fn a_second_copy_at_the_end_adds_nothing() {
    let journal = Fixture::new(2);
    let last = journal.sim.bytes(&journal.path(2));
    journal.sim.put(&journal.path(3), &last);
    assert_eq!(journal.read().0, (1..=6).collect::<Vec<u64>>());
}

#[test]
fn a_damaged_header_does_not_cost_the_records() {
    for damage in [1, HEADER_BYTES] {
        let journal = Fixture::new(3);
        journal.edit(2, |bytes| bytes[..damage].fill(0xaa));
        let header = (Position { segment: 2, offset: 0 }, HEADER_BYTES as u64, Damage::Header);
        assert_eq!(journal.read(), ((1..=9).collect(), vec![header]));
        assert_eq!(repaired(&journal.recover()), (0, 0));
    }
}

#[test]
fn a_damaged_base_does_not_cost_the_records() {
    let journal = Fixture::new(3);
    journal.edit(2, |bytes| bytes[HEADER_BYTES + 30] ^= 4);
    let (seqs, damage) = journal.read();
    assert_eq!((seqs, damage.len()), ((1..=9).collect(), 1));
    assert_eq!(repaired(&journal.recover()), (0, 1));
    assert_eq!(journal.read().0, (1..=9).collect::<Vec<u64>>());
}

#[test]
fn what_a_crash_leaves_of_a_new_segment_is_passed_over() {
    for left in [0, 17, HEADER_BYTES, HEADER_BYTES + 10] {
        let journal = Fixture::new(2);
        let next = journal.sim.bytes(&journal.path(2));
        journal.sim.put(&journal.path(3), &next[..left]);
        assert_eq!(journal.read(), ((1..=6).collect(), vec![]));
        let torn = left.saturating_sub(HEADER_BYTES) as u64;
        assert_eq!(repaired(&journal.recover()), (torn, 0));
        assert_eq!(journal.read(), ((1..=6).collect(), vec![]), "{left}");
        assert_eq!(journal.problems(), []);
    }
}

#[test]
fn what_a_crash_leaves_of_a_new_journal_is_removed() {
    let journal = Fixture::new(1);
    let stillborn = JournalRef { journal: JournalId(0xdead), ..journal.place.clone() };
    journal.sim.put(&segment_path(&stillborn.dir(), 1), b"TRIBJ");
    let recovered = journal.recover();
    assert!(recovered.refused.is_empty(), "{:?}", recovered.refused);
    assert!(journal.disk().list(&stillborn.dir()).unwrap().is_empty());
}

#[test]
fn a_payload_that_looks_like_a_record_is_not_taken_for_one() {
    let sim = Sim::default();
    let mut writer =
        Writer::create_on(Disk::Sim(sim.clone()), config(), 1_000, JournalId(1)).unwrap();
    writer.stage(CLICKS, P, b"innocent").unwrap();
    let mark = writer.commit().unwrap();
    let path = segment_path(&writer.place().dir(), 1);
    let frame = sim.bytes(&path)[mark.0.offset as usize - 28..].to_vec();
    let outer = mark.0.offset as usize;
    writer.stage(CLICKS, P, &frame).unwrap();
    writer.stage(CLICKS, P, b"after").unwrap();
    writer.commit().unwrap();
    // Only the outer record is damaged; the one inside it would pass.
    sim.edit(&path, |bytes| bytes[outer + 15] ^= 1);
    let mut reader =
        Reader::open_on(Disk::Sim(sim), writer.place(), Position::START, &KEY).unwrap();
    let mut payloads = Vec::new();
    while let Some(entry) = reader.next().unwrap() {
        if let Body::Record { payload, .. } = entry.body {
            payloads.push(payload.to_vec());
        }
    }
    assert_eq!(payloads, [b"innocent".to_vec(), b"after".to_vec()]);
}

#[test]
fn a_batch_that_appears_while_it_is_read_is_no_damage() {
    let sim = Sim::default();
    let big = WriterConfig { segment_bytes: 1 << 20, ..config() };
    let mut writer = Writer::create_on(Disk::Sim(sim.clone()), big, 1_000, JournalId(1)).unwrap();
    for n in 1..=20 {
        writer.stage(CLICKS, P, &payload(n)).unwrap();
        if n % 5 == 0 {
            writer.commit().unwrap();
        }
    }
    for step in 1..700 {
        let mut reader =
            Reader::open_on(Disk::Sim(sim.clone()), writer.place(), Position::START, &KEY).unwrap();
        sim.set(|faults| faults.reveal = Some((HEADER_BYTES, step)));
        let mut seqs = Vec::new();
        while seqs.len() < 20 {
            let read = reader.read_batch(1 + step * 37 % 1_500, |entry| match entry.body {
                Body::Record { seq, .. } => seqs.push(seq),
                other => panic!("{other:?} with steps of {step}"),
            });
            if read.unwrap() == 0 {
                sim.set(|faults| {
                    faults.reveal = faults.reveal.map(|(seen, step)| (seen + 1, step))
                });
            }
        }
        assert_eq!(seqs, (1..=20).collect::<Vec<u64>>());
        sim.set(|faults| faults.reveal = None);
    }
}

/// A file written today is read for ever: if this fails, the version in the header must change.
#[test]
fn the_format_is_what_it_was() {
    let sim = Sim::default();
    let machine = crate::MachineId([0x11; 16]);
    let mut writer = Writer::create_on(
        Disk::Sim(sim.clone()),
        WriterConfig { machine, ..config() },
        1_000,
        JournalId(0xabcd),
    )
    .unwrap();
    writer.stage(TopicId(1), Partition(1), b"abc").unwrap();
    writer.heartbeat(2_000).unwrap();
    writer.commit().unwrap();
    let bytes = sim.bytes(&segment_path(&writer.place().dir(), 1));
    let (header, frames) = bytes.split_at(HEADER_BYTES);
    assert_eq!(crc32c::crc32c(header), 0x88007ba8);
    let hex: Vec<String> = frames.iter().map(|byte| format!("{byte:02x}")).collect();
    let (base, rest) = hex.split_at(40);
    let (record, heartbeat) = rest.split_at(23);
    assert_eq!(
        base.concat(),
        "200000006631954d850000000000000000000000000000000000000000000000e803000000000000"
    );
    assert_eq!(record.concat(), "0f000000231f5435010101000100000000000000616263");
    assert_eq!(
        heartbeat.concat(),
        "1f0000002ce354fc820000000000000000000000d0070000000000000101000100000000000000"
    );
}
