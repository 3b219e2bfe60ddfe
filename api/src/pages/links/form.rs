//! The forms of the links page: find, make, change.

use super::Again;
use crate::{
    app::App,
    error::Error,
    i18n::Text,
    pages::{
        address::Address,
        parts::{Choice, Field},
        typed::{Typed, Wrong},
    },
    params::range::Range,
    queries::{Cursor, affiliates, links::Link, programs, sites},
};
use chrono::{DateTime, NaiveDate, SecondsFormat};

/// A form in its place.
pub(super) struct Form {
    pub action: String,
    pub fields: Vec<Field>,
    pub cancel: String,
}

/// What a link can be of; at most 500 each (a person types the rest into the API).
pub(super) struct Choices {
    affiliates: Vec<(String, String)>,
    programs: Vec<(String, String)>,
}

pub(super) async fn choices(app: &App) -> Result<Choices, Error> {
    let many = Cursor { limit: 500, ..Cursor::default() };
    let (who, what) = (Default::default(), Default::default());
    let (affiliates, programs) = tokio::try_join!(
        affiliates::list(&app.db, app.site, &who, many),
        programs::list(&app.db, app.site, &what, many),
    )?;
    let mut choices = Choices {
        affiliates: affiliates.rows.into_iter().map(|one| (one.id.to_string(), one.name)).collect(),
        programs: programs.rows.into_iter().map(|one| (one.id.to_string(), one.name)).collect(),
    };
    for list in [&mut choices.affiliates, &mut choices.programs] {
        list.sort_by_key(|(_, name)| name.to_lowercase());
    }
    Ok(choices)
}

fn options(list: &[(String, String)], any: Option<String>) -> Vec<Choice> {
    let any = any.map(|label| Choice { value: String::new(), label });
    let each =
        list.iter().map(|(value, label)| Choice { value: value.clone(), label: label.clone() });
    any.into_iter().chain(each).collect()
}

/// The form that narrows the list.
pub(super) fn find(t: Text, address: &Address, choices: &Choices) -> Vec<Field> {
    let states = [("", "any"), ("true", "state-on"), ("false", "state-off")];
    let states = states.map(|(value, key)| Choice { value: value.to_owned(), label: t.say(key) });
    let any = || Some(t.say("any"));
    vec![
        Field::line("q", t.say("filter-links"), address.get("q")).typed("search"),
        Field::select(
            "affiliate",
            t.say("field-affiliate"),
            address.get("affiliate"),
            options(&choices.affiliates, any()),
        ),
        Field::select(
            "program",
            t.say("field-program"),
            address.get("program"),
            options(&choices.programs, any()),
        ),
        Field::select("is_active", t.say("status"), address.get("is_active"), states.into()),
    ]
}

/// The form of a new link, where it is asked for.
pub(super) fn new(
    t: Text,
    address: &Address,
    choices: &Choices,
    again: Option<&Again>,
) -> Option<Form> {
    if address.get("edit") != "new" {
        return None;
    }
    let again = again.filter(|again| again.of.is_none());
    let first = Typed::default()
        .with("affiliate", address.get("affiliate"))
        .with("program", address.get("program"));
    let typed = again.map_or(first, |again| again.typed.clone());
    let wrong = again.map_or_else(Wrong::default, |again| again.wrong.clone());
    let select = |name, key: &str, list| {
        Field::select(name, t.say(key), typed.get(name), options(list, None))
            .error(wrong.say(t, name))
    };
    let mut fields = vec![
        select("affiliate", "field-affiliate", &choices.affiliates),
        select("program", "field-program", &choices.programs),
        Field::line("code", t.say("field-code"), typed.get("code"))
            .hint(t.say("hint-code"))
            .error(wrong.say(t, "code")),
    ];
    fields.extend(shared(t, &typed, &wrong));
    Some(Form {
        action: super::HOME.to_owned(),
        fields,
        cancel: address.with("edit", "").to_string(),
    })
}

/// The form of a link that is there.
pub(super) fn edit(
    t: Text,
    address: &Address,
    link: &Link,
    again: Option<&Again>,
    zone: chrono_tz::Tz,
) -> Form {
    let again = again.filter(|again| again.of == Some(link.id));
    let until = link.expires_at.map(|at| {
        // Written as its last whole day, as it was typed.
        let last = at - chrono::TimeDelta::milliseconds(1);
        last.with_timezone(&zone).date_naive().to_string()
    });
    let first = Typed::default()
        .with("destination", link.destination.as_str())
        .with("expires_at", until.unwrap_or_default());
    let typed = again.map_or(first, |again| again.typed.clone());
    let wrong = again.map_or_else(Wrong::default, |again| again.wrong.clone());
    Form {
        action: format!("{}{}/", super::HOME, link.id),
        fields: shared(t, &typed, &wrong),
        cancel: address.with("edit", "").to_string(),
    }
}

fn shared(t: Text, typed: &Typed, wrong: &Wrong) -> Vec<Field> {
    vec![
        Field::line("destination", t.say("field-destination"), typed.get("destination"))
            .typed("url")
            .hint(t.say("hint-destination"))
            .error(wrong.say(t, "destination")),
        Field::line("expires_at", t.say("field-expires"), typed.get("expires_at"))
            .typed("date")
            .hint(t.say("hint-expires"))
            .error(wrong.say(t, "expires_at")),
    ]
}

/// A day as typed, as the moment behind it in the site's zone; what is no day goes on as it is, to
/// be refused by name.
pub(super) async fn end_of_day(app: &App, typed: &str) -> Result<Option<String>, Error> {
    let Ok(day) = typed.trim().parse::<NaiveDate>() else { return Ok(Some(typed.to_owned())) };
    let zone = sites::get(&app.db, app.site).await?.zone;
    let at = DateTime::from_timestamp_millis(Range::days(day, day, zone).to_ms);
    Ok(at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)))
}
