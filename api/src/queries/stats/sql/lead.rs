//! A report by one key of many values, the largest first by a number of clicks: who comes first is known from the clicks
//! alone, so that conversions are asked for those few, and neither is put together with the other by ClickHouse.

use schemas::ids::SiteId;

use super::{
    super::{Metric, Order, Query},
    Bind, Piece, Plan, Statement, inner, outer, part, rows, rows_of,
};

/// Rows of conversions at most where all of them are wanted, and one more to know that there are more.
pub(in super::super) const MOST: usize = 10_000;

/// A plan that can be answered so.
#[derive(Debug)]
pub(in super::super) struct Lead<'p> {
    plan: &'p Plan,
    clicks: &'p Piece<'static>,
    by: &'static str,
}

impl Plan {
    /// Its lead, where it has one.
    pub(in super::super) fn lead(&self) -> Option<Lead<'_>> {
        let by = match self.query.order {
            (Order::Metric(Metric::Gross), true) => "a",
            (Order::Metric(Metric::Unique), true) => "b",
            (Order::Metric(Metric::Duplicate), true) => "c",
            (Order::Metric(Metric::Invalid), true) => "d",
            (Order::Metric(Metric::Impressions), true) => "e",
            _ => return None,
        };
        let [key] = self.query.group_by.as_slice() else { return None };
        let mut of_clicks = self.pieces.iter().filter(|piece| piece.source.of_clicks);
        let (Some(clicks), None) = (of_clicks.next(), of_clicks.next()) else { return None };
        // A filter by what a table has only a part of asks for other rows of it.
        let filters = &self.query.filters;
        let is_mixed = filters.iter().any(|filter| clicks.source.is_lacking(filter.dimension));
        let is_bare = clicks.source.whole(&self.query).is_none() || clicks.source.is_lacking(*key);
        (!is_mixed && is_bare).then_some(Lead { plan: self, clicks, by })
    }
}

/// What the rows of [`Lead::clicks`] are of.
pub(in super::super) mod set {
    /// One group.
    pub(in super::super::super) const GROUP: u16 = 0;
    /// All groups of the table.
    pub(in super::super::super) const TOTAL: u16 = 1;
    /// Everything, where the table has only rows with something in the key.
    pub(in super::super::super) const WHOLE: u16 = 2;
}

impl Lead<'_> {
    /// The first groups by their clicks, one more than asked for, and the sum of all.
    pub(in super::super) fn clicks(&self, site: SiteId) -> Statement {
        let (query, source, mut binds) = (&self.plan.query, self.clicks.source, Vec::new());
        let (key, sums) = (key(query, self.clicks), part::sums(query, source));
        let rows = rows_of(source.table, site, query, self.clicks, &mut binds);
        // Those without the key are the rest of another table: what this one has of them is always wanted.
        let rest = if source.whole(query).is_some() { "key = '' DESC, " } else { "" };
        let mut text = format!(
            "SELECT * FROM (WITH {key} SELECT toUInt16(grouping(k0)) AS set, {name} AS key, {sums} FROM {rows} \
             GROUP BY GROUPING SETS ((k0), ()) ORDER BY set DESC, {rest}{by} DESC, k0 LIMIT {limit})",
            name = outer(query.group_by[0], "k0"),
            by = self.by,
            // The sum, one without the key, the rows, and one more to know whether there are more.
            limit = u64::from(query.limit) + 3,
        );
        if let Some(whole) = source.whole(query) {
            let rows = rows_of(whole, site, query, self.clicks, &mut binds);
            text.push_str(&format!(
                " UNION ALL SELECT toUInt16({}) AS set, '' AS key, {sums} FROM {rows}",
                set::WHOLE
            ));
        }
        Statement { text, binds }
    }

    /// Conversions of some groups, and the sum of all; of all groups, at most [`MOST`] and one, where none are named.
    /// `None` where the report has none.
    pub(in super::super) fn conversions(
        &self,
        site: SiteId,
        groups: Option<&[String]>,
    ) -> Option<Statement> {
        let (query, mut binds, mut halves) = (&self.plan.query, Vec::new(), Vec::new());
        for piece in self.plan.pieces.iter().filter(|piece| !piece.source.of_clicks) {
            let (key, sums) = (key(query, piece), part::sums(query, piece.source));
            let rows = rows(site, query, piece, &mut binds);
            let name = outer(query.group_by[0], "k0");
            let wanted = match groups {
                Some(groups) => {
                    binds.push(Bind::Texts(groups.to_vec()));
                    " HAVING set = 1 OR key IN ?".to_owned()
                }
                None => format!(" ORDER BY set DESC LIMIT {}", MOST + 1),
            };
            halves.push(format!(
                "SELECT * FROM (WITH {key} SELECT toUInt16(grouping(k0)) AS set, {name} AS key, {sums} FROM {rows} \
                 GROUP BY GROUPING SETS ((k0, t.currency), (t.currency)){wanted})"
            ));
        }
        let text = halves.join(" UNION ALL ");
        (!halves.is_empty()).then_some(Statement { text, binds })
    }
}

fn key(query: &Query, piece: &Piece<'_>) -> String {
    format!("{} AS k0", inner(query.group_by[0], query, piece.source))
}
