//! Floods bounded: how many of something one address may have stored in a minute.
//!
//! A fixed table of counts by keyed hash, so that memory is bounded whatever comes; two addresses
//! that fall together share their allowance. Refuses to remember an address.

use siphasher::sip::SipHasher13;
use std::{cell::Cell, hash::Hasher, net::IpAddr};

const SLOTS: usize = 16_384;
const MINUTE_MS: u64 = 60_000;

/// Counts of one kind of event on one core.
#[derive(Debug)]
pub(crate) struct Flood {
    key: [u8; 16],
    per_window: u32,
    window_ms: u64,
    slots: Box<[Cell<Slot>]>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    window: u32,
    count: u32,
}

impl Flood {
    /// At most `per_minute` of an address in a minute.
    pub(crate) fn per_minute(key: [u8; 16], per_minute: u32) -> Self {
        Self::new(key, per_minute, MINUTE_MS)
    }

    /// At most `per_second` of a visitor in a second.
    pub(crate) fn per_second(key: [u8; 16], per_second: u32) -> Self {
        Self::new(key, per_second, 1000)
    }

    fn new(key: [u8; 16], per_window: u32, window_ms: u64) -> Self {
        Self { key, per_window, window_ms, slots: vec![Cell::default(); SLOTS].into() }
    }

    /// Counts one of an address (IPv6: its /64); whether it is within the limit.
    pub(crate) fn admits(&self, address: IpAddr, time_ms: u64) -> bool {
        let mut hasher = SipHasher13::new_with_key(&self.key);
        match address.to_canonical() {
            IpAddr::V4(v4) => hasher.write(&v4.octets()),
            IpAddr::V6(v6) => hasher.write(&v6.octets()[..8]),
        }
        self.count(hasher.finish(), time_ms)
    }

    /// Counts one of something that is a keyed hash already; whether it is within the limit.
    pub(crate) fn count(&self, hash: u64, time_ms: u64) -> bool {
        let window = (time_ms / self.window_ms) as u32;
        let cell = &self.slots[hash as usize % SLOTS];
        let slot = cell.get();
        let count = if slot.window == window { slot.count.saturating_add(1) } else { 1 };
        cell.set(Slot { window, count });
        count <= self.per_window
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_limit_an_address_waits_for_the_next_minute() {
        let flood = Flood::per_minute([1; 16], 2);
        let admits = |address: &str, time_ms| flood.admits(address.parse().unwrap(), time_ms);
        assert_eq!(
            [0, 1, 2, 59_999].map(|time| admits("192.0.2.1", time)),
            [true, true, false, false]
        );
        assert!(admits("192.0.2.2", 3));
        assert!(admits("192.0.2.1", 60_000));
        assert_eq!(
            ["2001:db8::1", "2001:db8::2", "2001:db8::3"].map(|v6| admits(v6, 5)),
            [true, true, false]
        );
    }
}
