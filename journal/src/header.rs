//! The 256 bytes every segment begins with: whose journal this is, and the collectors' MAC over that.
//! A header travels with the first batch, so that a processor registers a genuine journal by itself.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::frame::u64_at;
use crate::ids::{JournalId, Key, MAX_PARTITIONS, check_slot};

/// Bytes of a header, in a segment as on the wire.
pub const HEADER_BYTES: usize = 256;

const MAGIC: &[u8; 8] = b"TRIBJRNL";
const VERSION: u16 = 1;
const SLOT_AT: usize = 72;
const CRC_AT: usize = 220;
const MAC_AT: usize = 224;

/// Who writes: a collector's core, or the import of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalKind {
    Live,
    Import,
}

/// The 128 bits that Linux gives a machine (`/etc/machine-id`); zero where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MachineId(pub [u8; 16]);

impl MachineId {
    /// Reads the host's. Containers often have none: then only device and inode tell a copy.
    pub fn of_host() -> Self {
        let text = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
        u128::from_str_radix(text.trim(), 16).map(|id| Self(id.to_be_bytes())).unwrap_or_default()
    }
}

/// What a segment says about itself. The MAC proves that a holder of the key said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub journal: JournalId,
    /// Number of the segment this header stands in, from 1.
    pub segment: u32,
    pub slot: String,
    pub partitions: u16,
    pub kind: JournalKind,
    /// When the incarnation began, in milliseconds since 1970 (UTC); later than that of any earlier one in its slot.
    pub start_ms: u64,
    pub machine: MachineId,
    /// Device and inode of the segment's file.
    pub device: u64,
    pub inode: u64,
    mac: [u8; 32],
}

/// What [`Header`] is made of, before the MAC.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) journal: JournalId,
    pub(crate) slot: String,
    pub(crate) partitions: u16,
    pub(crate) kind: JournalKind,
    pub(crate) start_ms: u64,
    pub(crate) machine: MachineId,
}

impl Header {
    pub(crate) fn sign(of: &Identity, segment: u32, file: (u64, u64), key: &Key) -> Self {
        let mut header = Self {
            journal: of.journal,
            segment,
            slot: of.slot.clone(),
            partitions: of.partitions,
            kind: of.kind,
            start_ms: of.start_ms,
            machine: of.machine,
            device: file.0,
            inode: file.1,
            mac: [0; 32],
        };
        let bytes = header.to_bytes();
        header.mac = mac(key, &bytes[..CRC_AT]).finalize().into_bytes().into();
        header
    }

    /// Whether a holder of `key` made this header. A forged one goes to the dead letters with all its records.
    pub fn verify(&self, key: &Key) -> bool {
        mac(key, &self.to_bytes()[..CRC_AT]).verify_slice(&self.mac).is_ok()
    }

    /// The bytes as they stand in a segment, to send along with a first batch.
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut b = [0; HEADER_BYTES];
        b[..8].copy_from_slice(MAGIC);
        b[8..10].copy_from_slice(&VERSION.to_le_bytes());
        b[10] = match self.kind {
            JournalKind::Live => 1,
            JournalKind::Import => 2,
        };
        b[11] = self.slot.len() as u8;
        b[12..14].copy_from_slice(&self.partitions.to_le_bytes());
        b[16..20].copy_from_slice(&self.segment.to_le_bytes());
        b[24..32].copy_from_slice(&self.journal.0.to_le_bytes());
        b[32..40].copy_from_slice(&self.start_ms.to_le_bytes());
        b[40..48].copy_from_slice(&self.device.to_le_bytes());
        b[48..56].copy_from_slice(&self.inode.to_le_bytes());
        b[56..72].copy_from_slice(&self.machine.0);
        b[SLOT_AT..SLOT_AT + self.slot.len()].copy_from_slice(self.slot.as_bytes());
        let crc = crc32c::crc32c(&b[..CRC_AT]);
        b[CRC_AT..MAC_AT].copy_from_slice(&crc.to_le_bytes());
        b[MAC_AT..].copy_from_slice(&self.mac);
        b
    }

    /// Reads a header; `None` if the bytes are damaged or none at all. Says nothing about who made it: see `verify`.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let b = bytes.get(..HEADER_BYTES)?;
        let crc = u32::from_le_bytes([b[220], b[221], b[222], b[223]]);
        if &b[..8] != MAGIC
            || b[8..10] != VERSION.to_le_bytes()
            || crc32c::crc32c(&b[..CRC_AT]) != crc
        {
            return None;
        }
        let slot = std::str::from_utf8(b.get(SLOT_AT..SLOT_AT + usize::from(b[11]))?).ok()?;
        check_slot(slot).ok()?;
        let partitions = u16::from_le_bytes([b[12], b[13]]);
        let mut header = Self {
            journal: JournalId(u64_at(b, 24)),
            segment: u32::from_le_bytes([b[16], b[17], b[18], b[19]]),
            slot: slot.to_owned(),
            partitions: (1..=MAX_PARTITIONS).contains(&partitions).then_some(partitions)?,
            kind: match b[10] {
                1 => JournalKind::Live,
                2 => JournalKind::Import,
                _ => return None,
            },
            start_ms: u64_at(b, 32),
            machine: MachineId::default(),
            device: u64_at(b, 40),
            inode: u64_at(b, 48),
            mac: [0; 32],
        };
        header.machine.0.copy_from_slice(&b[56..72]);
        header.mac.copy_from_slice(&b[MAC_AT..]);
        // Bytes without a meaning are zero: what verifies is exactly what was signed.
        (header.to_bytes() == b).then_some(header)
    }

    /// Whether `other` is a header of the same incarnation (its segments differ in number, device and inode).
    pub fn same_journal(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }

    fn identity(&self) -> (JournalId, &str, u16, JournalKind, u64) {
        (self.journal, &self.slot, self.partitions, self.kind, self.start_ms)
    }

    pub(crate) fn to_identity(&self, machine: MachineId) -> Identity {
        Identity {
            journal: self.journal,
            slot: self.slot.clone(),
            partitions: self.partitions,
            kind: self.kind,
            start_ms: self.start_ms,
            machine,
        }
    }
}

/// HMAC-SHA256. A key shorter than the block is padded with zeros, which is what HMAC does with it anyway.
pub(crate) fn mac(key: &Key, bytes: &[u8]) -> Hmac<Sha256> {
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(bytes);
    mac
}
