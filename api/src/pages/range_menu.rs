//! The range picker, the same on every page: named spans, an own span, what to compare with.

use super::{
    parts::{Pick, part},
    typed::Wrong,
    view::View,
};
use crate::{
    i18n::Text,
    params::range::{NAMES, Range},
};
use askama::Template;
use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;

/// The menu of spans and the menu of comparisons.
#[derive(Template)]
#[template(path = "parts/range.html")]
pub(super) struct RangeMenu {
    t: Text,
    label: String,
    presets: Vec<Pick>,
    compare_label: String,
    compares: Vec<Pick>,
    path: String,
    kept: Vec<(String, String)>,
    from: String,
    to: String,
    /// What is wrong with the days typed; empty when nothing is.
    wrong: String,
    zone: String,
    zones: Vec<String>,
}

impl RangeMenu {
    /// Of a view; without comparisons where a page compares nothing.
    pub(super) fn of(t: Text, view: &View, comparing: bool) -> Self {
        let range = view.range();
        let bare = view.address.without(&["range", "from", "to"]);
        let typed = view.wrong_span.as_ref().map(|field| Wrong::one(&field.field, field.code));
        let presets = NAMES.into_iter().map(|name| Pick {
            label: t.word("preset", name),
            href: bare.with("range", name).to_string(),
            chosen: view.preset == name,
        });
        let compares = ["previous", "year", "none"].into_iter().filter(|_| comparing);
        let compares = compares.map(|name| Pick {
            label: t.word("compare", name),
            href: view.address.with("compare", name).to_string(),
            chosen: view.compare == name,
        });
        let (from, to) = (range.day(range.from_ms), range.day(range.to_ms - 1));
        let label = match view.preset {
            "custom" if !range.is_whole_days(range.zone) => hours(t, range),
            "custom" => span(t, from, to),
            name => t.word("preset", name),
        };
        let own = ["range", "from", "to", "tz"];
        Self {
            t,
            label,
            presets: presets.collect(),
            compare_label: t.word("compare", view.compare),
            compares: compares.collect(),
            path: view.address.path().to_owned(),
            kept: view
                .address
                .without(&own)
                .pairs()
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
            from: match typed {
                Some(_) => view.address.get("from").to_owned(),
                None => from.to_string(),
            },
            to: match typed {
                Some(_) => view.address.get("to").to_owned(),
                None => to.to_string(),
            },
            wrong: typed.map(|typed| typed.say(t, "to")).unwrap_or_default(),
            zone: range.zone.name().to_owned(),
            zones: zones(range.zone.name(), view.site.zone.name()),
        }
    }
}

/// Two days as one span: `16 Nov – 22 Nov 2026`, or the one day.
pub(super) fn span(t: Text, from: NaiveDate, to: NaiveDate) -> String {
    match from == to {
        true => t.day(to),
        false => format!("{} – {}", t.short_day(from), t.day(to)),
    }
}

/// A span that begins or ends within a day, with its hours.
fn hours(t: Text, range: Range) -> String {
    let at =
        |ms| DateTime::from_timestamp_millis(ms).unwrap_or_default().with_timezone(&range.zone);
    let (from, to) = (at(range.from_ms), at(range.to_ms));
    let day = |at: DateTime<Tz>| t.short_day(at.date_naive());
    let behind = match from.date_naive() == to.date_naive() {
        true => to.format("%H:%M").to_string(),
        false => format!("{}, {}", day(to), to.format("%H:%M")),
    };
    format!("{}, {} – {behind}", day(from), from.format("%H:%M"))
}

/// The zone shown, the site's own, and those most sites need; any other by `tz=` in the URL.
fn zones(shown: &str, site: &str) -> Vec<String> {
    const USUAL: [&str; 12] = [
        "UTC",
        "Europe/London",
        "Europe/Paris",
        "Europe/Berlin",
        "Europe/Athens",
        "America/New_York",
        "America/Chicago",
        "America/Los_Angeles",
        "America/Sao_Paulo",
        "Asia/Kolkata",
        "Asia/Tokyo",
        "Australia/Sydney",
    ];
    let mut zones = vec![site.to_owned()];
    for zone in [shown].into_iter().chain(USUAL) {
        if !zones.iter().any(|known| known == zone) {
            zones.push(zone.to_owned());
        }
    }
    zones
}

part!(RangeMenu);
