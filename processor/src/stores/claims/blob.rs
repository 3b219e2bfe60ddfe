//! Blobs of claims: what a batch adds to `pipeline_claims`, about ten bytes a claim.
//!
//! `1 | count u32 | first time u64 | (milliseconds since the one before, as LEB128 | fingerprint
//! u64) …`, little endian, by time.

use super::{Blob, Entry};

const VERSION: u8 = 1;
const HEADER: usize = 13;

/// A blob for each partition of the claims; they come back sorted.
pub(super) fn of(claims: &mut [(u16, Entry)]) -> Vec<Blob> {
    claims
        .sort_unstable_by_key(|(partition, entry)| (*partition, entry.time_ms, entry.fingerprint));
    claims.chunk_by(|one, next| one.0 == next.0).map(write).collect()
}

/// The claims of a blob; `None` when it is none.
pub(super) fn read(bytes: &[u8]) -> Option<Vec<Entry>> {
    let (header, mut rest) = bytes.split_at_checked(HEADER)?;
    if header[0] != VERSION {
        return None;
    }
    let count = u32::from_le_bytes(header[1..5].try_into().ok()?) as usize;
    let mut time_ms = u64::from_le_bytes(header[5..].try_into().ok()?);
    let mut entries = Vec::with_capacity(count.min(rest.len() / 9));
    for _ in 0..count {
        time_ms = time_ms.checked_add(take_varint(&mut rest)?)?;
        let (fingerprint, later) = rest.split_first_chunk::<8>()?;
        entries.push(Entry::new(u64::from_le_bytes(*fingerprint), time_ms));
        rest = later;
    }
    rest.is_empty().then_some(entries)
}

fn write(claims: &[(u16, Entry)]) -> Blob {
    let (partition, first) = claims[0];
    let mut bytes = Vec::with_capacity(HEADER + 11 * claims.len());
    bytes.push(VERSION);
    bytes.extend_from_slice(&(claims.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&first.time_ms.to_le_bytes());
    let mut last_ms = first.time_ms;
    for (_, entry) in claims {
        put_varint(&mut bytes, entry.time_ms - last_ms);
        bytes.extend_from_slice(&entry.fingerprint.to_le_bytes());
        last_ms = entry.time_ms;
    }
    Blob { partition, bytes, min_ms: first.time_ms, max_ms: last_ms }
}

fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
