//! How far a journal is acknowledged without a gap. Pure.

use journal::Position;
use std::collections::VecDeque;

/// Windows of a journal in the order they were read: each ends somewhere, and is done when all of its messages are
/// acknowledged.
#[derive(Debug)]
pub(super) struct Progress {
    windows: VecDeque<Window>,
    /// The number of the first one.
    first: u64,
    /// Everything before is acknowledged.
    pub(super) acknowledged: Position,
    /// No event that is not is older: the newest time the journal said before it.
    pub(super) complete_ms: u64,
}

#[derive(Debug)]
struct Window {
    end: Position,
    /// The newest time the journal said by then.
    time_ms: u64,
    messages: usize,
}

impl Progress {
    /// Nothing under way behind a position, of a journal that began at a time.
    pub(super) const fn new(from: Position, start_ms: u64) -> Self {
        Self { windows: VecDeque::new(), first: 0, acknowledged: from, complete_ms: start_ms }
    }

    /// A window of so many messages that ends there; its number.
    pub(super) fn open(&mut self, end: Position, time_ms: u64, messages: usize) -> u64 {
        let number = self.first + self.windows.len() as u64;
        self.windows.push_back(Window { end, time_ms, messages });
        self.advance();
        number
    }

    /// One message of a window is acknowledged.
    pub(super) fn acknowledge(&mut self, number: u64) {
        let window = number.checked_sub(self.first).and_then(|n| usize::try_from(n).ok());
        if let Some(window) = window.and_then(|n| self.windows.get_mut(n)) {
            window.messages = window.messages.saturating_sub(1);
        }
        self.advance();
    }

    /// Whether nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.windows.is_empty()
    }

    fn advance(&mut self) {
        while self.windows.front().is_some_and(|window| window.messages == 0) {
            if let Some(window) = self.windows.pop_front() {
                self.acknowledged = window.end;
                self.complete_ms = self.complete_ms.max(window.time_ms);
                self.first += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(offset: u64) -> Position {
        Position { segment: 1, offset }
    }

    #[test]
    fn a_position_moves_only_over_what_is_acknowledged_without_a_gap() {
        let mut progress = Progress::new(at(0), 5);
        let (first, second) = (progress.open(at(10), 10, 2), progress.open(at(20), 20, 1));
        progress.acknowledge(second);
        assert_eq!(progress.acknowledged, at(0));
        progress.acknowledge(first);
        assert_eq!((progress.acknowledged, progress.complete_ms), (at(0), 5));
        progress.acknowledge(first);
        assert_eq!((progress.acknowledged, progress.complete_ms), (at(20), 20));
        assert!(progress.is_idle());
        let third = progress.open(at(30), 30, 1);
        assert_eq!((third, progress.acknowledged), (2, at(20)));
        progress.acknowledge(third);
        assert_eq!(progress.acknowledged, at(30));
    }

    #[test]
    fn a_window_without_messages_waits_for_those_before_it() {
        let mut progress = Progress::new(at(0), 5);
        assert_eq!(progress.open(at(5), 5, 0), 0);
        assert_eq!(progress.acknowledged, at(5));
        let first = progress.open(at(10), 10, 1);
        progress.open(at(20), 20, 0);
        assert_eq!(progress.acknowledged, at(5));
        progress.acknowledge(first);
        assert_eq!(progress.acknowledged, at(20));
    }
}
