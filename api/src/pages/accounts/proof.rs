//! `/accounts/reauthenticate/`: who is signed in proves it once more.

use axum::{extract::State, response::Response};

use super::{alone_within, enter, provider};
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
    queries::accounts::{factors, users},
};

/// `GET /accounts/reauthenticate/`
pub(in crate::pages) async fn form(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
    asked: Asked,
    address: Address,
) -> Result<Response, Error> {
    page(&app, &asked, (&visit, &viewer), (address.get("next"), None)).await
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
            let said = Some((asked.t.say("proof-wrong"), true));
            page(&app, &asked, (&visit, &viewer), (typed.get("next"), said)).await
        }
    }
}

async fn page(
    app: &App,
    asked: &Asked,
    (visit, viewer): (&Visit, &Viewer),
    (next, said): (&str, Option<(String, bool)>),
) -> Result<Response, Error> {
    let t = asked.t;
    let with_codes = proof::takes_codes(app, visit, viewer).await?;
    let user = users::get(&app.db, viewer.user).await?;
    let mut fields = Vec::new();
    if user.password != proof::NONE {
        let password = Field::line("password", t.say("field-password"), "").typed("password");
        fields.push(password.filled_by("current-password"));
    }
    if with_codes {
        let code = Field::line("code", t.say("field-factor-code"), "").filled_by("one-time-code");
        fields.push(code.hint(t.say("hint-factor-code")));
    }
    let hidden = vec![("next", next.to_owned())];
    let form =
        OwnForm { hidden, ..OwnForm::new("/accounts/reauthenticate/", fields, t.say("go-on")) };
    let mut forms = vec![form];
    if factors::of(&app.db, viewer.user, &visit.place.host).await?.passkeys > 0 {
        let urls = ("/accounts/reauthenticate/passkey/ask/", "/accounts/reauthenticate/passkey/");
        forms.push(OwnForm {
            passkey: Some(("second", urls.0, urls.1)),
            hidden: vec![("next", next.to_owned())],
            is_primary: false,
            ..OwnForm::new("/accounts/reauthenticate/", Vec::new(), t.say("use-passkey"))
        });
    }
    let card = OwnCard {
        said,
        rows: provider::proofs(app, t, (viewer, safe_next(next))).await?,
        forms,
        ..OwnCard::new(t, t.say("proof-title"), t.say("proof-text"))
    };
    alone_within(asked, t.say("proof-title"), vec![card], (t.say("back"), "/dashboard/".to_owned()))
}
