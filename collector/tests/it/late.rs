//! A collector that comes back after a day: what its journals hold is shipped as it was stamped, beside what comes
//! now.

use journal::{JournalId, Partition, TopicId, Writer, WriterConfig};
use schemas::{
    event::{Click, Message},
    topic::Topic,
};
use std::{collections::BTreeMap, path::Path};

use crate::{
    event_log::PARTITIONS,
    harness::until,
    process::Process,
    ship::{shipping, strs},
};

const JOURNAL: u64 = 0x0102_0304_0506_0708;
/// 2026-01-01, noon.
const NOON: u64 = 1_767_268_800_000;
const MINUTE: u64 = 60_000;
const MINUTES: u64 = 24 * 60;

/// A day of three clicks a minute, and a heartbeat each; the collector was killed then.
fn write_a_day(root: &Path, key: journal::Key) {
    let config = WriterConfig::new(root, "c0", PARTITIONS, key);
    let mut writer = Writer::create(config, NOON, JournalId(JOURNAL)).unwrap();
    for minute in 0..MINUTES {
        for n in 0..3 {
            let time_ms = NOON + minute * MINUTE + n;
            let shard = (minute * 3 + n) as u32 % 4096;
            let mut click = Click { time_ms, shard, link: 42, site: 1, ..Click::default() };
            click.user_agent = "x".repeat(300);
            let partition = Partition(shard as u16 % PARTITIONS);
            let bytes = click.encode_to_vec();
            writer.stage(TopicId(Topic::Clicks.id()), partition, &bytes).unwrap();
        }
        writer.heartbeat(NOON + minute * MINUTE + 1000).unwrap();
        writer.commit().unwrap();
    }
}

#[test]
fn a_day_of_a_journal_is_shipped_as_it_was_stamped_beside_what_comes_now() {
    let (collector, mut log) = shipping("day", &[]);
    let arguments = log.arguments();
    let root = collector.folder.path().join("process/journal");
    write_a_day(&root, collector.keys.journal());
    let away = ["--kafka", "127.0.0.1:1", "--backlog-mb", "1"];
    let mut process = Process::start_with(&collector, "", &away);
    until("it has more than may wait", || process.get("/c/go").status == 503);
    process.kill();

    let full = [strs(&arguments), vec!["--backlog-mb", "1"]].concat();
    let process = Process::start_with(&collector, "", &full);
    until("visitors are served again", || process.get("/c/go").status == 302);
    process.terminate();
    log.read_until("everything is there", |log| log.is_whole(3));
    let mut stamps = BTreeMap::new();
    let mut clicks = 0;
    for ((journal, _, partition, _), bytes) in log.records() {
        let click = Click::decode(bytes.as_slice()).unwrap();
        let last = stamps.entry((journal, partition)).or_insert(0);
        assert!(click.time_ms >= *last, "in the order in which it happened");
        *last = click.time_ms;
        clicks += u64::from(journal == JOURNAL);
    }
    assert_eq!(clicks, 3 * MINUTES);
    // Its heartbeats tell the times of that day, and its end is no later than the last of them.
    let of_it = log.messages.iter().filter(|(.., batch)| batch.journal == JOURNAL);
    let beats = of_it.clone().filter_map(|(.., batch)| batch.heartbeat.as_ref());
    let last = NOON + (MINUTES - 1) * MINUTE + 1000;
    assert_eq!(beats.clone().map(|beat| beat.time_ms).max(), Some(last));
    assert_eq!(beats.count() as u64, MINUTES * u64::from(PARTITIONS) * 2);
    assert!(of_it.filter_map(|(.., batch)| batch.end.as_ref()).all(|end| end.time_ms == last));
}
