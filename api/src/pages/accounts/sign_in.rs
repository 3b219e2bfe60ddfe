//! `/accounts/login/`, `/accounts/logout/`.

use askama::Template;
use axum::{
    extract::State,
    http::HeaderValue,
    response::{IntoResponse, Redirect, Response},
};

use super::{enter as go_in, provider, with_cookie};
use crate::{
    accounts::{
        flows::{
            Visit,
            provider::Purpose,
            second::{self, Next, Wish},
            sign_in::{self, Outcome},
            sign_up,
        },
        providers::Provider,
        session,
    },
    app::App,
    auth::{Viewer, safe_next},
    config::DEMO_PASSWORD,
    error::Error,
    i18n::Text,
    pages::{
        address::Address,
        html,
        parts::Field,
        request::Asked,
        shell::{Here, Shell},
        typed::Typed,
    },
    place::Place,
    queries::accounts::memberships::{self, Demo},
    tenant::{Db, Reach},
};

#[derive(Template)]
#[template(path = "pages/accounts/sign_in.html")]
struct SignIn {
    shell: Shell,
    login: Field,
    password: Field,
    next: String,
    is_remembered: bool,
    /// What happened just now: signed out, wrong password, …
    said: String,
    is_wrong: bool,
    demo: Vec<Demo>,
    demo_password: &'static str,
    /// Other houses: the words and the link.
    providers: Vec<(String, String)>,
}

/// `GET /accounts/login/`: whoever is in already goes on.
pub(in crate::pages) async fn form(
    State(app): State<App>,
    place: Place,
    asked: Asked,
    address: Address,
) -> Result<Response, Error> {
    if asked.viewer.is_some() {
        return Ok(Redirect::to(safe_next(address.get("next"))).into_response());
    }
    let said = match address.get("done") {
        "out" => asked.t.say("signed-out"),
        "password" => asked.t.say("done-password-reset"),
        "deleted" => asked.t.say("done-deleted"),
        _ => String::new(),
    };
    let typed = Typed::default().with("next", address.get("next"));
    let mut page = page(&app, &asked, &typed, said, false);
    if app.is_demo {
        let db = Db::new(app.db.clone(), place.site, &Reach::ALL);
        page.demo = memberships::demo(&db).await?;
    }
    Ok(html(&page)?.into_response())
}

/// `POST /accounts/login/`
pub(in crate::pages) async fn enter(
    State(app): State<App>,
    visit: Visit,
    asked: Asked,
    typed: Typed,
) -> Result<Response, Error> {
    let password = typed.get("password").to_owned();
    match sign_in::check(&app, &visit, typed.get("login").trim(), password).await? {
        Outcome::Known(user, is_guessed) => {
            let remembered = typed.get("remember") == "on";
            let next = safe_next(typed.get("next"));
            let wish = Wish { is_remembered: remembered, next, first: "password", is_guessed };
            match second::after_first(&app, &visit, &user, &wish).await? {
                Next::In(secret) => go_in(&visit, &secret, remembered, next),
                Next::Awaited(secret, _) => {
                    let cookie = session::flow_cookie(Some(&secret), visit.place.is_secure);
                    with_cookie(Redirect::to("/accounts/login/2fa/").into_response(), &cookie)
                }
            }
        }
        Outcome::Unconfirmed(user) => {
            let browser = sign_up::again(&app, &visit, &user, asked.t).await?;
            let said = asked.t.say("sign-in-unconfirmed");
            let cookie = session::flow_cookie(Some(&browser), visit.place.is_secure);
            with_cookie(html(&page(&app, &asked, &typed, said, true))?.into_response(), &cookie)
        }
        // 200, so that the outermost layer leaves the page with its words as it is.
        Outcome::Wrong => {
            let said = asked.t.say("sign-in-wrong");
            Ok(html(&page(&app, &asked, &typed, said, true))?.into_response())
        }
    }
}

/// `POST /accounts/logout/`
pub(in crate::pages) async fn leave(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
) -> Result<Response, Error> {
    sign_in::end(&app, &visit, &viewer).await?;
    let away = Redirect::to("/accounts/login/?done=out").into_response();
    let mut away = with_cookie(away, &session::no_cookie(visit.place.is_secure))?;
    // What the browser kept of the pages goes as well (ASVS 14.3.1); language and theme stay.
    let all = HeaderValue::from_static("\"cache\", \"storage\"");
    away.headers_mut().insert("clear-site-data", all);
    Ok(away)
}

fn page(app: &App, asked: &Asked, typed: &Typed, said: String, is_wrong: bool) -> SignIn {
    let t = asked.t;
    SignIn {
        shell: Shell { viewer: None, ..asked.shell(Here::Elsewhere, t.say("sign-in")) },
        login: Field::line("login", t.say("field-login"), typed.get("login"))
            .filled_by("username webauthn")
            .required(),
        password: Field::line("password", t.say("field-password"), "")
            .typed("password")
            .filled_by("current-password")
            .required(),
        next: typed.get("next").to_owned(),
        is_remembered: typed.get("remember") == "on",
        said,
        is_wrong,
        demo: Vec::new(),
        demo_password: DEMO_PASSWORD,
        providers: app.providers.all().iter().map(|one| with(t, one, typed.get("next"))).collect(),
    }
}

fn with(t: Text, one: &Provider, next: &str) -> (String, String) {
    (
        t.say1("provider-with", "provider", &one.label),
        provider::href(&one.name, Purpose::SignIn, next),
    )
}
