//! What a page of numbers shows: whose, of when, compared with what, under which filters. Read from
//! the URL by the very parameters of the API, so that a page and its numbers are one address.

use super::address::Address;
use crate::{
    app::App,
    clock,
    error::Error,
    params::{
        Errors, filters,
        pairs::Pairs,
        range::{DEFAULT, NAMES, Range},
        stats,
    },
    queries::{
        as_of::AsOf,
        sites::{self, Site},
        stats::{Dimension, Metric, Order, Query},
    },
};
use chrono::{DateTime, Months, Utc};

/// Keys of a page's URL that mean nothing to the API.
const OWN: [&str; 7] = ["compare", "lines", "q", "done", "of", "starting_after", "ending_before"];

/// Keys that are a page's own choice: a link to another page leaves them out.
const CHOICES: [&str; 9] =
    ["compare", "lines", "q", "done", "of", "starting_after", "ending_before", "group_by", "order"];

/// The span, the filters and the comparison of a page.
pub(super) struct View {
    /// The site's name, zone and currency.
    pub site: Site,
    /// The question its URL asks: span, filters, dimensions, order.
    pub asked: Query,
    /// The name of the span; `custom` for one of its own.
    pub preset: &'static str,
    /// What it is compared with: `previous`, `year` or `none`.
    pub compare: &'static str,
    /// The page's own URL.
    pub address: Address,
    /// When it was asked.
    pub now: DateTime<Utc>,
}

impl View {
    /// From the URL.
    ///
    /// # Errors
    /// What is wrong with it, or PostgreSQL does not answer.
    pub(super) async fn read(app: &App, address: Address) -> Result<Self, Error> {
        let site = sites::get(&app.db, app.site).await?;
        let now = clock::now();
        let known = address.only(|key| !OWN.contains(&key));
        let mut pairs = Pairs::parse(&known.query())?;
        let mut errors = Errors::default();
        let query = stats::take(&mut pairs, &mut errors, site.zone, now);
        errors.finish()?;
        pairs.finish()?;
        let named = match (address.get("range"), address.get("from")) {
            ("", "") => DEFAULT,
            (name, _) => name,
        };
        let preset = NAMES.into_iter().find(|name| *name == named).unwrap_or("custom");
        let compare = match address.get("compare") {
            "none" => "none",
            "year" => "year",
            _ => "previous",
        };
        Ok(Self { site, asked: query, preset, compare, address, now })
    }

    /// When.
    pub(super) const fn range(&self) -> Range {
        self.asked.range
    }

    /// The span compared with, if any.
    pub(super) fn before(&self) -> Option<Range> {
        let range = self.range();
        let back = |day: chrono::NaiveDate| day.checked_sub_months(Months::new(12));
        match self.compare {
            "none" => None,
            "year" => {
                let last = back(range.day(range.to_ms - 1))?;
                Some(Range::days(back(range.day(range.from_ms))?, last, range.zone))
            }
            _ => Some(range.before()),
        }
    }

    /// The same stretch of the span compared with: while this one is not over, only as far as it is.
    pub(super) fn before_so_far(&self) -> Option<Range> {
        let (range, before) = (self.range(), self.before()?);
        let left_ms = range.to_ms - self.now.timestamp_millis();
        let to_ms = if left_ms > 0 { before.to_ms - left_ms } else { before.to_ms };
        (to_ms > before.from_ms).then_some(Range { to_ms, ..before })
    }

    /// A question about this view, the largest first (or in order of time).
    pub(super) fn query(&self, group_by: Vec<Dimension>, limit: u32) -> Query {
        let order = match group_by.first() {
            Some(first) if first.is_time() => (Order::Key(0), false),
            _ => (Order::Metric(Metric::Gross), true),
        };
        Query { group_by, order, limit, ..self.asked.clone() }
    }

    /// Whether its numbers still move.
    pub(super) fn is_live(&self) -> bool {
        self.range().to_ms > self.now.timestamp_millis()
    }

    /// The same view on another page: its span and filters, not its own choices.
    pub(super) fn at(&self, path: &str) -> Address {
        self.address.at(path).without(&CHOICES)
    }

    /// The same view with one value of a dimension only.
    pub(super) fn narrowed(&self, path: &str, by: Dimension, value: &str) -> Address {
        let value = if value.is_empty() { "(none)" } else { value };
        self.at(path).with(by.name(), &filters::write(&[value], false))
    }
}

/// Until when the numbers of a page are complete, in words.
pub(super) struct Fresh {
    /// The words.
    pub text: String,
    /// What they mean.
    pub hint: String,
    /// `live`, `late` or nothing.
    pub class: &'static str,
}

impl Fresh {
    /// Of an answer, for a view.
    pub(super) fn of(t: crate::i18n::Text, view: &View, as_of: &AsOf) -> Self {
        let Some(at) = as_of.at else {
            let text = t.say("as-of-unknown");
            return Self { text, hint: as_of.note.clone(), class: "late" };
        };
        let same_day = at.with_timezone(&view.range().zone).date_naive()
            == view.now.with_timezone(&view.range().zone).date_naive();
        let time = match same_day {
            true => t.clock(at, view.range().zone),
            false => t.moment(at, view.range().zone),
        };
        let late = !as_of.complete || (view.now - at).num_seconds() > 60;
        let (key, hint, class) = match (late, view.is_live()) {
            (true, _) => ("as-of-filling", "as-of-filling-hint", "late"),
            (false, true) => ("as-of-live", "as-of-hint", "live"),
            (false, false) => ("as-of", "as-of-hint", ""),
        };
        Self { text: t.say1(key, "time", &time), hint: t.say(hint), class }
    }
}
