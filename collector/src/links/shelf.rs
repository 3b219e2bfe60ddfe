//! Links side by side in few bytes: an index by hash in 4,096 buckets, and records in large blocks.
//!
//! A lookup allocates nothing and touches few cache lines, which is what it costs: the index where the
//! hash says, the record with its code and destination behind it. One shelf holds all links of a
//! picture; a bucket that changes gets a shelf of its own. Refuses to be changed in place: cores may be
//! reading.

use schemas::ids::{AffiliateId, LinkId, ProgramId};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::block::{self, Block, Blocks, Place};

/// Buckets by hash of the code, and shelves by id.
pub(super) const BUCKETS: usize = 4096;

const ACTIVE: u8 = 1;
const BROKEN: u8 = 2;

/// Bytes of a record before its code: five numbers of 32 bits, the expiry, three lengths and flags.
const FIXED: usize = 32;
const CACHE_LINE: usize = 64;

/// Where a link leads by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination<'a> {
    /// Nowhere: its program says.
    Programs,
    /// To this template.
    Own(&'a [u8]),
    /// It can't be used (`target::compile` refused it).
    Broken,
}

/// A link as it stands in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link<'a> {
    /// Its id.
    pub id: LinkId,
    /// What is promoted.
    pub program: ProgramId,
    /// Who promotes.
    pub affiliate: AffiliateId,
    /// Which (site, domain) its code belongs to.
    pub scope: u32,
    /// Not switched off.
    pub is_active: bool,
    /// Milliseconds since 1970; 0: never.
    pub expires_ms: u64,
    /// The row's version (saturating at 32 bits).
    pub version: u32,
    /// As asked for in URLs.
    pub code: &'a str,
    /// Its own destination.
    pub destination: Destination<'a>,
}

/// A hash as an index keeps it, and where its record is.
type Entry = [u8; 8];

/// Links with an index by hash. Written once, shared by whoever needs them.
#[derive(Debug)]
pub(super) struct Shelf {
    /// Sorted by hash.
    index: Block,
    /// Where each bucket begins in the index, and the end of the last; for one bucket alone just these two.
    starts: Box<[u32]>,
    records: Blocks,
}

/// A shelf being filled.
#[derive(Debug, Default)]
pub(super) struct Filling {
    index: Vec<(u64, Place)>,
    records: block::Filling,
    /// A record being made.
    record: Vec<u8>,
}

impl Filling {
    /// Puts a link; `all` or `one` makes the shelf searchable.
    pub(super) fn push(&mut self, hash: u64, link: &Link<'_>) {
        let (destination, broken): (&[u8], u8) = match link.destination {
            Destination::Programs => (&[], 0),
            Destination::Own(template) => (template, 0),
            Destination::Broken => (&[], BROKEN),
        };
        // Codes have at most 128 bytes, templates some 3 for each of at most 4096.
        debug_assert!(link.code.len() <= 255 && destination.len() <= u16::MAX.into());
        let record = &mut self.record;
        record.clear();
        let numbers =
            [link.id.get(), link.program.get(), link.affiliate.get(), link.scope, link.version];
        numbers.iter().for_each(|number| record.extend_from_slice(&number.to_le_bytes()));
        record.extend_from_slice(&link.expires_ms.to_le_bytes());
        record.extend_from_slice(&(destination.len() as u16).to_le_bytes());
        let active = if link.is_active { ACTIVE } else { 0 };
        record.extend_from_slice(&[link.code.len() as u8, active | broken]);
        record.extend_from_slice(link.code.as_bytes());
        let whole = record.len();
        record.extend_from_slice(destination);
        self.index.push((hash, self.records.push(record, whole)));
    }

    /// A shelf of all buckets.
    pub(super) fn all(self) -> Shelf {
        self.seal(BUCKETS, bucket_of)
    }

    /// A shelf of one bucket alone.
    pub(super) fn one(self) -> Shelf {
        self.seal(1, |_| 0)
    }

    fn seal(mut self, buckets: usize, bucket_of: impl Fn(u64) -> usize) -> Shelf {
        self.index.sort_unstable();
        let begins = |bucket| self.index.partition_point(|(hash, _)| bucket_of(*hash) < bucket);
        let starts = (0..=buckets).map(|bucket| begins(bucket) as u32).collect();
        let mut index = Block::new(self.index.len() * size_of::<Entry>());
        let (entries, _) = index.bytes_mut().as_chunks_mut();
        for (entry, (hash, place)) in entries.iter_mut().zip(&self.index) {
            *entry = (u64::from(place.0) << 32 | u64::from(short(*hash))).to_le_bytes();
        }
        Shelf { index, starts, records: self.records.seal() }
    }
}

/// The bits of a hash that an index keeps: those behind the bucket's.
const fn short(hash: u64) -> u32 {
    (hash << 12 >> 32) as u32
}

const fn hash_of(entry: &Entry) -> u32 {
    u64::from_le_bytes(*entry) as u32
}

const fn place_of(entry: &Entry) -> Place {
    Place((u64::from_le_bytes(*entry) >> 32) as u32)
}

impl Shelf {
    fn bucket(&self, bucket: usize) -> &[Entry] {
        // A mapping may be longer than the index; `starts` says where it ends.
        let (index, _) = self.index.as_chunks();
        let &[from, to] = self.starts[bucket..].first_chunk().unwrap_or(&[0, 0]);
        &index[from as usize..to as usize]
    }

    pub(super) fn find(
        &self,
        bucket: usize,
        hash: u64,
        scope: u32,
        code: &str,
    ) -> Option<Link<'_>> {
        let (index, hash) = (self.bucket(bucket), short(hash));
        let same = index[first(index, hash)..].iter().take_while(|entry| hash_of(entry) == hash);
        let links = same.filter_map(|entry| self.link(place_of(entry)));
        links.filter(|link| link.scope == scope).find(|link| link.code == code)
    }

    /// Reads where `find` begins to look.
    pub(super) fn touch_index(&self, bucket: usize, hash: u64) -> u64 {
        let index = self.bucket(bucket);
        index.get(guess(index, short(hash))).map_or(0, |entry| u64::from(hash_of(entry)))
    }

    /// Reads the record that `find` will find: where it begins, and its destination behind the first cache line.
    pub(super) fn touch_record(&self, bucket: usize, hash: u64) -> u64 {
        let index = self.bucket(bucket);
        let entry = index.get(first(index, short(hash)));
        let record = entry.map_or(&[][..], |entry| self.records.from(place_of(entry)));
        let byte = |at: usize| record.get(at).map_or(0, |byte| u64::from(*byte));
        byte(0) ^ byte(CACHE_LINE)
    }

    pub(super) fn iter(&self, bucket: usize) -> impl Iterator<Item = Link<'_>> {
        self.bucket(bucket).iter().filter_map(|entry| self.link(place_of(entry)))
    }

    /// The record at a place; always there, since only `push` makes places.
    fn link(&self, at: Place) -> Option<Link<'_>> {
        let (fixed, rest) = self.records.from(at).split_first_chunk::<FIXED>()?;
        let number =
            |n: usize| fixed[4 * n..].first_chunk().map_or(0, |four| u32::from_le_bytes(*four));
        let [low, high, code, flags] = *fixed.last_chunk::<4>()?;
        let (code, rest) = rest.split_at_checked(code.into())?;
        let own = rest.get(..u16::from_le_bytes([low, high]).into())?;
        Some(Link {
            id: LinkId(number(0)),
            program: ProgramId(number(1)),
            affiliate: AffiliateId(number(2)),
            scope: number(3),
            version: number(4),
            is_active: flags & ACTIVE != 0,
            expires_ms: u64::from(number(6)) << 32 | u64::from(number(5)),
            code: std::str::from_utf8(code).unwrap_or_default(),
            destination: match own {
                _ if flags & BROKEN != 0 => Destination::Broken,
                [] => Destination::Programs,
                template => Destination::Own(template),
            },
        })
    }
}

/// Where a hash should be in an index.
const fn guess(index: &[Entry], hash: u32) -> usize {
    ((hash as u64 * index.len() as u64) >> 32) as usize
}

/// Where a hash is in an index, or would be. Hashes are spread evenly, so it is near where its size says: two
/// cache lines instead of a binary search's eight.
fn first(index: &[Entry], hash: u32) -> usize {
    let mut at = guess(index, hash);
    while at > 0 && hash_of(&index[at - 1]) >= hash {
        at -= 1;
    }
    while index.get(at).is_some_and(|entry| hash_of(entry) < hash) {
        at += 1;
    }
    at
}

/// Where a link id's bucket is.
pub(super) type IdShelf = Arc<[(u32, u16)]>;

/// The shelf of a link id.
pub(super) const fn shelf_of(id: LinkId) -> usize {
    id.get() as usize % BUCKETS
}

/// The hash of a code in a scope; `seed` is this process's own, so that nobody can choose collisions.
pub(super) fn hash(seed: u64, scope: u32, code: &[u8]) -> u64 {
    xxh3_64_with_seed(code, seed ^ u64::from(scope))
}

/// The bucket of a hash.
pub(super) const fn bucket_of(hash: u64) -> usize {
    (hash >> 52) as usize
}
