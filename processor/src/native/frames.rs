//! ClickHouse's compressed frames: what its HTTP interface reads with `decompress=1`.
//!
//! A frame is `CityHash128 (v1.0.2) of the rest 16 | 0x82 (lz4) | compressed size + 9: u32 |
//! size before: u32 | data`, all little endian, at most `FRAME_BYTES` of data each. The checksum
//! makes a body cut short an error, never a short insert.

use cityhash_rs::cityhash_102_128;
use lz4_flex::block::{CompressTable, compress_into_with_table, get_maximum_output_size};

/// Data in a frame, before compression.
pub const FRAME_BYTES: usize = 1 << 20;

const LZ4: u8 = 0x82;
const CHECKSUM: usize = 16;
const HEADER: usize = 9;

/// Cuts a stream of bytes into frames; keeps its buffers.
pub struct Frames {
    raw: Vec<u8>,
    frames: Vec<u8>,
    raw_bytes: usize,
    table: CompressTable,
}

impl Default for Frames {
    fn default() -> Self {
        Self {
            raw: Vec::with_capacity(FRAME_BYTES),
            frames: Vec::new(),
            raw_bytes: 0,
            table: CompressTable::large(),
        }
    }
}

impl Frames {
    /// Appends bytes of the stream.
    pub fn put(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = FRAME_BYTES - self.raw.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.raw.extend_from_slice(now);
            bytes = later;
            if self.raw.len() == FRAME_BYTES {
                self.close();
            }
        }
    }

    /// Appends a number of ClickHouse's variable length: seven bits a byte, lowest first.
    pub fn put_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.put(&[value as u8 | 0x80]);
            value >>= 7;
        }
        self.put(&[value as u8]);
    }

    /// Appends a text behind its length.
    pub fn put_text(&mut self, text: &str) {
        self.put_varint(text.len() as u64);
        self.put(text.as_bytes());
    }

    /// The frames, and how many bytes they hold; the next stream begins empty.
    pub fn take(&mut self) -> (Vec<u8>, usize) {
        self.close();
        (std::mem::take(&mut self.frames), std::mem::take(&mut self.raw_bytes))
    }

    fn close(&mut self) {
        if self.raw.is_empty() {
            return;
        }
        let start = self.frames.len();
        let data = start + CHECKSUM + HEADER;
        self.frames.resize(data + get_maximum_output_size(self.raw.len()), 0);
        let room = &mut self.frames[data..];
        // It cannot fail: the room is the largest output there is.
        let size = compress_into_with_table(&self.raw, room, &mut self.table).unwrap_or(0);
        self.frames.truncate(data + size);
        let header = &mut self.frames[start + CHECKSUM..data];
        header[0] = LZ4;
        header[1..5].copy_from_slice(&((size + HEADER) as u32).to_le_bytes());
        header[5..].copy_from_slice(&(self.raw.len() as u32).to_le_bytes());
        let checksum = cityhash_102_128(&self.frames[start + CHECKSUM..]);
        self.frames[start..start + 8].copy_from_slice(&((checksum >> 64) as u64).to_le_bytes());
        self.frames[start + 8..start + CHECKSUM].copy_from_slice(&(checksum as u64).to_le_bytes());
        self.raw_bytes += self.raw.len();
        self.raw.clear();
    }
}
