//! A report by one key of many values, the largest first by a number of clicks: who comes first is known from the clicks
//! alone, so that everything else is asked for those few, and neither is put together with the other by ClickHouse.

use schemas::ids::SiteId;

use super::{
    super::{Dimension, Metric, Order},
    Bind, Piece, Plan, Statement, column, inner, outer, part, rows, rows_of,
};

/// Rows of conversions at most where all of them are wanted, and one more to know that there are more.
pub(in super::super) const MOST: usize = 10_000;

/// A plan that can be answered so.
#[derive(Debug)]
pub(in super::super) struct Lead<'p> {
    plan: &'p Plan,
    key: Dimension,
    clicks: &'p Piece<'static>,
    by: &'static str,
    /// Whether the sum of all groups is known otherwise, and not asked for.
    is_summed: bool,
}

impl Plan {
    /// Its lead, where it has one; without the sum of all groups where that is known otherwise.
    pub(in super::super) fn lead(&self, is_summed: bool) -> Option<Lead<'_>> {
        let by = match self.query.order {
            (Order::Metric(Metric::Gross), true) => "a",
            (Order::Metric(Metric::Unique), true) => "b",
            (Order::Metric(Metric::Duplicate), true) => "c",
            (Order::Metric(Metric::Invalid), true) => "d",
            (Order::Metric(Metric::Impressions), true) => "e",
            _ => return None,
        };
        let &[key] = self.query.group_by.as_slice() else { return None };
        let mut of_clicks = self.pieces.iter().filter(|piece| piece.source.of_clicks);
        let (Some(clicks), None) = (of_clicks.next(), of_clicks.next()) else { return None };
        // A filter by what a table has only a part of asks for other rows of it.
        let filters = &self.query.filters;
        let is_mixed = filters.iter().any(|filter| clicks.source.is_lacking(filter.dimension));
        let is_bare = clicks.source.whole(&self.query).is_none() || clicks.source.is_lacking(key);
        (!is_mixed && is_bare).then_some(Lead { plan: self, key, clicks, by, is_summed })
    }
}

/// What the rows of a lead's statements are of.
pub(in super::super) mod set {
    /// One group.
    pub(in super::super::super) const GROUP: u16 = 0;
    /// All groups of the table.
    pub(in super::super::super) const TOTAL: u16 = 1;
    /// Everything, where the table has only rows with something in the key.
    pub(in super::super::super) const WHOLE: u16 = 2;
}

impl Lead<'_> {
    /// Whether the sum of all groups comes from elsewhere than they do.
    fn gives_sum(&self, of_clicks: bool) -> bool {
        self.is_summed || self.has_whole(of_clicks)
    }

    fn has_whole(&self, of_clicks: bool) -> bool {
        !self.plan.wholes[usize::from(!of_clicks)].is_empty()
    }

    /// The first groups by their clicks, one more than asked for, and the sum of all.
    pub(in super::super) fn first(&self, site: SiteId) -> Statement {
        let (query, source, mut binds) = (&self.plan.query, self.clicks.source, Vec::new());
        let whole = source.whole(query);
        let sums = part::sums(query, source);
        let rows = rows_of(source.table, site, query, self.clicks, &mut binds);
        // Those without the key are the rest of another table: what this one has of them is always wanted.
        let rest = if whole.is_some() { "key = '' DESC, " } else { "" };
        let with_sum = whole.is_some() || !self.gives_sum(true);
        let (set, groups) = match with_sum {
            true => ("grouping(k0)".to_owned(), "GROUPING SETS ((k0), ())"),
            false => (set::GROUP.to_string(), "k0"),
        };
        let mut text = format!(
            "SELECT * FROM (WITH {key} SELECT toUInt16({set}) AS set, {name} AS key, {sums} FROM {rows} \
             GROUP BY {groups} ORDER BY set DESC, {rest}{by} DESC, k0 LIMIT {limit})",
            key = self.named(self.clicks),
            name = self.name(),
            by = self.by,
            // The sum, one without the key, the rows, and one more to know whether there are more.
            limit = u64::from(query.limit) + 3,
        );
        match whole {
            Some(whole) if !self.has_whole(true) => {
                let rows = rows_of(whole, site, query, self.clicks, &mut binds);
                text.push_str(&sum_of(set::WHOLE, &sums, &rows));
            }
            Some(_) => text.push_str(&self.sum(site, (true, set::WHOLE), &mut binds)),
            None if self.is_summed => {}
            None => text.push_str(&self.sum(site, (true, set::TOTAL), &mut binds)),
        }
        Statement { text, binds }
    }

    /// Conversions of some groups and the sum of all; of all groups, at most [`MOST`] and one, where none are named. `None`
    /// where the report has none.
    pub(in super::super) fn conversions(
        &self,
        site: SiteId,
        wanted: Option<&[String]>,
    ) -> Option<Statement> {
        let (mut binds, mut arms) = (Vec::new(), Vec::new());
        for piece in self.plan.pieces.iter().filter(|piece| !piece.source.of_clicks) {
            arms.push(match wanted {
                Some(groups) if self.gives_sum(false) => {
                    self.groups(site, piece, groups, &mut binds)
                }
                groups => self.groups_and_sum(site, piece, groups, &mut binds),
            });
        }
        let mut text = arms.join(" UNION ALL ");
        if wanted.is_some() && self.plan.shape.conversions && !self.is_summed {
            text.push_str(&self.sum(site, (false, set::TOTAL), &mut binds));
        }
        (!text.is_empty()).then_some(Statement { text, binds })
    }

    /// Conversions of groups by their keys.
    fn groups(
        &self,
        site: SiteId,
        piece: &Piece<'_>,
        groups: &[String],
        binds: &mut Vec<Bind>,
    ) -> String {
        let (query, source) = (&self.plan.query, piece.source);
        let (sums, rows) = (part::sums(query, source), rows(site, query, piece, binds));
        let column = column(self.key, query, source);
        binds.push(match self.key.is_id() {
            true => Bind::Numbers(groups.iter().filter_map(|id| id.parse().ok()).collect()),
            false => Bind::Texts(groups.to_vec()),
        });
        let set = set::GROUP;
        format!(
            "SELECT * FROM (WITH {key} SELECT toUInt16({set}) AS set, {name} AS key, {sums} FROM {rows} \
             AND {column} IN ? GROUP BY k0, t.currency)",
            key = self.named(piece),
            name = self.name(),
        )
    }

    /// Conversions of some groups, or of all, and the sum of all.
    fn groups_and_sum(
        &self,
        site: SiteId,
        piece: &Piece<'_>,
        groups: Option<&[String]>,
        binds: &mut Vec<Bind>,
    ) -> String {
        let sums = part::sums(&self.plan.query, piece.source);
        let rows = rows(site, &self.plan.query, piece, binds);
        let wanted = match groups {
            Some(groups) => {
                binds.push(Bind::Texts(groups.to_vec()));
                " HAVING set = 1 OR key IN ?".to_owned()
            }
            None => format!(" ORDER BY set DESC LIMIT {}", MOST + 1),
        };
        format!(
            "SELECT * FROM (WITH {key} SELECT toUInt16(grouping(k0)) AS set, {name} AS key, {sums} FROM {rows} \
             GROUP BY GROUPING SETS ((k0, t.currency), (t.currency)){wanted})",
            key = self.named(piece),
            name = self.name(),
        )
    }

    /// The sum of all groups where other tables give it, behind what is asked before.
    fn sum(&self, site: SiteId, (of_clicks, set): (bool, u16), binds: &mut Vec<Bind>) -> String {
        let (query, mut text) = (self.plan.query.whole(), String::new());
        let groups = if of_clicks { "" } else { " GROUP BY t.currency" };
        for piece in &self.plan.wholes[usize::from(!of_clicks)] {
            let sums = part::sums(&query, piece.source);
            let rows = rows(site, &query, piece, binds);
            text.push_str(&(sum_of(set, &sums, &rows) + groups));
        }
        text
    }

    fn named(&self, piece: &Piece<'_>) -> String {
        format!("{} AS k0", inner(self.key, &self.plan.query, piece.source))
    }

    fn name(&self) -> String {
        outer(self.key, "k0")
    }
}

/// The sum of rows, behind what is asked before.
fn sum_of(set: u16, sums: &str, rows: &str) -> String {
    format!(" UNION ALL SELECT toUInt16({set}) AS set, '' AS key, {sums} FROM {rows}")
}
