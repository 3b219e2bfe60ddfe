//! Threads and processes at one journal, on real files: a reader that follows a writer, `kill -9`, a full disk.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use journal::{Body, JournalId, Partition, Position, Reader, TopicId, Writer, WriterConfig};

const KEY: [u8; 32] = [9; 32];
const CLICKS: TopicId = TopicId(0);
const P: Partition = Partition(0);

/// Set for the process that is to be killed: the folder it writes to.
const WRITE_TO: &str = "JOURNAL_TEST_WRITE_TO";

fn config(root: &Path) -> WriterConfig {
    let mut config = WriterConfig::new(root, "core-0", 1, KEY);
    config.segment_bytes = 100_000;
    config
}

fn payload(seq: u64) -> Vec<u8> {
    let mut payload = seq.to_le_bytes().to_vec();
    payload.resize(8 + (seq * 7919 % 600) as usize, seq as u8);
    payload
}

/// Reads on from the reader's position, checks that seqs follow `next`, and gives the seq after the last.
fn follow(reader: &mut Reader, mut next: u64) -> u64 {
    // Now less than a batch, now many.
    let bytes = 1 + (next * 7919 % 60_000) as usize;
    reader
        .read_batch(bytes, |entry| match entry.body {
            Body::Record { seq, payload: got, .. } => {
                assert_eq!((seq, got), (next, &payload(seq)[..]));
                next += 1;
            }
            Body::Corrupt(corrupt) => panic!("{corrupt:?} at {}", entry.at),
            _ => {}
        })
        .unwrap();
    next
}

#[test]
fn a_reader_follows_a_writer_through_its_segments() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(config(folder.path()), 1_000, JournalId(1)).unwrap();
    let root = folder.path().to_path_buf();
    let read = move || {
        let mut reader =
            Reader::open(&root, "core-0", JournalId(1), Position::START, &KEY).unwrap();
        let mut next = 1;
        while !reader.is_ended() {
            next = follow(&mut reader, next);
            std::thread::yield_now();
        }
        next
    };
    let readers = [std::thread::spawn(read.clone()), std::thread::spawn(read)];
    let mut seq = 0;
    for batch in 0..3_000_u64 {
        for _ in 0..batch % 12 {
            seq = writer.stage_with(CLICKS, P, |seq, to| to.extend(payload(seq))).unwrap();
        }
        if batch % 10 == 0 {
            writer.heartbeat(2_000 + batch).unwrap();
        }
        writer.commit().unwrap();
    }
    assert!(writer.stats().segments > 20);
    writer.end(Some((JournalId(2), 9_000))).unwrap();
    for reader in readers {
        assert_eq!(reader.join().unwrap(), seq + 1);
    }
}

/// Not a test: what the killed process runs.
#[test]
fn write_until_killed() {
    let Ok(root) = std::env::var(WRITE_TO) else { return };
    let mut writer = Writer::create(config(root.as_ref()), 1_000, JournalId(1)).unwrap();
    loop {
        for _ in 0..7 {
            writer.stage_with(CLICKS, P, |seq, to| to.extend(payload(seq))).unwrap();
        }
        writer.commit().unwrap();
        // Only now may anyone be told. To stderr, which the test harness leaves alone.
        eprintln!("acknowledged {}", writer.next_seq(CLICKS, P) - 1);
    }
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    for lines in [1, 40, 400] {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "write_until_killed", "--nocapture"])
            .env(WRITE_TO, folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut last = || told.next()?.ok()?.strip_prefix("acknowledged ")?.parse::<u64>().ok();
        let mut acknowledged = 0;
        for _ in 0..lines {
            acknowledged = last().unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it still said before it died. Its last line may be cut.
        while let Some(seq) = last() {
            acknowledged = acknowledged.max(seq);
        }

        let next = Writer::create(config(folder.path()), 1_000, JournalId(2)).unwrap();
        let recovered = next.seal_previous().unwrap();
        assert!(recovered.refused.is_empty(), "{:?}", recovered.refused);
        assert_eq!(recovered.sealed[0].repair.corrupt, 0);
        let mut reader =
            Reader::open(folder.path(), "core-0", JournalId(1), Position::START, &KEY).unwrap();
        let mut next_seq = 1;
        while !reader.is_ended() {
            next_seq = follow(&mut reader, next_seq);
        }
        assert!(next_seq > acknowledged, "{acknowledged} was acknowledged, {next_seq} comes next");
        let found = journal::verify(folder.path(), "core-0", JournalId(1), &KEY).unwrap();
        assert!(found.is_sound(), "{found}");
    }
}

/// A file system of one megabyte, for as long as this lives.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null());
        mount.status().ok()?.success().then(|| Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a panicking test may still hold a file.
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

const FULL_DISK: &str = "a_disk_that_was_full_takes_records_again";

/// Runs a test again where everybody may mount: in a user's and mount namespace of its own.
fn with_leave_to_mount(test: &str) {
    assert!(std::env::var_os("IN_NAMESPACE").is_none(), "no small disk can be mounted even there");
    let status = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env("IN_NAMESPACE", "1")
        .status();
    assert!(status.unwrap().success(), "{test} failed, or this machine has no user namespaces");
}

#[test]
fn a_disk_that_was_full_takes_records_again() {
    let Some(SmallDisk(folder)) = &SmallDisk::new() else { return with_leave_to_mount(FULL_DISK) };
    let ballast = folder.path().join("ballast");
    let mut writer = Writer::create(config(folder.path()), 1_000, JournalId(1)).unwrap();
    let mut seq = 0;
    for _ in 0..3 {
        std::fs::write(&ballast, vec![0; 600_000]).unwrap();
        loop {
            let staged = writer.stage_with(CLICKS, P, |seq, to| to.extend(payload(seq))).unwrap();
            match writer.commit() {
                Ok(_) => seq = staged,
                Err(e) => break assert!(e.is_disk_full(), "{e}"),
            }
        }
        assert!(writer.commit().is_ok(), "nothing staged, nothing refused");
        std::fs::remove_file(&ballast).unwrap();
        assert_eq!(
            writer.stage_with(CLICKS, P, |seq, to| to.extend(payload(seq))).unwrap(),
            seq + 1
        );
        writer.commit().unwrap();
        seq += 1;
        // Make room as a processor does: drained, so trimmed.
        let mut reader =
            Reader::open(folder.path(), "core-0", JournalId(1), Position::START, &KEY).unwrap();
        let mut next = None;
        while reader
            .read_batch(60_000, |entry| {
                if let Body::Record { seq, payload: got, .. } = entry.body {
                    assert!(next.is_none_or(|next| next == seq), "{next:?} {seq}");
                    assert_eq!(got, payload(seq));
                    next = Some(seq + 1);
                }
            })
            .unwrap()
            > 0
        {}
        assert_eq!(next, Some(seq + 1));
        let trimmed = journal::trim(&writer.place().dir(), reader.position(), u64::MAX).unwrap();
        assert!(trimmed.segments > 0);
        // The syncing thread holds files it has not synced yet, and with them their room.
        writer.sync_handle().sync_now().unwrap();
    }
}
