//! What somebody is told by mail of their own account: never a reason for what they did to fail.

use super::Visit;
use crate::{
    app::App,
    error::Error,
    i18n::{Lang, Text},
    mail::{self, Letter, letters},
    queries::accounts::users::{self, User},
};

/// Of a sign-in from where nobody did before, if they wish to know.
///
/// # Errors
/// A store that does not answer.
pub async fn new_device(app: &App, visit: &Visit, user: &User) -> Result<(), Error> {
    let settings = users::settings(&app.db, user.id).await?;
    if settings.tells_new_device {
        let device: String = visit.agent.chars().take(80).collect();
        tell(app, visit, user, |to| letters::new_device(to, &device)).await?;
    }
    Ok(())
}

/// Of a change of what lets them in.
///
/// # Errors
/// A store that does not answer.
pub async fn factors_changed(
    app: &App,
    visit: &Visit,
    user: i64,
    event: &str,
) -> Result<(), Error> {
    let user = users::get(&app.db, user).await?;
    tell(app, visit, &user, |to| letters::factors_changed(to, event)).await
}

/// Of another password.
///
/// # Errors
/// A store that does not answer.
pub async fn password_changed(app: &App, visit: &Visit, user: i64) -> Result<(), Error> {
    let user = users::get(&app.db, user).await?;
    tell(app, visit, &user, letters::password_changed).await
}

/// That somebody decided whether they promote a program.
///
/// # Errors
/// A store that does not answer.
pub async fn enrolment(
    app: &App,
    visit: &Visit,
    user: i64,
    (program, status, answer): (&str, &str, &str),
) -> Result<(), Error> {
    let user = users::get(&app.db, user).await?;
    tell(app, visit, &user, |to| letters::enrolment(to, (program, status, answer))).await
}

/// Of another address: to the first one, and to those of `more`, which may not be theirs any longer.
///
/// # Errors
/// A store that does not answer.
pub async fn email_changed(
    app: &App,
    visit: &Visit,
    user: i64,
    (event, more): (&str, &[&str]),
) -> Result<(), Error> {
    let user = users::get(&app.db, user).await?;
    for address in [&[user.email.as_str()], more].concat() {
        let user = User { email: address.to_owned(), ..user.clone() };
        tell(app, visit, &user, |to| letters::factors_changed(to, event)).await?;
    }
    Ok(())
}

async fn tell(
    app: &App,
    visit: &Visit,
    user: &User,
    letter: impl FnOnce(letters::To<'_>) -> Letter,
) -> Result<(), Error> {
    let settings = users::settings(&app.db, user.id).await?;
    let t = Text::new(Lang::from_tag(&settings.language).unwrap_or_default());
    let to = letters::To { app, visit, t, address: &user.email, name: user.called() };
    // The queue being full, or a name that no header takes, undoes nothing of what was done.
    if let Err(error) = mail::send(app, visit, &letter(to)).await {
        tracing::warn!(%error, "a notice could not be queued");
    }
    Ok(())
}
