//! `/accounts/tokens/`: what somebody's programs sign in with.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};

use super::own;
use crate::{
    accounts::flows::{
        Visit,
        tokens::{self as flow, DAYS, Wish},
    },
    app::App,
    auth::Viewer,
    error::Error,
    i18n::Text,
    pages::{
        address::Address,
        parts::{Check, Choice, Code, Field, OwnCard, OwnForm, OwnRow},
        request::Asked,
        typed::{Typed, Wrong, mendable},
    },
    queries::accounts::tokens::{self, Token},
    tenant::Db,
};

/// `GET /accounts/tokens/`
pub(in crate::pages) async fn show(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
    asked: Asked,
    address: Address,
) -> Result<Response, Error> {
    let said = (address.get("done") == "revoked").then(|| asked.t.say("done-revoked"));
    let typed = Typed::default().with("days", "90");
    page((&app, &visit, &viewer), &asked, (&typed, &Wrong::default()), Told::Said(said)).await
}

/// `POST /accounts/tokens/`
pub(in crate::pages) async fn make(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
    asked: Asked,
    typed: Typed,
) -> Result<Response, Error> {
    let made = async {
        let wish = Wish::read(typed.get("name"), typed.get("write") == "on", typed.get("days"))?;
        flow::make(&app, &visit, &viewer, &wish).await
    };
    let who = (&app, &visit, &viewer);
    match mendable(made.await)? {
        Ok(text) => {
            let typed = Typed::default().with("days", "90");
            page(who, &asked, (&typed, &Wrong::default()), Told::Made(text)).await
        }
        Err(wrong) => page(who, &asked, (&typed, &wrong), Told::Said(None)).await,
    }
}

/// `POST /accounts/tokens/{id}/revoke/`
pub(in crate::pages) async fn revoke(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let id = id.parse().map_err(|_| Error::NotFound("token"))?;
    flow::revoke(&app, &visit, &viewer, id).await?;
    Ok(Redirect::to("/accounts/tokens/?done=revoked").into_response())
}

/// What happened just now.
enum Told {
    Said(Option<String>),
    /// The token, shown once.
    Made(String),
}

async fn page(
    (app, visit, viewer): (&App, &Visit, &Viewer),
    asked: &Asked,
    (typed, wrong): (&Typed, &Wrong),
    told: Told,
) -> Result<Response, Error> {
    let t = asked.t;
    let db = Db::new(app.db.clone(), viewer.site, &viewer.reach);
    let list = tokens::list(&db, viewer.user).await?;
    let mut cards = Vec::new();
    let said = match told {
        Told::Said(said) => said.map(|said| (said, false)),
        Told::Made(text) => {
            cards.push(OwnCard {
                code: Some(Code { t, label: t.say("token-new"), text, titled: false }),
                ..OwnCard::new(t, t.say("token-new"), t.say("token-once"))
            });
            None
        }
    };
    cards.push(OwnCard {
        said,
        rows: list.iter().map(|token| row(t, visit, token)).collect(),
        nothing: t.say("tokens-empty"),
        ..OwnCard::new(t, t.say("account-tokens"), t.say("tokens-text"))
    });
    let form = OwnForm {
        checks: vec![Check {
            name: "write",
            value: "on",
            label: t.say("token-writes"),
            is_on: typed.get("write") == "on",
        }],
        ..OwnForm::new("/accounts/tokens/", fields(t, typed, wrong), t.say("make-token"))
    };
    cards.push(OwnCard {
        forms: vec![form],
        ..OwnCard::new(t, t.say("make-token"), t.say("make-token-text"))
    });
    own(asked, "account-tokens", cards)
}

fn fields(t: Text, typed: &Typed, wrong: &Wrong) -> Vec<Field> {
    let days = DAYS
        .iter()
        .map(|days| Choice { value: days.to_string(), label: t.plural("days", i64::from(*days)) });
    vec![
        Field::line("name", t.say("field-token-name"), typed.get("name"))
            .hint(t.say("hint-token-name"))
            .error(wrong.say(t, "name"))
            .required(),
        Field::select("days", t.say("field-days"), typed.get("days"), days.collect())
            .error(wrong.say(t, "days")),
    ]
}

fn row(t: Text, visit: &Visit, token: &Token) -> OwnRow {
    let near = |at| t.near(at, visit.now, chrono_tz::Tz::UTC);
    let used = match token.used_at {
        Some(at) => t.say1("used-last", "time", &near(at)),
        None => t.say("used-never"),
    };
    let writes = token.scopes.iter().any(|scope| scope == "write");
    let scopes = t.say(if writes { "token-reads-writes" } else { "token-reads" });
    let ends = match token.expires_at > visit.now {
        true => t.say1("ends-on", "time", &t.day(token.expires_at.date_naive())),
        false => t.say("ended"),
    };
    OwnRow {
        title: token.name.clone(),
        sub: format!("{}… · {scopes} · {used} · {ends}", token.prefix),
        lines: Vec::new(),
        chip: None,
        actions: vec![(format!("/accounts/tokens/{}/revoke/", token.id), t.say("revoke"))],
        href: String::new(),
    }
}
