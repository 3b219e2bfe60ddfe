//! `/accounts/audit/`: what was changed on the site, by whom, from where; before and after.

use axum::response::Response;
use serde_json::Value;

use super::{Sheet, sheet};
use crate::{
    accounts::flows::Visit,
    error::Error,
    i18n::Text,
    pages::{
        address::Address,
        parts::{Field, OwnCard, OwnRow},
        request::Asked,
        shell::Here,
    },
    queries::accounts::people::{self, Entry, FindEntries},
    tenant::TenantCtx,
};

const HOME: &str = "/accounts/audit/";
const LIMIT: usize = 50;
/// Characters of a value that are shown.
const MOST: usize = 200;

/// `GET /accounts/audit/`
pub(in crate::pages) async fn show(
    ctx: TenantCtx,
    visit: Visit,
    asked: Asked,
    address: Address,
) -> Result<Response, Error> {
    let t = asked.t;
    let after = match address.get("starting_after") {
        "" => None,
        text => Some(text.parse().map_err(|_| Error::NotFound("place in the list"))?),
    };
    let q = address.get("q").chars().filter(|c| !c.is_control()).take(200).collect();
    let find = FindEntries { thing: String::new(), q, after };
    let mut list = people::entries(&ctx.db, &find, LIMIT as i64 + 1).await?;
    let has_more = list.len() > LIMIT;
    list.truncate(LIMIT);
    let next = list.last().filter(|_| has_more).map_or_else(String::new, |last| {
        address.with("starting_after", &last.id.to_string()).to_string()
    });
    let card = OwnCard {
        rows: list.iter().map(|entry| row(t, &visit, entry)).collect(),
        nothing: t.say("audit-empty"),
        ..OwnCard::new(t, t.say("nav-audit"), t.say("audit-text"))
    };
    let find = Field::line("q", t.say("filter-audit"), address.get("q")).typed("search");
    let of = Sheet {
        here: Here::Audit,
        title: t.say("nav-audit"),
        cards: vec![card],
        next,
        find: Some((HOME, find.within("find"))),
        crumbs: Vec::new(),
    };
    sheet(&asked, of)
}

fn row(t: Text, visit: &Visit, entry: &Entry) -> OwnRow {
    let who = entry.username.as_deref().unwrap_or("–");
    let thing = t.word("thing", &entry.thing);
    let title = t.say_all(
        &format!("audit-{}", entry.action),
        &[("who", who), ("thing", &thing), ("id", &entry.thing_id.to_string())],
    );
    let when = t.near(entry.at, visit.now, chrono_tz::Tz::UTC);
    let lines = changes(entry.before.as_ref(), entry.after.as_ref());
    let sub = format!("{when} · {} · {}", entry.network, entry.request);
    OwnRow { title, sub, lines: Vec::new(), chip: None, actions: Vec::new(), href: String::new() }
        .with_lines(lines)
}

/// Each value that is another one now; of something new, what it has.
fn changes(before: Option<&Value>, after: Option<&Value>) -> Vec<String> {
    let empty = serde_json::Map::new();
    let (was, is) = (before.and_then(Value::as_object), after.and_then(Value::as_object));
    let known = is.or(was).unwrap_or(&empty);
    let plain = |value: Option<&Value>| match value {
        None | Some(Value::Null) => "–".to_owned(),
        Some(Value::String(text)) => text.chars().take(MOST).collect(),
        Some(value) => value.to_string().chars().take(MOST).collect(),
    };
    let line = |key: &String| match (was, is) {
        (Some(was), Some(is)) => format!("{key}: {} → {}", plain(was.get(key)), plain(is.get(key))),
        (was, is) => format!("{key}: {}", plain(is.or(was).and_then(|one| one.get(key)))),
    };
    let says = |key: &&String| {
        known.get(*key).is_some_and(|value| !matches!(value, Value::Null) && *value != "")
    };
    known.keys().filter(|key| is.is_none() || was.is_some() || says(key)).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_change_says_what_was_and_what_is() {
        let (was, is) = (
            json!({ "name": "Anna", "is_active": true }),
            json!({ "name": "Anne", "is_active": false }),
        );
        assert_eq!(
            changes(Some(&was), Some(&is)),
            ["is_active: true → false", "name: Anna → Anne"]
        );
        assert_eq!(
            changes(None, Some(&json!({ "name": "Anna", "email": "", "user_id": null }))),
            ["name: Anna"]
        );
        assert_eq!(changes(Some(&json!({ "name": "Anna" })), None), ["name: Anna"]);
        assert_eq!(changes(None, None), [""; 0]);
    }
}
