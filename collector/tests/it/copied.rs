//! A snapshot of a collector's disk, started beside the collector: two collectors with the same journals, and each
//! event in Kafka once.

use journal::JournalId;
use schemas::topic::Topic;
use std::{collections::BTreeSet, path::Path};

use crate::{
    event_log::{EventLog, Id},
    harness::kept,
    process::Process,
    ship::{shipping, strs},
};

/// Where nobody listens.
const AWAY: [&str; 2] = ["--kafka", "127.0.0.1:1"];

fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_all(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

fn click(process: &Process, times: usize) {
    for _ in 0..times {
        assert_eq!(process.get("/c/go").status, 302);
    }
}

/// The clicks in a folder's journals.
fn clicks_in(journals: &Path) -> BTreeSet<Id> {
    let ids = kept(journals).click_ids;
    ids.into_iter()
        .map(|(journal, partition, seq)| (journal, Topic::Clicks, partition, seq))
        .collect()
}

/// Of whom a journal said, at its end, that it comes next.
fn successors(log: &EventLog, of: u64) -> BTreeSet<u64> {
    let ends = log.messages.iter().filter(|(.., batch)| batch.journal == of);
    ends.filter_map(|(.., batch)| batch.end.as_ref()).map(|end| end.successor).collect()
}

#[test]
fn a_copy_of_a_collectors_disk_ships_and_ends_nothing_that_the_original_still_writes() {
    let (collector, mut log) = shipping("copied", &[]);
    let arguments = log.arguments();
    let journals = |folder: &str| collector.folder.path().join(folder).join("journal");
    let mut original = Process::start_with(&collector, "", &AWAY);
    click(&original, 50);
    // Nothing of it is in Kafka yet. Whoever starts over the snapshot begins a journal of its own, and leaves that alone.
    copy_all(&journals("process"), &journals("copy"));
    let [(first, ..)] = *Vec::from_iter(clicks_in(&journals("copy"))).first_chunk().unwrap();
    let copy = Process::start_in("copy", &collector, "", &strs(&arguments));
    assert_eq!(copy.metric("tributary_collector_recovered_journals_total{result=\"refused\"}"), 1);
    click(&copy, 30);
    log.read_until("what the copy took itself is there", |log| log.count(Topic::Clicks) == 30);
    click(&original, 20);
    copy.terminate();
    assert!(log.messages.iter().all(|(.., batch)| batch.journal != first));
    assert_eq!(kept(&journals("copy")).ends, 1, "its own");

    original.kill();
    let again = Process::start_with(&collector, "", &strs(&arguments));
    click(&again, 5);
    again.terminate();
    log.read_until("all three journals are whole in Kafka", |log| log.is_whole(3));
    let mut all = clicks_in(&journals("process"));
    assert_eq!(all.len(), 75);
    let next = *all.iter().map(|(journal, ..)| journal).find(|journal| **journal != first).unwrap();
    assert_eq!(successors(&log, first), BTreeSet::from([next]));
    // The copy holds the first fifty too.
    all.extend(clicks_in(&journals("copy")));
    assert_eq!(all.len(), 75 + 30);
    assert_eq!(log.ids(), all);
    assert_eq!(log.records().len(), all.len(), "each came once");
}

#[test]
fn a_copy_adopted_after_its_original_is_gone_ships_and_ends_what_there_was() {
    let (collector, mut log) = shipping("adopted", &[]);
    let arguments = log.arguments();
    let journals = |folder: &str| collector.folder.path().join(folder).join("journal");
    let mut original = Process::start_with(&collector, "", &strs(&arguments));
    click(&original, 20);
    log.read_until("the first are there", |log| log.count(Topic::Clicks) == 20);
    original.kill();
    let mut original = Process::start_with(&collector, "", &AWAY);
    click(&original, 50);
    original.kill();
    copy_all(&journals("process"), &journals("copy"));
    std::fs::remove_dir_all(journals("process")).unwrap();
    let all = clicks_in(&journals("copy"));
    assert_eq!(all.len(), 70);

    let ids: BTreeSet<u64> = all.iter().map(|(journal, ..)| *journal).collect();
    for id in ids {
        let key = collector.keys.journal();
        // The first has ended; its end and what came before it may be on the way all the same.
        journal::adopt(&journals("copy"), "c0", JournalId(id), &key, "its disk is gone").unwrap();
    }
    let copy = Process::start_in("copy", &collector, "", &strs(&arguments));
    click(&copy, 1);
    copy.terminate();
    log.read_until("all of it is there", |log| log.is_whole(3));
    assert_eq!(log.ids(), clicks_in(&journals("copy")));
    assert_eq!(log.count(Topic::Clicks), 71);
}
