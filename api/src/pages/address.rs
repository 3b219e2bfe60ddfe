//! The address of a page in pieces: range, comparison, filters and order live in it, so that every
//! choice on a page is a link.

use axum::{extract::FromRequestParts, http::request::Parts};
use std::fmt;
use url::form_urlencoded;

use crate::{error::Error, params::pairs};

/// What begins anew when anything else changes: the place in a list, what was just done, and a form
/// that is open.
const PASSING: [&str; 8] = [
    "starting_after",
    "ending_before",
    "done",
    "of",
    "edit",
    "filter_by",
    "filter_is",
    "filter_value",
];

/// Path and query of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    path: String,
    pairs: Vec<(String, String)>,
}

impl Address {
    /// A page without a query.
    pub(crate) fn of(path: &str) -> Self {
        Self { path: path.to_owned(), pairs: Vec::new() }
    }

    /// From a path and a query as a browser sent it. A key given twice, as forms do, becomes one
    /// with its values joined by commas; empty values are left out.
    pub(crate) fn read(path: &str, query: &str) -> Self {
        let mut address = Self::of(path);
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            if value.is_empty() {
                continue;
            }
            match address.pairs.iter_mut().find(|(known, _)| *known == key) {
                Some((_, values)) => {
                    values.push(',');
                    values.push_str(&value);
                }
                None => address.pairs.push((key.into_owned(), value.into_owned())),
            }
        }
        address
    }

    /// The value of a key; empty where there is none.
    pub(crate) fn get(&self, key: &str) -> &str {
        self.pairs.iter().find(|(known, _)| known == key).map_or("", |(_, value)| value)
    }

    /// The path alone.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// All keys with their values.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The same page with a key set anew; an empty value leaves it out.
    #[must_use]
    pub(crate) fn with(&self, key: &str, value: &str) -> Self {
        let mut address = self.without(&[key]);
        if !value.is_empty() {
            address.pairs.push((key.to_owned(), value.to_owned()));
        }
        address
    }

    /// The same page without some keys.
    #[must_use]
    pub(crate) fn without(&self, keys: &[&str]) -> Self {
        let stays = |key: &str| !keys.contains(&key) && !PASSING.contains(&key);
        let pairs = self.pairs.iter().filter(|(key, _)| stays(key)).cloned().collect();
        Self { path: self.path.clone(), pairs }
    }

    /// The same page with these keys only.
    #[must_use]
    pub(crate) fn only(&self, keep: impl Fn(&str) -> bool) -> Self {
        let pairs = self.pairs.iter().filter(|(key, _)| keep(key)).cloned().collect();
        Self { path: self.path.clone(), pairs }
    }

    /// Another page with the same query.
    #[must_use]
    pub(crate) fn at(&self, path: &str) -> Self {
        Self { path: path.to_owned(), ..self.without(&[]) }
    }

    /// The query alone, as a URL carries it.
    pub(crate) fn query(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(self.pairs()).finish()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if !self.pairs.is_empty() {
            // Commas part values and read better as they are.
            write!(f, "?{}", self.query().replace("%2C", ","))?;
        }
        Ok(())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Address {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let query = parts.uri.query().unwrap_or_default();
        // As strictly as the API: what is broken is not read as something else.
        for text in query.split(['&', '=']) {
            pairs::decode(text)?;
        }
        Ok(Self::read(parts.uri.path(), query))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_change_one_thing_and_begin_the_list_anew() {
        let page =
            Address::read("/x/", "range=7d&country=FR&country=DE&done=on&starting_after=9&q=");
        assert_eq!(page.get("country"), "FR,DE");
        assert_eq!(page.with("range", "30d").to_string(), "/x/?country=FR,DE&range=30d");
        assert_eq!(page.with("country", "").to_string(), "/x/?range=7d");
        assert_eq!(page.at("/y/").to_string(), "/y/?range=7d&country=FR,DE");
        assert_eq!(page.only(|key| key == "range").to_string(), "/x/?range=7d");
    }

    #[test]
    fn what_a_visitor_sent_stays_inside_its_value() {
        let page = Address::of("/x/").with("sub1", "a&b=c#\"<é");
        assert_eq!(page.to_string(), "/x/?sub1=a%26b%3Dc%23%22%3C%C3%A9");
        assert_eq!(Address::read("/x/", page.query().as_str()), page);
    }
}
