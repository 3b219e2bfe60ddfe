//! What makes and changes a link, and which links are asked for.

use chrono::{DateTime, Utc};
use data_encoding::{Encoding, Specification};
use schemas::ids::LinkId;
use serde::{Deserialize, Deserializer};
use std::sync::LazyLock;

use super::{Errors, cursor, destination, id, pairs::Pairs, text};
use crate::{
    error::{Error, Field},
    queries::{
        Cursor,
        links::{Find, LinkChange, NewLink},
    },
};

/// A link as it comes in, by JSON or by a form.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkBody {
    /// `aff_…`
    pub affiliate: String,
    /// `prg_…`
    pub program: String,
    /// Empty: one is made up.
    #[serde(default)]
    pub code: Option<String>,
    /// Empty: the program's.
    #[serde(default)]
    pub destination: Option<String>,
    /// Without it, on.
    #[serde(default)]
    pub is_active: Option<bool>,
    /// RFC 3339; empty for never.
    #[serde(default)]
    pub expires_at: Option<String>,
}

/// A change as it comes in; what is missing stays.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkChangeBody {
    /// Empty or null: the program's.
    #[serde(default, deserialize_with = "given")]
    pub destination: Option<Option<String>>,
    /// On or off.
    #[serde(default)]
    pub is_active: Option<bool>,
    /// RFC 3339; empty or null for never.
    #[serde(default, deserialize_with = "given")]
    pub expires_at: Option<Option<String>>,
}

impl LinkBody {
    /// Checks every field.
    ///
    /// # Errors
    /// `Invalid` with each wrong field.
    pub fn read(self) -> Result<NewLink, Error> {
        let mut errors = Errors::default();
        let affiliate = errors.take(id("affiliate", &self.affiliate));
        let program = errors.take(id("program", &self.program));
        let code = match self.code.as_deref().map(str::trim).filter(|code| !code.is_empty()) {
            Some(text) => errors.take(code(text)),
            None => Some(made_up()?),
        };
        let destination = errors.take(own_destination(self.destination.as_deref()));
        let expires_at = errors.take(moment("expires_at", self.expires_at.as_deref()));
        let is_active = self.is_active.unwrap_or(true);
        errors.finish()?;
        match (affiliate, program, code, destination, expires_at) {
            (Some(affiliate), Some(program), Some(code), Some(destination), Some(expires_at)) => {
                Ok(NewLink { affiliate, program, code, destination, is_active, expires_at })
            }
            _ => Err(Error::Fault("a field was neither right nor wrong".to_owned())),
        }
    }
}

impl LinkChangeBody {
    /// Checks every field.
    ///
    /// # Errors
    /// `Invalid` with each wrong field.
    pub fn read(self) -> Result<LinkChange, Error> {
        let mut errors = Errors::default();
        let destination =
            self.destination.and_then(|text| errors.take(own_destination(text.as_deref())));
        let expires_at =
            self.expires_at.and_then(|text| errors.take(moment("expires_at", text.as_deref())));
        errors.finish()?;
        Ok(LinkChange { destination, is_active: self.is_active, expires_at })
    }
}

/// Takes which links are asked for, and where the list goes on.
pub fn take(pairs: &mut Pairs, errors: &mut Errors) -> (Find, Cursor) {
    let mut read = |key| pairs.take(key);
    let (affiliate, program) = (read("affiliate"), read("program"));
    let (is_active, q) = (read("is_active"), read("q"));
    let find = Find {
        id: None,
        affiliate: affiliate.and_then(|text| errors.take(id("affiliate", &text))),
        program: program.and_then(|text| errors.take(id("program", &text))),
        is_active: is_active.and_then(|text| errors.take(flag("is_active", &text))),
        q: q.and_then(|q| errors.take(text("q", &q, 1, 200))),
    };
    (find, cursor::take::<LinkId>(pairs, errors))
}

/// `true` or `false`.
pub(crate) fn flag(field: &str, text: &str) -> Result<bool, Field> {
    text.parse().map_err(|_| Field::new(field, "invalid_flag", "true or false"))
}

/// A field that tells "null" from "not given".
pub(crate) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    reader: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(reader).map(Some)
}

fn own_destination(text: Option<&str>) -> Result<String, Field> {
    match text.map(str::trim).unwrap_or_default() {
        "" => Ok(String::new()),
        text => destination("destination", text),
    }
}

/// An RFC 3339 moment of this century, or nothing.
pub(crate) fn moment(field: &str, text: Option<&str>) -> Result<Option<DateTime<Utc>>, Field> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let at = DateTime::parse_from_rfc3339(text).map(|at| at.to_utc());
    let in_range = |at: &DateTime<Utc>| (946_684_800..4_102_444_800).contains(&at.timestamp());
    let wrong = || Field::new(field, "invalid_time", "as 2026-11-23T14:00:00+01:00");
    at.ok().filter(in_range).map(Some).ok_or_else(wrong)
}

fn code(text: &str) -> Result<String, Field> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    match text.len() {
        1..=128 if text.bytes().all(plain) => Ok(text.to_owned()),
        _ => Err(Field::new("code", "invalid_code", "1 to 128 of A-Z a-z 0-9 _ -")),
    }
}

/// Seven characters nobody guesses or misreads: 34 thousand million of them.
fn made_up() -> Result<String, Error> {
    const LETTERS: &str = "abcdefghijkmnpqrstuvwxyz23456789";
    static ENCODING: LazyLock<Option<Encoding>> = LazyLock::new(|| {
        let mut specification = Specification::new();
        specification.symbols.push_str(LETTERS);
        specification.encoding().ok()
    });
    let mut bytes = [0; 5];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::Fault(format!("no random bytes: {error}")))?;
    let code = ENCODING.as_ref().map(|encoding| encoding.encode(&bytes));
    let code = code.ok_or_else(|| Error::Fault("no encoding for codes".to_owned()))?;
    Ok(code.chars().take(7).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(json: &str) -> Result<NewLink, Vec<(String, &'static str)>> {
        let body: LinkBody = serde_json::from_str(json).unwrap();
        body.read().map_err(|error| match error {
            Error::Invalid(fields) => fields.into_iter().map(|f| (f.field, f.code)).collect(),
            error => panic!("{error}"),
        })
    }

    #[test]
    fn a_link_needs_its_owner_and_program_and_gets_a_code() {
        let link = body(r#"{"affiliate":"aff_1","program":"prg_2"}"#).unwrap();
        assert_eq!((link.affiliate.get(), link.program.get(), link.is_active), (1, 2, true));
        assert!(link.code.len() == 7 && code(&link.code).is_ok(), "{}", link.code);
        assert_ne!(link.code, body(r#"{"affiliate":"aff_1","program":"prg_2"}"#).unwrap().code);
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let wrong = body(
            r#"{"affiliate":"1","program":"prg_0","code":"a/b","destination":"javascript:x","expires_at":"9999-99-99"}"#,
        );
        let fields: Vec<String> = wrong.unwrap_err().into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["affiliate", "program", "code", "destination", "expires_at"]);
    }

    #[test]
    fn null_and_missing_differ() {
        let change = |json| serde_json::from_str::<LinkChangeBody>(json).unwrap().read().unwrap();
        assert_eq!(change("{}"), LinkChange::default());
        let emptied = change(r#"{"expires_at":null,"destination":""}"#);
        assert_eq!((emptied.expires_at, emptied.destination), (Some(None), Some(String::new())));
    }
}
