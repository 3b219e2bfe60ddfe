//! Reads ClickHouse's compressed frames back (as `native::frames` writes them): only a block that
//! must change its id is ever read again.

use lz4_flex::block::decompress;

const CHECKSUM: usize = 16;
const HEADER: usize = 9;

/// The bytes in the frames; `None` when they are no frames of ours.
pub(super) fn unframe(mut frames: &[u8]) -> Option<Vec<u8>> {
    let mut raw = Vec::new();
    while !frames.is_empty() {
        let header = frames.get(CHECKSUM..CHECKSUM + HEADER)?;
        let size = usize::try_from(u32::from_le_bytes(header[1..5].try_into().ok()?)).ok()?;
        let bytes = usize::try_from(u32::from_le_bytes(header[5..].try_into().ok()?)).ok()?;
        let data = frames.get(CHECKSUM + HEADER..CHECKSUM + size)?;
        raw.extend_from_slice(&decompress(data, bytes).ok()?);
        frames = frames.get(CHECKSUM + size..)?;
    }
    Some(raw)
}
