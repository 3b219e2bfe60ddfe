//! Events as they stand in the log: Protocol Buffers, generated from `proto/tributary/v1/events.proto`.
//!
//! The generated file is kept in the repository so that a build needs no `protoc`; a test makes it
//! again and compares.

/// Messages of package `tributary.v1`.
pub mod v1 {
    include!("event/tributary.v1.rs");
}

pub use prost::{DecodeError, Message};
pub use v1::{Click, ClickRef, Conversion, End, EventBatch, Flags, Heartbeat, Skip};

impl Click {
    /// Whether a flag is set.
    pub const fn has(&self, flag: Flags) -> bool {
        self.flags & flag as u32 != 0
    }
}

impl Conversion {
    /// Whether a flag is set.
    pub const fn has(&self, flag: Flags) -> bool {
        self.flags & flag as u32 != 0
    }
}
