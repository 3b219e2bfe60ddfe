//! What a page of numbers shows: whose, of when, compared with what, under which filters. Read from
//! the URL by the very parameters of the API, so that a page and its numbers are one address.

use super::address::Address;
use crate::{
    clock,
    error::{Error, Field},
    i18n::Text,
    params::{
        self, Errors, filters,
        pairs::Pairs,
        range::{DEFAULT, NAMES, Range},
        stats,
    },
    queries::{
        as_of::AsOf,
        sites::{self, Site},
        stats::{Dimension, Metric, Order, Query},
    },
    tenant::TenantCtx,
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// Keys of a page's URL that mean nothing to the API.
const OWN: [&str; 7] = ["compare", "lines", "q", "done", "of", "starting_after", "ending_before"];

/// Keys that are a page's own choice: a link to another page leaves them out.
const CHOICES: [&str; 9] =
    ["compare", "lines", "q", "done", "of", "starting_after", "ending_before", "group_by", "order"];

/// Keys of an own span.
const SPAN: [&str; 4] = ["range", "from", "to", "tz"];

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
    /// What is wrong with the own span that was typed; the usual one is shown meanwhile.
    pub wrong_span: Option<Field>,
    /// When it was asked.
    pub now: DateTime<Utc>,
}

impl View {
    /// From the URL; `own` are further keys that the page itself reads.
    ///
    /// # Errors
    /// What is wrong with it, or PostgreSQL does not answer.
    pub(super) async fn read(
        ctx: &TenantCtx,
        address: Address,
        own: &[&str],
    ) -> Result<Self, Error> {
        let site = sites::get(&ctx.db).await?;
        let now = clock::now();
        let known = address.only(|key| !OWN.contains(&key) && !own.contains(&key));
        let (query, wrong_span) = match question(&known, &site, now) {
            Ok(query) => (query, None),
            Err(error) => {
                let field = mendable_span(&known, error)?;
                let bare = known.only(|key| !SPAN.contains(&key));
                (question(&bare, &site, now)?, Some(field))
            }
        };
        let named = match (address.get("range"), address.get("from")) {
            _ if wrong_span.is_some() => DEFAULT,
            ("", "") => DEFAULT,
            (name, _) => name,
        };
        let preset = NAMES.into_iter().find(|name| *name == named).unwrap_or("custom");
        let compare = match address.get("compare") {
            "none" => "none",
            "year" => "year",
            _ => "previous",
        };
        Ok(Self { site, asked: query, preset, compare, address, wrong_span, now })
    }

    /// When.
    pub(super) const fn range(&self) -> Range {
        self.asked.range
    }

    /// The span compared with, if any.
    pub(super) fn before(&self) -> Option<Range> {
        let range = self.range();
        match self.compare {
            "none" => None,
            "year" => range.year_before(),
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

/// A page's URL read as the API reads it.
fn question(known: &Address, site: &Site, now: DateTime<Utc>) -> Result<Query, Error> {
    let mut pairs = Pairs::parse(&known.query())?;
    let mut errors = Errors::default();
    let query = stats::take(&mut pairs, &mut errors, site, now);
    params::done(pairs, errors)?;
    Ok(query)
}

/// What the form of an own span can say beside its fields: two days that make no span.
fn mendable_span(known: &Address, error: Error) -> Result<Field, Error> {
    let typed = !known.get("from").is_empty() && !known.get("to").is_empty();
    match error {
        Error::Invalid(fields) if typed && fields.len() == 1 && fields[0].field == "to" => {
            let mut fields = fields;
            fields.pop().ok_or(Error::Invalid(Vec::new()))
        }
        error => Err(error),
    }
}

impl View {
    /// The rows of a number on another page: this view, and one value more (or less) of a key.
    pub(super) fn opened(&self, path: &str, extra: (&str, &str, bool)) -> Address {
        opened(&self.at(path), extra)
    }
}

/// A page narrowed by one value more (or, where the flag is set, by all but it).
pub(super) fn opened(page: &Address, (key, value, exclude): (&str, &str, bool)) -> Address {
    page.with(key, &filters::also(page.get(key), value, exclude))
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
    pub(super) fn of(t: Text, view: &View, as_of: &AsOf) -> Self {
        let (range, now) = (view.range(), view.now);
        Self::until(t, as_of, (range.zone, now, Some(range.to_ms)))
    }

    /// The same, of numbers that lack what has expired, where something has.
    pub(super) fn without(self, t: Text, view: &View, expired: Option<DateTime<Utc>>) -> Self {
        let Some(before) = expired else { return self };
        let time = t.day(before.with_timezone(&view.range().zone).date_naive());
        let text = format!("{} · {}", self.text, t.say1("expired", "time", &time));
        let hint = format!("{} {}", self.hint, t.say("expired-hint"));
        Self { text, hint, class: "late" }
    }

    /// Of what stands on a page: numbers up to `to_ms`, or without one what is known now.
    pub(super) fn until(
        t: Text,
        as_of: &AsOf,
        (zone, now, to_ms): (Tz, DateTime<Utc>, Option<i64>),
    ) -> Self {
        let Some(at) = as_of.at else {
            let text = t.say("as-of-unknown");
            return Self { text, hint: note(t, &as_of.note), class: "late" };
        };
        let is_live = to_ms.is_some_and(|to_ms| to_ms > now.timestamp_millis());
        // A span that is over is whole as soon as everything up to its end is counted.
        let behind = match to_ms.filter(|_| !is_live) {
            Some(to_ms) => at.timestamp_millis() < to_ms,
            None => (now - at).num_seconds() > 60,
        };
        let time = t.until(at, now, zone);
        let (key, hint, class) = match (behind || !as_of.complete, is_live) {
            (true, _) => ("as-of-filling", "as-of-filling-hint", "late"),
            (false, true) => ("as-of-live", "as-of-hint", "live"),
            (false, false) => ("as-of", "as-of-hint", ""),
        };
        Self { text: t.say1(key, "time", &time), hint: t.say(hint), class }
    }

    /// While the numbers cannot be had: what stands there stands without them.
    pub(super) fn away(t: Text) -> Self {
        Self { text: t.say("as-of-away"), hint: t.say("as-of-away-hint"), class: "late" }
    }
}

/// What holds the numbers, in the language of the page (the view `pipeline_as_of` says it in English).
fn note(t: Text, note: &str) -> String {
    match note.split_once(": ") {
        Some(("never heard of", who)) => t.say1("as-of-unheard", "who", who),
        _ if note == "no collector is declared" => t.say("as-of-no-collector"),
        _ => t.say("as-of-filling-hint"),
    }
}
