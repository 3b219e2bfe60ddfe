//! Blocks for ClickHouse, encoded once in its Native format and compressed: the same bytes on every
//! try (`pipeline.md` §6).
//!
//! A block gathers rows column by column while a batch is decided; `finish` writes them out under
//! the block's id. Refuses to decide and to send.

use std::fmt::Write;

pub(crate) mod column;
pub mod clicks;
pub mod conversions;
pub mod frames;

pub use clicks::ClicksBlock;
pub use conversions::{ConversionsBlock, Stored};

/// An INSERT's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The table it is for.
    pub table: &'static str,
    /// The INSERT's list of columns.
    pub columns: String,
    /// Rows in it.
    pub rows: usize,
    /// Bytes before compression.
    pub raw_bytes: usize,
    /// One Native block in compressed frames: the body of `INSERT … FORMAT Native`, `decompress=1`.
    pub bytes: Vec<u8>,
}

impl Encoded {
    const fn empty(table: &'static str) -> Self {
        Self { table, columns: String::new(), rows: 0, raw_bytes: 0, bytes: Vec::new() }
    }
}

/// A block's id as it stands in the column `block` and in the outbox.
pub fn block_name(id: u128) -> String {
    let mut name = String::with_capacity(32);
    // A String takes everything.
    let _ = write!(name, "{id:032x}");
    name
}

/// Names and types of the columns, as the migrations make them, joined for an INSERT.
fn columns(of: &[(&str, &str)]) -> String {
    let names: Vec<&str> = of.iter().map(|(name, _)| *name).collect();
    names.join(", ")
}

/// An address as text: what the column `address` keeps until it expires. Empty where none is kept.
fn put_address(column: &mut column::Texts, address: &[u8]) {
    if let Ok(octets) = <[u8; 4]>::try_from(address) {
        put_v4(column, octets);
    } else if let Ok(octets) = <[u8; 16]>::try_from(address) {
        let mut line = Line { bytes: [0; 46], size: 0 };
        // The longest has 45 characters.
        let _ = write!(line, "{}", std::net::Ipv6Addr::from(octets));
        column.put(&line.bytes[..line.size]);
    } else {
        column.put(&[]);
    }
}

/// Most addresses are IPv4, and formatting one by `Display` would cost a tenth of the whole click.
fn put_v4(column: &mut column::Texts, octets: [u8; 4]) {
    let mut bytes = [b'.'; 16];
    let mut size = 0;
    for octet in octets {
        for (least, digit) in [(100, octet / 100), (10, octet / 10 % 10), (0, octet % 10)] {
            if octet >= least {
                bytes[size] = b'0' + digit;
                size += 1;
            }
        }
        // The point behind it stands there already; behind the last it is left out.
        size += 1;
    }
    column.put(&bytes[..size - 1]);
}

/// Room for an IPv6 address on the stack.
struct Line {
    bytes: [u8; 46],
    size: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let room = self.bytes.get_mut(self.size..self.size + text.len()).ok_or(std::fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.size += text.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
