//! Bytes in large pieces: written once from front to back, then read by every core.
//!
//! Links are looked up all over their memory, and in pages of 4 KiB the processor walks its page tables
//! more than it reads; large blocks ask the kernel for large pages. Refuses to move what was written.

use memmap2::{Advice, MmapMut};
use std::ops::Deref;

/// The first block of a growing row; each further one is `GROWTH` times as large, up to the largest.
const SMALLEST: usize = 4 << 10;
const GROWTH: usize = 4;
/// Several large pages. Only what is written to takes memory.
const LARGEST: usize = 16 << 20;
/// A large page, as x86-64 and arm64 have them.
const PAGE: usize = 2 << 20;
/// From here on a block is a mapping of its own, of whole large pages.
const MAPPED: usize = PAGE / 4;

/// One piece.
#[derive(Debug)]
pub(super) enum Block {
    Small(Box<[u8]>),
    Mapped(MmapMut),
}

impl Block {
    /// Zeros, at least so many.
    pub(super) fn new(length: usize) -> Self {
        if length >= MAPPED
            && let Ok(mapping) = MmapMut::map_anon(length.next_multiple_of(PAGE))
        {
            // Without large pages it is slower, and otherwise the same.
            let _ = mapping.advise(Advice::HugePage);
            return Self::Mapped(mapping);
        }
        Self::Small(vec![0; length].into())
    }

    /// Before it is shared.
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Small(bytes) => bytes,
            Self::Mapped(mapping) => mapping,
        }
    }

    /// Gives back what is not used; a mapping never took it.
    fn shrink(&mut self, used: usize) {
        if let Self::Small(bytes) = self {
            *bytes = bytes[..used].into();
        }
    }
}

impl Deref for Block {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Small(bytes) => bytes,
            Self::Mapped(mapping) => mapping,
        }
    }
}

/// Where something was written: the block, and the offset in it in units of 8 bytes. 2,048 blocks, 32 GiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(pub(super) u32);

const UNIT: usize = 8;
const OFFSET_BITS: u32 = (LARGEST / UNIT).ilog2();
/// Bytes the processor reads at a time.
const LINE: usize = 64;

impl Place {
    const fn new(block: usize, offset: usize) -> Self {
        debug_assert!(block >> (u32::BITS - OFFSET_BITS) == 0 && offset.is_multiple_of(UNIT));
        Self(((block << OFFSET_BITS) | (offset / UNIT)) as u32)
    }

    const fn block(self) -> usize {
        (self.0 >> OFFSET_BITS) as usize
    }

    const fn offset(self) -> usize {
        (self.0 & ((1 << OFFSET_BITS) - 1)) as usize * UNIT
    }
}

/// Blocks being filled.
#[derive(Debug, Default)]
pub(super) struct Filling {
    blocks: Vec<Block>,
    /// Bytes used of the last one.
    used: usize,
}

impl Filling {
    /// Appends some bytes, at most `LARGEST`. The first `whole` of them come to lie in one line, if they fit into one.
    pub(super) fn push(&mut self, bytes: &[u8], whole: usize) -> Place {
        let mut offset = self.used.next_multiple_of(UNIT);
        if offset % LINE + whole > LINE {
            offset = offset.next_multiple_of(LINE);
        }
        let size = self.blocks.last().map_or(0, |block| block.len());
        if offset + bytes.len() > size {
            let next = (GROWTH * size).clamp(SMALLEST, LARGEST).max(bytes.len());
            self.blocks.push(Block::new(next));
            offset = 0;
        }
        self.used = offset + bytes.len();
        if let Some(block) = self.blocks.last_mut() {
            block.bytes_mut()[offset..self.used].copy_from_slice(bytes);
        }
        Place::new(self.blocks.len() - 1, offset)
    }

    /// Done.
    pub(super) fn seal(mut self) -> Blocks {
        if let Some(last) = self.blocks.last_mut() {
            last.shrink(self.used);
        }
        Blocks(self.blocks)
    }
}

/// Blocks that are full.
#[derive(Debug, Default)]
pub(super) struct Blocks(Vec<Block>);

impl Blocks {
    /// What begins at a place, and everything behind it in its block; empty where nothing was written.
    pub(super) fn from(&self, place: Place) -> &[u8] {
        let block = self.0.get(place.block()).map(Deref::deref);
        block.and_then(|block| block.get(place.offset()..)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_found_at_its_place_in_blocks_of_every_size() {
        let mut filling = Filling::default();
        let text = |n: usize| format!("{n}:").repeat(1 + n % 300);
        let places: Vec<Place> =
            (0..20_000).map(|n| filling.push(text(n).as_bytes(), 40)).collect();
        let blocks = filling.seal();
        assert!(blocks.0.iter().any(|block| matches!(block, Block::Mapped(_))));
        for (n, place) in places.iter().enumerate() {
            assert!(blocks.from(*place).starts_with(text(n).as_bytes()), "{n}");
            let first = place.offset() / LINE;
            assert_eq!(first, (place.offset() + 39) / LINE, "the first 40 bytes share a line");
        }
    }

    #[test]
    fn a_piece_larger_than_the_next_block_has_room() {
        let mut filling = Filling::default();
        let place = filling.push(&[7; 3 * SMALLEST], 8);
        assert_eq!(filling.seal().from(place), [7; 3 * SMALLEST]);
    }

    #[test]
    fn nothing_is_at_a_place_that_was_not_written() {
        assert_eq!(Blocks::default().from(Place::new(3, 8)), b"");
    }
}
