//! Copies, forgeries, and journals ended by hand.

use super::*;
use crate::error::SyncError;
use crate::ids::CommitMark;
use crate::{checkpoint, remove};

/// The same bytes in other files, as a copied folder or a restored snapshot has them.
fn copied(journal: &Fixture) -> Fixture {
    let copy =
        Fixture { sim: Sim::default(), place: journal.place.clone(), at: journal.at.clone() };
    // So that no inode is the same.
    for n in 0..100 {
        copy.sim.put(&PathBuf::from(format!("/other/{n}")), b"");
    }
    for segment in 1..=journal.at.last().unwrap().segment {
        copy.sim.put(&copy.path(segment), &journal.sim.bytes(&journal.path(segment)));
    }
    copy
}

#[test]
fn a_copy_is_neither_drained_nor_ended_until_it_is_adopted() {
    let original = Fixture::new(2);
    let copy = copied(&original);
    let open = |f: &Fixture| Reader::open_on(f.disk(), f.place.clone(), Position::START, &KEY);
    let refusal = open(&copy).err().unwrap();
    assert!(matches!(refusal, Error::Copy(_)) && refusal.to_string().contains("journal adopt"));
    let recovered = copy.recover();
    assert!(recovered.sealed.is_empty() && matches!(recovered.refused[0].1, Error::Copy(_)));
    assert_eq!(copy.problems(), [Problem::Copy], "to look at it is free");

    assert!(matches!(holder::adopt_on(&copy.disk(), &copy.place, &KEY, " "), Err(Error::Reason)));
    holder::adopt_on(&copy.disk(), &copy.place, &KEY, "the old disk burnt").unwrap();
    assert_eq!(copy.read().0.len(), 6);
    let again = holder::adopt_on(&copy.disk(), &copy.place, &KEY, "again");
    assert!(matches!(again, Err(Error::NothingToAdopt(_))));

    // A copy of the adopted copy is a copy.
    let second = copied(&copy);
    second.disk().remove_file(&second.path(2)).unwrap();
    second.sim.put(&second.path(2), &copy.sim.bytes(&copy.path(2)));
    let adopted = copy.place.dir().join("adopted");
    second.sim.put(&adopted, &copy.sim.bytes(&adopted));
    assert!(matches!(open(&second), Err(Error::Copy(_))));
}

#[test]
fn an_adopted_copy_is_ended_like_any_other() {
    let copy = copied(&Fixture::new(2));
    holder::adopt_on(&copy.disk(), &copy.place, &KEY, "moved to a new machine").unwrap();
    let recovered = copy.recover();
    assert_eq!((recovered.sealed.len(), recovered.refused.len()), (1, 0));
    assert_eq!(copy.read().0.len(), 6);
    assert_eq!(copy.problems(), []);
}

#[test]
fn an_adoption_cannot_be_written_by_hand() {
    let copy = copied(&Fixture::new(2));
    holder::adopt_on(&copy.disk(), &copy.place, &KEY, "x").unwrap();
    let adopted = copy.place.dir().join("adopted");
    copy.sim.edit(&adopted, |text| {
        let at = text.windows(8).position(|w| w == b"reason x").unwrap();
        text[at + 7] = b'y';
    });
    assert!(matches!(
        Reader::open_on(copy.disk(), copy.place.clone(), Position::START, &KEY),
        Err(Error::Copy(_))
    ));
}

#[test]
fn a_header_made_with_another_key_is_forged() {
    let journal = Fixture::new(1);
    let other = [6; 32];
    assert!(matches!(
        Reader::open_on(journal.disk(), journal.place.clone(), Position::START, &other),
        Err(Error::Forged(_))
    ));
    let reader =
        Reader::open_any_on(journal.disk(), journal.place.clone(), Position::START, &other)
            .unwrap();
    assert!(!reader.header().verify(&other) && reader.header().verify(&KEY));
    assert!(matches!(
        retire_on(&journal.disk(), &journal.place, &other, "x"),
        Err(Error::Forged(_))
    ));
    // An altered header with a checksum of its own: whoever copies the layout still lacks the key.
    let mut bytes = reader.header().to_bytes();
    bytes[12] = 9;
    assert!(crate::Header::from_bytes(&bytes).is_none());
    let crc = crc32c::crc32c(&bytes[..220]);
    bytes[220..224].copy_from_slice(&crc.to_le_bytes());
    let altered = crate::Header::from_bytes(&bytes).unwrap();
    assert_eq!((altered.partitions, altered.verify(&KEY)), (9, false));
}

#[test]
fn a_journal_is_retired_with_a_reason_and_only_once() {
    let journal = Fixture::new(1);
    let writer = Writer::create_on(journal.disk(), config(), 2_000, JournalId(2)).unwrap();
    let alive = retire_on(&journal.disk(), &writer.place(), &KEY, "no");
    assert!(matches!(alive, Err(Error::Busy(_))), "a running process ends its own");

    let sealed = retire_on(&journal.disk(), &journal.place, &KEY, "machine sold").unwrap();
    assert_eq!(sealed.last, [(CLICKS, P, 3)]);
    let again = retire_on(&journal.disk(), &journal.place, &KEY, "again");
    assert!(matches!(again, Err(Error::Ended(JournalId(1)))));
    assert!(writer.seal_previous().unwrap().sealed.is_empty(), "it has its end");
    let inspection = verify_on(&journal.disk(), &journal.place, &KEY).unwrap().inspection;
    assert_eq!(inspection.end.unwrap().reason, "machine sold");
}

#[test]
fn a_failed_sync_ends_the_segment_and_is_never_tried_again() {
    let sim = Sim::default();
    let mut big = config();
    big.segment_bytes = 1 << 20;
    let mut writer = Writer::create_on(Disk::Sim(sim.clone()), big, 1_000, JournalId(1)).unwrap();
    let sync = writer.sync_handle();
    let answer = |mark: CommitMark| {
        let (tell, told) = std::sync::mpsc::channel();
        sync.when_durable(mark, move |answer| tell.send(answer).unwrap());
        told
    };
    let mut commit = || {
        writer.stage(CLICKS, P, b"money").unwrap();
        writer.commit().unwrap()
    };
    let first = commit();
    sync.sync_now().unwrap();
    let second = commit();
    let waiting = answer(second);
    sim.set(|faults| faults.fail_sync = true);
    assert_eq!(sync.sync_now(), Err(SyncError::Failed));
    assert_eq!(waiting.try_recv(), Ok(Err(SyncError::Failed)));
    // The kernel would now say "ok" without having written anything: nobody asks it.
    sim.set(|faults| faults.fail_sync = true);
    sync.sync_now().unwrap();
    assert!(std::mem::take(&mut sim.faults().fail_sync), "no sync was tried");
    sim.set(|faults| faults.fail_sync = false);
    assert_eq!(answer(first).try_recv(), Ok(Ok(())), "what was durable before stays so");
    assert_eq!(answer(second).try_recv(), Ok(Err(SyncError::Failed)));

    let third = commit();
    assert_eq!(third.0.segment, second.0.segment + 1);
    sync.sync_now().unwrap();
    assert_eq!(answer(third).try_recv(), Ok(Ok(())));
    let closed = answer(commit());
    assert_eq!(writer.stats().sync.failed, 1);
    drop(writer);
    assert_eq!(closed.try_recv(), Ok(Err(SyncError::Closed)));
}

#[test]
fn space_that_a_failed_write_touched_is_not_written_again() {
    let sim = Sim::default();
    let mut writer =
        Writer::create_on(Disk::Sim(sim.clone()), config(), 1_000, JournalId(1)).unwrap();
    sim.set(|faults| faults.short_write = Some(30));
    writer.stage(CLICKS, P, &payload(1)).unwrap();
    assert!(matches!(writer.commit(), Err(Error::Io { .. })));
    assert_eq!(writer.stage(CLICKS, P, &payload(1)).unwrap(), 1);
    assert_eq!(writer.commit().unwrap().0.segment, 2, "a reader may be in the middle of it");
}

#[test]
fn a_full_disk_refuses_batches_and_heals_by_itself() {
    let sim = Sim::default();
    let mut writer =
        Writer::create_on(Disk::Sim(sim.clone()), config(), 1_000, JournalId(1)).unwrap();
    for round in 1..=20_u64 {
        writer.stage(CLICKS, P, &payload(round)).unwrap();
        writer.commit().unwrap();
        sim.set(|faults| faults.free = Some(0));
        loop {
            let mark = writer.stage(CLICKS, P, &payload(99)).and_then(|_| writer.commit());
            match mark {
                // Room that was kept ahead is used up first.
                Ok(_) => continue,
                Err(e) => break assert!(e.is_disk_full(), "{e}"),
            }
        }
        sim.set(|faults| faults.free = None);
        let next = writer.next_seq(CLICKS, P);
        assert_eq!(writer.stage(CLICKS, P, b"again").unwrap(), next);
        writer.commit().unwrap();
    }
    let found = verify_on(&Disk::Sim(sim), &writer.place(), &KEY).unwrap();
    assert!(found.is_sound(), "{found}");
    assert_eq!(writer.stats().failed_commits, 20);
}

#[test]
fn only_drained_and_old_segments_are_trimmed() {
    let journal = Fixture::new(4);
    let dir = journal.place.dir();
    let trim = |position, keep| {
        checkpoint::trim_on(&journal.disk(), &dir, position, keep).unwrap().segments
    };
    assert_eq!(trim(journal.at[3], 1_000), 0, "young ones are kept");
    assert_eq!(trim(journal.at[3], 1_001), 1, "segment 2 is not drained");
    assert_eq!(checkpoint::load_on(&journal.disk(), &dir).unwrap(), Some(journal.at[3]));
    assert_eq!(trim(Position { segment: 9, offset: 256 }, 1_001), 2, "the newest always stays");
    let trimmed = Reader::open_on(journal.disk(), journal.place.clone(), journal.at[3], &KEY);
    assert!(matches!(trimmed, Err(Error::Trimmed { oldest: 4, .. })));
    assert_eq!(journal.read().0, [10, 11, 12]);
    assert_eq!(
        journal.problems(),
        [Problem::CheckpointBeyondEnd(Position { segment: 9, offset: 256 })]
    );
    // A checkpoint nobody can read is none.
    journal.sim.edit(&dir.join("checkpoint"), |bytes| bytes[20] ^= 1);
    assert_eq!(checkpoint::load_on(&journal.disk(), &dir).unwrap(), None);
}

#[test]
fn a_journal_is_forgotten_once_drained_ended_and_old() {
    let journal = Fixture::new(2);
    let dir = journal.place.dir();
    let forget = |keep_from_ms| remove::forget_on(&journal.disk(), &dir, keep_from_ms).unwrap();
    let drained = || {
        let mut reader =
            Reader::open_on(journal.disk(), journal.place.clone(), Position::START, &KEY).unwrap();
        while reader.next().unwrap().is_some() {}
        reader.position()
    };
    let store = |position| checkpoint::store_on(&journal.disk(), &dir, position).unwrap();
    assert!(!forget(u64::MAX), "no checkpoint");
    store(drained());
    assert!(!forget(u64::MAX), "no end");
    journal.recover();
    assert!(!forget(u64::MAX), "its end was not read");
    store(drained());
    assert!(!forget(1_000), "too young");
    assert!(forget(1_001));
    assert!(journal.disk().list(&dir).unwrap().is_empty());
    // A crash in the middle of it: the rest goes with the next start.
    journal.sim.put(&dir.join("checkpoint"), b"");
    journal.sim.kill();
    let writer = Writer::create_on(journal.disk(), config(), 3_000, JournalId(3)).unwrap();
    assert!(writer.seal_previous().unwrap().refused.is_empty());
    assert!(journal.disk().list(&dir).unwrap().is_empty());
}

#[test]
fn waiting_is_bounded_and_a_panicking_waiter_harms_nobody() {
    let mut writer =
        Writer::create_on(Disk::Sim(Sim::default()), config(), 1_000, JournalId(1)).unwrap();
    writer.stage(CLICKS, P, b"money").unwrap();
    let mark = writer.commit().unwrap();
    let sync = writer.sync_handle();
    sync.when_durable(mark, |_| panic!("a waiter's own fault"));
    let (tell, told) = std::sync::mpsc::channel();
    for _ in 0..65_536 {
        let tell = tell.clone();
        sync.when_durable(mark, move |answer| tell.send(answer).unwrap());
    }
    assert_eq!(told.try_recv(), Ok(Err(SyncError::TooMany)));
    sync.sync_now().unwrap();
    assert_eq!(told.try_iter().filter(|answer| answer == &Ok(())).count(), 65_535);
}

#[test]
fn a_clock_far_behind_the_newest_start_is_told_and_a_little_is_waited_out() {
    let journal = Fixture::new(1);
    let create = |now_ms| Writer::create_on(journal.disk(), config(), now_ms, JournalId(2));
    let config = WriterConfig { most_behind_ms: 500, ..config() };
    let refused = Writer::create_on(journal.disk(), config, 400, JournalId(3)).err().unwrap();
    assert!(
        matches!(refused, Error::ClockBehind { start_ms: 1_000, now_ms: 400, .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("set the clock right"), "{refused}");
    let writer = create(400).unwrap();
    assert_eq!((writer.start_ms(), writer.stamp_ms()), (1_001, 1_001));
}

#[test]
fn a_quiet_journal_begins_a_segment_each_day_of_its_stamps() {
    let sim = Sim::default();
    let config = WriterConfig { segment_ms: 1_000, segment_bytes: 64 << 20, ..config() };
    let mut writer =
        Writer::create_on(Disk::Sim(sim.clone()), config, 1_000, JournalId(1)).unwrap();
    let mut beat = |stamp_ms| {
        writer.heartbeat(stamp_ms).unwrap();
        writer.commit().unwrap().0.segment
    };
    assert_eq!([1_500, 1_999, 2_000, 2_500, 2_999, 3_000].map(&mut beat), [1, 1, 2, 2, 2, 3]);
    drop(writer);
    assert!(
        verify_on(&Disk::Sim(sim), &JournalRef::new("/j".as_ref(), "core", JournalId(1)), &KEY)
            .unwrap()
            .is_sound()
    );
}
