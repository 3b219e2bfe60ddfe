//! `/accounts/signup/`, `/accounts/confirm-email/`: a new account, and that its address is read.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};

use super::{alone, enter, fields, with_cookie};
use crate::{
    accounts::{
        flows::{
            Visit,
            first::Wish,
            sign_up::{self as flow, Link},
        },
        session,
    },
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

/// `GET /accounts/signup/`
pub(in crate::pages) async fn form(
    State(app): State<App>,
    visit: Visit,
    asked: Asked,
) -> Result<Response, Error> {
    if asked.viewer.is_some() {
        return Ok(Redirect::to("/dashboard/").into_response());
    }
    match flow::is_open(&app, &visit).await? {
        true => page(&asked, &Typed::default(), &Wrong::default()),
        false => {
            let t = asked.t;
            let card = OwnCard::new(t, t.say("sign-up"), t.say("sign-up-closed"));
            alone(&asked, t.say("sign-up"), vec![card], (t.say("sign-in"), SIGN_IN.to_owned()))
        }
    }
}

/// `POST /accounts/signup/`
pub(in crate::pages) async fn make(
    State(app): State<App>,
    visit: Visit,
    asked: Asked,
    typed: Typed,
) -> Result<Response, Error> {
    let begun = async {
        let wish = Wish::read(typed.get("email"), typed.get("name"), typed.get("password"))?;
        flow::begin(&app, &visit, &wish, asked.t).await
    };
    match mendable(begun.await)? {
        Ok(browser) => {
            let cookie = session::flow_cookie(Some(&browser), visit.place.is_secure);
            with_cookie(Redirect::to("/accounts/confirm-email/").into_response(), &cookie)
        }
        Err(wrong) => page(&asked, &typed, &wrong),
    }
}

/// `GET /accounts/confirm-email/`: what a mail's link opens, or where its code is typed. Nothing is used up by looking:
/// programs look at links, too.
pub(in crate::pages) async fn look(
    State(app): State<App>,
    visit: Visit,
    asked: Asked,
    address: Address,
) -> Result<Response, Error> {
    match address.get("token") {
        "" => code_page(&asked, None),
        token => {
            let (link, code) = flow::look(&app, &visit, token).await?;
            link_page(&asked, (token, &link, &code.email), None)
        }
    }
}

/// `POST /accounts/confirm-email/`
pub(in crate::pages) async fn confirm(
    State(app): State<App>,
    visit: Visit,
    asked: Asked,
    typed: Typed,
) -> Result<Response, Error> {
    let wrong = |key: &str| Some((asked.t.say(key), true));
    let token = typed.get("token");
    if token.is_empty() {
        return match flow::confirm_by_code(&app, &visit, typed.get("code")).await? {
            Some(secret) => enter(&visit, &secret, false, "/dashboard/"),
            None => code_page(&asked, wrong("mailed-code-wrong")),
        };
    }
    let (link, code) = flow::look(&app, &visit, token).await?;
    match flow::confirm_by_link(&app, &visit, (token, typed.get("password"))).await? {
        Some(secret) => enter(&visit, &secret, false, "/dashboard/"),
        None => link_page(&asked, (token, &link, &code.email), wrong("confirm-password-wrong")),
    }
}

fn page(asked: &Asked, typed: &Typed, wrong: &Wrong) -> Result<Response, Error> {
    let t = asked.t;
    let fields = fields::of_new_account(t, typed, wrong);
    let card = OwnCard {
        forms: vec![OwnForm::new("/accounts/signup/", fields, t.say("sign-up"))],
        ..OwnCard::new(t, t.say("sign-up"), t.say("sign-up-text"))
    };
    alone(asked, t.say("sign-up"), vec![card], (t.say("have-account"), SIGN_IN.to_owned()))
}

fn code_page(asked: &Asked, said: Option<(String, bool)>) -> Result<Response, Error> {
    let t = asked.t;
    let code = Field::line("code", t.say("field-mailed-code"), "").filled_by("one-time-code");
    let form = OwnForm::new("/accounts/confirm-email/", vec![code.required()], t.say("confirm"));
    let card = OwnCard {
        said,
        forms: vec![form],
        ..OwnCard::new(t, t.say("confirm-title"), t.say("confirm-sent"))
    };
    alone(asked, t.say("confirm-title"), vec![card], (t.say("sign-in"), SIGN_IN.to_owned()))
}

fn link_page(
    asked: &Asked,
    (token, link, email): (&str, &Link, &str),
    said: Option<(String, bool)>,
) -> Result<Response, Error> {
    let t = asked.t;
    let (fields, text) = match link {
        Link::Own => (Vec::new(), t.say1("confirm-own", "email", email)),
        Link::Foreign => {
            let password = Field::line("password", t.say("field-password"), "").typed("password");
            let password = password.filled_by("current-password").required();
            (vec![password], t.say1("confirm-foreign", "email", email))
        }
    };
    let form = OwnForm {
        hidden: vec![("token", token.to_owned())],
        ..OwnForm::new("/accounts/confirm-email/", fields, t.say("confirm"))
    };
    let card = OwnCard { said, forms: vec![form], ..OwnCard::new(t, t.say("confirm-title"), text) };
    alone(asked, t.say("confirm-title"), vec![card], (t.say("sign-in"), SIGN_IN.to_owned()))
}
