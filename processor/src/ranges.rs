//! Sets of sequence numbers, kept as intervals: which records of one (journal, topic, partition) are
//! in. Contiguous delivery is one interval, however long; a hole is one more. Knows no store.

use std::fmt;

/// A set of sequence numbers from 1 on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ranges {
    /// Inclusive, disjoint, not adjacent, ascending.
    spans: Vec<(u64, u64)>,
}

/// A text that is no `int8multirange`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a multirange of sequence numbers")]
pub(crate) struct NotRanges;

impl Ranges {
    /// Adds one number; false when it was in.
    pub(crate) fn insert(&mut self, seq: u64) -> bool {
        // Nearly always the next of the last interval.
        if let Some(last) = self.spans.last_mut()
            && last.1.checked_add(1) == Some(seq)
        {
            last.1 = seq;
            return true;
        }
        self.insert_span(seq, seq) == 1
    }

    /// Adds `first..=last`; how many of them were not in.
    pub(crate) fn insert_span(&mut self, first: u64, last: u64) -> u64 {
        if first > last {
            return 0;
        }
        // The intervals that touch or adjoin the new one become one with it.
        let from = self.spans.partition_point(|span| span.1.saturating_add(1) < first);
        let to = self.spans.partition_point(|span| span.0 <= last.saturating_add(1));
        let mut merged = (first, last);
        let mut known = 0;
        for &(start, end) in &self.spans[from..to] {
            let overlap = (start.max(first), end.min(last));
            known += if overlap.0 <= overlap.1 { overlap.1 - overlap.0 + 1 } else { 0 };
            merged = (merged.0.min(start), merged.1.max(end));
        }
        self.spans.splice(from..to, [merged]);
        last - first + 1 - known
    }

    /// Whether a number is in.
    pub(crate) fn contains(&self, seq: u64) -> bool {
        let at = self.spans.partition_point(|span| span.1 < seq);
        self.spans.get(at).is_some_and(|span| span.0 <= seq)
    }

    /// Whether all of `1..=last` are in.
    pub(crate) fn covers(&self, last: u64) -> bool {
        last == 0 || self.spans.first().is_some_and(|span| span.0 <= 1 && span.1 >= last)
    }

    /// How many numbers are in.
    pub(crate) fn count(&self) -> u64 {
        self.spans.iter().map(|(start, end)| end - start + 1).sum()
    }

    /// The intervals of `1..=last` that are not in.
    pub(crate) fn holes(&self, last: u64) -> Vec<(u64, u64)> {
        let mut holes = Vec::new();
        let mut next = 1;
        for &(start, end) in &self.spans {
            if start > last {
                break;
            }
            if start > next {
                holes.push((next, start - 1));
            }
            next = end.saturating_add(1);
        }
        if next <= last {
            holes.push((next, last));
        }
        holes
    }

    /// The intervals, inclusive, ascending.
    pub(crate) fn spans(&self) -> &[(u64, u64)] {
        &self.spans
    }

    /// Reads PostgreSQL's text of an `int8multirange`: `{[1,5),[9,10)}`.
    ///
    /// # Errors
    /// `NotRanges`.
    pub(crate) fn parse(text: &str) -> Result<Self, NotRanges> {
        let inner =
            text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).ok_or(NotRanges)?;
        let mut set = Self::default();
        for span in inner.split("),").filter(|span| !span.is_empty()) {
            let span = span.trim_start_matches('[').trim_end_matches(')');
            let (start, end) = span.split_once(',').ok_or(NotRanges)?;
            let start: u64 = start.parse().map_err(|_| NotRanges)?;
            let end: u64 = end.parse().map_err(|_| NotRanges)?;
            set.insert_span(start, end.checked_sub(1).ok_or(NotRanges)?);
        }
        Ok(set)
    }
}

/// As PostgreSQL reads an `int8multirange`.
impl fmt::Display for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (n, (start, end)) in self.spans.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            write!(f, "{comma}[{start},{})", end.saturating_add(1))?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn contiguous_numbers_are_one_interval_and_a_repeated_one_is_known() {
        let mut set = Ranges::default();
        assert!((1..=1000).all(|seq| set.insert(seq)));
        assert!(!set.insert(500));
        assert_eq!(set.to_string(), "{[1,1001)}");
        assert!(set.covers(1000) && !set.covers(1001));
    }

    #[test]
    fn a_hole_stays_until_it_is_filled() {
        let mut set = Ranges::default();
        set.insert_span(1, 4);
        set.insert_span(7, 9);
        assert_eq!(set.holes(10), [(5, 6), (10, 10)]);
        assert_eq!(set.insert_span(3, 8), 2);
        assert_eq!(set.spans(), [(1, 9)]);
        assert!(set.holes(9).is_empty());
    }

    proptest! {
        #[test]
        fn it_is_a_set_of_numbers(spans in prop::collection::vec((1_u64..200, 0_u64..20), 0..40)) {
            let mut set = Ranges::default();
            let mut model = BTreeSet::new();
            for (first, length) in spans {
                let fresh = (first..=first + length).filter(|seq| model.insert(*seq)).count();
                prop_assert_eq!(set.insert_span(first, first + length), fresh as u64);
            }
            prop_assert_eq!(set.count(), model.len() as u64);
            prop_assert!((0..=230).all(|seq| set.contains(seq) == model.contains(&seq)));
            prop_assert_eq!(Ranges::parse(&set.to_string()), Ok(set.clone()));
            let holes: u64 = set.holes(230).iter().map(|(a, b)| b - a + 1).sum();
            prop_assert_eq!(holes + set.count(), 230);
        }
    }
}
