//! Protocol Buffers written straight from borrowed text, field by field as `events.proto` numbers them.
//!
//! prost's own structs want every text owned; a redirect has no time for twenty allocations. Tests
//! compare the bytes with prost's. Refuses to know any message: it only writes fields.

use prost::encoding::{WireType, encode_key, encode_varint};

/// A number (`uint32`, `uint64`); 0 is left out.
pub(crate) fn number(out: &mut Vec<u8>, tag: u32, value: u64) {
    if value != 0 {
        encode_key(tag, WireType::Varint, out);
        encode_varint(value, out);
    }
}

/// A `fixed64`; 0 is left out.
pub(crate) fn fixed(out: &mut Vec<u8>, tag: u32, value: u64) {
    if value != 0 {
        encode_key(tag, WireType::SixtyFourBit, out);
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// A `string` or `bytes`; an empty one is left out.
pub(crate) fn text(out: &mut Vec<u8>, tag: u32, value: &[u8]) {
    if !value.is_empty() {
        item(out, tag, value);
    }
}

/// A message or an item of a repeated field, empty ones too.
pub(crate) fn item(out: &mut Vec<u8>, tag: u32, value: &[u8]) {
    encode_key(tag, WireType::LengthDelimited, out);
    encode_varint(value.len() as u64, out);
    out.extend_from_slice(value);
}

/// A repeated `string`; empty ones at the end are left out.
pub(crate) fn texts<'a>(
    out: &mut Vec<u8>,
    tag: u32,
    values: impl DoubleEndedIterator<Item = &'a [u8]> + Clone,
) {
    let trailing = values.clone().rev().take_while(|value| value.is_empty()).count();
    let kept = values.clone().count() - trailing;
    for value in values.take(kept) {
        item(out, tag, value);
    }
}

/// An address in 4 or 16 bytes.
pub(crate) fn address(out: &mut Vec<u8>, tag: u32, address: std::net::IpAddr) {
    match address {
        std::net::IpAddr::V4(v4) => text(out, tag, &v4.octets()),
        std::net::IpAddr::V6(v6) => text(out, tag, &v6.octets()),
    }
}
