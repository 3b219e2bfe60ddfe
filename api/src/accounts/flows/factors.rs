//! Setting up and taking away what is shown beside a password.

use super::{
    Visit, notices,
    proof::renew,
    second::{step_of, whose},
};
use crate::{
    accounts::{secret::Secret, totp},
    app::App,
    auth::Viewer,
    error::Error,
    limits,
    queries::accounts::{factors, users},
};

/// The secret an app shall take: as it is typed, and as a picture says it. A second look shows the same.
///
/// # Errors
/// `Forbidden` while the address is not confirmed, or a store that does not answer.
pub async fn offer_totp(
    app: &App,
    visit: &Visit,
    viewer: &Viewer,
) -> Result<(String, String), Error> {
    let user = users::get(&app.db, viewer.user).await?;
    // Whoever took somebody else's address could lock them out for good.
    if user.email_verified_at.is_none() {
        return Err(Error::Forbidden);
    }
    let fault = |error: crate::accounts::seal::Broken| Error::Fault(error.to_string());
    let secret = match factors::totp(&app.db, user.id, false).await? {
        Some(sealed) => app.seal.open(&whose(user.id), &sealed).map_err(fault)?,
        None => {
            let secret = totp::new_secret()?;
            let sealed = app.seal.seal(&whose(user.id), &secret)?;
            factors::put_totp(&app.db, user.id, &sealed).await?;
            secret
        }
    };
    Ok(totp::invitation(&secret, &visit.place.site_name, &user.email))
}

/// Takes the first code of an app: from now on a password alone is not enough. Gives the session's new secret and the
/// recovery codes, to be shown once; `None` for a wrong code.
///
/// # Errors
/// `TooOften`, or a store that does not answer.
pub async fn confirm_totp(
    app: &App,
    visit: &Visit,
    viewer: &Viewer,
    typed: &str,
) -> Result<Option<(Secret, Vec<String>)>, Error> {
    let Some(session) = viewer.session() else { return Err(Error::Forbidden) };
    app.limits.take(limits::SECOND_FACTOR, &viewer.user.to_string(), visit.now_ms()).await?;
    let user = users::get(&app.db, viewer.user).await?;
    let Some(step) = step_of(app, visit, &user, (typed, false)).await? else { return Ok(None) };
    if !factors::use_step(&app.db, user.id, step, visit.now).await? {
        return Ok(None);
    }
    app.limits.give_back(limits::SECOND_FACTOR, &viewer.user.to_string()).await;
    let codes = new_codes(app, visit, viewer).await?;
    visit.note(app, user.id, "totp_added").await?;
    notices::factors_changed(app, visit, user.id, "totp_added").await?;
    let secret = renew(app, visit, viewer, (session, 2, "totp")).await?;
    Ok(Some((secret, codes)))
}

/// New recovery codes in place of all older ones, to be shown once.
///
/// # Errors
/// A store that does not answer.
pub async fn new_codes(app: &App, visit: &Visit, viewer: &Viewer) -> Result<Vec<String>, Error> {
    let codes = totp::new_recovery_codes()?;
    let hashes: Vec<_> = codes.iter().filter_map(|code| totp::recovery_hash(code)).collect();
    let mut tx = app.db.begin().await?;
    factors::put_recovery_codes(&mut tx, viewer.user, &hashes).await?;
    tx.commit().await?;
    visit.note(app, viewer.user, "recovery_codes_made").await?;
    Ok(codes)
}

/// Takes the app away, and with it the codes for the day it is gone.
///
/// # Errors
/// A store that does not answer.
pub async fn remove_totp(app: &App, visit: &Visit, viewer: &Viewer) -> Result<(), Error> {
    let mut tx = app.db.begin().await?;
    factors::delete_totp(&mut *tx, viewer.user).await?;
    if factors::of(&mut *tx, viewer.user, &visit.place.host).await?.passkeys == 0 {
        factors::put_recovery_codes(&mut tx, viewer.user, &[]).await?;
    }
    tx.commit().await?;
    visit.note(app, viewer.user, "totp_removed").await?;
    notices::factors_changed(app, visit, viewer.user, "totp_removed").await
}
