//! Doing each thing to the journal and to the model.

use std::sync::mpsc::channel;

use super::log::{Item, Log, What, take};
use super::{Op, Trouble};
use crate::disk::Disk;
use crate::disk::sim::Sim;
use crate::ids::{JournalId, Partition, Position, TopicId};
use crate::layout::JournalRef;
use crate::reader::Reader;
use crate::sync::Syncing;
use crate::writer::{Import, Writer, WriterConfig};
use crate::{Error, checkpoint, inspect};

const KEY: [u8; 32] = [3; 32];
pub(super) const PARTITIONS: u16 = 3;

pub(super) struct Model {
    sim: Sim,
    import: bool,
    truncation_works: bool,
    logs: Vec<Log>,
    writer: Option<Writer>,
    reader: Option<Reader>,
    staged: Vec<Item>,
    now_ms: u64,
    count: u64,
}

impl Model {
    pub(super) fn new(import: bool, truncation_works: bool, no_fallocate: bool) -> Self {
        let sim = Sim::default();
        sim.set(|faults| faults.no_fallocate = no_fallocate);
        let (logs, staged) = (Vec::new(), Vec::new());
        let mut model = Self {
            sim,
            import,
            truncation_works,
            logs,
            writer: None,
            reader: None,
            staged,
            now_ms: 10_000,
            count: 0,
        };
        model.start();
        model
    }

    pub(super) fn disk(&self) -> Disk {
        Disk::Sim(self.sim.clone())
    }

    pub(super) fn place(&self, log: usize) -> JournalRef {
        JournalRef::new("/j".as_ref(), "core", self.logs[log].id)
    }

    pub(super) fn log(&mut self) -> &mut Log {
        self.logs.last_mut().expect("a journal")
    }

    pub(super) fn start(&mut self) {
        self.sim.set(|faults| faults.free = None);
        let mut config = WriterConfig::new("/j", "core", PARTITIONS, KEY);
        config.segment_bytes = 4_000;
        config.syncing = Syncing::ByHand;
        self.staged.clear();
        if self.import {
            self.go_on_importing(config);
            return;
        }
        let id = JournalId(self.logs.len() as u64 + 1);
        let writer = Writer::create_on(self.disk(), config, self.now_ms, id).expect("create");
        let recovered = writer.seal_previous().expect("seal");
        assert!(recovered.refused.is_empty(), "{:?}", recovered.refused);
        assert!(writer.seal_previous().expect("again").sealed.is_empty());
        self.logs.push(Log::new(id));
        self.log().stamp_ms = writer.start_ms();
        self.writer = Some(writer);
    }

    pub(super) fn go_on_importing(&mut self, config: WriterConfig) {
        let id = JournalId(77);
        let opened = Writer::open_import_on(self.disk(), config, self.now_ms, id).expect("open");
        if self.logs.is_empty() {
            self.logs.push(Log::new(id));
        }
        let Import::Writing(mut writer) = opened else {
            self.writer = None;
            return;
        };
        let maybe = std::mem::take(&mut self.log().maybe);
        for item in maybe.into_iter().flatten() {
            if writer.next_seq(TopicId(item.topic), Partition(item.partition)) > item.seq {
                self.log().committed.push(item);
            }
        }
        for ((topic, partition), last) in Log::last_seqs(&self.log().committed) {
            assert_eq!(writer.next_seq(TopicId(topic), Partition(partition)), last + 1);
        }
        self.writer = Some(*writer);
    }

    pub(super) fn run(&mut self, op: Op) {
        self.now_ms += 7;
        match op {
            Op::Stage { topic, partition, size } => self.stage(topic, partition, size),
            Op::Skip { topic, partition, by } => self.skip(topic, partition, by),
            Op::Heartbeat { back_ms } => {
                let Some(writer) = &mut self.writer else { return };
                writer.heartbeat(self.now_ms - back_ms).expect("heartbeat");
            }
            Op::Commit => self.commit(),
            Op::CommitWith { trouble, writes_before } => self.commit_with(&trouble, writes_before),
            Op::Sync { fails } => self.sync(fails),
            Op::Space(free) => self.sim.set(|faults| faults.free = free),
            Op::Read { bytes } => self.read_newest(bytes),
            Op::ReopenReader => self.reader = None,
            Op::Trim { keep_all } => self.trim(keep_all),
            Op::Kill => {
                self.sim.kill();
                self.restart();
            }
            Op::PowerLoss { seed } => {
                self.hear_of_durability();
                self.sim.power_loss(seed);
                // What was sealed is durable, unless a sync failed.
                self.log().lost_power = true;
                self.logs.iter_mut().for_each(|log| log.lost_power |= log.sync_failed);
                self.restart();
            }
            Op::EndGracefully => self.end(),
        }
    }

    pub(super) fn restart(&mut self) {
        self.hear_of_durability();
        self.writer = None;
        self.reader = None;
        self.start();
    }

    pub(super) fn stage(&mut self, topic: u8, partition: u16, size: usize) {
        let Some(writer) = &mut self.writer else { return };
        self.count += 1;
        let mut payload = self.count.to_le_bytes().to_vec();
        payload.resize(8 + size, topic);
        let expected = writer.next_seq(TopicId(topic), Partition(partition));
        let seq = if self.count.is_multiple_of(2) {
            writer.stage(TopicId(topic), Partition(partition), &payload)
        } else {
            writer.stage_with(TopicId(topic), Partition(partition), |_, to| {
                to.extend_from_slice(&payload)
            })
        };
        assert_eq!(seq.expect("stage"), expected);
        let what = What::Record(payload);
        self.staged.push(Item { topic, partition, seq: expected, what });
    }

    pub(super) fn skip(&mut self, topic: u8, partition: u16, by: u64) {
        let Some(writer) = &mut self.writer else { return };
        let from = writer.next_seq(TopicId(topic), Partition(partition));
        writer.skip_to(TopicId(topic), Partition(partition), from + by).expect("skip");
        if by > 0 {
            let what = What::SkipTo(from + by - 1);
            self.staged.push(Item { topic, partition, seq: from, what });
        }
    }

    pub(super) fn commit(&mut self) {
        let Some(writer) = &mut self.writer else { return };
        let nothing = writer.staged_len() == 0;
        let staged = std::mem::take(&mut self.staged);
        let outcome = writer.commit();
        assert_eq!(writer.staged_len(), 0);
        match outcome {
            Ok(_) if nothing => {}
            Ok(mark) => {
                let (tell, told) = channel();
                writer.sync_handle().when_durable(mark, move |answer| {
                    let _ = tell.send(answer);
                });
                let log = self.log();
                // What a failed commit left behind, if it could not be removed, is out of reach now.
                log.maybe.clear();
                let before = log.committed.len();
                log.committed.extend(staged);
                log.marks.push((before..log.committed.len(), told));
            }
            Err(e) => {
                assert!(e.is_disk_full(), "{e}");
                self.check_seqs();
            }
        }
    }

    /// After a failed commit the seqs are those of what is committed.
    pub(super) fn check_seqs(&mut self) {
        let last = Log::last_seqs(&self.log().committed);
        let Some(writer) = &mut self.writer else { return };
        for topic in 0..2 {
            for partition in 0..PARTITIONS {
                let expected = last.get(&(topic, partition)).map_or(1, |last| last + 1);
                assert_eq!(writer.next_seq(TopicId(topic), Partition(partition)), expected);
            }
        }
    }

    pub(super) fn commit_with(&mut self, trouble: &Trouble, writes_before: u32) {
        let Some(writer) = &mut self.writer else { return };
        if writer.staged_len() == 0 {
            return;
        }
        // With imports and power losses it could not be told which of several leftovers came through.
        let always = self.truncation_works;
        self.sim.set(|faults| faults.skip_writes = writes_before);
        self.sim.set(|faults| match trouble {
            Trouble::Short { bytes, truncate_fails } => {
                faults.short_write = Some(*bytes);
                faults.fail_set_len = *truncate_fails && !always;
            }
            Trouble::Fails => faults.fail_write = true,
            Trouble::Dies { bytes } => faults.die_in_write = Some(*bytes),
        });
        let staged = std::mem::take(&mut self.staged);
        let outcome = writer.commit();
        let after = self.sim.faults();
        let truncated = always
            || !matches!(trouble, Trouble::Short { truncate_fails: true, .. })
            || after.fail_set_len;
        self.sim.set(|faults| {
            (faults.short_write, faults.die_in_write, faults.skip_writes) = (None, None, 0);
            (faults.fail_write, faults.fail_set_len) = (false, false);
        });
        match outcome {
            // The batch was shorter than the short write, and nothing came after it.
            Ok(_) => {
                let log = self.log();
                log.maybe.clear();
                log.committed.extend(staged);
            }
            Err(_) => {
                if after.dead || !truncated {
                    self.log().maybe.push(staged);
                }
                self.check_seqs();
            }
        }
        if after.dead {
            self.sim.kill();
            self.restart();
        }
    }

    pub(super) fn sync(&mut self, fails: bool) {
        let Some(writer) = &self.writer else { return };
        self.sim.set(|faults| faults.fail_sync = fails);
        // What it means for each batch is told to those who wait for it.
        let failed = writer.sync_handle().sync_now().is_err();
        self.log().sync_failed |= failed;
        self.sim.set(|faults| faults.fail_sync = false);
        self.hear_of_durability();
    }

    pub(super) fn hear_of_durability(&mut self) {
        let log = self.log();
        for (batch, told) in std::mem::take(&mut log.marks) {
            match told.try_recv() {
                Ok(Ok(())) => log.durable.push(batch),
                Ok(Err(_)) => {}
                Err(_) => log.marks.push((batch, told)),
            }
        }
    }

    pub(super) fn read_newest(&mut self, bytes: usize) {
        let newest = self.logs.len() - 1;
        if self.reader.is_none() {
            self.reader = Some(self.open(newest));
        }
        let mut reader = self.reader.take().expect("reader");
        take(&mut self.logs[newest], &mut reader, bytes);
        self.logs[newest].check();
        self.reader = Some(reader);
    }

    pub(super) fn open(&self, log: usize) -> Reader {
        let from = self.logs[log].position;
        Reader::open_on(self.disk(), self.place(log), from, &KEY).expect("open")
    }

    pub(super) fn trim(&mut self, keep_all: bool) {
        let newest = self.logs.len() - 1;
        let position = self.logs[newest].position;
        if position == Position::START {
            return;
        }
        let keep_from_ms = if keep_all { 0 } else { u64::MAX };
        match checkpoint::trim_on(&self.disk(), &self.place(newest).dir(), position, keep_from_ms) {
            Ok(trimmed) => {
                assert!(!keep_all || trimmed.segments == 0);
                (self.log().checkpoint, self.log().perhaps) = (Some(position), None);
            }
            Err(e) => {
                assert!(e.is_disk_full(), "{e}");
                self.log().perhaps = Some(position);
            }
        }
    }

    pub(super) fn end(&mut self) {
        self.sim.set(|faults| faults.free = None);
        self.commit();
        let Some(writer) = self.writer.take() else { return };
        match writer.end(None) {
            // An earlier sync may have failed, which ends the segment and not the journal.
            Ok(()) | Err(Error::Io { .. }) => {}
            Err(e) => panic!("{e}"),
        }
        self.hear_of_durability();
        self.reader = None;
        self.start();
    }

    /// Starts once more, so that everything older is ended, and reads all to the end.
    pub(super) fn finish(&mut self) {
        self.sim.set(|faults| faults.free = None);
        self.commit();
        self.hear_of_durability();
        self.writer = None;
        self.reader = None;
        self.start();
        let others = if self.import { 1 } else { self.logs.len() - 1 };
        for index in 0..others {
            let mut reader = self.open(index);
            while take(&mut self.logs[index], &mut reader, 3_000) > 0 {}
            self.logs[index].check_complete();
            assert!(self.logs[index].ended || self.import, "no end of {}", self.logs[index].id);
            let place = self.place(index);
            let stored = checkpoint::load_on(&self.disk(), &place.dir()).expect("load");
            let log = &self.logs[index];
            assert!(
                stored == log.checkpoint || (stored.is_some() && stored == log.perhaps),
                "{stored:?}"
            );
            let found = inspect::verify_on(&self.disk(), &place, &KEY).expect("verify");
            assert!(self.logs[index].lost_power || found.is_sound(), "{found}");
        }
    }
}
