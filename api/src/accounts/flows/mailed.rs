//! A mailed code beside the password, while an account's passwords are being guessed: it keeps whoever found one out, and
//! locks nobody out. It is no second factor: whoever reads the mail can have a new password, too.

use super::{Visit, sign_up::code_hash};
use crate::{
    accounts::secret::{self, Secret},
    app::App,
    error::Error,
    i18n::{Lang, Text},
    limits,
    mail::{self, letters},
    queries::accounts::{
        codes::{self, Kind},
        users::{self, User},
    },
    tenant::{Db, Reach},
};

/// Sends a code that the browser with this secret may type.
///
/// # Errors
/// `TooOften`, or a store that does not answer.
pub(super) async fn send(
    app: &App,
    visit: &Visit,
    user: &User,
    browser: &Secret,
) -> Result<(), Error> {
    let address = user.email.to_lowercase();
    app.limits.take(limits::MAIL_MINUTE, &address, visit.now_ms()).await?;
    app.limits.take(limits::MAIL_HOUR, &address, visit.now_ms()).await?;
    let settings = users::settings(&app.db, user.id).await?;
    let t = Text::new(Lang::from_tag(&settings.language).unwrap_or_default());
    let (token, code) = (Secret::new()?, secret::code()?);
    let new = codes::New {
        kind: Kind::SignIn,
        user: user.id,
        email: &user.email,
        host: &visit.place.host,
        // Of no link: nobody is told it.
        token: token.hash(),
        code: Some((code_hash(&code, browser), browser.hash())),
        now: visit.now,
    };
    let to = letters::To { app, visit, t, address: &user.email, name: user.called() };
    let db = Db::new(app.db.clone(), visit.place.site, &Reach::ALL);
    let mut tx = db.begin().await?;
    codes::insert(&mut tx, &new).await?;
    mail::enqueue(&mut tx, app, visit, &letters::sign_in(to, &code)).await?;
    tx.commit().await?;
    Ok(visit.note(app, user.id, "sign_in_code_sent").await?)
}

/// Whether a code is the one that was sent, and uses it up.
///
/// # Errors
/// `TooOften`, or a store that does not answer.
pub(super) async fn check(
    app: &App,
    visit: &Visit,
    user: &User,
    typed: &str,
) -> Result<bool, Error> {
    app.limits.take(limits::CODE_ADDRESS, &visit.place.address.to_string(), visit.now_ms()).await?;
    let (Some(typed), Some(browser)) = (secret::read_code(typed), &visit.flow) else {
        return Ok(false);
    };
    let place = (Kind::SignIn, visit.place.host.as_str());
    let shown = (&code_hash(&typed, browser), &browser.hash());
    match codes::by_code(&app.db, place, shown, visit.now).await? {
        Some(code) if code.user_id == user.id => Ok(codes::delete(&app.db, code.id).await?),
        _ => Ok(false),
    }
}
