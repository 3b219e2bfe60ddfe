//! Taking with one what is kept, and having it forgotten.

use serde_json::Value;

use super::Visit;
use crate::{
    app::App,
    auth::Viewer,
    error::Error,
    i18n::Text,
    mail::{self, letters},
    queries::accounts::{own, users},
    tenant::{Db, Reach},
};

/// Everything that is kept of who asks.
///
/// # Errors
/// A store that does not answer.
pub async fn export(app: &App, visit: &Visit, viewer: &Viewer) -> Result<Value, Error> {
    let all = own::export(&app.db, viewer.user).await?;
    visit.note(app, viewer.user, "exported").await?;
    Ok(all)
}

/// Forgets who asks, at once and for good. They type their name, so that nobody does it by mistake.
///
/// # Errors
/// `Invalid` for another name, and while a site would be left without anybody who runs it; or a store that does not
/// answer.
pub async fn forget(
    app: &App,
    visit: &Visit,
    viewer: &Viewer,
    (typed, t): (&str, Text),
) -> Result<(), Error> {
    let user = users::get(&app.db, viewer.user).await?;
    if typed.trim() != user.username {
        return Err(Error::field("username", "other_name", "type your name as it stands here"));
    }
    let last = own::sites(&app.db, user.id).await?.into_iter().find(|site| site.is_last_admin);
    if let Some(site) = last {
        let detail = format!("make somebody else an admin of {} first", site.name);
        return Err(Error::field("username", "last_admin", detail));
    }
    // Written before there is nobody to write to; it leaves after the account is gone.
    let to = letters::To { app, visit, t, address: &user.email, name: user.called() };
    let letter = letters::deleted(to);
    let db = Db::new(app.db.clone(), visit.place.site, &Reach::ALL);
    let db = db.acting(user.id, "", "");
    let mut tx = db.begin().await?;
    own::forget(&mut *tx, user.id, visit.now).await?;
    if let Err(error) = mail::enqueue(&mut tx, app, visit, &letter).await {
        tracing::warn!(%error, "a farewell could not be queued");
    }
    Ok(tx.commit().await?)
}
