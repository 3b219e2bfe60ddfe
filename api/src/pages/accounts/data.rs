//! `/accounts/data/`: what is kept of a person, to take along or to have forgotten; `/accounts/sites/`: where they are.

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};

use super::{own, with_cookie};
use crate::{
    accounts::{
        flows::{Visit, own as flow},
        session,
    },
    app::App,
    auth::Viewer,
    error::Error,
    pages::{
        parts::{Chip, Field, OwnCard, OwnForm, OwnRow, Tone},
        request::Asked,
        typed::{Typed, Wrong, mendable},
    },
    queries::accounts::own as queries,
};

/// `GET /accounts/data/`
pub(in crate::pages) async fn show(viewer: Viewer, asked: Asked) -> Result<Response, Error> {
    page(&asked, &viewer, &Typed::default(), &Wrong::default())
}

/// `GET /accounts/data/export/`: a file.
pub(in crate::pages) async fn export(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
) -> Result<Response, Error> {
    let all = flow::export(&app, &visit, &viewer).await?;
    let text =
        serde_json::to_string_pretty(&all).map_err(|error| Error::Fault(error.to_string()))?;
    let kind = HeaderValue::from_static("application/json");
    let name = HeaderValue::from_static("attachment; filename=\"account.json\"");
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], text).into_response())
}

/// `POST /accounts/data/delete/`
pub(in crate::pages) async fn delete(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
    asked: Asked,
    typed: Typed,
) -> Result<Response, Error> {
    let forgotten = flow::forget(&app, &visit, &viewer, (typed.get("username"), asked.t)).await;
    match mendable(forgotten)? {
        Ok(()) => {
            let away = Redirect::to("/accounts/login/?done=deleted").into_response();
            with_cookie(away, &session::no_cookie(visit.place.is_secure))
        }
        Err(wrong) => page(&asked, &viewer, &typed, &wrong),
    }
}

fn page(asked: &Asked, viewer: &Viewer, typed: &Typed, wrong: &Wrong) -> Result<Response, Error> {
    let t = asked.t;
    let export = OwnCard {
        link: Some((t.say("data-export"), "/accounts/data/export/".to_owned())),
        ..OwnCard::new(t, t.say("data-export-title"), t.say("data-export-text"))
    };
    let name = Field::line(
        "username",
        t.say1("data-type-name", "name", &viewer.username),
        typed.get("username"),
    )
    .error(wrong.say(t, "username"))
    .required();
    let delete = OwnCard {
        forms: vec![OwnForm {
            is_primary: false,
            ..OwnForm::new("/accounts/data/delete/", vec![name], t.say("data-delete"))
        }],
        ..OwnCard::new(t, t.say("data-delete-title"), t.say("data-delete-text"))
    };
    own(asked, "account-data", vec![export, delete])
}

/// `GET /accounts/sites/`: to go from one to another. Each has its own session.
pub(in crate::pages) async fn sites(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
    asked: Asked,
) -> Result<Response, Error> {
    let t = asked.t;
    let list = queries::sites(&app.db, viewer.user).await?;
    let row = |site: queries::Site| {
        let is_here = site.site_id == visit.place.site.to_sql();
        let chip = match (site.is_active, is_here) {
            (false, _) => Some(Chip { text: t.say("state-suspended"), tone: Tone::Bad }),
            (true, true) => Some(Chip { text: t.say("site-here"), tone: Tone::Good }),
            (true, false) => None,
        };
        let there = format!("{}/dashboard/", app.base_url(&site.domain));
        OwnRow {
            sub: format!("{} · {}", site.domain, t.word("role", &site.role)),
            title: site.name,
            chip,
            href: if is_here || !site.is_active { String::new() } else { there },
            ..OwnRow::default()
        }
    };
    let card = OwnCard {
        rows: list.into_iter().map(row).collect(),
        nothing: t.say("sites-none"),
        ..OwnCard::new(t, t.say("account-sites"), t.say("sites-text"))
    };
    own(&asked, "account-sites", vec![card])
}
