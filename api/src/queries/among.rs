//! Filters as PostgreSQL takes them: one array of what a column must be (none: anything), one of what
//! it must not be.

use super::stats::{Dimension, Filter};

/// What a column must be, and must not be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Among<T> {
    pub(super) these: Option<Vec<T>>,
    pub(super) not: Vec<T>,
}

/// What filters say of every column that conversions or commissions keep of a dimension.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) affiliate: Among<i64>,
    pub(super) program: Among<i64>,
    pub(super) link: Among<i64>,
    pub(super) status: Among<String>,
    pub(super) reason: Among<String>,
    pub(super) event: Among<String>,
    pub(super) via: Among<String>,
    pub(super) currency: Among<String>,
}

impl Columns {
    pub(super) fn of(filters: &[Filter]) -> Self {
        Self {
            affiliate: ids(filters, Dimension::Affiliate),
            program: ids(filters, Dimension::Program),
            link: ids(filters, Dimension::Link),
            status: texts(filters, Dimension::Status),
            reason: texts(filters, Dimension::Refusal),
            event: texts(filters, Dimension::Event),
            via: texts(filters, Dimension::Via),
            currency: texts(filters, Dimension::Currency),
        }
    }
}

/// Of a dimension whose values are ids.
pub(super) fn ids(filters: &[Filter], by: Dimension) -> Among<i64> {
    let texts = texts(filters, by);
    // `store_value` let numbers through only.
    let numbers =
        |list: Vec<String>| list.iter().filter_map(|id| id.parse().ok()).collect::<Vec<i64>>();
    Among { these: texts.these.map(numbers), not: numbers(texts.not) }
}

/// Of a dimension whose values are words.
pub(super) fn texts(filters: &[Filter], by: Dimension) -> Among<String> {
    let mut among = Among::default();
    for filter in filters.iter().filter(|filter| filter.dimension == by) {
        match filter.exclude {
            true => among.not.extend(filter.values.iter().cloned()),
            false => among.these = Some(filter.values.clone()),
        }
    }
    among
}
