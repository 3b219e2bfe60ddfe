//! What the first screen compares with: the span before over time, and as much of it as of this one is over.

use crate::{
    pages::{axis, axis::Step, view::View},
    params::range::Range,
    queries::stats::{Dimension, Query, Report, Row},
};

/// The questions about the span before.
pub(super) struct Earlier {
    over_time: Query,
    steps: Vec<Step>,
    /// As far as the span itself is over; `None` where it has not begun.
    to_ms: Option<i64>,
    /// The step that this cuts, as far as that.
    cut: Option<Query>,
}

impl Earlier {
    /// Of a view, by the steps of its chart; `None` where it is compared with nothing.
    pub(super) fn of(view: &View, by: Dimension) -> Option<Self> {
        let range = view.before()?;
        let steps = axis::steps(range, by);
        let to_ms = view.before_so_far().map(|range| range.to_ms);
        let over_time = Query { range, ..view.query(vec![by], 1000) };
        let cut = to_ms.and_then(|to_ms| {
            let is_cut = |step: &&Step| step.span_ms.0 < to_ms && to_ms < step.span_ms.1;
            let from_ms = steps.iter().find(is_cut)?.span_ms.0;
            let range = Range { from_ms, to_ms, ..range };
            Some(Query { range, ..view.query(Vec::new(), 1) })
        });
        Some(Self { over_time, steps, to_ms, cut })
    }

    /// One or two, the one over time first.
    pub(super) fn queries(&self) -> impl Iterator<Item = Query> {
        [Some(&self.over_time), self.cut.as_ref()].into_iter().flatten().cloned()
    }

    /// The sum of its whole steps, and what the answer about the cut one says.
    pub(super) fn so_far(&self, over_time: &Report, cut: Option<&Report>) -> Option<Row> {
        let to_ms = self.to_ms?;
        if self.steps.last().is_none_or(|last| last.span_ms.1 <= to_ms) {
            return Some(over_time.totals.clone());
        }
        let over = |key: &str| {
            let step = self.steps.iter().find(|step| step.key == key);
            step.is_some_and(|step| step.span_ms.1 <= to_ms)
        };
        let whole =
            over_time.rows.iter().filter(|row| row.keys.first().is_some_and(|key| over(key)));
        let mut sum = over_time.totals.nothing();
        whole.chain(cut.map(|cut| &cut.totals)).for_each(|row| sum.add(row));
        Some(sum)
    }
}
