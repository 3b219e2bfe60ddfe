//! What makes and changes an affiliate, and which ones are asked for.

use schemas::ids::AffiliateId;
use serde::Deserialize;

use super::{Errors, cursor, links::flag, pairs::Pairs, text};
use crate::{
    error::{Error, Field},
    queries::{
        Cursor,
        affiliates::{AffiliateChange, Find, NewAffiliate},
    },
};

/// An affiliate as it comes in, by JSON or by a form.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AffiliateBody {
    /// 1 to 200 characters.
    pub name: String,
    /// May be empty.
    #[serde(default)]
    pub email: Option<String>,
    /// Without it, on.
    #[serde(default)]
    pub is_active: Option<bool>,
}

/// A change as it comes in; what is missing stays.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AffiliateChangeBody {
    /// 1 to 200 characters.
    #[serde(default)]
    pub name: Option<String>,
    /// May be empty.
    #[serde(default)]
    pub email: Option<String>,
    /// On or off.
    #[serde(default)]
    pub is_active: Option<bool>,
}

impl AffiliateBody {
    /// Checks every field.
    ///
    /// # Errors
    /// `Invalid` with each wrong field.
    pub fn read(self) -> Result<NewAffiliate, Error> {
        let mut errors = Errors::default();
        let name = errors.take(text("name", &self.name, 1, 200)).unwrap_or_default();
        let email = errors.take(email(&self.email.unwrap_or_default())).unwrap_or_default();
        errors.finish()?;
        Ok(NewAffiliate { name, email, is_active: self.is_active.unwrap_or(true) })
    }
}

impl AffiliateChangeBody {
    /// Checks every field.
    ///
    /// # Errors
    /// `Invalid` with each wrong field.
    pub fn read(self) -> Result<AffiliateChange, Error> {
        let mut errors = Errors::default();
        let name = self.name.and_then(|name| errors.take(text("name", &name, 1, 200)));
        let email = self.email.and_then(|address| errors.take(email(&address)));
        errors.finish()?;
        Ok(AffiliateChange { name, email, is_active: self.is_active })
    }
}

/// Takes which affiliates are asked for, and where the list goes on.
pub fn take(pairs: &mut Pairs, errors: &mut Errors) -> (Find, Cursor) {
    let (is_active, q) = (pairs.take("is_active"), pairs.take("q"));
    let find = Find {
        id: None,
        is_active: is_active.and_then(|text| errors.take(flag("is_active", &text))),
        q: q.and_then(|q| errors.take(text("q", &q, 1, 200))),
    };
    (find, cursor::take::<AffiliateId>(pairs, errors))
}

/// Enough to catch a slip: whether an address works is known when it answers.
fn email(address: &str) -> Result<String, Field> {
    let address = text("email", address, 0, 254)?;
    let sound = address.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty()
            && host.contains('.')
            && !host.contains('@')
            && !address.contains(char::is_whitespace)
    });
    match address.is_empty() || sound {
        true => Ok(address),
        false => Err(Field::new("email", "invalid_email", "as name@example.com")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_mail_is_empty_or_looks_like_one() {
        for address in ["", "a@b.c", "é@münchen.example"] {
            assert!(email(address).is_ok(), "{address}");
        }
        for address in ["a", "@b.c", "a@b", "a@b@c.d", "a b@c.d", "a@b.c\r\nBcc: d@e.f"] {
            assert!(email(address).is_err(), "{address}");
        }
    }
}
