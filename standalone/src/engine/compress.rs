//! ClickHouse's native compressed frames (`compress=1`, `decompress=1`): LZ4 or plain, under CityHash 1.0.2.
//!
//! A frame is a 16-byte checksum, the method, the compressed length with its 9-byte header, the plain length, data.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::exception::{Exception, code};

const CHECKSUM: usize = 16;
const HEADER: usize = 9;
const LZ4: u8 = 0x82;
const PLAIN: u8 = 0x02;
/// Bigger frames are refused: nobody sends them, and a forged length must not cost memory.
const MAX_FRAME: usize = 256 << 20;
/// Plain bytes of a frame made here, as the server makes them.
const OUT_FRAME: usize = 1 << 20;

fn checksum(bytes: &[u8]) -> u128 {
    cityhash_rs::cityhash_102_128(bytes).rotate_right(64)
}

/// Cuts a byte stream into frames and gives their plain bytes.
#[derive(Default)]
pub(super) struct FrameDecoder {
    pending: BytesMut,
}

impl FrameDecoder {
    /// Adds bytes as they arrive, cut anywhere.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// The next whole frame's plain bytes, or `None` until more has arrived.
    pub(super) fn next_frame(&mut self) -> Result<Option<Bytes>, Exception> {
        if self.pending.len() < CHECKSUM + HEADER {
            return Ok(None);
        }
        let mut header = &self.pending[CHECKSUM..CHECKSUM + HEADER];
        let method = header.get_u8();
        let (compressed, plain) = (header.get_u32_le() as usize, header.get_u32_le() as usize);
        if !(HEADER..=MAX_FRAME).contains(&compressed) || plain > MAX_FRAME {
            let text =
                format!("Compressed frame of {compressed} bytes for {plain} is out of bounds");
            return Err(Exception::new(
                code::TOO_LARGE_SIZE_COMPRESSED,
                "TOO_LARGE_SIZE_COMPRESSED",
                &text,
            ));
        }
        if self.pending.len() < CHECKSUM + compressed {
            return Ok(None);
        }
        let mut frame = self.pending.split_to(CHECKSUM + compressed).freeze();
        if frame.get_u128_le() != checksum(&frame) {
            return Err(Exception::new(
                code::CHECKSUM_DOESNT_MATCH,
                "CHECKSUM_DOESNT_MATCH",
                "Checksum of a compressed frame doesn't match: corrupted data",
            ));
        }
        frame.advance(HEADER);
        decode(method, frame, plain).map(Some)
    }

    /// True when no part of a frame is left over.
    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }
}

fn decode(method: u8, data: Bytes, plain: usize) -> Result<Bytes, Exception> {
    let damaged = || {
        Exception::new(code::CANNOT_READ_ALL_DATA, "CANNOT_DECOMPRESS", "Cannot decompress a frame")
    };
    match method {
        PLAIN if data.len() == plain => Ok(data),
        LZ4 => lz4_flex::block::decompress(&data, plain)
            .ok()
            .filter(|bytes| bytes.len() == plain)
            .map(Bytes::from)
            .ok_or_else(damaged),
        PLAIN => Err(damaged()),
        other => Err(Exception::new(
            code::UNKNOWN_COMPRESSION_METHOD,
            "UNKNOWN_COMPRESSION_METHOD",
            &format!("Compression method 0x{other:02x} is not known here, only LZ4 and none"),
        )),
    }
}

/// Packs a whole answer into LZ4 frames.
pub(super) fn encode(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() / 2 + CHECKSUM + HEADER);
    for chunk in body.chunks(OUT_FRAME) {
        let data = lz4_flex::block::compress(chunk);
        let mut frame = Vec::with_capacity(HEADER + data.len());
        frame.put_u8(LZ4);
        // Both are at most a little over OUT_FRAME.
        frame.put_u32_le((HEADER + data.len()) as u32);
        frame.put_u32_le(chunk.len() as u32);
        frame.extend_from_slice(&data);
        out.put_u128_le(checksum(&frame));
        out.extend_from_slice(&frame);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode_all(frames: &[u8], step: usize) -> Result<Vec<u8>, Exception> {
        let mut decoder = FrameDecoder::default();
        let mut plain = Vec::new();
        for piece in frames.chunks(step) {
            decoder.push(piece);
            while let Some(bytes) = decoder.next_frame()? {
                plain.extend_from_slice(&bytes);
            }
        }
        assert!(decoder.is_empty());
        Ok(plain)
    }

    #[test]
    fn frames_survive_any_cut() {
        let body: Vec<u8> = (0..3_000_000_u32).map(|n| (n / 7 % 251) as u8).collect();
        let frames = encode(&body);
        for step in [1 << 22, 65_537, 997] {
            assert_eq!(decode_all(&frames, step), Ok(body.clone()));
        }
    }

    #[test]
    fn damaged_frame_is_refused() {
        let mut frames = encode(b"some rows, some rows, some rows");
        let last = frames.len() - 1;
        frames[last] ^= 1;
        assert_eq!(decode_all(&frames, 1000).unwrap_err().code, code::CHECKSUM_DOESNT_MATCH);
        let huge = [[0_u8; 16].as_slice(), &[LZ4, 255, 255, 255, 255, 255, 255, 255, 255]].concat();
        assert_eq!(decode_all(&huge, 1000).unwrap_err().code, code::TOO_LARGE_SIZE_COMPRESSED);
    }
}
