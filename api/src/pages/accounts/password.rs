//! `/accounts/password/`: another password, after a fresh proof.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};

use super::{fields, own};
use crate::{
    accounts::flows::{Visit, password},
    app::App,
    auth::Viewer,
    error::Error,
    pages::{
        address::Address,
        parts::{Check, OwnCard, OwnForm},
        request::Asked,
        typed::{Typed, Wrong, mendable},
    },
};

/// `GET /accounts/password/`
pub(in crate::pages) async fn form(asked: Asked, address: Address) -> Result<Response, Error> {
    let said = (address.get("done") == "saved").then(|| (asked.t.say("done-password"), false));
    page(&asked, &Typed::default().with("others", "on"), &Wrong::default(), said)
}

/// `POST /accounts/password/`
pub(in crate::pages) async fn change(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
    asked: Asked,
    typed: Typed,
) -> Result<Response, Error> {
    let ends_others = typed.get("others") == "on";
    let changed = password::change(&app, &visit, &viewer, (typed.get("password"), ends_others));
    match mendable(changed.await)? {
        Ok(()) => Ok(Redirect::to("/accounts/password/?done=saved").into_response()),
        Err(wrong) => page(&asked, &typed, &wrong, None),
    }
}

fn page(
    asked: &Asked,
    typed: &Typed,
    wrong: &Wrong,
    said: Option<(String, bool)>,
) -> Result<Response, Error> {
    let t = asked.t;
    let form = OwnForm {
        checks: vec![Check {
            name: "others",
            value: "on",
            label: t.say("end-other-sessions"),
            is_on: typed.get("others") == "on",
        }],
        ..OwnForm::new(
            "/accounts/password/",
            vec![fields::new_password(t, wrong)],
            t.say("change-password"),
        )
    };
    let card = OwnCard {
        said,
        forms: vec![form],
        ..OwnCard::new(t, t.say("account-password"), t.say("password-text"))
    };
    own(asked, "account-password", vec![card])
}
