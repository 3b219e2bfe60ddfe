//! A URL's query as pairs, strictly: valid percent-encoding, valid UTF-8, no control characters, no
//! key twice, none left over. A query that is looser in one place is a hole in another.

use axum::{extract::FromRequestParts, http::request::Parts};
use percent_encoding::percent_decode_str;
use std::collections::BTreeMap;

use crate::error::{Error, Field};

const MAX_PAIRS: usize = 64;

/// The pairs not yet taken.
#[derive(Debug, Default)]
pub struct Pairs(BTreeMap<String, String>);

impl Pairs {
    /// Reads a query as it stands in the URL.
    ///
    /// # Errors
    /// `Unreadable` for broken encoding, control characters, a key twice, more than 64 pairs.
    pub fn parse(query: &str) -> Result<Self, Error> {
        let mut pairs = BTreeMap::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (key, value) = (decode(key)?, decode(value)?);
            if pairs.len() == MAX_PAIRS {
                return Err(Error::Unreadable(format!("more than {MAX_PAIRS} parameters")));
            }
            if pairs.contains_key(&key) {
                return Err(Error::Unreadable(format!("the parameter {key} is given twice")));
            }
            pairs.insert(key, value);
        }
        Ok(Self(pairs))
    }

    /// Takes a pair out; `None` where it is missing or empty (as a form's empty field is).
    pub fn take(&mut self, key: &str) -> Option<String> {
        self.0.remove(key).filter(|value| !value.is_empty())
    }

    /// Whether a pair is there and not empty.
    pub fn has(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|value| !value.is_empty())
    }

    /// Everything was taken.
    ///
    /// # Errors
    /// `Invalid` naming each key nobody knows.
    pub fn finish(self) -> Result<(), Error> {
        let unknown = |key| Field::new(key, "unknown", "there is no such parameter");
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(Error::Invalid(self.0.into_keys().map(unknown).collect())),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Pairs {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        Self::parse(parts.uri.query().unwrap_or_default())
    }
}

/// One key or value as the URL carries it.
///
/// # Errors
/// `Unreadable` for broken encoding and control characters.
pub fn decode(text: &str) -> Result<String, Error> {
    let bytes = text.as_bytes();
    let whole = (0..bytes.len())
        .filter(|&n| bytes[n] == b'%')
        .all(|n| bytes.get(n + 1..n + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)));
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    match decoded {
        Ok(text) if whole && !text.chars().any(char::is_control) => Ok(text.into_owned()),
        Ok(_) if whole => Err(Error::Unreadable("a control character in the query".to_owned())),
        _ => Err(Error::Unreadable("the query is not percent-encoded UTF-8".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_and_taken_once() {
        let mut pairs = Pairs::parse("a=1&b=x+y%20z%C3%A9&c=&&d").unwrap();
        assert_eq!(pairs.take("a").as_deref(), Some("1"));
        assert_eq!(pairs.take("b").as_deref(), Some("x y zé"));
        assert_eq!((pairs.take("c"), pairs.take("d")), (None, None));
        assert!(pairs.finish().is_ok());
    }

    #[test]
    fn what_is_broken_twice_or_unknown_is_refused() {
        for query in
            ["a=%", "a=%zz", "a=%ff", "a=%00", "a=%0d%0ab", "a=1&a=2", "a=1&%61=2", "a=%e2%82"]
        {
            assert!(matches!(Pairs::parse(query), Err(Error::Unreadable(_))), "{query}");
        }
        let many: String = (0..65).map(|n| format!("k{n}=1&")).collect();
        assert!(matches!(Pairs::parse(&many), Err(Error::Unreadable(_))));
        let left = Pairs::parse("site_id=2").unwrap().finish();
        assert!(matches!(left, Err(Error::Invalid(fields)) if fields[0].field == "site_id"));
    }
}
