//! One incarnation of a journal, as far as this processor owns it: what is in, what was announced, how far
//! its own time has come. Knows no store.

use schemas::topic::Topic;

use crate::{
    batch::{Batch, Held},
    ownership::Scope,
    ranges::Ranges,
    said::Of,
    stores::{
        journals::Known,
        labels::Labels,
        seqs::{Key, Seqs},
    },
};

/// One (topic, partition) of a journal: its set, and what the batch under way adds.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    pub(crate) seqs: Seqs,
    /// Changed in this batch.
    pub(crate) dirty: bool,
    /// Rows of this batch's block.
    pub(crate) held: Held,
    /// Invalid clicks of this batch.
    pub(crate) labels: Labels,
    /// Numbers declared lost: in the set, so that nothing waits for them, and never decided.
    pub(crate) lost: Ranges,
    /// Seqs announced and not in: while there are any, its time stands still.
    holes: u64,
    /// What of `seqs.heard_ms` is stored with the lane itself.
    kept_ms: u64,
}

impl Lane {
    /// Counts what was announced and is not in.
    fn count_holes(&mut self) {
        let Seqs { covered, announced, .. } = &self.seqs;
        self.holes = if covered.covers(*announced) {
            0
        } else {
            covered.holes(*announced).iter().map(|(first, last)| last - first + 1).sum()
        };
    }

    /// Notes what the journal says it has written.
    fn announce(&mut self, last: u64) {
        if self.seqs.announced < last {
            self.seqs.announced = last;
            self.dirty = true;
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Incarnation {
    pub(crate) known: Known,
    /// By topic, then partition; those of other owners are empty.
    lanes: Vec<Lane>,
    /// The partitions that are ours.
    owned: Vec<u16>,
    /// Everything of ours up to this time is in.
    pub(crate) heard_ms: u64,
    /// Newest event time read.
    pub(crate) newest_ms: u64,
}

impl Incarnation {
    /// A journal with nothing read.
    pub(crate) fn new(known: Known, scope: &Scope) -> Self {
        let ended = known.ended_ms.is_some();
        let heard = |partition: u16| known.heard.get(usize::from(partition)).copied().unwrap_or(0);
        let lane = |partition| Lane {
            seqs: Seqs { ended, heard_ms: heard(partition), ..Seqs::default() },
            ..Lane::default()
        };
        let lanes = Topic::ALL.iter().flat_map(|_| (0..known.partitions).map(lane)).collect();
        let owned: Vec<u16> =
            (0..known.partitions).filter(|partition| scope.owns(*partition)).collect();
        let heard_ms = owned.iter().map(|partition| heard(*partition)).min().unwrap_or(0);
        Self { lanes, owned, heard_ms, newest_ms: 0, known }
    }

    fn place(&self, topic: Topic, partition: u16) -> usize {
        let row = usize::from(topic.id() - 1);
        row * usize::from(self.known.partitions) + usize::from(partition)
    }

    /// A topic's partition; `None` for one the journal does not have.
    pub(crate) fn lane(&self, topic: Topic, partition: u16) -> Option<&Lane> {
        if partition < self.known.partitions {
            self.lanes.get(self.place(topic, partition))
        } else {
            None
        }
    }

    /// The same, to change it.
    pub(crate) fn lane_mut(&mut self, topic: Topic, partition: u16) -> Option<&mut Lane> {
        let place = self.place(topic, partition);
        if partition < self.known.partitions { self.lanes.get_mut(place) } else { None }
    }

    /// The partition of a shard.
    pub(crate) fn partition(&self, shard: u32) -> u16 {
        u16::try_from(shard % u32::from(self.known.partitions)).unwrap_or(0)
    }

    /// The partitions that are ours.
    pub(crate) fn owned(&self) -> &[u16] {
        &self.owned
    }

    /// Seqs of ours announced and not in.
    pub(crate) fn holes(&self) -> u64 {
        self.own_lanes().map(|lane| lane.holes).sum()
    }

    /// Counts anew what was announced and is not in.
    pub(crate) fn count_holes(&mut self) {
        self.lanes.iter_mut().for_each(Lane::count_holes);
    }

    /// Takes in what the journal said: how far it had come, and when.
    pub(crate) fn hear(&mut self, of: Of<'_>, time_ms: u64, batch: &mut Batch) {
        match of {
            Of::Every(last) => {
                for (topic, partition, seq) in last.iter() {
                    let topic = Topic::from_id(topic.0);
                    let lane = topic.and_then(|topic| self.lane_mut(topic, partition.0));
                    lane.into_iter().for_each(|lane| lane.announce(seq));
                }
                self.lanes.iter_mut().for_each(|lane| beat(lane, time_ms));
            }
            Of::Lane { topic, partition, last } => {
                if let Some(lane) = self.lane_mut(topic, partition) {
                    lane.announce(last);
                    beat(lane, time_ms);
                }
            }
        }
        self.advance(batch);
    }

    /// Takes a number into its set; false where it was in before, `None` for a partition the journal does not have.
    pub(crate) fn receive(
        &mut self,
        (topic, partition): (Topic, u16),
        seq: u64,
        batch: &mut Batch,
    ) -> Option<bool> {
        let lane = self.lane_mut(topic, partition)?;
        lane.dirty = true;
        if !lane.seqs.covered.insert(seq) {
            lane.seqs.repeated += 1;
            return Some(false);
        }
        lane.seqs.received += 1;
        self.fill_hole(topic, partition, batch);
        Some(true)
    }

    /// A record came that was announced long ago: what waited for it goes on. A live journal says the next time itself;
    /// one that has ended never will.
    fn fill_hole(&mut self, topic: Topic, partition: u16, batch: &mut Batch) {
        let Some(lane) = self.lane_mut(topic, partition).filter(|lane| lane.holes > 0) else {
            return;
        };
        lane.count_holes();
        if lane.holes == 0
            && let Some(ended_ms) = self.known.ended_ms
        {
            self.hear_end(ended_ms, batch);
        }
    }

    /// The first numbers of ours that were announced and are not in, for the log.
    pub(crate) fn first_hole(&self) -> Option<(Key, u64, u64)> {
        let holed = self.lanes().find(|(_, lane)| lane.holes > 0);
        holed.and_then(|(key, lane)| {
            let holes = lane.seqs.covered.holes(lane.seqs.announced);
            holes.first().map(|(first, last)| (key, *first, *last))
        })
    }

    /// Everything is as it was said at the end: after records were declared lost.
    pub(crate) fn hear_end(&mut self, ended_ms: u64, batch: &mut Batch) {
        self.lanes.iter_mut().for_each(|lane| beat(lane, ended_ms));
        self.advance(batch);
    }

    fn advance(&mut self, batch: &mut Batch) {
        let heard_ms = self.own_lanes().map(|lane| lane.seqs.heard_ms).min().unwrap_or(0);
        if heard_ms > self.heard_ms {
            self.heard_ms = heard_ms;
            batch.heard.insert(self.known.journal, heard_ms);
        }
    }

    /// Lanes that have heard more than all of ours together, so that it must be kept with each: whoever has them
    /// next reads on behind what they heard.
    pub(super) fn keep_ahead(&mut self) {
        for topic in Topic::ALL {
            for n in 0..self.owned.len() {
                let place = self.place(topic, self.owned[n]);
                let lane = &mut self.lanes[place];
                if lane.seqs.heard_ms > self.heard_ms.max(lane.kept_ms) {
                    lane.kept_ms = lane.seqs.heard_ms;
                    lane.dirty = true;
                }
            }
        }
    }

    /// Nothing more will come in these lanes: how many of them had not ended before. When all of ours have, the journal
    /// has, as far as we are concerned.
    pub(crate) fn end(&mut self, of: Of<'_>, ended_ms: u64) -> u32 {
        let mut count = 0;
        let mut end = |lane: &mut Lane| {
            if !std::mem::replace(&mut lane.seqs.ended, true) {
                lane.dirty = true;
                count += 1;
            }
        };
        match of {
            Of::Every(_) => self.lanes.iter_mut().for_each(&mut end),
            Of::Lane { topic, partition, .. } => {
                self.lane_mut(topic, partition).into_iter().for_each(&mut end);
            }
        }
        if self.own_lanes().all(|lane| lane.seqs.ended) {
            self.known.ended_ms = Some(ended_ms);
        }
        count
    }

    /// Nothing more will come of it, as a person says.
    pub(crate) fn end_all(&mut self, ended_ms: u64) {
        for lane in &mut self.lanes {
            lane.seqs.ended = true;
            lane.dirty = true;
        }
        self.known.ended_ms = Some(ended_ms);
    }

    fn own_lanes(&self) -> impl Iterator<Item = &Lane> {
        let lanes = move |topic| self.owned.iter().filter_map(move |n| self.lane(topic, *n));
        Topic::ALL.into_iter().flat_map(lanes)
    }

    fn part(&self, partition: u16) -> impl Iterator<Item = &Lane> {
        Topic::ALL.into_iter().filter_map(move |topic| self.lane(topic, partition))
    }

    /// Everything of a partition up to this time is in.
    pub(super) fn heard_in(&self, partition: u16) -> u64 {
        self.part(partition).map(|lane| lane.seqs.heard_ms).min().unwrap_or(0)
    }

    /// Whether a partition's numbers may be incomplete behind what it said: more can come, or something is missing.
    pub(super) fn holds_in(&self, partition: u16) -> bool {
        self.part(partition).any(|lane| !lane.seqs.ended || lane.holes > 0)
    }

    /// Up to when everything of a partition is in; for ever once nothing more comes and nothing is missing.
    pub(super) fn read_to_ms(&self, partition: u16) -> u64 {
        if self.holds_in(partition) { self.heard_in(partition) } else { u64::MAX }
    }

    /// Whether more can come, of ours.
    pub(crate) const fn is_live(&self) -> bool {
        self.known.ended_ms.is_none()
    }

    fn keys(&self) -> impl Iterator<Item = Key> + use<> {
        let (journal, partitions) = (self.known.journal, self.known.partitions);
        Topic::ALL.into_iter().flat_map(move |topic| {
            (0..partitions).map(move |partition| Key { journal, topic, partition })
        })
    }

    /// Every lane with its key.
    pub(super) fn lanes(&self) -> impl Iterator<Item = (Key, &Lane)> {
        self.keys().zip(&self.lanes)
    }

    /// The same, to change them.
    pub(super) fn lanes_mut(&mut self) -> impl Iterator<Item = (Key, &mut Lane)> {
        self.keys().zip(&mut self.lanes)
    }
}

/// Everything of a lane up to a time is in, unless something is missing.
fn beat(lane: &mut Lane, time_ms: u64) {
    lane.count_holes();
    if lane.holes == 0 {
        lane.seqs.heard_ms = lane.seqs.heard_ms.max(time_ms);
    }
}
