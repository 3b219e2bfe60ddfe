//! How many records a stretch of the log holds, by those that were read. Pure.

/// Records in so many units: bytes of a journal, or messages of Kafka's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Density {
    units: u64,
    records: u64,
    /// Beyond as many units the earlier half of what was seen counts no more.
    most: u64,
}

impl Density {
    /// One record in so many units, until more is known.
    pub(super) const fn new(units: u64, most: u64) -> Self {
        Self { units, records: 1, most }
    }

    /// So many units were read, and held so many records.
    pub(super) const fn put(&mut self, units: u64, records: u64) {
        self.units += units;
        self.records += records;
        if self.units > self.most {
            self.units /= 2;
            self.records /= 2;
        }
    }

    /// Records in so many units.
    pub(super) fn records(&self, units: u64) -> u64 {
        let records = u128::from(units) * u128::from(self.records) / u128::from(self.units.max(1));
        u64::try_from(records).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unread_units_hold_as_many_records_as_those_before() {
        let mut messages = Density::new(1, 1000);
        assert_eq!(messages.records(7), 7, "nothing was read yet");
        messages.put(99, 499);
        assert_eq!(messages.records(20), 100);
        // Later ones are fuller: they outweigh in the end.
        for _ in 0..50 {
            messages.put(100, 5000);
        }
        assert!((980..=1000).contains(&messages.records(20)), "{messages:?}");
        assert_eq!(messages.records(0), 0);
        assert_eq!(Density::new(1, 1).records(u64::MAX), u64::MAX);
    }
}
