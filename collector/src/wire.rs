//! Protocol Buffers written straight from borrowed text, field by field as `events.proto` numbers them.
//!
//! prost's own structs want every text owned; a redirect has no time for twenty allocations. Tests
//! compare the bytes with prost's. Refuses to know any message: it only writes fields.

use prost::encoding::WireType;

/// Longest of a number of 64 bits, seven to a byte.
const MOST_VARINT: usize = 10;

fn key(out: &mut Vec<u8>, tag: u32, kind: WireType) {
    varint(out, u64::from(tag << 3 | kind as u32));
}

/// Short ones are most of them. A long one is put together beside the buffer and appended in its longest form, of
/// which the rest is cut off: a copy of unknown length costs more than all of it.
fn varint(out: &mut Vec<u8>, mut value: u64) {
    if value < 0x80 {
        out.push(value as u8);
        return;
    }
    if value < 0x4000 {
        out.extend_from_slice(&[value as u8 | 0x80, (value >> 7) as u8]);
        return;
    }
    let (mut bytes, mut length) = ([0; MOST_VARINT], 0);
    while value >= 0x80 {
        bytes[length] = value as u8 | 0x80;
        value >>= 7;
        length += 1;
    }
    bytes[length] = value as u8;
    let end = out.len() + length + 1;
    out.extend_from_slice(&bytes);
    out.truncate(end);
}

/// A number (`uint32`, `uint64`); 0 is left out.
pub(crate) fn number(out: &mut Vec<u8>, tag: u32, value: u64) {
    if value != 0 {
        key(out, tag, WireType::Varint);
        varint(out, value);
    }
}

/// A `fixed64`; 0 is left out.
pub(crate) fn fixed(out: &mut Vec<u8>, tag: u32, value: u64) {
    if value != 0 {
        key(out, tag, WireType::SixtyFourBit);
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
    key(out, tag, WireType::LengthDelimited);
    varint(out, value.len() as u64);
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
