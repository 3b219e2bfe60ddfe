//! A file's bytes: as written, as synced, and what a power loss leaves of them.

use std::ops::Range;

#[derive(Default, Clone)]
pub(super) struct Node {
    pub(super) cache: Vec<u8>,
    pub(super) durable: Vec<u8>,
    pub(super) dirty: Vec<Range<usize>>,
    pub(super) room: usize,
}

impl Node {
    pub(super) fn write(&mut self, bytes: &[u8], start: usize) {
        let end = start + bytes.len();
        self.cache.resize(self.cache.len().max(end), 0);
        self.cache[start..end].copy_from_slice(bytes);
        self.room = self.room.max(end);
        self.dirty.push(start..end);
    }

    pub(super) fn lose_power(&mut self, random: &mut Random) {
        let (short, long) =
            (self.durable.len().min(self.cache.len()), self.durable.len().max(self.cache.len()));
        let len = short + random.below(long - short + 1);
        let mut left = self.durable.clone();
        left.resize(len, 0);
        for range in std::mem::take(&mut self.dirty) {
            let mut at = range.start;
            let end = range.end.min(len).min(self.cache.len());
            while at < end {
                let piece = at..(at + 1 + random.below(300)).min(end);
                if random.below(3) > 0 {
                    left[piece.clone()].copy_from_slice(&self.cache[piece.clone()]);
                }
                at = piece.end;
            }
        }
        self.room = left.len();
        self.cache = left.clone();
        self.durable = left;
    }
}

/// xorshift: the same seed loses the same bytes.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }
}
