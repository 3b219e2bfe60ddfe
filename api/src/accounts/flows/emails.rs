//! Further addresses: each counts once somebody has shown to read it. Whether another account has an address is told to
//! nobody but whoever reads it.

use serde_json::json;

use super::{Visit, first::is_address, notices, sign_up::code_hash};
use crate::{
    accounts::secret::{self, Secret},
    app::App,
    auth::Viewer,
    error::{Error, Field},
    i18n::Text,
    limits,
    mail::{self, letters},
    queries::accounts::{
        codes::{self, Code, Kind},
        emails, users,
    },
    tenant::{Db, Reach},
};

/// As many beside the first.
const MOST: usize = 9;

/// Sends a code to an address, and gives the secret of the browser that may type it.
///
/// # Errors
/// `Invalid` for what is no address or is theirs already, `TooOften`, or a store that does not answer.
pub async fn begin(
    app: &App,
    visit: &Visit,
    viewer: &Viewer,
    (email, t): (&str, Text),
) -> Result<Secret, Error> {
    let email = email.trim();
    if !is_address(email) {
        return Err(Error::field("email", "invalid_email", "an address such as anna@example.org"));
    }
    let user = users::get(&app.db, viewer.user).await?;
    let others = emails::list(&app.db, user.id).await?;
    let is = |known: &str| known.to_lowercase() == email.to_lowercase();
    if is(&user.email) || others.iter().any(|one| is(&one.email)) {
        return Err(Error::field("email", "taken", "this address is yours already"));
    }
    if others.len() >= MOST {
        return Err(Error::field("email", "too_many", "remove another address first"));
    }
    app.limits.take(limits::ADD_EMAIL, &user.id.to_string(), visit.now_ms()).await?;
    let browser = Secret::new()?;
    if mail::may_send(app, email, visit.now_ms()).await {
        let to = letters::To { app, visit, t, address: email, name: user.called() };
        match users::find(&app.db, email).await? {
            Some(_) => mail::send(app, visit, &letters::address_taken(to)).await?,
            None => send(app, visit, (user.id, &browser), to).await?,
        }
    }
    Ok(browser)
}

async fn send(
    app: &App,
    visit: &Visit,
    (user, browser): (i64, &Secret),
    to: letters::To<'_>,
) -> Result<(), Error> {
    let (token, code) = (Secret::new()?, secret::code()?);
    let new = codes::New {
        kind: Kind::AddEmail,
        user,
        email: to.address,
        host: &visit.place.host,
        token: token.hash(),
        code: Some((code_hash(&code, browser), browser.hash())),
        now: visit.now,
    };
    let db = Db::new(app.db.clone(), visit.place.site, &Reach::ALL);
    let mut tx = db.begin().await?;
    codes::insert(&mut tx, &new).await?;
    mail::enqueue(&mut tx, app, visit, &letters::add_email(to, token.text(), &code)).await?;
    Ok(tx.commit().await?)
}

/// What a mailed link would add, without using it.
///
/// # Errors
/// `NotFound` for one that is none, no longer good or somebody else's, or a store that does not answer.
pub async fn look(app: &App, visit: &Visit, viewer: &Viewer, token: &str) -> Result<Code, Error> {
    let gone = || Error::NotFound("link of a mail");
    let token = Secret::read(token).ok_or_else(gone)?;
    let place = (Kind::AddEmail, visit.place.host.as_str());
    let code = codes::by_token(&app.db, place, &token.hash(), visit.now).await?;
    code.filter(|code| code.user_id == viewer.user).ok_or_else(gone)
}

/// Adds an address by its mailed link.
///
/// # Errors
/// As [`look`]; `Invalid` where somebody else was quicker.
pub async fn by_link(
    app: &App,
    visit: &Visit,
    viewer: &Viewer,
    token: &str,
) -> Result<String, Error> {
    let code = look(app, visit, viewer, token).await?;
    add(app, visit, viewer, code).await
}

/// Adds an address by the code that was mailed to it; `None` for a wrong one.
///
/// # Errors
/// `TooOften`, `Invalid` where somebody else was quicker, or a store that does not answer.
pub async fn by_code(
    app: &App,
    visit: &Visit,
    viewer: &Viewer,
    typed: &str,
) -> Result<Option<String>, Error> {
    app.limits.take(limits::CODE_ADDRESS, &visit.place.address.to_string(), visit.now_ms()).await?;
    let (Some(typed), Some(browser)) = (secret::read_code(typed), &visit.flow) else {
        return Ok(None);
    };
    let place = (Kind::AddEmail, visit.place.host.as_str());
    let shown = (&code_hash(&typed, browser), &browser.hash());
    match codes::by_code(&app.db, place, shown, visit.now).await? {
        Some(code) if code.user_id == viewer.user => add(app, visit, viewer, code).await.map(Some),
        _ => Ok(None),
    }
}

async fn add(app: &App, visit: &Visit, viewer: &Viewer, code: Code) -> Result<String, Error> {
    let mut tx = app.db.begin().await?;
    if !codes::delete(&mut *tx, code.id).await? {
        return Err(Error::NotFound("link of a mail"));
    }
    let taken = Field::new("email", "taken", "another account has this address");
    let kept = emails::insert(&mut *tx, viewer.user, &code.email, visit.now).await;
    kept.map_err(|error| Error::on_constraint(error, "accounts_email_email", taken))?;
    let details = json!({ "email": code.email });
    visit.tell(&mut *tx, Some(viewer.user), "email_added", details).await?;
    tx.commit().await?;
    notices::email_changed(app, visit, viewer.user, ("email_added", &[])).await?;
    Ok(code.email)
}

/// Mails go to this one from now on; the one of before is told, and links mailed to it are worthless.
///
/// # Errors
/// `NotFound` for none of theirs, or a store that does not answer.
pub async fn put_first(app: &App, visit: &Visit, viewer: &Viewer, id: i64) -> Result<(), Error> {
    let mut tx = app.db.begin().await?;
    let first = emails::delete(&mut *tx, viewer.user, id).await?;
    let first = first.ok_or(Error::NotFound("address"))?;
    let before = emails::put_first(&mut tx, viewer.user, &first).await?;
    codes::delete_of(&mut *tx, viewer.user).await?;
    let details = json!({ "before": before, "after": first.email });
    visit.tell(&mut *tx, Some(viewer.user), "email_changed", details).await?;
    tx.commit().await?;
    notices::email_changed(app, visit, viewer.user, ("email_changed", &[&before])).await
}

/// Takes one away.
///
/// # Errors
/// `NotFound` for none of theirs, or a store that does not answer.
pub async fn remove(app: &App, visit: &Visit, viewer: &Viewer, id: i64) -> Result<(), Error> {
    let mut tx = app.db.begin().await?;
    let gone = emails::delete(&mut *tx, viewer.user, id).await?;
    let gone = gone.ok_or(Error::NotFound("address"))?;
    codes::delete_of(&mut *tx, viewer.user).await?;
    let details = json!({ "email": gone.email });
    visit.tell(&mut *tx, Some(viewer.user), "email_removed", details).await?;
    tx.commit().await?;
    notices::email_changed(app, visit, viewer.user, ("email_removed", &[&gone.email])).await
}
