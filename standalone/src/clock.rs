//! Where this crate reads the clock.

/// Milliseconds since 1970, UTC.
pub(crate) fn now_ms() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "this is the border where the clock is read")]
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
