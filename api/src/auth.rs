//! Who may come in, until accounts exist: whoever has the token that `tributary` prints.
//!
//! A browser opens the printed address (`?token=…`) and is given a cookie and a clean URL; a program
//! sends `Authorization: Bearer`. The cookie holds a value derived from the token, never the token.
//! Refuses a cookie's request that changes something without saying where it comes from.

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, HeaderValue, Method, Uri, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use data_encoding::BASE64URL_NOPAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use schemas::{ids::SiteId, keys::same_secret};
use sha2::{Digest, Sha256};
use std::{fmt, sync::Arc};

use crate::{
    app::App,
    error::{Error, wants_page},
    place::Place,
    tenant::{Reach, TenantCtx},
};

/// The cookie's name: bound to one host, and to secure contexts (`localhost` is one).
pub const COOKIE: &str = "__Host-sid";

/// Where a page sends whoever is not signed in.
pub const SIGN_IN: &str = "/accounts/login/";

/// The token, and the cookie's value made of it.
#[derive(Clone)]
pub struct Secret(Arc<(String, String)>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// From the token's text; `None` for one that could be guessed.
    pub fn new(token: &str) -> Option<Self> {
        let plain = token.bytes().all(|b| b.is_ascii_graphic());
        let session = Sha256::digest(format!("tributary session v1 {token}"));
        let session = BASE64URL_NOPAD.encode(&session);
        (plain && token.len() >= 16).then(|| Self(Arc::new((token.to_owned(), session))))
    }

    /// Whether this is the token, in a time that does not tell how far it is right.
    pub fn is_token(&self, text: &str) -> bool {
        same_secret(&self.0.0, text)
    }

    fn is_session(&self, text: &str) -> bool {
        same_secret(&self.0.1, text)
    }

    /// The `Set-Cookie` of a browser that showed the token.
    pub fn cookie(&self) -> String {
        format!("{COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=1209600", self.0.1)
    }
}

/// The `Set-Cookie` that signs a browser out.
pub fn no_cookie() -> String {
    format!("{COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0")
}

/// Who asks. Handlers take it to say that they answer nobody else.
#[derive(Debug, Clone, Copy)]
pub struct Viewer {
    /// The site whose rows may be seen.
    pub site: SiteId,
}

impl<S: Send + Sync> FromRequestParts<S> for Viewer {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get().copied().ok_or(Error::Unauthorized)
    }
}

/// Before every route that shows or changes something of a site.
pub async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    if let Some((token, clean)) = token_in(request.uri()).filter(|_| is_read(request.method())) {
        return match app.secret.is_token(&token) {
            true => enter(&app.secret, &clean),
            false => refuse(&request),
        };
    }
    match admit(&app.secret, request.method(), request.headers()) {
        Ok(()) => {
            let Some(site) = request.extensions().get::<Place>().map(|place| place.site) else {
                return Error::Misdirected.into_response();
            };
            request.extensions_mut().insert(Viewer { site });
            request.extensions_mut().insert(TenantCtx::new(app, site, Reach::ALL));
            next.run(request).await
        }
        Err(Error::Unauthorized) => refuse(&request),
        Err(error) => error.into_response(),
    }
}

/// Sets the cookie and goes to `path`, which is one of ours.
pub fn enter(secret: &Secret, path: &str) -> Response {
    let mut response = Redirect::to(path).into_response();
    if let Ok(cookie) = HeaderValue::from_str(&secret.cookie()) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// The way back after signing in: a path of ours, else the dashboard. `//evil`, `/\evil`, a scheme,
/// a control character or an encoded slash never pass.
pub fn safe_next(next: &str) -> &str {
    const OURS: [&str; 6] =
        ["/dashboard/", "/affiliate/", "/accounts/", "/whitelabel/", "/search/", "/styleguide"];
    let plain = next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let ours = OURS.iter().any(|path| next.starts_with(path)) && !next.contains("//");
    if plain && ours && next.len() <= 2048 { next } else { "/dashboard/" }
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

fn admit(secret: &Secret, method: &Method, headers: &HeaderMap) -> Result<(), Error> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let token = value.to_str().ok().and_then(|value| value.split_once(' '));
        return match token {
            Some((scheme, token))
                if scheme.eq_ignore_ascii_case("bearer") && secret.is_token(token.trim()) =>
            {
                Ok(())
            }
            _ => Err(Error::Unauthorized),
        };
    }
    if !cookie(headers).is_some_and(|value| secret.is_session(value)) {
        return Err(Error::Unauthorized);
    }
    // The csrf layer judges what these headers say; a browser that sends neither is not believed.
    let says_where = headers.contains_key("sec-fetch-site") || headers.contains_key(header::ORIGIN);
    if is_read(method) || says_where { Ok(()) } else { Err(Error::CrossSite) }
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.find_map(|(name, value)| (name.trim() == COOKIE).then_some(value.trim()))
}

/// The token in a URL's query, and the same path and query without it.
fn token_in(uri: &Uri) -> Option<(String, String)> {
    let (mut token, mut rest) = (None, Vec::new());
    for pair in uri.query()?.split('&') {
        match pair.strip_prefix("token=") {
            Some(value) => token = Some(value.to_owned()),
            None => rest.push(pair),
        }
    }
    let path = uri.path();
    let clean =
        if rest.is_empty() { path.to_owned() } else { format!("{path}?{}", rest.join("&")) };
    // A path like `//evil` would lead elsewhere when it stands in a Location.
    token.map(|token| (token, if clean.starts_with("//") { "/".to_owned() } else { clean }))
}

/// To the sign-in page for a person who opens a page, else 401.
fn refuse(request: &Request) -> Response {
    let is_page = wants_page(request.uri().path(), request.headers());
    if !is_page || !is_read(request.method()) {
        return Error::Unauthorized.into_response();
    }
    let clean = match token_in(request.uri()) {
        Some((_, clean)) => clean,
        None => request.uri().path_and_query().map_or("/", |whole| whole.as_str()).to_owned(),
    };
    let next = utf8_percent_encode(&clean, NON_ALPHANUMERIC);
    Redirect::to(&format!("{SIGN_IN}?next={next}")).into_response()
}

#[cfg(test)]
mod tests;
