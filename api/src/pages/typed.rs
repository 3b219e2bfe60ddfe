//! What a person typed into a form, kept word for word, and what is wrong with it in their language.

use crate::{
    error::{Error, Field},
    i18n::Text,
};
use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::header,
};
use std::collections::BTreeMap;
use url::form_urlencoded;

/// The fields of a form (`application/x-www-form-urlencoded`).
#[derive(Debug, Default, Clone)]
pub(super) struct Typed(BTreeMap<String, String>);

impl Typed {
    /// What stands in a field; empty for one that is missing.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// What stands in a field, to be read; `None` for one that is missing.
    pub(super) fn given(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    /// With a field that stands there before anybody typed.
    #[must_use]
    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }
}

impl<S: Send + Sync> FromRequest<S> for Typed {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if !kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
            return Err(Error::MediaType);
        }
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|_| Error::TooLarge)?;
        let pairs = form_urlencoded::parse(&bytes);
        Ok(Self(pairs.map(|(key, value)| (key.into_owned(), value.into_owned())).collect()))
    }
}

/// What is wrong with which field.
#[derive(Debug, Default, Clone)]
pub(super) struct Wrong(Vec<Field>);

impl Wrong {
    /// One field.
    pub(super) fn one(field: &str, code: &'static str) -> Self {
        Self(vec![Field::new(field, code, "")])
    }

    /// What is wrong with a field, in words; empty when nothing is.
    pub(super) fn say(&self, t: Text, name: &str) -> String {
        let Some(field) = self.0.iter().find(|field| field.field == name) else {
            return String::new();
        };
        let key = format!("problem-{}", field.code.replace('_', "-"));
        if t.knows(&key) { t.say(&key) } else { field.detail.clone() }
    }
}

/// Tells what a person can mend from what they cannot.
///
/// # Errors
/// Everything but wrong fields.
pub(super) fn mendable<T>(result: Result<T, Error>) -> Result<Result<T, Wrong>, Error> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Error::Invalid(fields)) => Ok(Err(Wrong(fields))),
        Err(Error::NotFound(what @ ("affiliate" | "program"))) => {
            Ok(Err(Wrong::one(what, "invalid_id")))
        }
        Err(error) => Err(error),
    }
}

/// A number with decimals as people of either language type it, in whole steps of `10^-decimals`;
/// `None` for what is none.
pub(super) fn figure(text: &str, decimals: u32) -> Option<i64> {
    let text = text.trim().replace(',', ".");
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let decimals = decimals as usize;
    if whole.is_empty() || !digits(whole) || !digits(rest) || rest.len() > decimals {
        return None;
    }
    format!("{whole}{rest:0<decimals$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_read_as_it_is_typed_in_both_languages() {
        for (text, decimals, expected) in [
            ("5", 4, Some(50_000)),
            ("12,5 %", 4, None),
            ("12.50", 2, Some(1250)),
            ("12,50", 2, Some(1250)),
            ("12.505", 2, None),
            ("-5", 2, None),
            ("1e9", 2, None),
            ("", 2, None),
            ("NaN", 2, None),
            (".5", 2, None),
            ("99999999999999999999", 2, None),
        ] {
            assert_eq!(figure(text, decimals), expected, "{text}");
        }
    }
}
