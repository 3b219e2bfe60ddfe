//! `/api/v1/auth/`: signing in as a program, and what one is.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, time};
use crate::{
    accounts::{
        flows::{
            Visit,
            api::{self, EXPIRES_IN, SignedIn, Tokens},
            first::Wish,
            proof::FRESH,
            second::By,
            sign_up,
        },
        secret::Secret,
    },
    app::App,
    auth::Viewer,
    error::Error,
    pages::Asked,
    params::body::Json as Body,
    queries::accounts::{sessions, users},
};

/// A name (or an address) and a password.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    #[serde(alias = "email", alias = "login")]
    username: String,
    password: String,
}

/// A new account.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    email: String,
    password: String,
    #[serde(default)]
    name: String,
}

/// The code that was mailed to a new account's address.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirm {
    confirm_token: String,
    code: String,
}

/// The second factor.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Second {
    mfa_token: String,
    code: String,
}

/// What was kept for the next access token.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    refresh_token: String,
}

/// `POST /api/v1/auth/login/`
pub async fn sign_in(State(app): State<App>, visit: Visit, Body(body): Body<SignIn>) -> Answer {
    let visit = Visit { cookie: None, ..visit };
    match api::sign_in(&app, &visit, &body.username, body.password).await? {
        SignedIn::In(tokens) => Ok(Json(told(&tokens))),
        SignedIn::Awaited(token, by) => {
            let methods = match by {
                By::Factor => &["totp", "recovery_code"][..],
                By::Mail => &["mailed_code"],
            };
            let awaited =
                json!({ "object": "mfa_required", "mfa_token": token, "methods": methods });
            Ok(Json(awaited))
        }
    }
}

/// `POST /api/v1/auth/register/`: the same answer whether the address is new here; what there is to say, a mail says.
pub(crate) async fn register(
    State(app): State<App>,
    visit: Visit,
    asked: Asked,
    Body(body): Body<Register>,
) -> Result<(StatusCode, Json<Value>), Error> {
    let wish = Wish::read(&body.email, &body.name, &body.password)?;
    let browser = sign_up::begin(&app, &visit, &wish, asked.t).await?;
    let told = json!({ "object": "registration", "status": "confirmation_required", "confirm_token": browser.text() });
    Ok((StatusCode::ACCEPTED, Json(told)))
}

/// `POST /api/v1/auth/register/confirm/`
pub async fn confirm(State(app): State<App>, visit: Visit, Body(body): Body<Confirm>) -> Answer {
    let visit = Visit { cookie: None, flow: Secret::read(&body.confirm_token), ..visit };
    let wrong = || Error::field("code", "wrong", "not the code of the latest mail, or too old");
    let secret = sign_up::confirm_by_code(&app, &visit, &body.code).await?.ok_or_else(wrong)?;
    Ok(Json(told(&api::tokens(&app, &visit, &secret).await?)))
}

/// `POST /api/v1/auth/mfa/`
pub async fn second(State(app): State<App>, visit: Visit, Body(body): Body<Second>) -> Answer {
    let visit = Visit { cookie: None, ..visit };
    Ok(Json(told(&api::second(&app, &visit, &body.mfa_token, &body.code).await?)))
}

/// `POST /api/v1/auth/refresh/`
pub async fn refresh(State(app): State<App>, visit: Visit, Body(body): Body<Refresh>) -> Answer {
    Ok(Json(told(&api::refresh(&app, &visit, &body.refresh_token).await?)))
}

/// `POST /api/v1/auth/logout/`
pub async fn sign_out(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
) -> Result<StatusCode, Error> {
    let session = own_session(&viewer)?;
    sessions::delete_one(&app.db, viewer.user, session).await?;
    visit.note(&app, viewer.user, "signed_out").await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/v1/auth/user/`
pub async fn user(State(app): State<App>, viewer: Viewer) -> Answer {
    let user = users::get(&app.db, viewer.user).await?;
    let ids = |ids: Option<Vec<String>>| json!(ids);
    let programs = viewer.reach.programs.as_ref();
    let affiliates = viewer.reach.affiliates.as_ref();
    Ok(Json(json!({
        "object": "user",
        "id": format!("usr_{}", user.id),
        "username": user.username,
        "email": user.email,
        "name": user.name,
        "date_joined": time(user.date_joined),
        "site": viewer.site.to_string(),
        "role": viewer.role.map(|role| role.name()),
        "programs": ids(programs.map(|ids| ids.iter().map(ToString::to_string).collect())),
        "affiliates": ids(affiliates.map(|ids| ids.iter().map(ToString::to_string).collect())),
        "level": viewer.level,
    })))
}

/// `GET /api/v1/auth/sessions/`
pub async fn list(State(app): State<App>, visit: Visit, viewer: Viewer) -> Answer {
    own_session(&viewer)?;
    let list = sessions::list(&app.db, viewer.user, visit.now).await?;
    let row = |one: &sessions::Session| {
        json!({
            "object": "session",
            "id": format!("ses_{}", one.id),
            "host": one.host,
            "network": one.network,
            "agent": one.agent,
            "level": one.level,
            "created_at": time(one.created_at),
            "seen_at": time(one.seen_at),
            "is_this": Some(one.id) == viewer.session(),
        })
    };
    let data: Vec<Value> = list.iter().map(row).collect();
    Ok(Json(json!({ "object": "list", "data": data, "has_more": false })))
}

/// `DELETE /api/v1/auth/sessions/{id}/`
pub async fn end(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<StatusCode, Error> {
    own_session(&viewer)?;
    if !viewer.proved_within(FRESH, visit.now) {
        return Err(Error::StepUp);
    }
    let id = id.strip_prefix("ses_").and_then(|id| id.parse().ok());
    let id = id.ok_or(Error::NotFound("session"))?;
    if !sessions::delete_one(&app.db, viewer.user, id).await? {
        return Err(Error::NotFound("session"));
    }
    visit.note(&app, viewer.user, "session_ended").await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Where somebody is signed in is shown to themselves: not to a token, nor to who looks through their eyes.
fn own_session(viewer: &Viewer) -> Result<i64, Error> {
    viewer.session().filter(|_| !viewer.is_impersonated()).ok_or(Error::Forbidden)
}

fn told(tokens: &Tokens) -> Value {
    json!({
        "object": "tokens",
        "access_token": tokens.access,
        "token_type": "Bearer",
        "expires_in": EXPIRES_IN,
        "refresh_token": tokens.refresh,
    })
}
