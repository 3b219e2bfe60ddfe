//! What is known of every journal while the processor runs: who it is, which of its records are in,
//! how far its own time has come. Knows no store; the sets are loaded and saved by `stores`.

mod incarnation;
#[cfg(test)]
mod tests;

pub(crate) use incarnation::{Incarnation, Lane};

use schemas::{event::ClickRef, topic::Topic};
use std::collections::BTreeMap;

use crate::{
    batch::Batch,
    ownership::Scope,
    stores::{
        journals::Known,
        seqs::{Key, Seqs},
    },
};

/// A click id names its journal by these bits.
pub(crate) const ALIAS: u64 = 0xf_ffff;

/// A click's place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) journal: u64,
    pub(crate) partition: u16,
    pub(crate) seq: u64,
}

/// Whether a click was received, as far as is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Received {
    Yes,
    /// Everything where it would be is in up to this time.
    NotYet {
        read_to_ms: u64,
    },
    /// Its journal has other partitions than the conversion's, and this one is another processor's: PostgreSQL knows.
    AskOwner,
}

/// All journals.
#[derive(Debug)]
pub(crate) struct Journals {
    all: BTreeMap<u64, Incarnation>,
    scope: Scope,
}

impl Journals {
    /// From what is stored.
    pub(crate) fn new(
        scope: Scope,
        known: Vec<Known>,
        seqs: Vec<(Key, Seqs)>,
        lost: &[(Key, u64, u64)],
    ) -> Self {
        let mut all = Self { all: BTreeMap::new(), scope };
        known.into_iter().for_each(|one| all.add(one));
        for (key, first, last) in lost {
            if let Some(lane) = all.lane_mut(*key) {
                lane.lost.insert_span(*first, *last);
            }
        }
        for (key, set) in seqs {
            if let Some(lane) = all.lane_mut(key) {
                // Sealed before its lanes were told apart.
                let ended = set.ended || lane.seqs.ended;
                let heard_ms = set.heard_ms.max(lane.seqs.heard_ms);
                lane.seqs = Seqs { ended, heard_ms, ..set };
            }
        }
        all.all.values_mut().for_each(Incarnation::count_holes);
        all
    }

    /// One more.
    pub(crate) fn add(&mut self, known: Known) {
        self.all.insert(known.journal, Incarnation::new(known, &self.scope));
    }

    /// Those that another processor has taken in meanwhile.
    pub(crate) fn add_absent(&mut self, known: Vec<Known>) {
        for one in known {
            if !self.all.contains_key(&one.journal) {
                self.add(one);
            }
        }
    }

    pub(crate) fn get(&self, journal: u64) -> Option<&Incarnation> {
        self.all.get(&journal)
    }

    pub(crate) fn get_mut(&mut self, journal: u64) -> Option<&mut Incarnation> {
        self.all.get_mut(&journal)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Incarnation> {
        self.all.values()
    }

    /// What of them is ours.
    pub(crate) const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// A set, to change it.
    pub(crate) fn lane_mut(&mut self, key: Key) -> Option<&mut Lane> {
        self.get_mut(key.journal)?.lane_mut(key.topic, key.partition)
    }

    /// The journal that a click id names by 20 bits and a time: the collector's incarnation that had
    /// begun last by then; an import, whose events are older than itself, where there is none.
    pub(crate) fn resolve(&self, click: &ClickRef) -> Option<&Incarnation> {
        let named = || {
            self.all.values().filter(|one| one.known.journal & ALIAS == u64::from(click.journal))
        };
        named()
            .filter(|one| !one.known.import && one.known.start_ms <= click.time_ms)
            .max_by_key(|one| one.known.start_ms)
            .or_else(|| named().find(|one| one.known.import))
            .or_else(|| named().next())
    }

    /// Where a click is in the log, once its journal is known, and whether it was received.
    pub(crate) fn find(&self, click: &ClickRef) -> Option<(Place, Received)> {
        let incarnation = self.resolve(click)?;
        let partition = incarnation.partition(click.shard);
        let place = Place { journal: incarnation.known.journal, partition, seq: click.seq };
        let lane = incarnation.lane(Topic::Clicks, partition)?;
        let received = lane.seqs.covered.contains(click.seq) && !lane.lost.contains(click.seq);
        let answer = match (self.scope.owns(partition), received) {
            (false, _) => Received::AskOwner,
            (true, true) => Received::Yes,
            (true, false) => Received::NotYet { read_to_ms: incarnation.read_to_ms(partition) },
        };
        Some((place, answer))
    }

    /// How far every collector's log of a partition is read to its end: the slowest one that is live or misses
    /// something; `None` while a declared slot was never heard of.
    pub(crate) fn watermark(&self, slots: &[String], partition: u16) -> Option<u64> {
        let mut watermark = u64::MAX;
        for slot in slots {
            let of_slot =
                || self.all.values().filter(|one| !one.known.import && one.known.slot == *slot);
            let holding = of_slot().filter(|one| one.holds_in(partition));
            let heard = |one: &Incarnation| one.heard_in(partition).max(one.known.start_ms);
            let slowest = holding.map(heard).min();
            // A slot whose journals have all ended says nothing beyond their end.
            let ended = || of_slot().filter_map(|one| one.known.ended_ms).max();
            watermark = watermark.min(slowest.or_else(ended)?);
        }
        (watermark < u64::MAX).then_some(watermark)
    }

    /// How far every collector's log of all partitions of ours is read to its end; `None` while there is no
    /// journal, or one of a declared slot was never heard of.
    pub(crate) fn complete_ms(&self, slots: &[String]) -> Option<u64> {
        let mut owned: Vec<u16> = self.all.values().flat_map(Incarnation::owned).copied().collect();
        owned.sort_unstable();
        owned.dedup();
        let slowest = owned.into_iter().map(|partition| self.watermark(slots, partition)).min();
        slowest.flatten()
    }

    /// The slowest time that events of ours may still come with: claims older than a window before it are
    /// not asked for any more.
    pub(crate) fn slowest_ms(&self, slots: &[String]) -> u64 {
        let imports = self.all.values().filter(|one| one.known.import && one.is_live());
        let imports = imports.map(|one| one.newest_ms).min().unwrap_or(u64::MAX);
        self.complete_ms(slots).map_or(0, |complete| complete.min(imports))
    }

    /// Seqs of ours announced and not in.
    pub(crate) fn holes(&self) -> u64 {
        self.all.values().map(Incarnation::holes).sum()
    }

    /// The sets this batch changed.
    pub(crate) fn touched(&self) -> Vec<(Key, &Seqs)> {
        let lanes = self.all.values().flat_map(Incarnation::lanes);
        lanes.filter(|(_, lane)| lane.dirty).map(|(key, lane)| (key, &lane.seqs)).collect()
    }

    /// Moves what the lanes gathered in this batch into it.
    pub(crate) fn gather(&mut self, batch: &mut Batch) {
        self.all.values_mut().for_each(Incarnation::keep_ahead);
        for (key, lane) in self.all.values_mut().flat_map(Incarnation::lanes_mut) {
            if lane.held.rows() > 0 {
                batch.clicks.put(key, std::mem::take(&mut lane.held));
            }
            if !lane.labels.is_empty() {
                let labels = std::mem::take(&mut lane.labels);
                batch.labels.insert((key.journal, key.partition), labels);
            }
        }
    }

    /// After the commit: nothing is changed any more.
    pub(crate) fn settle(&mut self) {
        for (_, lane) in self.all.values_mut().flat_map(Incarnation::lanes_mut) {
            lane.dirty = false;
        }
    }
}
