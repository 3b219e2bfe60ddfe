//! `/accounts/login/`, `/accounts/logout/`: until accounts exist, the token that `tributary` prints.

use super::{
    html,
    parts::Field,
    request::Asked,
    shell::{Here, Shell},
};
use crate::{
    app::App,
    auth::{enter, no_cookie, safe_next},
    error::Error,
};
use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "pages/sign_in.html")]
struct SignIn {
    shell: Shell,
    token: Field,
    next: String,
    signed_out: bool,
}

/// Where to go after signing in.
#[derive(Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
    #[serde(default)]
    done: String,
}

/// What the form sends.
#[derive(Deserialize)]
pub(super) struct Token {
    token: String,
    #[serde(default)]
    next: String,
}

/// `GET /accounts/login/`
pub(super) async fn form(asked: Asked, Query(query): Query<Next>) -> Result<Response, Error> {
    let signed_out = query.done == "out";
    Ok(html(&page(&asked, query.next, String::new(), signed_out))?.into_response())
}

/// `POST /accounts/login/`
pub(super) async fn enter_token(
    State(app): State<App>,
    asked: Asked,
    Form(form): Form<Token>,
) -> Result<Response, Error> {
    if app.secret.is_token(form.token.trim()) {
        return Ok(enter(&app.secret, safe_next(&form.next)));
    }
    // 200, so that the outermost layer leaves the page with its words as it is.
    let wrong = asked.t.say("token-wrong");
    Ok((StatusCode::OK, html(&page(&asked, form.next, wrong, false))?).into_response())
}

/// `POST /accounts/logout/`
pub(super) async fn leave() -> Response {
    let away = Redirect::to("/accounts/login/?done=out");
    ([(header::SET_COOKIE, no_cookie())], away).into_response()
}

fn page(asked: &Asked, next: String, wrong: String, signed_out: bool) -> SignIn {
    let t = asked.t;
    let token = Field::line("token", t.say("token"), "").typed("password").required();
    SignIn {
        shell: Shell { signed_in: false, ..asked.shell(Here::Elsewhere, t.say("sign-in")) },
        token: token.hint(t.say("token-hint")).error(wrong),
        next,
        signed_out,
    }
}
