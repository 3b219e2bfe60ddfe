//! The tables that answer, from few rows to many, and what each of them keeps.

use super::{Dimension, Query};

/// What a row of a table stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Grain {
    /// A day of the site's zone.
    Day,
    /// An hour, the same for everybody.
    Hour,
    /// Something that happened.
    Moment,
}

/// A table that can answer, and what it keeps.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) table: &'static str,
    pub(super) of_clicks: bool,
    pub(super) grain: Grain,
    keeps: fn(Dimension) -> bool,
    /// Each of its rows is of one dimension alone, whatever the others are.
    pub(super) is_alone: bool,
    /// It has only rows with something in these.
    lacks: Option<Lacks>,
}

/// What rows are not in a table: those with nothing in some columns, which are the rest of another table's sums.
#[derive(Debug, Clone, Copy)]
struct Lacks {
    columns: &'static [&'static str],
    /// Keys that both tables have.
    keys: &'static str,
    whole: &'static str,
}

const fn clicks(table: &'static str, grain: Grain, keeps: fn(Dimension) -> bool) -> Source {
    Source { table, of_clicks: true, grain, keeps, is_alone: false, lacks: None }
}

const fn conversions(table: &'static str, grain: Grain, keeps: fn(Dimension) -> bool) -> Source {
    Source { table, of_clicks: false, grain, keeps, is_alone: false, lacks: None }
}

const fn alone(of: Source) -> Source {
    Source { is_alone: true, ..of }
}

const fn some(table: &'static str, keeps: fn(Dimension) -> bool, lacks: Lacks) -> Source {
    Source { lacks: Some(lacks), ..clicks(table, Grain::Day, keeps) }
}

const fn sub(
    table: &'static str,
    column: &'static [&'static str],
    keeps: fn(Dimension) -> bool,
) -> Source {
    let keys = "site, affiliate, day, program, kind";
    some(table, keeps, Lacks { columns: column, keys, whole: "clicks_by_day_affiliate" })
}

/// Sums of clicks by what they keep, from few rows to many; outcomes stand beside one another in each of them.
pub(super) const CLICKS: [Source; 17] = [
    clicks("clicks_by_day_program", Grain::Day, |by| {
        matches!(by, Dimension::Program | Dimension::Reason)
    }),
    clicks("clicks_by_hour_program", Grain::Hour, |by| {
        matches!(by, Dimension::Program | Dimension::Reason)
    }),
    alone(clicks("clicks_by_day_site", Grain::Day, |by| {
        matches!(by, Dimension::Affiliate | Dimension::Country)
    })),
    clicks("clicks_by_day_country", Grain::Day, |by| {
        use Dimension::{Country, Device, Program, Reason};
        matches!(by, Program | Country | Device | Reason)
    }),
    clicks("clicks_by_day_language", Grain::Day, |by| {
        matches!(by, Dimension::Program | Dimension::Language)
    }),
    clicks("clicks_by_day_agent", Grain::Day, |by| {
        use Dimension::{Browser, Device, Os, Program};
        matches!(by, Program | Device | Os | Browser)
    }),
    clicks("clicks_by_day_affiliate", Grain::Day, |by| {
        matches!(by, Dimension::Affiliate | Dimension::Program)
    }),
    clicks("clicks_by_day_link", Grain::Day, Dimension::is_id),
    clicks("clicks_by_day_referrer", Grain::Day, |by| {
        matches!(by, Dimension::Program | Dimension::Referrer | Dimension::Source)
    }),
    some(
        "clicks_by_day_place",
        |by| {
            use Dimension::{City, Country, Program, Region};
            matches!(by, Program | Country | Region | City)
        },
        Lacks {
            columns: &["region", "city"],
            keys: "site, program, day, country, kind",
            whole: "clicks_by_day_country",
        },
    ),
    some(
        "clicks_by_day_code",
        |by| matches!(by, Dimension::Program | Dimension::Code | Dimension::Reason),
        Lacks {
            columns: &["code"],
            keys: "site, day, program, reason, kind",
            whole: "clicks_by_day_program",
        },
    ),
    sub("clicks_by_day_sub1", &["sub1"], |by| of_sub(by, 1)),
    sub("clicks_by_day_sub2", &["sub2"], |by| of_sub(by, 2)),
    sub("clicks_by_day_sub3", &["sub3"], |by| of_sub(by, 3)),
    sub("clicks_by_day_sub4", &["sub4"], |by| of_sub(by, 4)),
    sub("clicks_by_day_sub5", &["sub5"], |by| of_sub(by, 5)),
    clicks("clicks", Grain::Moment, |_| true),
];

pub(super) const CONVERSIONS: [Source; 4] = [
    conversions("conversions_by_day_program", Grain::Day, |by| {
        matches!(by, Dimension::Program | Dimension::Event | Dimension::Refusal)
    }),
    alone(conversions("conversions_by_day_site", Grain::Day, |by| {
        use Dimension::{
            Affiliate, Browser, City, Country, Device, Language, Os, Referrer, Region, Source,
        };
        matches!(
            by,
            Affiliate
                | Country
                | Region
                | City
                | Device
                | Os
                | Browser
                | Language
                | Referrer
                | Source
        )
    })),
    conversions("conversions_by_day_link", Grain::Day, |by| {
        by.is_id() || matches!(by, Dimension::Event | Dimension::Refusal)
    }),
    conversions("conversions_by_click", Grain::Moment, |_| true),
];

fn of_sub(by: Dimension, n: u8) -> bool {
    matches!(by, Dimension::Affiliate | Dimension::Program) || by == Dimension::Sub(n)
}

impl Source {
    /// What stands behind FROM.
    pub(super) fn rows(&self, query: &Query) -> String {
        match &self.lacks {
            Some(lacks) if lacks.are_asked(query) => lacks.completed(self.table),
            _ => self.table.to_owned(),
        }
    }

    /// Whether there may be groups that count nothing.
    pub(super) fn may_be_empty(&self, query: &Query) -> bool {
        match &self.lacks {
            Some(lacks) => lacks.are_asked(query),
            // What a repair took back stays beside what it takes back, for a time or for ever.
            None => !self.of_clicks,
        }
    }

    /// The table with the sums of which this one has only a part, where a question asks for all of it; `None` where it
    /// has what is asked.
    pub(super) fn whole(&self, query: &Query) -> Option<&'static str> {
        self.lacks.as_ref().filter(|lacks| lacks.are_asked(query)).map(|lacks| lacks.whole)
    }

    /// Whether a dimension is one that its rows have something in.
    pub(super) fn is_lacking(&self, by: Dimension) -> bool {
        self.lacks.as_ref().is_some_and(|lacks| lacks.columns.contains(&by.name()))
    }

    pub(super) fn fits(&self, asked: &[Dimension]) -> bool {
        let all = asked.iter().all(|&by| self.has_always(by) || (self.keeps)(by));
        all && (!self.is_alone || self.alone(asked).is_some())
    }

    /// Whether its rows tell a dimension apart beside all that it keeps.
    pub(super) fn has_always(&self, by: Dimension) -> bool {
        let kept = match self.grain {
            Grain::Day => by.is_days(),
            Grain::Hour => by.is_days() || by == Dimension::Hour,
            Grain::Moment => true,
        };
        kept || match self.of_clicks {
            true => by == Dimension::Outcome,
            false => by == Dimension::Currency,
        }
    }

    /// The one dimension asked for that its rows are of, where they are of one alone.
    pub(super) fn alone(&self, asked: &[Dimension]) -> Option<Dimension> {
        let mut of = asked.iter().copied().filter(|&by| !self.has_always(by));
        let first = of.next().filter(|_| self.is_alone)?;
        of.all(|by| by == first).then_some(first)
    }
}

impl Lacks {
    /// Whether rows without anything there count: not where a filter wants something.
    fn are_asked(&self, query: &Query) -> bool {
        !query.filters.iter().any(|filter| {
            let named = self.columns.contains(&filter.dimension.name());
            named && !filter.exclude && !filter.values.iter().any(String::is_empty)
        })
    }

    /// The table, and what it leaves of the other's sums.
    fn completed(&self, table: &str) -> String {
        let Self { columns, keys, whole } = self;
        let with: Vec<String> =
            columns.iter().map(|name| format!("toString({name}) AS {name}")).collect();
        let with = with.join(", ");
        let without: Vec<String> = columns.iter().map(|name| format!("'' AS {name}")).collect();
        let without = without.join(", ");
        let plus = "gross, uniques, duplicates, invalid";
        let minus =
            "-gross AS gross, -uniques AS uniques, -duplicates AS duplicates, -invalid AS invalid";
        format!(
            "(SELECT {keys}, {with}, {plus} FROM {table} \
             UNION ALL SELECT {keys}, {without}, {plus} FROM {whole} \
             UNION ALL SELECT {keys}, {without}, {minus} FROM {table})"
        )
    }
}
