//! Proving once more who is signed in, before what cannot be undone (ASVS 7.5.3).

use chrono::TimeDelta;

use super::{Visit, second};
use crate::{
    accounts::{hashing::Verdict, secret::Secret},
    app::App,
    auth::Viewer,
    error::Error,
    limits,
    queries::accounts::{factors, sessions, users},
};

/// No hash: nobody comes in by a password.
pub const NONE: &str = "!";
/// How fresh a proof has to be for changing what lets somebody in.
pub const FRESH: TimeDelta = TimeDelta::hours(1);

/// Proves it with everything somebody comes in with: the password, and the code of whoever has a second factor. Gives the
/// session's new secret; `None` for a wrong one.
///
/// # Errors
/// `TooOften`, `Busy`, or a store that does not answer.
pub async fn prove(
    app: &App,
    visit: &Visit,
    viewer: &Viewer,
    (password, code): (&str, &str),
) -> Result<Option<Secret>, Error> {
    let Some(session) = viewer.session() else { return Err(Error::Forbidden) };
    app.limits.take(limits::REAUTHENTICATE, &viewer.user.to_string(), visit.now_ms()).await?;
    let user = users::get(&app.db, viewer.user).await?;
    let has_factors = takes_codes(app, visit, viewer).await?;
    // Whoever came by another house may have no password: then the factor stands for both.
    let by_password = match has_factors && user.password == NONE {
        true => true,
        false => {
            let kept = Some(user.password.clone());
            let verdict = app.hashing.verify(password.to_owned(), kept).await;
            verdict.map_err(|_| Error::Busy)? != Verdict::Wrong
        }
    };
    let shown = match (by_password, has_factors) {
        (false, _) => None,
        (true, false) => Some("password"),
        (true, true) => second::check(app, visit, &user, code.trim()).await?,
    };
    let Some(method) = shown else {
        visit.note(app, user.id, "proof_failed").await?;
        return Ok(None);
    };
    let level = if method == "password" { viewer.level } else { 2 };
    renew(app, visit, viewer, (session, level, method)).await.map(Some)
}

/// Gives a session a new secret: with a fresh proof, and the factors shown by now.
///
/// # Errors
/// A store that does not answer.
pub(super) async fn renew(
    app: &App,
    visit: &Visit,
    viewer: &Viewer,
    (session, level, method): (i64, i16, &str),
) -> Result<Secret, Error> {
    let secret = Secret::new()?;
    sessions::renew(&app.db, session, &secret.hash(), (level, method), visit.now).await?;
    visit.note(app, viewer.user, "proved").await?;
    Ok(secret)
}

/// Whether a code is wanted beside the password.
///
/// # Errors
/// A store that does not answer.
pub async fn takes_codes(app: &App, visit: &Visit, viewer: &Viewer) -> Result<bool, Error> {
    Ok(factors::of(&app.db, viewer.user, &visit.place.host).await?.any())
}
