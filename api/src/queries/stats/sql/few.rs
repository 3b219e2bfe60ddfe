//! Reports of few groups: one statement for all of them, which reads each table once for each span. Its rows are parts
//! of answers, put together by [`Together::parts`]: planning a level more takes ClickHouse longer than adding them here.

use schemas::ids::SiteId;

use super::{
    super::{Dimension, Found},
    Bind, Part, Piece, Plan, Statement, inner, is_by_outcome, outer, part, rows, span,
};

/// The statement of some reports, and whose its rows are.
#[derive(Debug)]
pub(in super::super) struct Together {
    pub(in super::super) statement: Statement,
    /// By the number a row gives.
    sets: Vec<Set>,
}

/// Rows of one piece by one key, or by none.
#[derive(Debug)]
struct Set {
    of_clicks: bool,
    /// The plans they are a part of.
    plans: Vec<usize>,
}

/// A piece that some plans read, and by what.
struct Shared<'p> {
    plan: &'p Plan,
    piece: &'p Piece<'static>,
    /// With the number of its set.
    keys: Vec<(Option<Dimension>, usize)>,
}

impl Together {
    /// Of plans whose reports have few groups.
    pub(in super::super) fn of<'p>(site: SiteId, plans: impl Iterator<Item = &'p Plan>) -> Self {
        let (mut shared, mut sets): (Vec<Shared<'_>>, Vec<Set>) = (Vec::new(), Vec::new());
        for (n, plan) in plans.enumerate() {
            for piece in &plan.pieces {
                let at = shared.iter().position(|one| one.can_give(plan, piece));
                let at = at.unwrap_or_else(|| {
                    shared.push(Shared { plan, piece, keys: Vec::new() });
                    shared.len() - 1
                });
                let (key, keys) = (plan.query.group_by.first().copied(), &mut shared[at].keys);
                match keys.iter().find(|(known, _)| *known == key) {
                    Some((_, set)) => sets[*set].plans.push(n),
                    None => {
                        keys.push((key, sets.len()));
                        sets.push(Set { of_clicks: piece.source.of_clicks, plans: vec![n] });
                    }
                }
            }
        }
        let mut binds = Vec::new();
        let parts: Vec<String> = shared.iter().map(|one| one.text(site, &mut binds)).collect();
        Self { statement: Statement { text: parts.join(" UNION ALL "), binds }, sets }
    }
}

impl Together {
    /// What its rows say, for each plan.
    pub(in super::super) fn parts(&self, found: &[Part], plans: usize) -> Vec<Vec<Found>> {
        let mut parts = vec![Vec::new(); plans];
        for part in found {
            let Some(set) = self.sets.get(usize::from(part.set)) else { continue };
            for &plan in &set.plans {
                if let Some(parts) = parts.get_mut(plan) {
                    parts.push(part.found(set.of_clicks));
                }
            }
        }
        parts
    }
}

impl Shared<'_> {
    /// Whether what it reads is what a plan wants of a piece.
    fn can_give(&self, plan: &Plan, piece: &Piece<'_>) -> bool {
        // Rows of one dimension for all of them, or each key's own.
        if self.piece.source.is_alone && is_by_key(self.plan) != is_by_key(plan) {
            return false;
        }
        let by_outcome = |plan: &Plan| is_by_outcome(&plan.query, piece.source);
        // Currencies tell all groups apart, so that being grouped by them tells no set from the others.
        let by = plan.query.group_by.first();
        let is_alone = |by: Option<&Dimension>| by == Some(&Dimension::Currency);
        let own = self.plan.query.group_by.first();
        let is_told_apart = own == by || !(is_alone(own) || is_alone(by));
        is_told_apart
            && self.piece.source.table == piece.source.table
            && self.piece.range == piece.range
            && self.piece.owners == piece.owners
            && self.plan.query.filters == plan.query.filters
            && by_outcome(self.plan) == by_outcome(plan)
    }

    fn text(&self, site: SiteId, binds: &mut Vec<Bind>) -> String {
        let (query, source) = (&self.plan.query, self.piece.source);
        if self.is_by_dimension() {
            return self.by_dimension(site, binds);
        }
        let with: Vec<String> = self
            .keys
            .iter()
            .filter_map(|(by, set)| Some(format!("{} AS k{set}", inner((*by)?, query, source))))
            .collect();
        let with =
            if with.is_empty() { String::new() } else { format!("WITH {} ", with.join(", ")) };
        let sums = part::sums(query, source);
        let set = self.either(|_, set| set.to_string());
        let key =
            self.either(|by, set| by.map_or("''".to_owned(), |by| outer(by, &format!("k{set}"))));
        let (rows, groups) = (rows(site, query, self.piece, binds), self.groups());
        format!("{with}SELECT toUInt16({set}) AS set, {key} AS key, {sums} FROM {rows}{groups}")
    }

    /// Whether its rows are of the keys themselves, so that those of more keys are more rows of the same.
    fn is_by_dimension(&self) -> bool {
        self.piece.source.is_alone && is_by_key(self.plan)
    }

    fn by_dimension(&self, site: SiteId, binds: &mut Vec<Bind>) -> String {
        let source = self.piece.source;
        let keys = || self.keys.iter().filter_map(|&(by, set)| Some((by?, set)));
        let names: Vec<String> = keys().map(|(by, _)| format!("'{}'", by.name())).collect();
        let sets: Vec<String> = keys().map(|(_, set)| set.to_string()).collect();
        let (names, sets) = (names.join(", "), sets.join(", "));
        let sums = part::sums(&self.plan.query, source);
        binds.push(Bind::Number(site.to_sql()));
        let span = span(self.piece, binds);
        let currency = if source.of_clicks { "" } else { ", t.currency" };
        format!(
            "SELECT toUInt16([{sets}][indexOf([{names}], toString(t.dimension))]) AS set, \
             toString(t.value) AS key, {sums} FROM {table} AS t \
             WHERE t.site = ? AND t.dimension IN ({names}){span} GROUP BY t.dimension, t.value{currency}",
            table = source.table,
        )
    }

    /// An expression by the set that a row is of.
    fn either(&self, of: impl Fn(Option<Dimension>, usize) -> String) -> String {
        // A row of no key is what is left.
        let (with, without): (Vec<_>, Vec<_>) = self.keys.iter().partition(|(by, _)| by.is_some());
        let mut arms: Vec<(usize, String)> =
            with.into_iter().chain(without).map(|&(by, set)| (set, of(by, set))).collect();
        let Some((_, last)) = arms.pop() else { return String::new() };
        match arms.is_empty() {
            true => last,
            false => {
                let arm = |(set, text)| format!("grouping(k{set}) = 0, {text}, ");
                let arms: String = arms.into_iter().map(arm).collect();
                format!("multiIf({arms}{last})")
            }
        }
    }

    fn groups(&self) -> String {
        let currency =
            if self.piece.source.of_clicks { None } else { Some("t.currency".to_owned()) };
        let of = |by: Option<Dimension>, set: usize| {
            let keys = by.map(|_| format!("k{set}")).into_iter().chain(currency.clone());
            keys.collect::<Vec<_>>().join(", ")
        };
        match self.keys.as_slice() {
            [(by, set)] => match of(*by, *set) {
                none if none.is_empty() => none,
                keys => format!(" GROUP BY {keys}"),
            },
            keys => {
                let sets: Vec<String> =
                    keys.iter().map(|(by, set)| format!("({})", of(*by, *set))).collect();
                format!(" GROUP BY GROUPING SETS ({})", sets.join(", "))
            }
        }
    }
}

/// Whether a report is by a dimension and asks for nothing else.
fn is_by_key(plan: &Plan) -> bool {
    plan.query.filters.is_empty()
        && plan.query.group_by.iter().all(|by| !by.is_time() && *by != Dimension::Outcome)
}
