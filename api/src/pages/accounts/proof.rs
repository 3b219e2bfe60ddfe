//! `/accounts/reauthenticate/`: who is signed in proves it once more.

use axum::{extract::State, response::Response};

use super::{alone, enter};
use crate::{
    accounts::flows::{Visit, proof},
    app::App,
    auth::{Viewer, safe_next},
    error::Error,
    pages::{
        address::Address,
        parts::{Field, OwnCard, OwnForm},
        request::Asked,
        typed::Typed,
    },
};

/// `GET /accounts/reauthenticate/`
pub(in crate::pages) async fn form(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
    asked: Asked,
    address: Address,
) -> Result<Response, Error> {
    let with_codes = proof::takes_codes(&app, &visit, &viewer).await?;
    page(&asked, address.get("next"), with_codes, None)
}

/// `POST /accounts/reauthenticate/`
pub(in crate::pages) async fn prove(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
    asked: Asked,
    typed: Typed,
) -> Result<Response, Error> {
    let shown = (typed.get("password"), typed.get("code"));
    match proof::prove(&app, &visit, &viewer, shown).await? {
        Some(secret) => {
            enter(&visit, &secret, viewer.is_remembered(), safe_next(typed.get("next")))
        }
        None => {
            let with_codes = proof::takes_codes(&app, &visit, &viewer).await?;
            let said = Some((asked.t.say("proof-wrong"), true));
            page(&asked, typed.get("next"), with_codes, said)
        }
    }
}

fn page(
    asked: &Asked,
    next: &str,
    with_codes: bool,
    said: Option<(String, bool)>,
) -> Result<Response, Error> {
    let t = asked.t;
    let mut fields = vec![
        Field::line("password", t.say("field-password"), "")
            .typed("password")
            .filled_by("current-password"),
    ];
    if with_codes {
        let code = Field::line("code", t.say("field-or-code"), "").filled_by("one-time-code");
        fields.push(code.hint(t.say("hint-factor-code")));
    }
    let hidden = vec![("next", next.to_owned())];
    let form =
        OwnForm { hidden, ..OwnForm::new("/accounts/reauthenticate/", fields, t.say("go-on")) };
    let card = OwnCard {
        said,
        forms: vec![form],
        ..OwnCard::new(t, t.say("proof-title"), t.say("proof-text"))
    };
    alone(asked, t.say("proof-title"), vec![card], (t.say("back"), "/dashboard/".to_owned()))
}
