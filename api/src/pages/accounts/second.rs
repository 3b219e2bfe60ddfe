//! `/accounts/login/2fa/`: the second factor, the password being right.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use serde_json::{Value, json};

use super::{alone, enter as go_in, with_cookie};
use crate::{
    accounts::{
        flows::{
            Visit,
            second::{self, By},
        },
        session,
    },
    app::App,
    auth::{SIGN_IN, safe_next},
    error::Error,
    pages::{
        parts::{Field, OwnCard, OwnForm},
        request::Asked,
        typed::Typed,
    },
    params::body::Json as Body,
    queries::accounts::factors::Factors,
};

/// `GET /accounts/login/2fa/`
pub(in crate::pages) async fn form(
    State(app): State<App>,
    visit: Visit,
    asked: Asked,
) -> Result<Response, Error> {
    match second::awaited(&app, &visit).await {
        Ok((_, has, state)) => page(&asked, (has, By::of(&state)), None),
        // Too late, or already in: from the beginning.
        Err(Error::NotFound(_)) => Ok(Redirect::to(SIGN_IN).into_response()),
        Err(error) => Err(error),
    }
}

/// `POST /accounts/login/2fa/`
pub(in crate::pages) async fn enter(
    State(app): State<App>,
    visit: Visit,
    asked: Asked,
    typed: Typed,
) -> Result<Response, Error> {
    let (_, has, state) = match second::awaited(&app, &visit).await {
        Ok(found) => found,
        Err(Error::NotFound(_)) => return Ok(Redirect::to(SIGN_IN).into_response()),
        Err(error) => return Err(error),
    };
    match second::by_code(&app, &visit, typed.get("code")).await? {
        Some((secret, state)) => {
            let remembered = state["remembered"].as_bool() == Some(true);
            let next = safe_next(state["next"].as_str().unwrap_or_default());
            go_in(&visit, &secret, remembered, next)
        }
        None => {
            let by = By::of(&state);
            let key = if by == By::Mail { "mailed-code-wrong" } else { "second-wrong" };
            page(&asked, (has, by), Some((asked.t.say(key), true)))
        }
    }
}

/// `POST /accounts/login/2fa/passkey/ask/`
pub(in crate::pages) async fn ask(
    State(app): State<App>,
    visit: Visit,
) -> Result<Json<Value>, Error> {
    Ok(Json(second::ask_passkey(&app, &visit).await?))
}

/// `POST /accounts/login/2fa/passkey/`
pub(in crate::pages) async fn enter_by_passkey(
    State(app): State<App>,
    visit: Visit,
    Body(body): Body<super::passkeys::Answer>,
) -> Result<Response, Error> {
    let (secret, state) = second::by_passkey(&app, &visit, body.answer).await?;
    let remembered = state["remembered"].as_bool() == Some(true);
    let next = safe_next(state["next"].as_str().unwrap_or_default());
    let cookie = session::cookie(&secret, visit.place.is_secure, remembered);
    with_cookie(Json(json!({ "next": next })).into_response(), &cookie)
}

fn page(
    asked: &Asked,
    (has, by): (Factors, By),
    said: Option<(String, bool)>,
) -> Result<Response, Error> {
    let t = asked.t;
    if by == By::Mail {
        return mail_page(asked, said);
    }
    let mut forms = Vec::new();
    if has.passkeys > 0 {
        let passkey = "second";
        let urls = ("/accounts/login/2fa/passkey/ask/", "/accounts/login/2fa/passkey/");
        forms.push(OwnForm {
            passkey: Some((passkey, urls.0, urls.1)),
            ..OwnForm::new("/accounts/login/2fa/", Vec::new(), t.say("use-passkey"))
        });
    }
    let code =
        Field::line("code", t.say("field-factor-code"), "").filled_by("one-time-code").required();
    let code = code.hint(t.say("hint-factor-code"));
    forms.push(OwnForm::new("/accounts/login/2fa/", vec![code], t.say("sign-in")));
    let card =
        OwnCard { said, forms, ..OwnCard::new(t, t.say("second-title"), t.say("second-text")) };
    let away = (t.say("sign-in-again"), SIGN_IN.to_owned());
    alone(asked, t.say("second-title"), vec![card], away)
}

/// A code out of a mail, while passwords of this account are being guessed.
fn mail_page(asked: &Asked, said: Option<(String, bool)>) -> Result<Response, Error> {
    let t = asked.t;
    let code = Field::line("code", t.say("field-mailed-code"), "").filled_by("one-time-code");
    let form = OwnForm::new("/accounts/login/2fa/", vec![code.required()], t.say("sign-in"));
    let card = OwnCard {
        said,
        forms: vec![form],
        ..OwnCard::new(t, t.say("guessed-title"), t.say("guessed-text"))
    };
    let away = (t.say("sign-in-again"), SIGN_IN.to_owned());
    alone(asked, t.say("guessed-title"), vec![card], away)
}
