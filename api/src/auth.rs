//! Who asks: a session's cookie or a bearer token, and what that lets them do.
//!
//! `identify` looks at every request and says who it is; it refuses nothing but a credential that is none.
//! `may` stands on each route of a site and names the one thing it takes (`accounts::role`): only behind it is
//! there a `TenantCtx`, so that a route which forgets it answers nobody. `signed_in` stands on what belongs to a
//! person and not to a site.

mod next;
mod rate;
mod viewer;

pub use next::safe_next;
pub use viewer::{By, Viewer};

use axum::{
    extract::{Request, State},
    http::{Extensions, HeaderMap, HeaderValue, Method, header, request::Parts},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Redirect, Response},
    routing::MethodRouter,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    accounts::{
        flows::{proof::FRESH, sign_in},
        role::Permission,
        secret::Secret,
        session::{self, SEEN_EVERY},
    },
    app::App,
    clock,
    error::{Error, RequestId, wants_page},
    place::Place,
    queries::accounts::{events, sessions, tokens},
    tenant::TenantCtx,
};

/// Where a page sends whoever is not signed in.
pub const SIGN_IN: &str = "/accounts/login/";
/// How a personal token begins: to be found where it should not be.
pub const TOKEN_PREFIX: &str = "trb_";

/// The layer around all routes: says who asks, if anybody we know.
pub async fn identify(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let viewer = match viewer(&app, &parts).await {
        Ok(viewer) => viewer,
        Err(error) => return error.into_response(),
    };
    let left = match rate::count(&app, &parts, viewer.as_ref()).await {
        Ok(left) => left,
        Err(refusal) => return refusal,
    };
    parts.extensions.extend(viewer.clone().map(extension).unwrap_or_default());
    let mut response = next.run(Request::from_parts(parts, body)).await;
    // An error's page is written by the outermost layer, which knows nobody.
    if let Some(left) = left {
        rate::write(response.headers_mut(), left);
    }
    response.extensions_mut().extend(viewer.map(extension).unwrap_or_default());
    response
}

fn extension(viewer: Viewer) -> Extensions {
    let mut extensions = Extensions::new();
    extensions.insert(viewer);
    extensions
}

async fn viewer(app: &App, parts: &Parts) -> Result<Option<Viewer>, Error> {
    let Some(place) = parts.extensions.get::<Place>() else { return Err(Error::Misdirected) };
    let headers = &parts.headers;
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let token = value.to_str().ok().and_then(bearer).ok_or(Error::InvalidToken)?;
        return by_token(app, place, token).await.map(Some);
    }
    let secret = cookie(headers, session::cookie_name(place.is_secure)).and_then(Secret::read);
    let is_api = parts.uri.path().starts_with("/api/");
    // The csrf layer judges what these headers say; a browser that sends neither is not believed, nor one that sends an
    // empty one or two at once.
    let says = ["sec-fetch-site", "origin"].map(|name| headers.get_all(name).iter().collect());
    let says: [Vec<&HeaderValue>; 2] = says;
    let says_where = says.iter().any(|all| !all.is_empty())
        && says.iter().all(|all| all.len() <= 1 && all.iter().all(|one| !one.is_empty()));
    if !is_read(&parts.method) && !says_where && (secret.is_some() || !is_api) {
        return Err(Error::CrossSite);
    }
    match secret {
        Some(secret) => by_session(app, place, &secret, (agent(headers), parts.uri.path())).await,
        None => Ok(None),
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

async fn by_token(app: &App, place: &Place, token: &str) -> Result<Viewer, Error> {
    let Some(text) = token.strip_prefix(TOKEN_PREFIX) else {
        return by_jwt(app, place, token).await;
    };
    let secret = Secret::read(text).ok_or(Error::InvalidToken)?;
    let (now, site) = (clock::now(), place.site.to_sql());
    let found = tokens::find(&app.db, &secret.hash(), site).await?.ok_or(Error::InvalidToken)?;
    if found.expires_at <= now {
        return Err(Error::InvalidToken);
    }
    let viewer = Viewer::of_token(&found, place.site).ok_or(Error::InvalidToken)?;
    if found.used_at.is_none_or(|at| at + SEEN_EVERY <= now) {
        let db = TenantCtx::new(app.clone(), place.site, viewer.reach.clone()).db;
        tokens::touch(&db, found.token_id, now).await?;
    }
    Ok(viewer)
}

/// A token says which session; whether that stands, and what it may do, the session says.
async fn by_jwt(app: &App, place: &Place, token: &str) -> Result<Viewer, Error> {
    let now = clock::now();
    let claims = app.jwt.verify(token, (&place.origin, &place.host), now);
    let hash = claims.and_then(|claims| claims.session()).ok_or(Error::InvalidToken)?;
    let found = sessions::find(&app.db, &hash, (&place.host, place.site.to_sql())).await?;
    let found = found.filter(|found| sign_in::stands(found, now)).ok_or(Error::InvalidToken)?;
    if found.seen_at + SEEN_EVERY <= now {
        sessions::touch(&app.db, found.session_id, &place.network(), now).await?;
    }
    Ok(Viewer::of_session(&found, place.site))
}

async fn by_session(
    app: &App,
    place: &Place,
    secret: &Secret,
    (agent, path): (String, &str),
) -> Result<Option<Viewer>, Error> {
    let (now, hash) = (clock::now(), secret.hash());
    let found = sessions::find(&app.db, &hash, (&place.host, place.site.to_sql())).await?;
    let Some(found) = found else {
        tell_elsewhere(app, place, secret, agent).await?;
        return Ok(None);
    };
    let viewer = Viewer::of_session(&found, place.site);
    if !sign_in::stands(&found, now) {
        sessions::delete(&app.db, &hash).await?;
        return Ok(None);
    }
    if found.seen_at + SEEN_EVERY <= now {
        sessions::touch(&app.db, found.session_id, &place.network(), now).await?;
    }
    if viewer.is_impersonated() {
        let network = place.network();
        let from = events::Origin { host: &place.host, network: &network, agent: &agent };
        let event = ("looked_at", serde_json::json!({ "path": path }));
        events::insert(&app.db, Some(viewer.user), event, from, now).await?;
    }
    Ok(Some(viewer))
}

/// A session's cookie that comes to another host than its own was carried there by somebody.
async fn tell_elsewhere(
    app: &App,
    place: &Place,
    secret: &Secret,
    agent: String,
) -> Result<(), Error> {
    if let Some(user) = sessions::owner_elsewhere(&app.db, &secret.hash(), &place.host).await? {
        let network = place.network();
        let from = events::Origin { host: &place.host, network: &network, agent: &agent };
        let event = ("session_elsewhere", serde_json::json!({}));
        events::insert(&app.db, Some(user), event, from, clock::now()).await?;
    }
    Ok(())
}

/// A route of a site: who may not do this one thing does not come in.
pub fn may(app: &App, what: Permission, routes: MethodRouter<App>) -> MethodRouter<App> {
    routes.route_layer(from_fn_with_state(
        app.clone(),
        move |State(app): State<App>, request: Request, next: Next| admit(app, what, request, next),
    ))
}

async fn admit(app: App, what: Permission, mut request: Request, next: Next) -> Response {
    let parts = request.extensions();
    let (Some(viewer), Some(place)) = (parts.get::<Viewer>(), parts.get::<Place>()) else {
        return refuse(&request);
    };
    if let Err(error) = viewer.may(what) {
        return error.into_response();
    }
    let id = parts.get::<RequestId>().map_or_else(String::new, |id| id.0.clone());
    let ctx = TenantCtx::of(app, viewer, place, &id);
    request.extensions_mut().insert(ctx);
    next.run(request).await
}

/// Before what belongs to a person: a session, not a token.
pub async fn signed_in(request: Request, next: Next) -> Response {
    let Some(viewer) = request.extensions().get::<Viewer>() else { return refuse(&request) };
    // Who looks through another's eyes sees none of their secrets, and may go.
    const WAYS_OUT: [&str; 2] = ["/accounts/logout/", "/accounts/impersonation/end/"];
    let may_here = !viewer.is_impersonated() || WAYS_OUT.contains(&request.uri().path());
    match viewer.session() {
        Some(_) if may_here => next.run(request).await,
        _ => Error::Forbidden.into_response(),
    }
}

/// Before what anybody known may ask about themselves.
pub async fn known(request: Request, next: Next) -> Response {
    match request.extensions().get::<Viewer>() {
        Some(viewer) if viewer.is_impersonated() && !is_read(request.method()) => {
            Error::Forbidden.into_response()
        }
        Some(_) => next.run(request).await,
        None => refuse(&request),
    }
}

/// Before what lets somebody in: a proof of the last hour.
pub async fn proved(request: Request, next: Next) -> Response {
    let fresh = |viewer: &Viewer| viewer.proved_within(FRESH, clock::now());
    match request.extensions().get::<Viewer>().map(fresh) {
        Some(true) => next.run(request).await,
        Some(false) if is_read(request.method()) => {
            let whole = request.uri().path_and_query().map_or("/", |whole| whole.as_str());
            let next = utf8_percent_encode(whole, NON_ALPHANUMERIC);
            Redirect::to(&format!("/accounts/reauthenticate/?next={next}")).into_response()
        }
        Some(false) => Error::StepUp.into_response(),
        None => refuse(&request),
    }
}

/// To the sign-in page for a person who opens a page, else 401.
fn refuse(request: &Request) -> Response {
    let is_page = wants_page(request.uri().path(), request.headers());
    if !is_page || !is_read(request.method()) {
        return Error::Unauthorized.into_response();
    }
    let whole = request.uri().path_and_query().map_or("/", |whole| whole.as_str());
    let next = utf8_percent_encode(whole, NON_ALPHANUMERIC);
    Redirect::to(&format!("{SIGN_IN}?next={next}")).into_response()
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// A cookie by its name.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.find_map(|(known, value)| (known.trim() == name).then_some(value.trim()))
}

/// What a browser calls itself, as far as it is kept.
pub(crate) fn agent(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    agent.unwrap_or_default().chars().take(200).collect()
}
