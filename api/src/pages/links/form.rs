//! The forms of the links page: find, make, change.

use super::Again;
use crate::{
    error::Error,
    i18n::Text,
    pages::{
        address::Address,
        parts::{Choice, Field},
        typed::{Typed, Wrong},
    },
    params::range::Range,
    queries::{Cursor, affiliates, links::Link, programs, sites},
    tenant::TenantCtx,
};
use chrono::{DateTime, NaiveDate, SecondsFormat};
use schemas::ids::{AffiliateId, ProgramId};

/// A form in its place.
pub(super) struct Form {
    pub action: String,
    pub fields: Vec<Field>,
    pub cancel: String,
}

/// What a link can be of: the newest 500 of each, and those that are chosen already.
pub(super) struct Choices {
    affiliates: Listed,
    programs: Listed,
}

/// Ids with their names.
struct Listed {
    all: Vec<(String, String)>,
    /// Some are older than those listed.
    has_more: bool,
}

pub(super) async fn choices(
    ctx: &TenantCtx,
    address: &Address,
    again: Option<&Again>,
) -> Result<Choices, Error> {
    let many = Cursor { limit: 500, ..Cursor::default() };
    let (who, what) = (Default::default(), Default::default());
    let (affiliates, programs) = tokio::try_join!(
        affiliates::list(&ctx.db, &who, many),
        programs::list(&ctx.db, &what, many),
    )?;
    let mut choices = Choices {
        affiliates: Listed {
            has_more: affiliates.has_more,
            all: affiliates.rows.into_iter().map(|one| (one.id.to_string(), one.name)).collect(),
        },
        programs: Listed {
            has_more: programs.has_more,
            all: programs.rows.into_iter().map(|one| (one.id.to_string(), one.name)).collect(),
        },
    };
    let typed = |key| again.map_or("", |again| again.typed.get(key));
    for id in [address.get("affiliate"), typed("affiliate")] {
        if let Some(id) = choices.affiliates.missing::<AffiliateId>(id) {
            let find = affiliates::Find { id: Some(id), ..Default::default() };
            let found = affiliates::list(&ctx.db, &find, Cursor::default()).await?.rows;
            let found = found.into_iter().map(|one| (one.id.to_string(), one.name));
            choices.affiliates.all.extend(found);
        }
    }
    for id in [address.get("program"), typed("program")] {
        if let Some(id) = choices.programs.missing::<ProgramId>(id) {
            let find = programs::Find { id: Some(id), ..Default::default() };
            let found = programs::list(&ctx.db, &find, Cursor::default()).await?.rows;
            let found = found.into_iter().map(|one| (one.id.to_string(), one.name));
            choices.programs.all.extend(found);
        }
    }
    for list in [&mut choices.affiliates, &mut choices.programs] {
        list.all.sort_by_key(|(_, name)| name.to_lowercase());
    }
    Ok(choices)
}

impl Listed {
    /// An id that is none of those listed.
    fn missing<Id: std::str::FromStr>(&self, text: &str) -> Option<Id> {
        let known = self.all.iter().any(|(id, _)| id == text);
        text.parse().ok().filter(|_| !known)
    }

    /// What to do about those that are not listed.
    fn hint(&self, t: Text) -> String {
        if self.has_more { t.say("hint-more-choices") } else { String::new() }
    }
}

fn options(list: &Listed, any: Option<String>) -> Vec<Choice> {
    let any = any.map(|label| Choice { value: String::new(), label });
    let each =
        list.all.iter().map(|(value, label)| Choice { value: value.clone(), label: label.clone() });
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
        )
        .hint(choices.affiliates.hint(t)),
        Field::select(
            "program",
            t.say("field-program"),
            address.get("program"),
            options(&choices.programs, any()),
        )
        .hint(choices.programs.hint(t)),
        Field::select("is_active", t.say("status"), address.get("is_active"), states.into()),
    ]
    .into_iter()
    .map(|field| field.within("find"))
    .collect()
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
    let select = |name, key: &str, list: &Listed| {
        Field::select(name, t.say(key), typed.get(name), options(list, None))
            .hint(list.hint(t))
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
pub(super) async fn end_of_day(ctx: &TenantCtx, typed: &str) -> Result<Option<String>, Error> {
    let Ok(day) = typed.trim().parse::<NaiveDate>() else { return Ok(Some(typed.to_owned())) };
    let zone = sites::get(&ctx.db).await?.zone;
    let at = DateTime::from_timestamp_millis(Range::days(day, day, zone).to_ms);
    Ok(at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)))
}
