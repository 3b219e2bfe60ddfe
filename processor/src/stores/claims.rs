//! Claims: which visitors were seen first when, per (site, program, visitor key).
//!
//! A visitor is unique when no claim of its key lies within the program's window of the event, before
//! or after (events come out of order; the first one committed has the claim). Per partition the
//! claims stand in generations of a day of event time, exact sets in memory; past the memory budget a
//! generation spills to sorted files behind bloom filters. Everything here can be made again from the
//! blobs that core stores with each batch, so files die with the process.
//!
//! Refuses to guess: a partition whose claims are not loaded, or a file that cannot be read, fails
//! the batch (`take_blobs`) instead of calling a visitor new. Reads no clock and no database.

use std::path::PathBuf;

use crate::error::{Error, Result};

mod blob;
mod generation;
mod spill;

use generation::{Entry, GENERATION_MS, Generation};

/// As many as a journal may have.
const MOST_PARTITIONS: u16 = 4096;

/// Where claims may grow.
#[derive(Debug, Clone)]
pub struct ClaimsConfig {
    /// Bytes of claims kept in memory, filters included; beyond it they spill.
    pub memory_bytes: usize,
    /// Folder for spilled claims; made when missing.
    pub spill: PathBuf,
}

/// The keys an event shows its visitor by; 0 stands for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keys {
    /// Of the first-party cookie.
    pub cookie: u64,
    /// Of address prefix and agent.
    pub network: u64,
    /// The same under the salt of the period before.
    pub network_previous: u64,
    /// Judge by the cookie: the visitor brought it.
    pub by_cookie: bool,
}

/// What an event asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The partition whose claims decide.
    pub partition: u16,
    /// The tenant.
    pub site: u32,
    /// The program whose window it is.
    pub program: u32,
    /// Impressions and clicks claim apart.
    pub impression: bool,
    /// When it happened.
    pub time_ms: u64,
    /// The program's window.
    pub window_ms: u64,
    /// Who it was.
    pub keys: Keys,
}

/// The claims a batch made in one partition: a row of `pipeline_claims`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// The partition.
    pub partition: u16,
    /// To be given back to `rebuild`.
    pub bytes: Vec<u8>,
    /// The earliest event.
    pub min_ms: u64,
    /// The latest event; the blob is of no more use once this is before what `advance` gives.
    pub max_ms: u64,
}

/// The claims of the partitions a processor owns.
pub struct Claims {
    config: ClaimsConfig,
    /// How many sets there are among all processors: a partition's claims are in the set of its number.
    layout: u16,
    partitions: Vec<Option<Partition>>,
    /// Claims made since `begin_batch`, in order.
    fresh: Vec<(u16, Entry)>,
    failed: Option<Error>,
}

/// Generations by their day, oldest first; two or three in everyday life.
#[derive(Default)]
struct Partition(Vec<(u64, Generation)>);

impl Claims {
    /// Without any partition.
    pub fn new(config: ClaimsConfig) -> Self {
        Self::with_layout(config, MOST_PARTITIONS)
    }

    /// The same, for so many partitions: 1 where every record comes to this process, so that claims answer alike
    /// whatever partitions the journals have.
    pub fn with_layout(config: ClaimsConfig, layout: u16) -> Self {
        Self { config, layout, partitions: Vec::new(), fresh: Vec::new(), failed: None }
    }

    /// See `with_layout`.
    pub const fn layout(&self) -> u16 {
        self.layout
    }

    /// Takes a partition over: its claims are those of the blobs, in any order. Between batches only,
    /// since what it loads may make sets spill, and what has spilled cannot be rolled back.
    ///
    /// # Errors
    /// `Stored` for a blob no version writes, `File` when spilling fails; the partition is then not
    /// loaded.
    pub fn rebuild<'a>(
        &mut self,
        partition: u16,
        blobs: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<()> {
        self.open(partition);
        blobs.into_iter().try_for_each(|bytes| self.load(partition, bytes))
    }

    /// Begins to take a partition over: `load` gives it its claims.
    pub fn open(&mut self, partition: u16) {
        *self.slot(partition) = Some(Partition::default());
    }

    /// Gives a partition that is being taken over the claims of one blob.
    ///
    /// # Errors
    /// As `rebuild`.
    pub fn load(&mut self, partition: u16, bytes: &[u8]) -> Result<()> {
        let loaded = self.insert(partition, bytes);
        if loaded.is_err() {
            self.release(partition);
        }
        loaded
    }

    /// Gives a partition up.
    pub fn release(&mut self, partition: u16) {
        *self.slot(partition) = None;
    }

    /// Drops what no event can meet any more: generations that ended a longest window before the
    /// slowest live journal. Gives the time before which blobs are of no more use.
    pub fn advance(&mut self, slowest_live_ms: u64, longest_window_ms: u64) -> u64 {
        let day = slowest_live_ms.saturating_sub(longest_window_ms) / GENERATION_MS;
        for partition in self.partitions.iter_mut().flatten() {
            partition.0.retain(|(number, _)| *number >= day);
        }
        day * GENERATION_MS
    }

    /// The batch before is committed, a new one begins.
    ///
    /// # Errors
    /// `File` when spilling fails; nothing is lost.
    pub fn begin_batch(&mut self) -> Result<()> {
        self.fresh.clear();
        self.spill()
    }

    /// Whether the visitor is new, and if so, its claim. False once the batch has failed.
    pub fn claim(&mut self, claim: &Claim) -> bool {
        if self.failed.is_some() {
            return false;
        }
        let set = claim.partition % self.layout;
        let Some(Some(partition)) = self.partitions.get_mut(usize::from(set)) else {
            self.failed = Some(Error::Claims("the partition's claims are not loaded"));
            return false;
        };
        let context = context(claim);
        let Keys { cookie, network, network_previous, by_cookie } = claim.keys;
        let judged = if by_cookie { [cookie, 0] } else { [network, network_previous] };
        let mut judge = judged.into_iter().filter(|key| *key != 0).peekable();
        if judge.peek().is_none() {
            return false;
        }
        for key in judge {
            match partition.holds(key ^ context, claim.time_ms, claim.window_ms) {
                Ok(false) => {}
                Ok(true) => return false,
                Err(error) => {
                    self.failed = Some(error);
                    return false;
                }
            }
        }
        self.put(claim, context);
        true
    }

    /// Claims every key the visitor shows, unless another visitor behind the same key has done so
    /// within the window: a key holds one claim a window, however many come from its network.
    fn put(&mut self, claim: &Claim, context: u64) {
        let set = claim.partition % self.layout;
        let Some(Some(partition)) = self.partitions.get_mut(usize::from(set)) else {
            return;
        };
        let Keys { cookie, network, network_previous, .. } = claim.keys;
        for key in [cookie, network, network_previous].into_iter().filter(|key| *key != 0) {
            let entry = Entry::new(key ^ context, claim.time_ms);
            match partition.holds(entry.fingerprint, claim.time_ms, claim.window_ms) {
                Ok(true) => {}
                Ok(false) => {
                    partition.insert(entry);
                    self.fresh.push((set, entry));
                }
                Err(error) => self.failed = Some(error),
            }
        }
    }

    /// The claims of the batch, a blob for each partition that has some, for its transaction.
    ///
    /// # Errors
    /// What made a claim impossible to judge: the batch must not be committed.
    pub fn take_blobs(&mut self) -> Result<Vec<Blob>> {
        match self.failed.take() {
            Some(error) => Err(error),
            None => Ok(blob::of(&mut self.fresh)),
        }
    }

    /// The batch failed: none of its claims was made.
    pub fn rollback(&mut self) {
        self.failed = None;
        for (number, entry) in self.fresh.drain(..) {
            if let Some(Some(partition)) = self.partitions.get_mut(usize::from(number)) {
                partition.remove(entry);
            }
        }
    }

    /// Bytes in memory: sets, filters and the files' indices.
    pub fn memory_bytes(&self) -> usize {
        self.generations().map(Generation::memory_bytes).sum()
    }

    /// Claims held, in memory and on disk.
    pub fn count(&self) -> usize {
        self.generations().map(Generation::count).sum()
    }

    fn generations(&self) -> impl Iterator<Item = &Generation> {
        self.partitions.iter().flatten().flat_map(|partition| &partition.0).map(|(_, own)| own)
    }

    fn insert(&mut self, partition: u16, bytes: &[u8]) -> Result<()> {
        let entries = blob::read(bytes).ok_or(Error::Stored { what: "a blob of claims" })?;
        if let Some(partition) = self.slot(partition) {
            entries.into_iter().for_each(|entry| partition.insert(entry));
        }
        self.spill()
    }

    fn slot(&mut self, partition: u16) -> &mut Option<Partition> {
        let place = usize::from(partition);
        if self.partitions.len() <= place {
            self.partitions.resize_with(place + 1, || None);
        }
        &mut self.partitions[place]
    }

    /// Moves the largest sets to disk when memory is over its budget. Filters may fill half of it,
    /// and small sets stay whatever the filters take, or every batch would write a file. Only between
    /// batches, so that a batch rolled back is wholly in memory.
    fn spill(&mut self) -> Result<()> {
        let budget = self.config.memory_bytes;
        while self.memory_bytes() > budget && self.set_bytes() > budget / 4 {
            let files = self.memory_bytes() - self.set_bytes();
            let generations =
                self.partitions.iter_mut().flatten().flat_map(|partition| &mut partition.0);
            let largest = generations.max_by_key(|(_, generation)| generation.set_bytes());
            let Some((_, generation)) = largest else { break };
            generation.spill(&self.config.spill, (budget / 2).saturating_sub(files))?;
        }
        Ok(())
    }

    fn set_bytes(&self) -> usize {
        self.generations().map(Generation::set_bytes).sum()
    }
}

impl Partition {
    /// Whether a claim of the key lies within the window of a time, before or after.
    fn holds(&self, fingerprint: u64, time_ms: u64, window_ms: u64) -> Result<bool> {
        let reach = window_ms.saturating_sub(1);
        let first = time_ms.saturating_sub(reach) / GENERATION_MS;
        let last = time_ms.saturating_add(reach) / GENERATION_MS;
        for (day, generation) in self.0.iter().rev() {
            if (first..=last).contains(day) && generation.holds(fingerprint, time_ms, window_ms)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn insert(&mut self, entry: Entry) {
        let day = entry.day();
        let place = match self.0.binary_search_by_key(&day, |(day, _)| *day) {
            Ok(place) => place,
            Err(place) => {
                self.0.insert(place, (day, Generation::new(day)));
                place
            }
        };
        self.0[place].1.insert(entry);
    }

    fn remove(&mut self, entry: Entry) {
        if let Ok(place) = self.0.binary_search_by_key(&entry.day(), |(day, _)| *day) {
            self.0[place].1.remove(entry);
        }
    }
}

/// What makes one visitor's claims in several programs differ. Visitor keys are keyed hashes, so
/// that mixing by exclusive or keeps them evenly spread.
const fn context(claim: &Claim) -> u64 {
    let scope = (claim.site as u64) << 33 | (claim.program as u64) << 1 | claim.impression as u64;
    // The finalizer of splitmix64.
    let mixed = (scope ^ (scope >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests;
