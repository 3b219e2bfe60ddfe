//! `/accounts/password/`: another password, after a fresh proof.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};

use super::{fields, own, provider};
use crate::{
    accounts::flows::{Visit, password, proof},
    app::App,
    auth::Viewer,
    error::Error,
    pages::{
        address::Address,
        parts::{Check, Field, OwnCard, OwnForm},
        request::Asked,
        typed::{Typed, Wrong, mendable},
    },
    queries::accounts::users,
};

/// `GET /accounts/password/`
pub(in crate::pages) async fn form(
    State(app): State<App>,
    viewer: Viewer,
    asked: Asked,
    address: Address,
) -> Result<Response, Error> {
    let said = match address.get("done") {
        "saved" => Some((asked.t.say("done-password"), false)),
        "connected" => Some((asked.t.say("done-connected"), false)),
        "disconnected" => Some((asked.t.say("done-disconnected"), false)),
        "last-way" => Some((asked.t.say("problem-last-way"), true)),
        _ => None,
    };
    let typed = Typed::default().with("others", "on");
    page(&app, &viewer, &asked, (&typed, &Wrong::default(), said)).await
}

/// `POST /accounts/password/`
pub(in crate::pages) async fn change(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
    asked: Asked,
    typed: Typed,
) -> Result<Response, Error> {
    let change = password::Change {
        current: typed.get("current"),
        new: typed.get("password"),
        ends_others: typed.get("others") == "on",
    };
    match mendable(password::change(&app, &visit, &viewer, change).await)? {
        Ok(()) => Ok(Redirect::to("/accounts/password/?done=saved").into_response()),
        Err(wrong) => page(&app, &viewer, &asked, (&typed, &wrong, None)).await,
    }
}

async fn page(
    app: &App,
    viewer: &Viewer,
    asked: &Asked,
    (typed, wrong, said): (&Typed, &Wrong, Option<(String, bool)>),
) -> Result<Response, Error> {
    let t = asked.t;
    let mut fields = Vec::new();
    if users::get(&app.db, viewer.user).await?.password != proof::NONE {
        let current = Field::line("current", t.say("field-current-password"), "").typed("password");
        let current = current.filled_by("current-password").error(wrong.say(t, "current"));
        fields.push(current.required());
    }
    fields.push(fields::new_password(t, wrong));
    let form = OwnForm {
        checks: vec![Check {
            name: "others",
            value: "on",
            label: t.say("end-other-sessions"),
            is_on: typed.get("others") == "on",
        }],
        ..OwnForm::new("/accounts/password/", fields, t.say("change-password"))
    };
    let card = OwnCard {
        said,
        forms: vec![form],
        ..OwnCard::new(t, t.say("account-password"), t.say("password-text"))
    };
    let others = provider::card(app, t, viewer).await?;
    own(asked, "account-password", std::iter::once(card).chain(others).collect())
}
