//! Topics, shards and partitions (`pipeline.md` §3).

/// Shards a visitor can fall into; a power of two, 12 bits in a click id.
pub const SHARDS: u16 = 4096;

/// The two topics of the event log. Both have the same number of partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Topic {
    /// Clicks and impressions.
    Clicks = 1,
    /// Postbacks, pixels, script and API calls.
    Conversions = 2,
}

impl Topic {
    /// Both, in the order in which a batch is decided.
    pub const ALL: [Self; 2] = [Self::Clicks, Self::Conversions];

    /// The topic's name in Kafka, metrics and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clicks => "clicks",
            Self::Conversions => "conversions",
        }
    }

    /// The number a journal record carries.
    pub const fn id(self) -> u8 {
        self as u8
    }

    /// From a journal record's number; `None` for one this version does not know.
    pub const fn from_id(id: u8) -> Option<Self> {
        match id {
            1 => Some(Self::Clicks),
            2 => Some(Self::Conversions),
            _ => None,
        }
    }
}

/// A visitor's shard, 0 to 4095.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Shard(u16);

impl Shard {
    /// A shard from the lowest 12 bits of a keyed hash.
    pub const fn from_hash(hash: u64) -> Self {
        Self((hash % SHARDS as u64) as u16)
    }

    /// A shard from its number; `None` when it is 4096 or more.
    pub const fn new(number: u16) -> Option<Self> {
        if number < SHARDS { Some(Self(number)) } else { None }
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The partition of both topics that this shard's events go to, of `partitions` (at least 1).
    pub const fn partition(self, partitions: u16) -> u16 {
        self.0 % if partitions == 0 { 1 } else { partitions }
    }
}
