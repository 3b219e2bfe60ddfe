//! `/accounts/security-log/`: what happened to an account, for its owner.

use axum::{extract::State, response::Response};

use super::{own_with_more, sessions::device};
use crate::{
    accounts::flows::Visit,
    app::App,
    auth::Viewer,
    error::Error,
    pages::{
        address::Address,
        parts::{OwnCard, OwnRow},
        request::Asked,
    },
    queries::accounts::events,
};

const LIMIT: usize = 50;

/// `GET /accounts/security-log/`
pub(in crate::pages) async fn show(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
    asked: Asked,
    address: Address,
) -> Result<Response, Error> {
    let t = asked.t;
    let after = match address.get("starting_after") {
        "" => None,
        text => Some(text.parse().map_err(|_| Error::NotFound("place in the list"))?),
    };
    let mut list = events::list(&app.db, viewer.user, after, LIMIT as i64 + 1).await?;
    let has_more = list.len() > LIMIT;
    list.truncate(LIMIT);
    let next = list.last().filter(|_| has_more).map_or_else(String::new, |last| {
        address.with("starting_after", &last.id.to_string()).to_string()
    });
    let rows = list.iter().map(|event| {
        let when = t.near(event.at, visit.now, chrono_tz::Tz::UTC);
        let device = device(t, &event.agent);
        OwnRow {
            title: t.word("event", &event.kind),
            sub: format!("{when} · {device} · {} · {}", event.network, event.host),
            lines: Vec::new(),
            chip: None,
            actions: Vec::new(),
            href: String::new(),
        }
    });
    let card = OwnCard {
        rows: rows.collect(),
        nothing: t.say("log-empty"),
        ..OwnCard::new(t, t.say("account-security-log"), t.say("log-text"))
    };
    own_with_more(&asked, "account-security-log", vec![card], next)
}
