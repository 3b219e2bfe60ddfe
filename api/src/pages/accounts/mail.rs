//! `/accounts/mail/`: the letters of a demonstration, which has no mail server.

use axum::{
    extract::{Path, State},
    response::Response,
};
use chrono::DateTime;

use super::alone;
use crate::{
    app::App,
    auth::SIGN_IN,
    clock,
    error::Error,
    mail::folder,
    pages::{
        parts::{OwnCard, OwnRow},
        request::Asked,
    },
    place::Place,
};

const HOME: &str = "/accounts/mail/";

/// `GET /accounts/mail/`
pub(in crate::pages) async fn list(
    State(app): State<App>,
    place: Place,
    asked: Asked,
) -> Result<Response, Error> {
    let t = asked.t;
    let list = tokio::task::spawn_blocking({
        let folder = of(&app)?;
        move || folder::list(&folder, place.site)
    });
    let list = list.await.map_err(|error| Error::Fault(error.to_string()))?;
    let rows = list.unwrap_or_default().into_iter().map(|one| {
        let at = DateTime::from_timestamp_millis(one.at_ms).unwrap_or_default();
        OwnRow {
            title: one.subject,
            sub: format!("{} · {}", one.to, t.near(at, clock::now(), chrono_tz::Tz::UTC)),
            lines: Vec::new(),
            chip: None,
            actions: Vec::new(),
            href: format!("{HOME}{}/", one.name),
        }
    });
    let card = OwnCard {
        rows: rows.collect(),
        nothing: t.say("mail-empty"),
        ..OwnCard::new(t, t.say("mail-title"), t.say("mail-text"))
    };
    alone(&asked, t.say("mail-title"), vec![card], (t.say("sign-in"), SIGN_IN.to_owned()))
}

/// `GET /accounts/mail/{name}/`
pub(in crate::pages) async fn show(
    State(app): State<App>,
    place: Place,
    asked: Asked,
    Path(name): Path<String>,
) -> Result<Response, Error> {
    let folder = of(&app)?;
    let read = tokio::task::spawn_blocking(move || folder::read(&folder, &name, place.site));
    let found = read.await.map_err(|error| Error::Fault(error.to_string()))?;
    let found = found.ok_or(Error::NotFound("letter"))?;
    let base = app.base_url(&place.host);
    let card = OwnCard {
        letter: pieces(&found.text, &base),
        ..OwnCard::new(asked.t, found.subject, found.to)
    };
    let back = (asked.t.say("back"), HOME.to_owned());
    alone(&asked, asked.t.say("mail-title"), vec![card], back)
}

fn of(app: &App) -> Result<std::sync::Arc<std::path::Path>, Error> {
    app.mail_folder.clone().filter(|_| app.is_demo).ok_or(Error::NotFound("page"))
}

/// A letter's text in pieces: words, and links to our own pages.
fn pieces(text: &str, base: &str) -> Vec<(String, String)> {
    let mut pieces = Vec::new();
    for line in text.lines() {
        match line.find(&format!("{base}/")) {
            Some(at) => {
                let (words, rest) = line.split_at(at);
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                pieces.push((words.to_owned(), String::new()));
                pieces.push((rest[..end].to_owned(), rest[..end].replacen(base, "", 1)));
                pieces.push((format!("{}\n", &rest[end..]), String::new()));
            }
            None => pieces.push((format!("{line}\n"), String::new())),
        }
    }
    pieces
}
