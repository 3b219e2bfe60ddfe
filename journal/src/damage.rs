//! Journals as disks, copies and people leave them: what recovery keeps, what the reader says, what is refused.

use std::path::PathBuf;

use crate::disk::Disk;
use crate::disk::sim::Sim;
use crate::ids::{JournalId, Key, Partition, Position, TopicId};
use crate::inspect::{Problem, verify_on};
use crate::layout::{JournalRef, segment_path};
use crate::reader::{Body, Damage, Reader};
use crate::recover::{Recovered, retire_on};
use crate::sync::Syncing;
use crate::writer::{Writer, WriterConfig};
use crate::{Error, holder};

mod bytes;
mod fuzz;
mod owners;

const KEY: Key = [5; 32];
const CLICKS: TopicId = TopicId(0);
const P: Partition = Partition(0);

/// A journal with three records of 100 bytes in each of so many segments, and its writer gone.
struct Fixture {
    sim: Sim,
    place: JournalRef,
    /// Where each record begins.
    at: Vec<Position>,
}

fn config() -> WriterConfig {
    let mut config = WriterConfig::new("/j", "core", 2, KEY);
    config.syncing = Syncing::ByHand;
    config.segment_bytes = 700;
    config
}

fn payload(n: u64) -> Vec<u8> {
    format!("{n:0>100}").into_bytes()
}

impl Fixture {
    fn new(segments: u64) -> Self {
        let sim = Sim::default();
        let mut writer =
            Writer::create_on(Disk::Sim(sim.clone()), config(), 1_000, JournalId(1)).unwrap();
        let mut at = Vec::new();
        for n in 1..=3 * segments {
            writer.stage(CLICKS, P, &payload(n)).unwrap();
            let mark = writer.commit().unwrap();
            at.push(Position { offset: mark.0.offset - 120, ..mark.0 });
        }
        assert_eq!(at.last().unwrap().segment, segments as u32);
        let place = writer.place();
        drop(writer);
        sim.kill();
        Self { sim, place, at }
    }

    fn disk(&self) -> Disk {
        Disk::Sim(self.sim.clone())
    }

    fn path(&self, segment: u32) -> PathBuf {
        segment_path(&self.place.dir(), segment)
    }

    fn edit(&self, segment: u32, change: impl FnOnce(&mut Vec<u8>)) {
        self.sim.edit(&self.path(segment), change);
    }

    fn len(&self, segment: u32) -> usize {
        self.sim.bytes(&self.path(segment)).len()
    }

    /// Starts the slot's next journal and lets it end this one.
    fn recover(&self) -> Recovered {
        let writer = Writer::create_on(self.disk(), config(), 2_000, JournalId(2)).unwrap();
        let recovered = writer.seal_previous().unwrap();
        assert!(writer.seal_previous().unwrap().sealed.is_empty(), "once is enough");
        recovered
    }

    /// Seqs read, and the damage met on the way.
    fn read(&self) -> (Vec<u64>, Vec<(Position, u64, Damage)>) {
        let mut reader =
            Reader::open_on(self.disk(), self.place.clone(), Position::START, &KEY).unwrap();
        let (mut seqs, mut damage) = (Vec::new(), Vec::new());
        while let Some(entry) = reader.next().unwrap() {
            match entry.body {
                Body::Record { seq, payload: got, .. } => {
                    assert_eq!(got, payload(seq), "never a record that was not written");
                    seqs.push(seq);
                }
                Body::Corrupt(corrupt) => damage.push((entry.at, corrupt.bytes, corrupt.damage)),
                _ => {}
            }
        }
        (seqs, damage)
    }

    fn aside(&self) -> Vec<String> {
        let mut names = self.disk().list(&self.place.dir().join("aside")).unwrap();
        names.sort();
        names
    }

    fn problems(&self) -> Vec<Problem> {
        verify_on(&self.disk(), &self.place, &KEY).unwrap().problems
    }
}
