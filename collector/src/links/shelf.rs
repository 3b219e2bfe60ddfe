//! Links side by side in few bytes: 4,096 buckets, each an index by hash and its records in one piece.
//!
//! A lookup allocates nothing and touches few cache lines, which is what it costs: the bucket, its
//! index where the hash says, the record with its code and destination behind it. A change copies the
//! buckets it touches and shares the rest. Refuses to be changed in place: cores may be reading.

use schemas::ids::{AffiliateId, LinkId, ProgramId};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Buckets by hash of the code, and shelves by id.
pub(super) const BUCKETS: usize = 4096;

const ACTIVE: u8 = 1;
const BROKEN: u8 = 2;

/// Bytes of a record before its code: five numbers of 32 bits, the expiry, three lengths and flags.
const FIXED: usize = 32;

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

/// Some links whose codes' hashes begin alike. Cloning shares them; side by side in one list, so that no
/// pointer stands between a hash and its index.
#[derive(Debug, Clone, Default)]
pub(super) struct Bucket {
    /// The lower half of each hash (the bucket is its upper bits), and where the record begins; sorted.
    index: Arc<[(u32, u32)]>,
    records: Arc<[u8]>,
}

/// A bucket being filled.
#[derive(Debug, Clone, Default)]
pub(super) struct Filling {
    index: Vec<(u32, u32)>,
    records: Vec<u8>,
}

impl Filling {
    /// Appends a link; `seal` makes the bucket searchable.
    pub(super) fn push(&mut self, hash: u64, link: &Link<'_>) {
        let (destination, broken): (&[u8], u8) = match link.destination {
            Destination::Programs => (&[], 0),
            Destination::Own(template) => (template, 0),
            Destination::Broken => (&[], BROKEN),
        };
        // Codes have at most 128 bytes, templates some 3 for each of at most 4096.
        debug_assert!(link.code.len() <= 255 && destination.len() <= u16::MAX.into());
        self.index.push((hash as u32, self.records.len() as u32));
        let numbers =
            [link.id.get(), link.program.get(), link.affiliate.get(), link.scope, link.version];
        numbers.iter().for_each(|number| self.records.extend_from_slice(&number.to_le_bytes()));
        self.records.extend_from_slice(&link.expires_ms.to_le_bytes());
        self.records.extend_from_slice(&(destination.len() as u16).to_le_bytes());
        let active = if link.is_active { ACTIVE } else { 0 };
        self.records.extend_from_slice(&[link.code.len() as u8, active | broken]);
        self.records.extend_from_slice(link.code.as_bytes());
        self.records.extend_from_slice(destination);
    }

    /// Sorts, and gives back what was reserved too much.
    pub(super) fn seal(mut self) -> Bucket {
        self.index.sort_unstable();
        Bucket { index: self.index.into(), records: self.records.into() }
    }
}

impl Bucket {
    pub(super) fn find(&self, hash: u64, scope: u32, code: &str) -> Option<Link<'_>> {
        let hash = hash as u32;
        let same = self.index[self.first(hash)..].iter().take_while(|(other, _)| *other == hash);
        let links = same.filter_map(|(_, at)| self.link(*at));
        links.filter(|link| link.scope == scope).find(|link| link.code == code)
    }

    /// Where a hash is, or would be. Hashes are spread evenly, so it is near where its size says: two
    /// cache lines instead of a binary search's eight.
    fn first(&self, hash: u32) -> usize {
        let mut at = ((u64::from(hash) * self.index.len() as u64) >> 32) as usize;
        while at > 0 && self.index[at - 1].0 >= hash {
            at -= 1;
        }
        while self.index.get(at).is_some_and(|(other, _)| *other < hash) {
            at += 1;
        }
        at
    }

    pub(super) fn get(&self, id: LinkId) -> Option<Link<'_>> {
        self.iter().find(|link| link.id == id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Link<'_>> {
        self.index.iter().filter_map(|(_, at)| self.link(*at))
    }

    /// The record at a place; always there, since only `push` makes places.
    fn link(&self, at: u32) -> Option<Link<'_>> {
        let (fixed, rest) = self.records.get(at as usize..)?.split_first_chunk::<FIXED>()?;
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

/// Where a link id's bucket is.
pub(super) type IdShelf = Arc<[(u32, u16)]>;

/// The shelf of a link id.
pub(super) const fn shelf_of(id: LinkId) -> usize {
    id.get() as usize % BUCKETS
}

/// The hash of a code in a scope; `seed` is this process's own, so that nobody can choose collisions.
pub(super) fn hash(seed: u64, scope: u32, code: &str) -> u64 {
    xxh3_64_with_seed(code.as_bytes(), seed ^ u64::from(scope))
}

/// The bucket of a hash.
pub(super) const fn bucket_of(hash: u64) -> usize {
    (hash >> 52) as usize
}
