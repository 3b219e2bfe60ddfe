//! Another password.

use serde_json::json;

use super::{Visit, notices, proof::NONE};
use crate::{
    accounts::{hashing::Verdict, password},
    app::App,
    auth::Viewer,
    error::Error,
    limits,
    queries::accounts::{codes, sessions, users},
};

/// Another password, as it was typed.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// The one of before: however fresh a proof is, whoever sits at an open browser does not know it.
    pub current: &'a str,
    /// The new one.
    pub new: &'a str,
    /// All other sessions end.
    pub ends_others: bool,
}

/// Gives who is signed in another password; ends their other sessions where they wish so.
///
/// # Errors
/// `Invalid` for one that is none and for a current one that is wrong, `TooOften`, `Busy`, or a store that does not
/// answer.
pub async fn change(
    app: &App,
    visit: &Visit,
    viewer: &Viewer,
    change: Change<'_>,
) -> Result<(), Error> {
    check_current(app, visit, viewer, change.current).await?;
    let hash = hash(app, change.new, &[&viewer.email, &viewer.name, &viewer.username]).await?;
    let mut tx = app.db.begin().await?;
    users::set_password(&mut *tx, viewer.user, &hash, visit.now).await?;
    codes::delete_of(&mut *tx, viewer.user).await?;
    let ended = match change.ends_others {
        true => sessions::delete_others(&mut *tx, viewer.user, viewer.session()).await?,
        false => 0,
    };
    let details = json!({ "sessions_ended": ended });
    visit.tell(&mut *tx, Some(viewer.user), "password_changed", details).await?;
    tx.commit().await?;
    notices::password_changed(app, visit, viewer.user).await
}

/// Whoever came by another house may have none yet.
async fn check_current(
    app: &App,
    visit: &Visit,
    viewer: &Viewer,
    current: &str,
) -> Result<(), Error> {
    let user = users::get(&app.db, viewer.user).await?;
    if user.password == NONE {
        return Ok(());
    }
    app.limits.take(limits::REAUTHENTICATE, &viewer.user.to_string(), visit.now_ms()).await?;
    let verdict = app.hashing.verify(current.to_owned(), Some(user.password)).await;
    if verdict.map_err(|_| Error::Busy)? == Verdict::Wrong {
        visit.note(app, viewer.user, "proof_failed").await?;
        return Err(Error::field("current", "wrong_current", "this is not your password of now"));
    }
    app.limits.give_back(limits::REAUTHENTICATE, &viewer.user.to_string()).await;
    Ok(())
}

/// The hash of a new password that is one.
///
/// # Errors
/// `Invalid`, `Busy`, or a fault of ours.
pub(super) async fn hash(app: &App, password: &str, known: &[&str]) -> Result<String, Error> {
    if let Err(weak) = password::check(password, known) {
        return Err(Error::field("password", weak.code(), weak.detail()));
    }
    let hash = app.hashing.hash(password.to_owned()).await.map_err(|_| Error::Busy)?;
    hash.map_err(|error| Error::Fault(error.to_string()))
}
