//! Another password.

use serde_json::json;

use super::{Visit, notices};
use crate::{
    accounts::password,
    app::App,
    auth::Viewer,
    error::Error,
    queries::accounts::{codes, sessions, users},
};

/// Gives who is signed in another password; ends their other sessions where they wish so.
///
/// # Errors
/// `Invalid` for one that is none, `Busy`, or a store that does not answer.
pub async fn change(
    app: &App,
    visit: &Visit,
    viewer: &Viewer,
    (password, ends_others): (&str, bool),
) -> Result<(), Error> {
    let hash = hash(app, password, &[&viewer.email, &viewer.name, &viewer.username]).await?;
    let mut tx = app.db.begin().await?;
    users::set_password(&mut *tx, viewer.user, &hash, visit.now).await?;
    codes::delete_of(&mut *tx, viewer.user).await?;
    let ended = match ends_others {
        true => sessions::delete_others(&mut *tx, viewer.user, viewer.session()).await?,
        false => 0,
    };
    let details = json!({ "sessions_ended": ended });
    visit.tell(&mut *tx, Some(viewer.user), "password_changed", details).await?;
    tx.commit().await?;
    notices::password_changed(app, visit, viewer.user).await
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
