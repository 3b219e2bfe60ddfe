//! `/accounts/password/reset/…`: a forgotten password.

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};

use super::{alone, fields};
use crate::{
    accounts::flows::{Visit, reset as flow},
    app::App,
    auth::SIGN_IN,
    error::Error,
    pages::{
        address::Address,
        parts::{Field, OwnCard, OwnForm},
        request::Asked,
        typed::{Typed, Wrong, mendable},
    },
};

/// `GET /accounts/password/reset/`
pub(in crate::pages) async fn form(asked: Asked, address: Address) -> Result<Response, Error> {
    let t = asked.t;
    if address.get("done") == "sent" {
        let card = OwnCard::new(t, t.say("reset-title"), t.say("reset-sent"));
        return alone(&asked, t.say("reset-title"), vec![card], back(&asked));
    }
    page(&asked, &Typed::default(), &Wrong::default())
}

/// `POST /accounts/password/reset/`
pub(in crate::pages) async fn ask(
    State(app): State<App>,
    visit: Visit,
    asked: Asked,
    typed: Typed,
) -> Result<Response, Error> {
    match mendable(flow::ask(&app, &visit, typed.get("email"), asked.t).await)? {
        Ok(()) => Ok(Redirect::to("/accounts/password/reset/?done=sent").into_response()),
        Err(wrong) => page(&asked, &typed, &wrong),
    }
}

/// `GET /accounts/password/reset/confirm/`
pub(in crate::pages) async fn look(
    State(app): State<App>,
    visit: Visit,
    asked: Asked,
    address: Address,
) -> Result<Response, Error> {
    flow::look(&app, &visit, address.get("token")).await?;
    new_password(&asked, address.get("token"), &Wrong::default())
}

/// `POST /accounts/password/reset/confirm/`
pub(in crate::pages) async fn change(
    State(app): State<App>,
    visit: Visit,
    asked: Asked,
    typed: Typed,
) -> Result<Response, Error> {
    let new = (typed.get("token"), typed.get("password"));
    match mendable(flow::change(&app, &visit, new, asked.t).await)? {
        Ok(()) => Ok(Redirect::to("/accounts/login/?done=password").into_response()),
        Err(wrong) => new_password(&asked, typed.get("token"), &wrong),
    }
}

fn back(asked: &Asked) -> (String, String) {
    (asked.t.say("sign-in"), SIGN_IN.to_owned())
}

fn page(asked: &Asked, typed: &Typed, wrong: &Wrong) -> Result<Response, Error> {
    let t = asked.t;
    let email = Field::line("email", t.say("field-email"), typed.get("email"))
        .typed("email")
        .filled_by("email")
        .error(wrong.say(t, "email"))
        .required();
    let card = OwnCard {
        forms: vec![OwnForm::new("/accounts/password/reset/", vec![email], t.say("reset-do"))],
        ..OwnCard::new(t, t.say("reset-title"), t.say("reset-text"))
    };
    alone(asked, t.say("reset-title"), vec![card], back(asked))
}

/// The link is a secret: no other site learns it from a page it was opened on.
fn new_password(asked: &Asked, token: &str, wrong: &Wrong) -> Result<Response, Error> {
    let t = asked.t;
    let form = OwnForm {
        hidden: vec![("token", token.to_owned())],
        ..OwnForm::new(
            "/accounts/password/reset/confirm/",
            vec![fields::new_password(t, wrong)],
            t.say("change-password"),
        )
    };
    let card =
        OwnCard { forms: vec![form], ..OwnCard::new(t, t.say("reset-title"), t.say("reset-new")) };
    let mut page = alone(asked, t.say("reset-title"), vec![card], back(asked))?;
    let none = HeaderValue::from_static("no-referrer");
    page.headers_mut().insert(header::REFERRER_POLICY, none);
    Ok(page)
}
