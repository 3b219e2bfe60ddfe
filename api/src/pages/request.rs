//! What every page needs to know of a request: who reads, in which language, under which theme.

use super::shell::{Here, Shell};
use crate::{
    auth::{Viewer, cookie},
    i18n::{Lang, Text, negotiate},
    place::Place,
};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use std::{convert::Infallible, sync::Arc};

/// The language and theme a person reads in, and the page asked for.
#[derive(Clone)]
pub(crate) struct Asked {
    /// The voice to answer in.
    pub t: Text,
    /// `light`, `dark`, or empty.
    pub theme: &'static str,
    /// Path and query as asked.
    pub back: String,
    /// The site asked.
    pub site: Arc<str>,
    /// Who reads, if anybody we know.
    pub viewer: Option<Viewer>,
}

impl Asked {
    /// From a request's headers: the cookie's choice first, else what the browser asks for.
    pub(crate) fn of(headers: &HeaderMap, viewer: Option<Viewer>) -> Self {
        let own = viewer.as_ref().and_then(|viewer| Lang::from_tag(&viewer.language));
        let chosen = own
            .or_else(|| kept(headers, ["__Host-lang", "lang-insecure"]).and_then(Lang::from_tag));
        let accepted = || {
            let header = headers.get(header::ACCEPT_LANGUAGE);
            negotiate(header.and_then(|value| value.to_str().ok()).unwrap_or_default())
        };
        let own = viewer.as_ref().map(|viewer| viewer.theme.as_str()).filter(|own| !own.is_empty());
        let theme = match own.or_else(|| kept(headers, ["__Host-theme", "theme-insecure"])) {
            Some("light") => "light",
            Some("dark") => "dark",
            _ => "",
        };
        Self {
            t: Text::new(chosen.unwrap_or_else(accepted)),
            theme,
            back: "/dashboard/".to_owned(),
            site: "Tributary".into(),
            viewer,
        }
    }

    /// The shell of the page asked for.
    pub(crate) fn shell(&self, here: Here, title: String) -> Shell {
        Shell {
            theme: self.theme,
            site: self.site.to_string(),
            back: self.back.clone(),
            viewer: self.viewer.clone(),
            ..Shell::new(self.t, here, title)
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let back = parts.uri.path_and_query().map_or("/", |whole| whole.as_str()).to_owned();
        let viewer = parts.extensions.get().cloned();
        let asked = Self { back, ..Self::of(&parts.headers, viewer) };
        let place = parts.extensions.get::<Place>();
        Ok(place
            .map_or(asked.clone(), |place| Self { site: Arc::clone(&place.site_name), ..asked }))
    }
}

/// A choice kept in a cookie, whichever way its browser came.
fn kept<'a>(headers: &'a HeaderMap, names: [&str; 2]) -> Option<&'a str> {
    names.into_iter().find_map(|name| cookie(headers, name))
}
