//! How much waits for Kafka, and when that is too much. Pure.

/// What to say of a backlog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// As it should be.
    Well,
    /// Half of what may wait: somebody must look before it is too late.
    Alarm,
    /// As much as may wait: nothing more is taken.
    Full,
}

impl Level {
    /// Of so many bytes, where `most` may wait.
    pub(super) const fn of(bytes: u64, most: u64) -> Self {
        if bytes >= most {
            Self::Full
        } else if bytes >= most / 2 {
            Self::Alarm
        } else {
            Self::Well
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_is_an_alarm_and_all_is_full() {
        for (bytes, level) in [
            (0, Level::Well),
            (49, Level::Well),
            (50, Level::Alarm),
            (99, Level::Alarm),
            (100, Level::Full),
        ] {
            assert_eq!(Level::of(bytes, 100), level, "{bytes}");
        }
    }
}
