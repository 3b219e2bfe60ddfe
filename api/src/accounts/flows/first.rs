//! The first admin: whoever has the link that the first start printed.

use super::Visit;
use crate::{
    accounts::{password, role::Role, secret::Secret},
    app::App,
    error::{Error, Field},
    queries::accounts::{
        memberships,
        users::{self, User},
    },
    tenant::{Db, Reach},
};

/// What a person says of themselves to get an account.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The address mails go to, and the name one signs in by.
    pub email: String,
    /// As they call themselves.
    pub name: String,
    /// The password, exact to the byte.
    pub password: String,
}

impl Wish {
    /// With spaces taken off that nobody meant.
    ///
    /// # Errors
    /// `Invalid` with every field that is wrong.
    pub fn read(email: &str, name: &str, password: &str) -> Result<Self, Error> {
        let (email, name) = (email.trim().to_owned(), name.trim().to_owned());
        let mut wrong = Vec::new();
        if !is_address(&email) {
            wrong.push(Field::new("email", "invalid_email", "an address such as anna@example.org"));
        }
        if name.chars().count() > 200 || name.chars().any(char::is_control) {
            wrong.push(Field::new("name", "too_long", "at most 200 characters that can be seen"));
        }
        if let Err(weak) = password::check(password, &[&email, &name]) {
            wrong.push(Field::new("password", weak.code(), weak.detail()));
        }
        match wrong.is_empty() {
            true => Ok(Self { email, name, password: password.to_owned() }),
            false => Err(Error::Invalid(wrong)),
        }
    }

    /// The name to sign in by: what stands before the @.
    pub fn username(&self) -> String {
        let local = self.email.split('@').next().unwrap_or_default();
        let plain: String =
            local.chars().filter(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_')).collect();
        if plain.is_empty() { "user".to_owned() } else { plain.chars().take(140).collect() }
    }
}

/// Whether a text can be an address of mail: something, an @, a host with a dot or a name of this network. What it is
/// really, a mail to it shows.
pub fn is_address(text: &str) -> bool {
    let Some((local, host)) = text.rsplit_once('@') else { return false };
    let plain = |c: char| {
        !c.is_control()
            && !c.is_whitespace()
            && !matches!(c, '<' | '>' | '"' | ',' | ';' | '(' | ')')
    };
    text.len() <= 254
        && (1..=64).contains(&local.len())
        && !local.contains('@')
        && text.chars().all(plain)
        && crate::hosts::host_of(host).is_some_and(|name| name.len() == host.len())
}

/// Whether the link is still good: nobody runs the site yet.
///
/// # Errors
/// `NotFound` for any other secret and once somebody does, or a store that does not answer.
pub async fn check(app: &App, visit: &Visit, token: &str) -> Result<Db, Error> {
    let gone = || Error::NotFound("first link");
    let given = Secret::read(token).ok_or_else(gone)?;
    let right = app.setup.as_ref().is_some_and(|setup| setup.hash() == given.hash());
    if !right || visit.place.site != schemas::ids::PLATFORM {
        return Err(gone());
    }
    let db = Db::new(app.db.clone(), visit.place.site, &Reach::ALL);
    if memberships::has_admin(&db).await? { Err(gone()) } else { Ok(db) }
}

/// Makes the first admin. Their address is believed: they have the machine.
///
/// # Errors
/// As [`check`]; `Invalid` for a field that is wrong.
pub async fn make(app: &App, visit: &Visit, token: &str, wish: &Wish) -> Result<User, Error> {
    let db = check(app, visit, token).await?;
    let hash = app.hashing.hash(wish.password.clone()).await.map_err(|_| Error::Busy)?;
    let hash = hash.map_err(|error| Error::Fault(error.to_string()))?;
    let mut tx = db.begin().await?;
    // Two who press the button at once: the second finds an admin.
    memberships::lock(&mut tx).await?;
    let who = (wish.username(), wish.email.as_str(), wish.name.as_str());
    let id = users::insert(&mut tx, (&who.0, who.1, who.2), &hash, visit.now).await?;
    let id = id.ok_or_else(|| Error::field("email", "taken", "an account has this address"))?;
    users::verify_email(&mut *tx, id, &wish.email, visit.now).await?;
    if memberships::has_admin_within(&mut tx).await? {
        return Err(Error::NotFound("first link"));
    }
    memberships::insert(&mut tx, id, Role::Admin).await?;
    tx.commit().await?;
    visit.note(app, id, "signed_up").await?;
    Ok(users::get(&app.db, id).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_from_what_is_none() {
        for good in
            ["a@b.example", "anna.o'neil+x@shop.example", "grün@example.org", "root@localhost"]
        {
            assert!(is_address(good), "{good}");
        }
        let long = format!("{}@b.example", "a".repeat(65));
        for bad in [
            "",
            "a",
            "@b",
            "a@",
            "a b@c.d",
            "a@b c",
            "a@b\r\nBcc: x@y",
            "a@b@c",
            "<a@b.c>",
            "a@b.c,d@e.f",
            "a@b..c",
            &long,
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
