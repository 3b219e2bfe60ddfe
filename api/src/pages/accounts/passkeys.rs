//! Passkeys: what `passkey.js` asks and tells, in JSON.

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::with_cookie;
use crate::{
    accounts::{
        flows::{Visit, notices, passkeys as flow, sign_in},
        secret::Secret,
        session,
    },
    app::App,
    auth::{Viewer, safe_next},
    error::Error,
    params::body::Json as Body,
    queries::accounts::{passkeys, users},
};

/// What a browser answers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::pages) struct Answer {
    /// Of `navigator.credentials`.
    pub answer: Value,
    /// What its owner calls a new one.
    #[serde(default)]
    pub name: String,
    /// The way back.
    #[serde(default)]
    pub next: String,
}

/// `POST /accounts/2fa/passkeys/ask/`
pub(in crate::pages) async fn ask_new(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
) -> Result<Response, Error> {
    let user = users::get(&app.db, viewer.user).await?;
    let (options, secret) = flow::ask_new(&app, &visit, &user).await?;
    asked(&visit, options, &secret)
}

/// `POST /accounts/2fa/passkeys/`
pub(in crate::pages) async fn add(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
    Body(body): Body<Answer>,
) -> Result<Json<Value>, Error> {
    let user = users::get(&app.db, viewer.user).await?;
    let name = match body.name.trim() {
        "" => "Passkey",
        name if name.chars().count() <= 100 && !name.chars().any(char::is_control) => name,
        _ => {
            return Err(Error::field(
                "name",
                "too_long",
                "at most 100 characters that can be seen",
            ));
        }
    };
    flow::add(&app, &visit, &user, (name, body.answer)).await?;
    visit.note(&app, user.id, "passkey_added").await?;
    notices::factors_changed(&app, &visit, user.id, "passkey_added").await?;
    Ok(Json(json!({ "next": "/accounts/2fa/?done=passkey" })))
}

/// `POST /accounts/2fa/passkeys/{id}/remove/`
pub(in crate::pages) async fn remove(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Redirect, Error> {
    let id = id.parse().map_err(|_| Error::NotFound("passkey"))?;
    if !passkeys::delete(&app.db, viewer.user, id).await? {
        return Err(Error::NotFound("passkey"));
    }
    visit.note(&app, viewer.user, "passkey_removed").await?;
    notices::factors_changed(&app, &visit, viewer.user, "passkey_removed").await?;
    Ok(Redirect::to("/accounts/2fa/?done=passkey-removed"))
}

/// `POST /accounts/login/passkey/ask/`
pub(in crate::pages) async fn ask_any(
    State(app): State<App>,
    visit: Visit,
) -> Result<Response, Error> {
    let (options, secret) = flow::ask_any(&app, &visit).await?;
    asked(&visit, options, &secret)
}

/// `POST /accounts/login/passkey/`: a passkey with its owner before it is two factors.
pub(in crate::pages) async fn enter(
    State(app): State<App>,
    visit: Visit,
    Body(body): Body<Answer>,
) -> Result<Response, Error> {
    let user = flow::judge_any(&app, &visit, body.answer).await?;
    let secret = sign_in::begin(&app, &visit, &user, (2, &["passkey"]), false).await?;
    let cookie = session::cookie(&secret, visit.place.is_secure, false);
    let next = json!({ "next": safe_next(&body.next) });
    with_cookie(Json(next).into_response(), &cookie)
}

/// `POST /accounts/reauthenticate/passkey/ask/`
pub(in crate::pages) async fn ask_proof(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
) -> Result<Response, Error> {
    let (options, secret) = flow::ask_proof(&app, &visit, &viewer).await?;
    asked(&visit, options, &secret)
}

/// `POST /accounts/reauthenticate/passkey/`
pub(in crate::pages) async fn prove(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
    Body(body): Body<Answer>,
) -> Result<Response, Error> {
    let secret = flow::prove(&app, &visit, &viewer, body.answer).await?;
    let cookie = session::cookie(&secret, visit.place.is_secure, viewer.is_remembered());
    let next = json!({ "next": safe_next(&body.next) });
    with_cookie(Json(next).into_response(), &cookie)
}

fn asked(visit: &Visit, options: Value, secret: &Secret) -> Result<Response, Error> {
    let cookie = session::flow_cookie(Some(secret), visit.place.is_secure);
    with_cookie(Json(options).into_response(), &cookie)
}
