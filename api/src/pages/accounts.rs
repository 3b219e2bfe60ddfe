//! `/accounts/…`: coming in, and what a person sets for themselves.

pub(super) mod sign_in;
pub(super) mod sign_up;
pub(super) mod reset;
pub(super) mod mail;
pub(super) mod people;
pub(super) mod invitation;
pub(super) mod audit;
pub(super) mod second;
pub(super) mod setup;
pub(super) mod proof;
pub(super) mod profile;
pub(super) mod avatar;
pub(super) mod settings;
pub(super) mod password;
pub(super) mod emails;
pub(super) mod data;
pub(super) mod provider;
pub(super) mod factors;
pub(super) mod passkeys;
pub(super) mod sessions;
pub(super) mod log;
pub(super) mod tokens;
mod fields;

use askama::Template;
use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderValue, header},
    middleware::from_fn,
    response::{IntoResponse, Redirect, Response},
    routing::{MethodRouter, get, post},
};

use super::{
    home, html,
    parts::{Crumb, Field, OwnCard, Tab},
    request::Asked,
    shell::{Here, Shell},
};
use crate::{
    accounts::{avatar::MOST_BYTES, flows::Visit, role::Permission, secret::Secret, session},
    app::App,
    auth::{self, may},
    error::Error,
};

/// For whoever asks.
pub(super) fn open_routes() -> Router<App> {
    Router::new()
        .route("/accounts/login/", get(sign_in::form).post(sign_in::enter))
        .route("/accounts/login/2fa/", get(second::form).post(second::enter))
        .route("/accounts/login/2fa/passkey/ask/", post(second::ask))
        .route("/accounts/login/2fa/passkey/", post(second::enter_by_passkey))
        .route("/accounts/login/passkey/ask/", post(passkeys::ask_any))
        .route("/accounts/login/passkey/", post(passkeys::enter))
        .route("/accounts/login/with/{provider}/", get(provider::begin))
        .route("/accounts/login/with/{provider}/done/", get(provider::done))
        .route("/accounts/signup/", get(sign_up::form).post(sign_up::make))
        .route("/accounts/confirm-email/", get(sign_up::look).post(sign_up::confirm))
        .route("/accounts/password/reset/", get(reset::form).post(reset::ask))
        .route("/accounts/password/reset/confirm/", get(reset::look).post(reset::change))
        .route("/accounts/invitation/", get(invitation::look).post(invitation::accept))
        .route("/accounts/mail/", get(mail::list))
        .route("/accounts/mail/{name}/", get(mail::show))
        .route("/accounts/setup/", get(setup::form).post(setup::make))
}

/// For who is signed in, whatever they are on the site.
pub(super) fn own_routes() -> Router<App> {
    // What lets somebody in is shown and changed after a fresh proof alone.
    let proved = Router::new()
        .route("/accounts/password/", get(password::form).post(password::change))
        .route("/accounts/password/with/{id}/remove/", post(provider::remove))
        .route("/accounts/email/", get(emails::show).post(emails::add))
        .route("/accounts/email/confirm/", get(emails::look).post(emails::confirm))
        .route("/accounts/email/{id}/first/", post(emails::put_first))
        .route("/accounts/email/{id}/remove/", post(emails::remove))
        .route("/accounts/2fa/", get(factors::show))
        .route("/accounts/2fa/totp/", get(factors::totp).post(factors::confirm))
        .route("/accounts/2fa/totp/remove/", post(factors::remove))
        .route("/accounts/2fa/recovery-codes/", get(factors::back).post(factors::new_codes))
        .route("/accounts/2fa/passkeys/", get(factors::back).post(passkeys::add))
        .route("/accounts/2fa/passkeys/ask/", post(passkeys::ask_new))
        .route("/accounts/2fa/passkeys/{id}/remove/", post(passkeys::remove))
        .route("/accounts/sessions/", get(sessions::show))
        .route("/accounts/sessions/end-others/", post(sessions::end_others))
        .route("/accounts/sessions/{id}/end/", post(sessions::end))
        .route("/accounts/data/", get(data::show))
        .route("/accounts/data/export/", get(data::export))
        .route("/accounts/data/delete/", get(data::show).post(data::delete))
        .route("/accounts/tokens/", get(tokens::show).post(tokens::make))
        .route("/accounts/tokens/{id}/revoke/", post(tokens::revoke))
        .route_layer(from_fn(auth::proved));
    // A picture is larger than any form; what stands around it takes little.
    let pictures = DefaultBodyLimit::max(MOST_BYTES + 16 * 1024);
    Router::new()
        .route("/accounts/logout/", get(home).post(sign_in::leave))
        .route("/accounts/impersonation/end/", post(people::end_impersonation))
        .route("/accounts/reauthenticate/", get(proof::form).post(proof::prove))
        .route("/accounts/reauthenticate/passkey/ask/", post(passkeys::ask_proof))
        .route("/accounts/reauthenticate/passkey/", post(passkeys::prove))
        .route("/accounts/profile/", get(profile::form).post(profile::save))
        .route("/accounts/profile/avatar/", post(avatar::put).layer(pictures))
        .route("/accounts/profile/avatar/remove/", post(avatar::remove))
        .route("/accounts/avatars/{name}/", get(avatar::show))
        .route("/accounts/settings/", get(settings::form).post(settings::save))
        .route("/accounts/security-log/", get(log::show))
        .route("/accounts/sites/", get(data::sites))
        .merge(proved)
}

/// For who runs the site.
pub(super) fn site_routes(app: &App) -> Router<App> {
    use Permission::{ChangePeople, Impersonate, SeeAudit, SeePeople};
    // What makes people something else wants a fresh proof besides.
    let proved =
        |what, routes: MethodRouter<App>| may(app, what, routes.route_layer(from_fn(auth::proved)));
    Router::new()
        .route(
            "/accounts/people/",
            may(app, SeePeople, get(people::show))
                .merge(proved(ChangePeople, post(people::invite))),
        )
        .route(
            "/accounts/people/{id}/",
            may(app, SeePeople, get(people::one)).merge(proved(ChangePeople, post(people::change))),
        )
        .route(
            "/accounts/people/{id}/sessions/end/",
            proved(ChangePeople, post(people::end_sessions)),
        )
        .route(
            "/accounts/people/{id}/2fa/reset/",
            proved(ChangePeople, post(people::reset_factors)),
        )
        .route("/accounts/people/{id}/suspend/", proved(ChangePeople, post(people::suspend)))
        .route("/accounts/people/{id}/impersonate/", proved(Impersonate, post(people::impersonate)))
        .route(
            "/accounts/people/invitations/{id}/revoke/",
            proved(ChangePeople, post(people::revoke)),
        )
        .route("/accounts/audit/", may(app, SeeAudit, get(audit::show)))
}

/// A page of one's own account.
#[derive(Template)]
#[template(path = "pages/accounts/own.html")]
struct Own {
    shell: Shell,
    tabs: Vec<Tab>,
    cards: Vec<OwnCard>,
    next: String,
}

/// A page that stands alone: a step on the way in.
#[derive(Template)]
#[template(path = "pages/accounts/alone.html")]
struct Alone {
    shell: Shell,
    cards: Vec<OwnCard>,
    away: (String, String),
}

/// A page of who runs the site: cards under each other.
#[derive(Template)]
#[template(path = "pages/accounts/sheet.html")]
struct SheetPage {
    shell: Shell,
    crumbs: Vec<Crumb>,
    find: Option<(&'static str, Field)>,
    cards: Vec<OwnCard>,
    next: String,
}

/// What stands on such a page.
struct Sheet {
    here: Here,
    title: String,
    crumbs: Vec<Crumb>,
    find: Option<(&'static str, Field)>,
    cards: Vec<OwnCard>,
    next: String,
}

fn sheet(asked: &Asked, of: Sheet) -> Result<Response, Error> {
    let Sheet { here, title, crumbs, find, cards, next } = of;
    let shell = asked.shell(here, title);
    Ok(html(&SheetPage { shell, crumbs, find, cards, next })?.into_response())
}

const TABS: [(&str, &str); 10] = [
    ("account-profile", "/accounts/profile/"),
    ("account-settings", "/accounts/settings/"),
    ("account-email", "/accounts/email/"),
    ("account-password", "/accounts/password/"),
    ("account-two-factors", "/accounts/2fa/"),
    ("account-sessions", "/accounts/sessions/"),
    ("account-tokens", "/accounts/tokens/"),
    ("account-security-log", "/accounts/security-log/"),
    ("account-sites", "/accounts/sites/"),
    ("account-data", "/accounts/data/"),
];

/// One of `TABS`, by its key.
fn own(asked: &Asked, key: &str, cards: Vec<OwnCard>) -> Result<Response, Error> {
    own_with_more(asked, key, cards, String::new())
}

fn own_with_more(
    asked: &Asked,
    key: &str,
    cards: Vec<OwnCard>,
    next: String,
) -> Result<Response, Error> {
    let t = asked.t;
    let tab = |(of, href): (&str, &'static str)| Tab { label: t.say(of), href, here: of == key };
    let page = Own {
        shell: asked.shell(Here::Elsewhere, t.say(key)),
        tabs: TABS.into_iter().map(tab).collect(),
        cards,
        next,
    };
    Ok(html(&page)?.into_response())
}

/// A page without navigation.
fn alone(
    asked: &Asked,
    title: String,
    cards: Vec<OwnCard>,
    away: (String, String),
) -> Result<Response, Error> {
    let shell = Shell { viewer: None, ..asked.shell(Here::Elsewhere, title) };
    Ok(html(&Alone { shell, cards, away })?.into_response())
}

/// The same for who is signed in: with the navigation, and so with the way out (ASVS 7.4.4).
fn alone_within(
    asked: &Asked,
    title: String,
    cards: Vec<OwnCard>,
    away: (String, String),
) -> Result<Response, Error> {
    let shell = asked.shell(Here::Elsewhere, title);
    Ok(html(&Alone { shell, cards, away })?.into_response())
}

/// Goes to a path of ours with a session's cookie.
fn enter(
    visit: &Visit,
    secret: &Secret,
    is_remembered: bool,
    path: &str,
) -> Result<Response, Error> {
    let cookie = session::cookie(secret, visit.place.is_secure, is_remembered);
    let away = with_cookie(Redirect::to(path).into_response(), &cookie)?;
    with_cookie(away, &session::flow_cookie(None, visit.place.is_secure))
}

fn with_cookie(mut response: Response, cookie: &str) -> Result<Response, Error> {
    let value = HeaderValue::from_str(cookie).map_err(|error| Error::Fault(error.to_string()))?;
    response.headers_mut().append(header::SET_COOKIE, value);
    Ok(response)
}
