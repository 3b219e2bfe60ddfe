//! The one place that reads the clock; everything else takes the time as an argument.
//!
//! Refuses to run backwards: within one core a stamp is never smaller than one given before, so that
//! the journal's heartbeat can promise "nothing earlier will come".

use std::{
    cell::Cell,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Milliseconds since 1970, as the machine says.
#[expect(clippy::disallowed_methods, reason = "the border where time comes in")]
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The bytes of an HTTP date.
pub(crate) type HttpDate = [u8; 29];

/// Now, as the `Date` header says it (RFC 9110 §5.6.7).
pub(crate) fn http_date() -> HttpDate {
    let now = UNIX_EPOCH + Duration::from_millis(now_ms());
    // An IMF-fixdate has 29 characters until the year 9999.
    httpdate::fmt_http_date(now).as_bytes().try_into().unwrap_or(*b"Thu, 01 Jan 1970 00:00:00 GMT")
}

/// Stamps of one core: the machine's clock, held still where it was set back.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    last_ms: Cell<u64>,
    is_held: Cell<bool>,
}

impl Clock {
    /// Now, never smaller than any stamp given before.
    pub(crate) fn stamp_ms(&self) -> u64 {
        if self.is_held.get() { self.last_ms.get() } else { self.stamp(now_ms()) }
    }

    /// Gives the same stamp until `release`: what is done together has one time, and reads the clock once.
    pub(crate) fn hold(&self) {
        self.stamp_ms();
        self.is_held.set(true);
    }

    /// Goes on.
    pub(crate) fn release(&self) {
        self.is_held.set(false);
    }

    /// Begins not before `floor_ms`.
    pub(crate) fn raise(&self, floor_ms: u64) {
        self.stamp(floor_ms);
    }

    /// How far the stamps are ahead of the machine's clock, because it was set back.
    pub(crate) fn held_ms(&self) -> u64 {
        self.last_ms.get().saturating_sub(now_ms())
    }

    fn stamp(&self, now_ms: u64) -> u64 {
        let stamp = self.last_ms.get().max(now_ms);
        self.last_ms.set(stamp);
        stamp
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_set_back_stands_still() {
        let clock = Clock::default();
        clock.raise(5);
        assert_eq!([3, 9, 7, 10].map(|now| clock.stamp(now)), [5, 9, 9, 10]);
    }

    #[test]
    fn a_clock_held_gives_one_stamp_and_then_goes_on() {
        let clock = Clock::default();
        clock.hold();
        let held = clock.stamp_ms();
        clock.raise(held + 1_000_000);
        assert_eq!(clock.stamp_ms(), held + 1_000_000, "but never one smaller than given before");
        clock.release();
        assert_eq!(clock.stamp_ms(), held + 1_000_000);
    }
}
