//! `/accounts/people/{id}/`: one of them, and what may be done.

use axum::response::Response;

use super::{
    super::{Sheet, sheet},
    HOME, role_fields,
};
use crate::{
    accounts::role::Role,
    error::Error,
    pages::{
        parts::{Chip, Crumb, OwnCard, OwnForm, Tone},
        request::Asked,
        shell::Here,
        typed::{Typed, Wrong},
    },
    queries::accounts::people::Person,
};

pub(super) fn page(
    asked: &Asked,
    person: &Person,
    (typed, wrong): (&Typed, &Wrong),
    done: &str,
) -> Result<Response, Error> {
    let (t, id) = (asked.t, format!("usr_{}", person.user_id));
    let shell = asked.shell(Here::People, String::new());
    let said = match done {
        "changed" | "suspended" | "resumed" | "sessions-ended" | "factors-reset" => {
            Some((t.say(&format!("done-person-{done}")), false))
        }
        _ => None,
    };
    let state = match person.is_active {
        true => Chip { text: t.word("role", &person.role), tone: Tone::Good },
        false => Chip { text: t.say("state-suspended"), tone: Tone::Bad },
    };
    let factors = t.say(if person.has_factors { "has-factors" } else { "has-no-factors" });
    let about = format!("{} · {} · {factors}", person.username, person.email);
    let title = if person.name.is_empty() { &person.username } else { &person.name };
    let mut first = OwnCard { chip: Some(state), said, ..OwnCard::new(t, title.clone(), about) };
    if shell.changes_people() {
        let action = format!("{HOME}{id}/");
        first.forms.push(OwnForm::new(action, role_fields(t, typed, wrong), t.say("save")));
    }
    let mut cards = vec![first];
    let card = |(key, text): (&str, &str), form: OwnForm| OwnCard {
        forms: vec![form],
        ..OwnCard::new(t, t.say(key), t.say(text))
    };
    let button = |path: &str, key: &str| OwnForm::button(format!("{HOME}{id}/{path}/"), t.say(key));
    if shell.impersonates() && person.role != Role::Admin.name() && person.is_active {
        cards.push(card(("impersonate", "impersonate-text"), button("impersonate", "impersonate")));
    }
    if shell.changes_people() {
        cards.push(card(
            ("end-sessions", "end-sessions-text"),
            button("sessions/end", "end-sessions"),
        ));
        if person.has_factors {
            cards.push(card(
                ("reset-factors", "reset-factors-text"),
                button("2fa/reset", "reset-factors"),
            ));
        }
        let (key, active) =
            if person.is_active { ("suspend", "false") } else { ("resume-person", "true") };
        let form =
            OwnForm { hidden: vec![("active", active.to_owned())], ..button("suspend", key) };
        cards.push(card((key, "suspend-text"), form));
    }
    let crumbs = vec![Crumb { label: t.say("nav-people"), href: HOME.to_owned() }];
    sheet(
        asked,
        Sheet {
            here: Here::People,
            title: title.clone(),
            cards,
            next: String::new(),
            find: None,
            crumbs,
        },
    )
}
