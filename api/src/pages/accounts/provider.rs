//! `/accounts/login/with/{provider}/`: coming in by another house, and which ones are connected.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};

use super::{alone, enter, with_cookie};
use crate::{
    accounts::{
        flows::{
            Visit,
            proof::FRESH,
            provider::{self as flow, Came, Outcome, Purpose},
        },
        session,
    },
    app::App,
    auth::{SIGN_IN, Viewer, safe_next},
    error::Error,
    i18n::Text,
    pages::{
        address::Address,
        parts::{OwnCard, OwnRow},
        request::Asked,
        typed::mendable,
    },
    queries::accounts::identities,
};

/// Where a house is gone to.
pub(super) fn href(name: &str, purpose: Purpose, next: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("for", purpose.name())
        .append_pair("next", next)
        .finish();
    format!("/accounts/login/with/{name}/?{query}")
}

/// `GET /accounts/login/with/{provider}/`: a link, for a form's answer may lead to no other house (CSP, form-action).
pub(in crate::pages) async fn begin(
    State(app): State<App>,
    visit: Visit,
    asked: Asked,
    Path(name): Path<String>,
    (address, headers): (Address, HeaderMap),
) -> Result<Response, Error> {
    let purpose = Purpose::from_name(address.get("for"));
    if let Some(answer) = not_from_elsewhere(purpose, &visit, (asked.viewer.as_ref(), &headers))? {
        return Ok(answer);
    }
    let wish = (name.as_str(), purpose, safe_next(address.get("next")));
    let (url, browser) = flow::begin(&app, &visit, asked.viewer.as_ref(), wish).await?;
    let url = HeaderValue::from_str(&url).map_err(|error| Error::Fault(error.to_string()))?;
    let mut away = Redirect::to("/").into_response();
    away.headers_mut().insert(header::LOCATION, url);
    // Where it came from, with what is asked for, is nothing for the other house.
    let none = HeaderValue::from_static("no-referrer");
    away.headers_mut().insert(header::REFERRER_POLICY, none);
    with_cookie(away, &session::flow_cookie(Some(&browser), visit.place.is_secure))
}

/// No link of another site leads in here: it would connect whoever is signed in there, or sign somebody in whom nobody
/// asked. What changes an account begins on a page of ours, after a fresh proof.
fn not_from_elsewhere(
    purpose: Purpose,
    visit: &Visit,
    (viewer, headers): (Option<&Viewer>, &HeaderMap),
) -> Result<Option<Response>, Error> {
    let from = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    match purpose {
        Purpose::Connect | Purpose::Prove if from != Some("same-origin") => Err(Error::CrossSite),
        Purpose::Connect if !viewer.is_some_and(|one| one.proved_within(FRESH, visit.now)) => {
            let first = "/accounts/reauthenticate/?next=%2Faccounts%2Fpassword%2F";
            Ok(Some(Redirect::to(first).into_response()))
        }
        // There is a button on the page it leads to.
        Purpose::SignIn if matches!(from, Some("cross-site" | "same-site")) => {
            Ok(Some(Redirect::to(SIGN_IN).into_response()))
        }
        _ => Ok(None),
    }
}

/// `GET /accounts/login/with/{provider}/done/`: where the house sends the browser back to.
pub(in crate::pages) async fn done(
    State(app): State<App>,
    visit: Visit,
    asked: Asked,
    Path(name): Path<String>,
    address: Address,
) -> Result<Response, Error> {
    let came =
        Came { code: address.get("code"), state: address.get("state"), iss: address.get("iss") };
    match flow::end(&app, &visit, asked.viewer.as_ref(), (&name, came)).await? {
        Outcome::In(secret, next) => enter(&visit, &secret, false, safe_next(&next)),
        Outcome::Awaited(secret) => {
            let cookie = session::flow_cookie(Some(&secret), visit.place.is_secure);
            with_cookie(Redirect::to("/accounts/login/2fa/").into_response(), &cookie)
        }
        Outcome::Connected => {
            Ok(Redirect::to("/accounts/password/?done=connected").into_response())
        }
        Outcome::Not(why) => {
            let t = asked.t;
            let card = OwnCard::new(t, t.say("provider-not"), t.say(why));
            let away = (t.say("sign-in"), SIGN_IN.to_owned());
            alone(&asked, t.say("provider-not"), vec![card], away)
        }
    }
}

/// `POST /accounts/password/with/{id}/remove/`
pub(in crate::pages) async fn remove(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Redirect, Error> {
    let id = id.parse().map_err(|_| Error::NotFound("identity"))?;
    match mendable(flow::disconnect(&app, &visit, &viewer, id).await)? {
        Ok(()) => Ok(Redirect::to("/accounts/password/?done=disconnected")),
        Err(_) => Ok(Redirect::to("/accounts/password/?done=last-way")),
    }
}

/// The houses of an account, and those it could have.
pub(super) async fn card(app: &App, t: Text, viewer: &Viewer) -> Result<Option<OwnCard>, Error> {
    if app.providers.all().is_empty() {
        return Ok(None);
    }
    let known = identities::list(&app.db, viewer.user).await?;
    let label =
        |name: &str| app.providers.find(name).map_or(name.to_owned(), |one| one.label.clone());
    let mut rows: Vec<OwnRow> = known
        .iter()
        .map(|one| OwnRow {
            title: label(&one.provider),
            sub: one.called.clone(),
            actions: vec![(format!("/accounts/password/with/{}/remove/", one.id), t.say("remove"))],
            ..OwnRow::default()
        })
        .collect();
    let others = app.providers.all().iter();
    let others = others.filter(|one| known.iter().all(|known| known.provider != one.name));
    rows.extend(others.map(|one| OwnRow {
        title: t.say1("provider-connect", "provider", &one.label),
        href: href(&one.name, Purpose::Connect, ""),
        ..OwnRow::default()
    }));
    Ok(Some(OwnCard { rows, ..OwnCard::new(t, t.say("providers"), t.say("providers-text")) }))
}

/// The houses by which who is in may prove it.
pub(super) async fn proofs(
    app: &App,
    t: Text,
    (viewer, next): (&Viewer, &str),
) -> Result<Vec<OwnRow>, Error> {
    let known = identities::list(&app.db, viewer.user).await?;
    let houses = app.providers.all().iter();
    let houses =
        houses.filter(|one| one.proves() && known.iter().any(|known| known.provider == one.name));
    let row = |one: &crate::accounts::providers::Provider| OwnRow {
        title: t.say1("provider-with", "provider", &one.label),
        href: href(&one.name, Purpose::Prove, next),
        ..OwnRow::default()
    };
    Ok(houses.map(row).collect())
}
