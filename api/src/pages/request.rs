//! What every page needs to know of a request: who reads, in which language, under which theme.

use super::shell::{Here, Shell};
use crate::{
    auth,
    i18n::{Lang, Text, negotiate},
};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use std::convert::Infallible;

/// The language and theme a person reads in, and the page asked for.
pub(crate) struct Asked {
    /// The voice to answer in.
    pub t: Text,
    /// `light`, `dark`, or empty.
    pub theme: &'static str,
    /// Path and query as asked.
    pub back: String,
    /// A session's cookie came along (whether it is good, `auth` says).
    pub signed_in: bool,
}

impl Asked {
    /// From a request's headers: the cookie's choice first, else what the browser asks for.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let chosen = cookie(headers, "lang").and_then(Lang::from_tag);
        let accepted = || {
            let header = headers.get(header::ACCEPT_LANGUAGE);
            negotiate(header.and_then(|value| value.to_str().ok()).unwrap_or_default())
        };
        let theme = match cookie(headers, "theme") {
            Some("light") => "light",
            Some("dark") => "dark",
            _ => "",
        };
        Self {
            t: Text::new(chosen.unwrap_or_else(accepted)),
            theme,
            back: "/dashboard/".to_owned(),
            signed_in: cookie(headers, auth::COOKIE).is_some(),
        }
    }

    /// The shell of the page asked for.
    pub(crate) fn shell(&self, here: Here, title: String) -> Shell {
        Shell { theme: self.theme, back: self.back.clone(), ..Shell::new(self.t, here, title) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let back = parts.uri.path_and_query().map_or("/", |whole| whole.as_str()).to_owned();
        Ok(Self { back, ..Self::of(&parts.headers) })
    }
}

/// A cookie by its name.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}
