//! What a collector and a processor do with a journal, on real files.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::path::Path;
use std::sync::mpsc;

use journal::{
    Body, Error, Import, JournalId, Partition, Position, Reader, Syncing, TopicId, Writer,
    WriterConfig, journals,
};

const KEY: [u8; 32] = [7; 32];
const CLICKS: TopicId = TopicId(0);
const CONVERSIONS: TopicId = TopicId(1);

fn config(root: &Path) -> WriterConfig {
    WriterConfig::new(root, "core-0", 4, KEY)
}

fn reader(root: &Path, id: u64, from: Position) -> Reader {
    Reader::open(root, "core-0", JournalId(id), from, &KEY).unwrap()
}

/// Everything readable from `reader`, one word each.
fn words(reader: &mut Reader) -> Vec<String> {
    let mut words = Vec::new();
    while let Some(entry) = reader.next().unwrap() {
        words.push(match entry.body {
            Body::Record { topic, partition, seq, payload } => {
                format!("{}/{}#{seq} {}", topic.0, partition.0, String::from_utf8_lossy(payload))
            }
            Body::Heartbeat { time_ms, last } => format!("heartbeat {time_ms} {last:?}"),
            Body::Skip { topic, partition, from, to } => {
                format!("skip {}/{}#{from}-{to}", topic.0, partition.0)
            }
            Body::End(end) => format!("end {:?}", end.successor),
            Body::Corrupt(what) => format!("corrupt {what:?}"),
        });
    }
    words
}

#[test]
fn what_is_committed_is_read_in_order() {
    let root = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(config(root.path()), 1_000, JournalId(1)).unwrap();
    assert_eq!(writer.next_seq(CLICKS, Partition(3)), 1);
    assert_eq!(writer.stage(CLICKS, Partition(3), b"a").unwrap(), 1);
    let mut reader = reader(root.path(), 1, Position::START);
    assert!(words(&mut reader).is_empty(), "staged is not committed");

    writer
        .stage_with(CLICKS, Partition(3), |seq, to| to.extend(format!("b{seq}").bytes()))
        .unwrap();
    writer.stage(CONVERSIONS, Partition(0), b"c").unwrap();
    writer.skip_to(CLICKS, Partition(3), 10).unwrap();
    writer.stage(CLICKS, Partition(3), b"d").unwrap();
    writer.heartbeat(2_000).unwrap();
    writer.heartbeat(1_500).unwrap();
    writer.commit().unwrap();
    let expected = [
        "0/3#1 a",
        "0/3#2 b2",
        "1/0#1 c",
        "skip 0/3#3-9",
        "0/3#10 d",
        "heartbeat 2000 [(0, 3, 10), (1, 0, 1)]",
        "heartbeat 2000 [(0, 3, 10), (1, 0, 1)]",
    ];
    assert_eq!(words(&mut reader), expected);
    writer.end(None).unwrap();
    assert_eq!(words(&mut reader), ["end None"]);
    assert!(!reader.is_ended(), "the next start names the successor");
}

#[test]
fn positions_lead_on_across_segments() {
    let root = tempfile::tempdir().unwrap();
    let mut config = config(root.path());
    config.segment_bytes = 1_000;
    let mut writer = Writer::create(config, 1_000, JournalId(1)).unwrap();
    let mut expected = Vec::new();
    for n in 1..=60_u64 {
        let payload = format!("{n:0>100}");
        writer.stage(CLICKS, Partition(0), payload.as_bytes()).unwrap();
        if n % 2 == 0 {
            writer.commit().unwrap();
        }
        expected.push(format!("0/0#{n} {payload}"));
    }
    assert!(writer.stats().segments >= 8);
    // A new reader for every entry: each position it hands out must do.
    let mut position = Position::START;
    let mut got = Vec::new();
    loop {
        let mut reader = reader(root.path(), 1, position);
        let Some(entry) = reader.next().unwrap() else { break };
        let Body::Record { topic, partition, seq, payload } = entry.body else {
            panic!("{entry:?}")
        };
        got.push(format!("{}/{}#{seq} {}", topic.0, partition.0, String::from_utf8_lossy(payload)));
        position = entry.next;
    }
    assert_eq!(got, expected);
}

#[test]
fn the_next_start_ends_the_journals_before_it() {
    let root = tempfile::tempdir().unwrap();
    for id in 1..=2 {
        let mut writer = Writer::create(config(root.path()), 5_000, JournalId(id)).unwrap();
        writer.stage(CLICKS, Partition(0), b"x").unwrap();
        writer.commit().unwrap();
        assert!(matches!(
            Writer::create(config(root.path()), 5_000, JournalId(9)),
            Err(Error::Busy(_))
        ));
    }
    let third = Writer::create(config(root.path()), 5_000, JournalId(3)).unwrap();
    assert_eq!(third.start_ms(), 5_002, "starts follow each other, whatever the clock says");
    let recovered = third.seal_previous().unwrap();
    assert_eq!((recovered.sealed.len(), recovered.refused.len()), (2, 0));
    assert!(third.seal_previous().unwrap().sealed.is_empty());

    let mut first = reader(root.path(), 1, Position::START);
    assert_eq!(words(&mut first), ["0/0#1 x", "end Some((JournalId(0000000000000002), 5001))"]);
    assert!(first.is_ended());
    assert!(reader(root.path(), 1, first.position()).is_ended(), "also for who comes later");
    let mut second = reader(root.path(), 2, Position::START);
    assert_eq!(words(&mut second), ["0/0#1 x", "end Some((JournalId(0000000000000003), 5002))"]);
    assert_eq!(journals(root.path()).unwrap().len(), 3);
}

#[test]
fn an_import_goes_on_where_it_was_and_ends_once() {
    let root = tempfile::tempdir().unwrap();
    let open = || Writer::open_import(config(root.path()), 1_000, JournalId(8)).unwrap();
    for expected in [1, 2, 3] {
        let Import::Writing(mut writer) = open() else { panic!("complete") };
        assert_eq!(writer.next_seq(CLICKS, Partition(1)), expected);
        writer.stage(CLICKS, Partition(1), b"line").unwrap();
        writer.commit().unwrap();
        if expected == 3 {
            writer.end(None).unwrap();
        }
    }
    assert!(matches!(open(), Import::Complete));
    let mut reader = reader(root.path(), 8, Position::START);
    assert_eq!(words(&mut reader), ["0/1#1 line", "0/1#2 line", "0/1#3 line", "end None"]);
    assert!(reader.is_ended());
}

#[test]
fn a_mark_is_reported_durable_by_the_thread_and_by_hand() {
    let root = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(config(root.path()), 1_000, JournalId(1)).unwrap();
    writer.stage(CONVERSIONS, Partition(0), b"money").unwrap();
    let mark = writer.commit().unwrap();
    writer.sync_handle().wait(mark).unwrap();
    drop(writer);

    let by_hand = WriterConfig { syncing: Syncing::ByHand, ..config(root.path()) };
    let mut writer = Writer::create(by_hand, 1_000, JournalId(2)).unwrap();
    writer.stage(CONVERSIONS, Partition(0), b"money").unwrap();
    let mark = writer.commit().unwrap();
    let sync = writer.sync_handle();
    let (tell, told) = mpsc::channel();
    sync.when_durable(mark, move |answer| tell.send(answer).unwrap());
    assert!(told.try_recv().is_err());
    sync.sync_now().unwrap();
    assert_eq!(told.try_recv(), Ok(Ok(())));
}

#[test]
fn inspection_tells_what_is_in_it() {
    let root = tempfile::tempdir().unwrap();
    let start_ms = 1_767_225_600_000;
    let mut writer = Writer::create(config(root.path()), start_ms, JournalId(0xabc)).unwrap();
    for n in 0..5 {
        writer.stage(CLICKS, Partition(n % 2), b"a click").unwrap();
    }
    writer.skip_to(CONVERSIONS, Partition(3), 8).unwrap();
    writer.heartbeat(start_ms + 1_000).unwrap();
    writer.heartbeat(start_ms + 3_500).unwrap();
    writer.commit().unwrap();
    let place = writer.place();
    writer.end(None).unwrap();
    let found = journal::inspect(root.path(), "core-0", place.journal, &KEY).unwrap();
    let text = found.to_string();
    let without_folder: Vec<&str> =
        text.lines().filter(|line| !line.starts_with("folder")).collect();
    let expected = "\
journal     0000000000000abc in slot core-0 (live)
header      genuine, held here, 4 partitions
started     2026-01-01T00:00:00.000Z
ended       2026-01-01T00:00:03.500Z
heartbeats  2 from 2026-01-01T00:00:01.000Z to 2026-01-01T00:00:03.500Z, at most 2500 ms apart
size        661 B in 1 segments, read to 1:661
checkpoint  none

 segment        size  begun
       1       661 B  2026-01-01T00:00:00.000Z

topic partition    first seq     last seq      records    skipped    announced   missing     payload
    0         0            1            3            3          0            3         0        21 B
    0         1            1            2            2          0            2         0        14 B
    1         3            1            7            0          7            7         0         0 B";
    assert_eq!(without_folder.join("\n"), expected);
    let verified = journal::verify(root.path(), "core-0", place.journal, &KEY).unwrap();
    assert_eq!(verified.to_string(), "journal 0000000000000abc in slot core-0: sound, 5 records\n");
    let listed = journal::list_records(&place, &KEY, 3, 1).unwrap();
    assert_eq!(
        listed[0].to_string(),
        "           1:377  topic 0 partition    1 seq            2        7 B"
    );
}
