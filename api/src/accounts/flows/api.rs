//! Programs that sign in as a person: the same steps as in a browser, and tokens instead of cookies.

use super::{
    Visit,
    second::{self, By, Next, Wish},
    sign_in::{self, Outcome},
};
use crate::{
    accounts::{jwt, secret::Secret},
    app::App,
    error::Error,
    queries::accounts::{
        refresh::{self, Shown},
        sessions,
    },
};

/// What a program keeps.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// `Authorization: Bearer …`, for five minutes.
    pub access: String,
    /// For the next one, once.
    pub refresh: String,
}

/// What signing in comes to.
#[derive(Debug, Clone)]
pub enum SignedIn {
    /// Signed in.
    In(Tokens),
    /// A second factor or a mailed code is awaited from whoever has this.
    Awaited(String, By),
}

/// Signs in with a name and a password.
///
/// # Errors
/// `WrongPassword`, `Unconfirmed`, `TooOften`, `Busy`, or a store that does not answer.
pub async fn sign_in(
    app: &App,
    visit: &Visit,
    login: &str,
    password: String,
) -> Result<SignedIn, Error> {
    match sign_in::check(app, visit, login.trim(), password).await? {
        Outcome::Known(user, is_guessed) => {
            let wish = Wish { is_remembered: false, next: "", first: "password", is_guessed };
            match second::after_first(app, visit, &user, &wish).await? {
                Next::In(secret) => Ok(SignedIn::In(tokens(app, visit, &secret).await?)),
                Next::Awaited(secret, by) => Ok(SignedIn::Awaited(secret.text().to_owned(), by)),
            }
        }
        Outcome::Unconfirmed(_) => Err(Error::Unconfirmed),
        Outcome::Wrong => Err(Error::WrongPassword),
    }
}

/// Shows the second factor.
///
/// # Errors
/// `WrongPassword` for a wrong code or a step that is over, `TooOften`, or a store that does not answer.
pub async fn second(app: &App, visit: &Visit, token: &str, code: &str) -> Result<Tokens, Error> {
    let visit = Visit { flow: Secret::read(token), ..visit.clone() };
    let shown = second::by_code(app, &visit, code).await;
    match shown {
        Ok(Some((secret, _))) => tokens(app, &visit, &secret).await,
        Ok(None) | Err(Error::NotFound(_)) => Err(Error::WrongPassword),
        Err(error) => Err(error),
    }
}

/// The next tokens. A refresh token that is shown twice ends its session.
///
/// # Errors
/// `InvalidToken`, or a store that does not answer.
pub async fn refresh(app: &App, visit: &Visit, token: &str) -> Result<Tokens, Error> {
    let old = Secret::read(token).ok_or(Error::InvalidToken)?;
    let host = &visit.place.host;
    let session = match refresh::take(&app.db, &old.hash(), host, visit.now).await? {
        Shown::First(session) => session,
        Shown::Again(session, user) => {
            sessions::delete_one(&app.db, user, session).await?;
            visit.note(app, user, "refresh_reused").await?;
            return Err(Error::InvalidToken);
        }
        Shown::Unknown => return Err(Error::InvalidToken),
    };
    // The session's own secret changes with each: an access token of before is worthless.
    let secret = Secret::new()?;
    sessions::change_secret(&app.db, session, &secret.hash(), visit.now).await?;
    let found = sessions::find(&app.db, &secret.hash(), (host, visit.place.site.to_sql())).await?;
    let found = found.ok_or(Error::InvalidToken)?;
    if !sign_in::stands(&found, visit.now) {
        sessions::delete(&app.db, &secret.hash()).await?;
        return Err(Error::InvalidToken);
    }
    tokens(app, visit, &secret).await
}

/// Tokens of a session that has begun.
///
/// # Errors
/// A store that does not answer.
pub async fn tokens(app: &App, visit: &Visit, secret: &Secret) -> Result<Tokens, Error> {
    let (place, hash) = (&visit.place, secret.hash());
    let found = sessions::find(&app.db, &hash, (&place.host, place.site.to_sql())).await?;
    let found = found.ok_or(Error::InvalidToken)?;
    let next = Secret::new()?;
    refresh::insert(&app.db, found.session_id, &next.hash(), visit.now).await?;
    let whose = (found.user_id, place.site.get());
    let here = (place.origin.as_str(), place.host.as_str());
    let access = app.jwt.sign(here, whose, &hash, visit.now);
    let access = access.map_err(|error| Error::Fault(error.to_string()))?;
    Ok(Tokens { access, refresh: next.text().to_owned() })
}

/// How long an access token is good, in seconds.
pub const EXPIRES_IN: i64 = jwt::LIFE_S;
