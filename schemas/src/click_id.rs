//! The signed click id: 27 bytes, printed as 36 URL-safe characters (`pipeline.md` §2).
//!
//! ```text
//! key version 6 bits │ whitened: milliseconds 42, shard 12, journal 20, seq 40, link 32 │ MAC 64
//! ```
//! In the manner of SIV (RFC 5297): the MAC over the fields is the nonce of the AES-CTR stream that
//! whitens them, so a token shows no volumes and no ids, equal fields make equal tokens, and any
//! altered bit fails the MAC. Refuses to know what a link is: it only proves that we issued these
//! fields.

use aes::{
    Aes128,
    cipher::{BlockCipherEncrypt, KeyInit},
};
use data_encoding::BASE64URL_NOPAD;
use siphasher::sip::SipHasher24;
use std::{fmt, hash::Hasher};
use subtle::ConstantTimeEq;

use crate::event::ClickRef;

/// Bytes of a token.
pub const BYTES: usize = 27;
/// Characters of a printed token.
pub const CHARS: usize = 36;

const VERSION_BITS: u32 = 6;
const TIME_BITS: u32 = 42;
const SHARD_BITS: u32 = 12;
const JOURNAL_BITS: u32 = 20;
const SEQ_BITS: u32 = 40;
const LINK_BITS: u32 = 32;

/// The fields a click id carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClickId {
    /// Which of our keys signed it, 1 to 63.
    pub key_version: u8,
    /// When the click was, milliseconds since 1970; 42 bits last until 2109.
    pub time_ms: u64,
    /// The visitor's shard, 12 bits.
    pub shard: u16,
    /// The lower 20 bits of the journal's id.
    pub journal: u32,
    /// The record's number in its (journal, topic, partition), 40 bits.
    pub seq: u64,
    /// The link followed; 0 for an orphan.
    pub link: u32,
}

/// A token as it stands in URLs: 36 ASCII characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token([u8; CHARS]);

impl Token {
    /// The characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text is not a click id of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidClickId {
    /// Not 36 URL-safe base64 characters: cut, padded or another tracker's.
    #[error("a click id has 36 characters of A-Z a-z 0-9 - _")]
    Shape,
    /// Signed with a key version we do not have.
    #[error("the click id's key is unknown")]
    UnknownKey,
    /// The MAC does not fit: altered or made up.
    #[error("the click id was not issued here")]
    Forged,
}

/// A field too large for its bits (only a fault of ours can make one).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a field of the click id is out of range")]
pub struct OutOfRange;

/// One key: a MAC key and a whitening key, both derived from one secret.
#[derive(Clone)]
pub struct ClickKey {
    version: u8,
    mac: [u8; 16],
    cipher: Aes128,
}

impl fmt::Debug for ClickKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClickKey").field("version", &self.version).finish_non_exhaustive()
    }
}

impl ClickKey {
    /// A key of a version (1 to 63) from 16 bytes for the MAC and 16 for the whitening.
    pub fn new(version: u8, mac: [u8; 16], whitening: [u8; 16]) -> Self {
        Self { version, mac, cipher: Aes128::new(&whitening.into()) }
    }

    /// The version a token signed with this key carries.
    pub const fn version(&self) -> u8 {
        self.version
    }

    /// The token of `id`, whose `key_version` is taken to be this key's.
    ///
    /// # Errors
    /// `OutOfRange` when a field does not fit into its bits.
    pub fn sign(&self, id: &ClickId) -> Result<Token, OutOfRange> {
        let mut fields = pack(id)?;
        let mac = self.mac(fields);
        fields ^= self.stream(mac);
        let mut bytes = [0; BYTES];
        write_bits(&mut bytes, self.version, fields, mac);
        let mut text = [0; CHARS];
        BASE64URL_NOPAD.encode_mut(&bytes, &mut text);
        Ok(Token(text))
    }

    fn open(&self, fields: Fields, mac: u64) -> Result<ClickId, InvalidClickId> {
        let fields = fields ^ self.stream(mac);
        let genuine: bool = self.mac(fields).to_be_bytes().ct_eq(&mac.to_be_bytes()).into();
        if genuine { Ok(unpack(fields, self.version)) } else { Err(InvalidClickId::Forged) }
    }

    fn mac(&self, fields: Fields) -> u64 {
        let mut hasher = SipHasher24::new_with_key(&self.mac);
        hasher.write_u8(self.version);
        hasher.write(&fields.high.to_le_bytes());
        hasher.write(&fields.low.to_le_bytes());
        hasher.finish()
    }

    /// 146 bits of AES-CTR key stream under the nonce `mac`.
    fn stream(&self, mac: u64) -> Fields {
        let mut blocks = [[0u8; 16].into(), [0u8; 16].into()];
        for (n, block) in (0u8..).zip(&mut blocks) {
            let block: &mut aes::Block = block;
            block[..8].copy_from_slice(&mac.to_be_bytes());
            block[15] = n;
        }
        self.cipher.encrypt_blocks(&mut blocks);
        let low = u128::from_le_bytes(blocks[0].into());
        let high = u128::from_le_bytes(blocks[1].into()) as u32 & HIGH_MASK;
        Fields { high, low }
    }
}

/// All keys by version; the newest signs, every one verifies.
#[derive(Debug, Clone)]
pub struct ClickKeys {
    /// Sorted by version, at least one.
    keys: Vec<ClickKey>,
}

impl ClickKeys {
    /// From keys in any order; `None` when there is none.
    pub fn new(mut keys: Vec<ClickKey>) -> Option<Self> {
        keys.sort_by_key(ClickKey::version);
        if keys.is_empty() { None } else { Some(Self { keys }) }
    }

    /// The key that signs now: the one with the highest version.
    pub fn signer(&self) -> &ClickKey {
        &self.keys[self.keys.len() - 1]
    }

    /// The token of `id` under the key it names (`key_version`), to print a stored click again.
    pub fn reprint(&self, id: &ClickId) -> Option<Token> {
        let key = self.keys.iter().find(|key| key.version == id.key_version)?;
        key.sign(id).ok()
    }

    /// Reads and proves a token.
    ///
    /// # Errors
    /// `InvalidClickId` for everything that was not issued with one of these keys.
    pub fn verify(&self, text: &str) -> Result<ClickId, InvalidClickId> {
        if text.len() != CHARS {
            return Err(InvalidClickId::Shape);
        }
        let mut bytes = [0; BYTES];
        BASE64URL_NOPAD
            .decode_mut(text.as_bytes(), &mut bytes)
            .map_err(|_| InvalidClickId::Shape)?;
        let (version, fields, mac) = read_bits(&bytes);
        let key = self
            .keys
            .iter()
            .find(|key| key.version == version)
            .ok_or(InvalidClickId::UnknownKey)?;
        key.open(fields, mac)
    }
}

impl From<ClickId> for ClickRef {
    fn from(id: ClickId) -> Self {
        Self {
            key_version: id.key_version.into(),
            time_ms: id.time_ms,
            shard: id.shard.into(),
            journal: id.journal,
            seq: id.seq,
            link: id.link,
        }
    }
}

impl TryFrom<&ClickRef> for ClickId {
    type Error = OutOfRange;

    fn try_from(click: &ClickRef) -> Result<Self, OutOfRange> {
        Ok(Self {
            key_version: u8::try_from(click.key_version).map_err(|_| OutOfRange)?,
            time_ms: click.time_ms,
            shard: u16::try_from(click.shard).map_err(|_| OutOfRange)?,
            journal: click.journal,
            seq: click.seq,
            link: click.link,
        })
    }
}

/// The 146 field bits: 18 above, 128 below.
#[derive(Clone, Copy)]
struct Fields {
    high: u32,
    low: u128,
}

const HIGH_BITS: u32 = TIME_BITS + SHARD_BITS + JOURNAL_BITS + SEQ_BITS + LINK_BITS - 128;
const HIGH_MASK: u32 = (1 << HIGH_BITS) - 1;

impl std::ops::BitXor for Fields {
    type Output = Self;

    fn bitxor(self, other: Self) -> Self {
        Self { high: self.high ^ other.high, low: self.low ^ other.low }
    }
}

impl std::ops::BitXorAssign for Fields {
    fn bitxor_assign(&mut self, other: Self) {
        *self = *self ^ other;
    }
}

fn pack(id: &ClickId) -> Result<Fields, OutOfRange> {
    let fits = id.time_ms >> TIME_BITS == 0
        && id.shard >> SHARD_BITS == 0
        && id.journal >> JOURNAL_BITS == 0
        && id.seq >> SEQ_BITS == 0;
    if !fits {
        return Err(OutOfRange);
    }
    // From the top: time, shard, journal, seq, link. The upper 18 bits of the time go to `high`.
    let time_low_bits = TIME_BITS - HIGH_BITS;
    let mut low = u128::from(id.time_ms) & ((1 << time_low_bits) - 1);
    low = low << SHARD_BITS | u128::from(id.shard);
    low = low << JOURNAL_BITS | u128::from(id.journal);
    low = low << SEQ_BITS | u128::from(id.seq);
    low = low << LINK_BITS | u128::from(id.link);
    Ok(Fields { high: (id.time_ms >> time_low_bits) as u32, low })
}

fn unpack(fields: Fields, key_version: u8) -> ClickId {
    let time_low_bits = TIME_BITS - HIGH_BITS;
    let mut low = fields.low;
    let mut take = |bits: u32| {
        let value = low & ((1 << bits) - 1);
        low >>= bits;
        value as u64
    };
    let link = take(LINK_BITS) as u32;
    let seq = take(SEQ_BITS);
    let journal = take(JOURNAL_BITS) as u32;
    let shard = take(SHARD_BITS) as u16;
    let time_ms = take(time_low_bits) | u64::from(fields.high) << time_low_bits;
    ClickId { key_version, time_ms, shard, journal, seq, link }
}

/// 6 + 18 + 128 + 64 bits, most significant first.
fn write_bits(bytes: &mut [u8; BYTES], version: u8, fields: Fields, mac: u64) {
    let top = u32::from(version) << HIGH_BITS | fields.high;
    bytes[..3].copy_from_slice(&top.to_be_bytes()[1..]);
    bytes[3..19].copy_from_slice(&fields.low.to_be_bytes());
    bytes[19..].copy_from_slice(&mac.to_be_bytes());
}

fn read_bits(bytes: &[u8; BYTES]) -> (u8, Fields, u64) {
    let top = u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]);
    let mut low = [0; 16];
    low.copy_from_slice(&bytes[3..19]);
    let mut mac = [0; 8];
    mac.copy_from_slice(&bytes[19..]);
    let version = (top >> HIGH_BITS) as u8 & ((1 << VERSION_BITS) - 1);
    let fields = Fields { high: top & HIGH_MASK, low: u128::from_be_bytes(low) };
    (version, fields, u64::from_be_bytes(mac))
}

#[cfg(test)]
mod tests;
