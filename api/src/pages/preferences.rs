//! `POST /preferences/`: language and theme, kept in cookies of a year that scripts need not read.

use crate::{auth::safe_next, i18n::Lang, place::Place};
use axum::{
    Form,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

/// The choice made, and the page to come back to.
#[derive(Deserialize)]
pub(super) struct Choice {
    lang: Option<String>,
    theme: Option<String>,
    #[serde(default)]
    back: String,
}

/// Keeps what was chosen; a word that is no choice changes nothing.
pub(super) async fn choose(place: Place, Form(choice): Form<Choice>) -> Response {
    let lang = choice.lang.as_deref().and_then(Lang::from_tag).map(Lang::tag);
    let theme =
        ["auto", "light", "dark"].into_iter().find(|one| choice.theme.as_deref() == Some(one));
    let mut headers = HeaderMap::new();
    for (name, value) in [("lang", lang), ("theme", theme)] {
        let Some(value) = value else { continue };
        let (name, secure) = match place.is_secure {
            true => (format!("__Host-{name}"), "; Secure"),
            false => (format!("{name}-insecure"), ""),
        };
        let cookie =
            format!("{name}={value}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly{secure}");
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            headers.append(header::SET_COOKIE, cookie);
        }
    }
    (headers, Redirect::to(safe_next(&choice.back))).into_response()
}
