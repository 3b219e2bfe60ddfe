//! A forgotten password. The answer is the same whether somebody has the address; a second factor is asked for all the
//! same afterwards.

use super::{Visit, password};
use crate::{
    accounts::secret::Secret,
    app::App,
    error::Error,
    i18n::Text,
    limits,
    mail::{self, letters},
    queries::accounts::{
        codes::{self, Code, Kind},
        sessions, users,
    },
    tenant::{Db, Reach},
};

/// Sends a link, where somebody has the address.
///
/// # Errors
/// `TooOften` by the client's address alone, or a store that does not answer.
pub async fn ask(app: &App, visit: &Visit, email: &str, t: Text) -> Result<(), Error> {
    app.limits
        .take(limits::RESET_ADDRESS, &visit.place.address.to_string(), visit.now_ms())
        .await?;
    let email = email.trim();
    if !super::first::is_address(email) {
        return Err(Error::field("email", "invalid_email", "an address such as anna@example.org"));
    }
    let Some(user) = users::find(&app.db, email).await?.filter(|user| user.is_active) else {
        return Ok(());
    };
    let limited =
        app.limits.take(limits::RESET_ACCOUNT, &user.id.to_string(), visit.now_ms()).await;
    if limited.is_err() || !mail::may_send(app, email, visit.now_ms()).await {
        return Ok(());
    }
    let token = Secret::new()?;
    let new = codes::New {
        kind: Kind::Reset,
        user: user.id,
        email,
        host: &visit.place.host,
        token: token.hash(),
        code: None,
        now: visit.now,
    };
    let to = letters::To { app, visit, t, address: email, name: user.called() };
    let db = Db::new(app.db.clone(), visit.place.site, &Reach::ALL);
    let mut tx = db.begin().await?;
    codes::insert(&mut tx, &new).await?;
    mail::enqueue(&mut tx, app, visit, &letters::reset(to, token.text())).await?;
    tx.commit().await?;
    Ok(visit.note(app, user.id, "reset_asked").await?)
}

/// Looks at a link without using it.
///
/// # Errors
/// `NotFound` for one that is none or no longer good, or a store that does not answer.
pub async fn look(app: &App, visit: &Visit, token: &str) -> Result<Code, Error> {
    let gone = || Error::NotFound("link of a mail");
    let token = Secret::read(token).ok_or_else(gone)?;
    let place = (Kind::Reset, visit.place.host.as_str());
    codes::by_token(&app.db, place, &token.hash(), visit.now).await?.ok_or_else(gone)
}

/// Another password, by the link: once. Whoever is signed in as this person is not any more.
///
/// # Errors
/// As [`look`]; `Invalid` for a password that is none, `Busy`.
pub async fn change(
    app: &App,
    visit: &Visit,
    (token, new): (&str, &str),
    t: Text,
) -> Result<(), Error> {
    let code = look(app, visit, token).await?;
    let user = users::get(&app.db, code.user_id).await?;
    let hash = password::hash(app, new, &[&user.email, &user.name, &user.username]).await?;
    let db = Db::new(app.db.clone(), visit.place.site, &Reach::ALL);
    let mut tx = db.begin().await?;
    if !codes::delete(&mut *tx, code.id).await? {
        return Err(Error::NotFound("link of a mail"));
    }
    users::set_password(&mut *tx, user.id, &hash, visit.now).await?;
    // They read the mail.
    users::verify_email(&mut *tx, user.id, &code.email, visit.now).await?;
    codes::delete_of(&mut *tx, user.id).await?;
    sessions::delete_others(&mut *tx, user.id, None).await?;
    let to = letters::To { app, visit, t, address: &user.email, name: user.called() };
    mail::enqueue(&mut tx, app, visit, &letters::password_changed(to)).await?;
    tx.commit().await?;
    Ok(visit.note(app, user.id, "password_reset").await?)
}
