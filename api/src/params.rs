//! Where every bad input dies: what comes in is read here into types that cannot be wrong, so that
//! no handler and no query checks anything again.
//!
//! Pages and JSON read the same parameters: the URL of a page is the URL of its API.

pub mod pairs;
pub mod range;
pub mod filters;
pub mod stats;
pub mod cursor;
pub mod body;
pub mod links;
pub mod programs;
pub mod affiliates;
pub mod enrolments;
pub mod conversions;
pub mod commissions;

use schemas::destination::{self, InvalidDestination};

use crate::error::{Error, Field};

/// Collects what is wrong with a body or a query, so that all of it is said at once.
#[derive(Debug, Default)]
pub struct Errors(Vec<Field>);

impl Errors {
    /// Notes a wrong field.
    pub fn add(&mut self, field: &str, code: &'static str, detail: impl Into<String>) {
        self.0.push(Field::new(field, code, detail));
    }

    /// The value, or a note and `None`.
    pub fn take<T>(&mut self, result: Result<T, Field>) -> Option<T> {
        result.map_err(|field| self.0.push(field)).ok()
    }

    /// Everything was right, or `Invalid`.
    ///
    /// # Errors
    /// `Invalid` with every field noted.
    pub fn finish(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}

/// Everything was right and everything was taken.
///
/// # Errors
/// `Invalid` with every field noted and every parameter nobody knows.
pub fn done(pairs: pairs::Pairs, mut errors: Errors) -> Result<(), Error> {
    match pairs.finish() {
        Err(Error::Invalid(unknown)) => errors.0.extend(unknown),
        other => other?,
    }
    errors.finish()
}

/// A text people typed: trimmed, without control characters, of `min` to `max` characters.
pub(crate) fn text(field: &str, value: &str, min: usize, max: usize) -> Result<String, Field> {
    let value = value.trim();
    if value.chars().any(char::is_control) {
        return Err(Field::new(field, "control_character", "control characters are not allowed"));
    }
    match value.chars().count() {
        0 if min > 0 => Err(Field::new(field, "required", "this is needed")),
        n if n < min => Err(Field::new(field, "too_short", format!("at least {min} characters"))),
        n if n > max => Err(Field::new(field, "too_long", format!("at most {max} characters"))),
        _ => Ok(value.to_owned()),
    }
}

/// An id with its prefix.
pub(crate) fn id<T: std::str::FromStr>(field: &str, value: &str) -> Result<T, Field>
where
    T::Err: std::fmt::Display,
{
    value.parse().map_err(|error: T::Err| Field::new(field, "invalid_id", error.to_string()))
}

/// Where a link leads, in the form it is saved in: what the collector makes ready is parsed by the same
/// words here. Spaces, quotes and backslashes, which it would encode, are slips of whoever types.
pub(crate) fn destination(field: &str, value: &str) -> Result<String, Field> {
    let value = text(field, value, 1, destination::MOST_BYTES)?;
    if value.contains([' ', '\\', '"', '<', '>']) {
        let detail = "no spaces, quotes, < > or \\";
        return Err(Field::new(field, "invalid_url", detail));
    }
    destination::normalise(&value).map(|(normal, _)| normal).map_err(|error| {
        let code = match error {
            InvalidDestination::Long => "too_long",
            _ => "invalid_url",
        };
        Field::new(field, code, error.to_string())
    })
}

/// The macros of a saved destination that are none: they are filled with nothing.
pub(crate) fn unknown_macros(destination: &str) -> Vec<String> {
    destination::normalise(destination).map(|(_, unknown)| unknown).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_an_address_and_nothing_else() {
        for (url, saved) in [
            ("HTTPS://Example.com", "https://example.com/"),
            (
                "http://example.com:8080/a?b={click_id}&c={sub1:raw}#d",
                "http://example.com:8080/a?b={click_id}&c={sub1:raw}#d",
            ),
            ("https://example.com/é?x=%20", "https://example.com/%C3%A9?x=%20"),
            ("https://example.com/{nope}", "https://example.com/{nope}"),
        ] {
            assert_eq!(destination("d", url).as_deref(), Ok(saved));
        }
        for url in [
            "",
            "example.com",
            "//example.com",
            "ftp://example.com",
            "javascript:alert(1)",
            "https://",
            "https:example.com",
            "https:///example.com",
            "https:///{sub1}.example.com/",
            "https://user@example.com/",
            "https://u:p@example.com/",
            "https://{sub1}/",
            "https://{sub1}.example.com/",
            "https://ex\nample.com/",
            "https://example.com/\r\nSet-Cookie: x",
            "https://example.com/\0",
            "https:\\\\example.com",
            "https://example.com\\@evil/",
            "https://a b/",
            "data:text/html,x",
        ] {
            assert!(destination("d", url).is_err(), "{url}");
        }
        for letter in ["a", "é"] {
            let long = format!("https://example.com/{}", letter.repeat(4076));
            let code = destination("d", &long).map_err(|field| field.code);
            assert_eq!(code, if letter == "a" { Ok(long) } else { Err("too_long") });
        }
    }

    #[test]
    fn a_text_is_trimmed_and_holds_no_control_characters() {
        assert_eq!(
            text("t", "  Ünïcode 𝒳 <script>  ", 1, 200).as_deref(),
            Ok("Ünïcode 𝒳 <script>")
        );
        for (value, code) in [
            ("", "required"),
            ("   ", "required"),
            ("a\0b", "control_character"),
            ("a\r\nb", "control_character"),
        ] {
            assert_eq!(text("t", value, 1, 200).unwrap_err().code, code);
        }
        assert_eq!(text("t", &"é".repeat(201), 1, 200).unwrap_err().code, "too_long");
    }
}
