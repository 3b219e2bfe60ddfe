//! Passkeys: made by who is signed in, and signing in without anything else.

use serde_json::{Value, json};

use super::{Visit, proof::renew};
use crate::{
    accounts::{
        passkey::{Asked, Ceremony, Refused},
        secret::Secret,
    },
    app::App,
    auth::Viewer,
    error::Error,
    limits,
    queries::accounts::{
        passkeys,
        pending::{self, Kind, Pending},
        users::{self, User},
    },
};

/// Passkeys somebody may have at a host.
const MOST: usize = 20;

/// Asks a browser to make one, and gives the secret of the step.
///
/// # Errors
/// `Invalid` for who has enough, `Fault`, or a store that does not answer.
pub async fn ask_new(app: &App, visit: &Visit, user: &User) -> Result<(Value, Secret), Error> {
    let known = passkeys::list(&app.db, user.id, &visit.place.host).await?;
    if known.len() >= MOST {
        return Err(Error::field("name", "too_many", "remove one first: 20 are enough"));
    }
    let known: Vec<Value> = known.into_iter().map(|key| key.credential).collect();
    let who = (user.username.as_str(), user.called());
    let asked = ceremony(visit)?.begin_new(user.id, who, &known).map_err(fault)?;
    keep(app, visit, (Kind::PasskeyNew, Some(user.id)), asked).await
}

/// Keeps the one a browser made.
///
/// # Errors
/// `NotFound` where none was asked for, `Invalid` for one that does not prove itself or is known already.
pub async fn add(
    app: &App,
    visit: &Visit,
    user: &User,
    (name, answer): (&str, Value),
) -> Result<(), Error> {
    let pending = take(app, visit, Kind::PasskeyNew).await?;
    if pending.user_id != Some(user.id) {
        return Err(Error::NotFound("passkey"));
    }
    let made = ceremony(visit)?.end_new(pending.state, answer);
    let wrong = |code, detail| Error::field("answer", code, detail);
    let (id, key) = made.map_err(|error| {
        tracing::info!(%error, "a new passkey does not prove itself");
        wrong("invalid", "the passkey does not prove itself: try again")
    })?;
    let whose = (user.id, visit.place.host.as_str(), name);
    match passkeys::insert(&app.db, whose, (&id, &key), visit.now).await? {
        true => Ok(()),
        false => Err(wrong("taken", "this passkey is known already")),
    }
}

/// Asks a browser for any passkey of this host.
///
/// # Errors
/// `TooOften`, or a store that does not answer.
pub async fn ask_any(app: &App, visit: &Visit) -> Result<(Value, Secret), Error> {
    let address = visit.place.address.to_string();
    app.limits.take(limits::SIGN_IN_ADDRESS, &address, visit.now_ms()).await?;
    let asked = ceremony(visit)?.begin_any().map_err(fault)?;
    keep(app, visit, (Kind::PasskeySignIn, None), asked).await
}

/// Who signs in with the passkey a browser answered with.
///
/// # Errors
/// `WrongPassword` for whatever does not prove anybody, or a store that does not answer.
pub async fn judge_any(app: &App, visit: &Visit, answer: Value) -> Result<User, Error> {
    let pending = take(app, visit, Kind::PasskeySignIn).await.map_err(|_| Error::WrongPassword)?;
    // Asked for by somebody to prove who they are: it lets nobody in.
    if pending.user_id.is_some() {
        return Err(Error::WrongPassword);
    }
    let ceremony = ceremony(visit)?;
    let id = ceremony.named(&answer).map_err(refused)?;
    let key = passkeys::find(&app.db, &id, &visit.place.host).await?;
    let key = key.ok_or(Error::WrongPassword)?;
    let answered = match ceremony.end_any(pending.state, answer, key.credential) {
        Ok(answered) => answered,
        Err(error) => {
            let details = json!({ "by": "passkey" });
            visit.tell(&app.db, Some(key.user_id), "sign_in_failed", details).await?;
            return Err(refused(error));
        }
    };
    passkeys::touch(&app.db, &answered.credential_id, answered.changed.as_ref(), visit.now).await?;
    let user = users::get(&app.db, key.user_id).await?;
    match user.is_active && user.email_verified_at.is_some() {
        true => Ok(user),
        false => Err(Error::WrongPassword),
    }
}

/// Asks a browser for a passkey of one person.
pub(super) async fn ask_of(app: &App, visit: &Visit, user: i64) -> Result<Asked, Error> {
    let keys = credentials(app, visit, user).await?;
    if keys.is_empty() {
        return Err(Error::NotFound("passkey"));
    }
    ceremony(visit)?.begin_of(&keys).map_err(fault)
}

/// Judges the answer of one person's passkey.
pub(super) async fn judge_of(
    app: &App,
    visit: &Visit,
    user: i64,
    (state, answer): (Value, Value),
) -> Result<(), Error> {
    app.limits.take(limits::SECOND_FACTOR, &user.to_string(), visit.now_ms()).await?;
    let keys = credentials(app, visit, user).await?;
    let answered = match ceremony(visit)?.end_of(state, answer, &keys) {
        Ok(answered) => answered,
        Err(error) => {
            visit.note(app, user, "second_factor_failed").await?;
            return Err(refused(error));
        }
    };
    let (id, changed) = (&answered.credential_id, answered.changed.as_ref());
    Ok(passkeys::touch(&app.db, id, changed, visit.now).await?)
}

/// Asks the browser of who is signed in for one of their passkeys, and gives the secret of this step.
///
/// # Errors
/// `NotFound` for who has none here, or a store that does not answer.
pub async fn ask_proof(
    app: &App,
    visit: &Visit,
    viewer: &Viewer,
) -> Result<(Value, Secret), Error> {
    let asked = ask_of(app, visit, viewer.user).await?;
    keep(app, visit, (Kind::PasskeySignIn, Some(viewer.user)), asked).await
}

/// Proves by it who is signed in: it needs its owner (a finger, a PIN), so that it stands for both factors.
///
/// # Errors
/// `WrongPassword` for one that does not prove it, `TooOften`, or a store that does not answer.
pub async fn prove(
    app: &App,
    visit: &Visit,
    viewer: &Viewer,
    answer: Value,
) -> Result<Secret, Error> {
    let Some(session) = viewer.session() else { return Err(Error::Forbidden) };
    let pending = take(app, visit, Kind::PasskeySignIn).await?;
    if pending.user_id != Some(viewer.user) {
        return Err(Error::WrongPassword);
    }
    judge_of(app, visit, viewer.user, (pending.state, answer)).await?;
    renew(app, visit, viewer, (session, 2, "passkey")).await
}

async fn credentials(app: &App, visit: &Visit, user: i64) -> Result<Vec<Value>, Error> {
    let keys = passkeys::list(&app.db, user, &visit.place.host).await?;
    Ok(keys.into_iter().map(|key| key.credential).collect())
}

fn ceremony(visit: &Visit) -> Result<Ceremony, Error> {
    let place = &visit.place;
    Ceremony::at(&place.host, &place.origin, &place.site_name).map_err(|error| {
        tracing::info!(%error, "no passkeys at this host");
        Error::NotFound("place for passkeys: open this page under the site's name")
    })
}

async fn keep(
    app: &App,
    visit: &Visit,
    (kind, user_id): (Kind, Option<i64>),
    asked: Asked,
) -> Result<(Value, Secret), Error> {
    let secret = Secret::new()?;
    let pending = Pending { user_id, state: asked.state };
    let place = (kind, visit.place.host.as_str());
    pending::insert(&app.db, place, &secret.hash(), &pending, visit.now).await?;
    Ok((asked.options, secret))
}

async fn take(app: &App, visit: &Visit, kind: Kind) -> Result<Pending, Error> {
    let gone = || Error::NotFound("step of a passkey");
    let secret = visit.flow.as_ref().ok_or_else(gone)?;
    let place = (kind, visit.place.host.as_str());
    pending::take(&app.db, place, &secret.hash(), visit.now).await?.ok_or_else(gone)
}

fn refused(error: Refused) -> Error {
    tracing::info!(%error, "a passkey proves nobody");
    Error::WrongPassword
}

fn fault(error: Refused) -> Error {
    Error::Fault(error.to_string())
}
