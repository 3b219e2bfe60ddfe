//! Signing in with a password, and the session that comes of it.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{Visit, notices};
use crate::{
    accounts::{hashing::Verdict, role::Role, secret::Secret, session},
    app::App,
    auth::Viewer,
    error::Error,
    limits,
    queries::accounts::{
        sessions,
        users::{self, User},
    },
};

/// What an attempt comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is them; whether their passwords are being guessed.
    Known(User, bool),
    /// It is them, and nobody has said yet that they read their address.
    Unconfirmed(User),
    /// Wrong name or password, or an account that is off: nobody is told which.
    Wrong,
}

/// Judges a name and a password. As many hashes are computed whoever is named: one.
///
/// # Errors
/// `TooOften`, `Busy` or a store that does not answer.
pub async fn check(
    app: &App,
    visit: &Visit,
    login: &str,
    password: String,
) -> Result<Outcome, Error> {
    let (now_ms, network) = (visit.now_ms(), visit.network());
    app.limits.take(limits::SIGN_IN_ADDRESS, &visit.place.address.to_string(), now_ms).await?;
    app.limits.take(limits::SIGN_IN_NETWORK, &network, now_ms).await?;
    let user = match readable(login) {
        true => users::find(&app.db, login).await?,
        false => None,
    };
    // By the account where there is one: its name and its address are one account.
    let account = user.as_ref().map_or_else(|| login.to_lowercase(), |user| user.id.to_string());
    let key = format!("{account}@{network}");
    app.limits.attempt(limits::WRONG_PASSWORD, &key, now_ms).await?;
    // Counted before, too; what is right is given back.
    let is_guessed = app.limits.take(limits::GUESSED, &account, now_ms).await.is_err();
    let kept = user.as_ref().filter(|user| user.is_active).map(|user| user.password.clone());
    let verdict = app.hashing.verify(password, kept).await.map_err(|_| Error::Busy)?;
    match (user, &verdict) {
        (Some(user), Verdict::Right | Verdict::Renewed(_)) => {
            app.limits.opened(limits::WRONG_PASSWORD, &key).await;
            if !is_guessed {
                app.limits.give_back(limits::GUESSED, &account).await;
            }
            if let Verdict::Renewed(hash) = &verdict {
                users::renew_hash(&app.db, user.id, hash).await?;
            }
            Ok(match user.email_verified_at {
                Some(_) => Outcome::Known(user, is_guessed),
                None => Outcome::Unconfirmed(user),
            })
        }
        (user, _) => {
            let known = user.map(|user| user.id);
            visit.tell(&app.db, known, "sign_in_failed", json!({})).await?;
            Ok(Outcome::Wrong)
        }
    }
}

/// Nothing that PostgreSQL would refuse, and no megabyte.
fn readable(login: &str) -> bool {
    (1..=254).contains(&login.chars().count()) && !login.chars().any(char::is_control)
}

/// Begins a session under a new secret, in place of the one the browser came with.
///
/// # Errors
/// A store that does not answer, or a machine without randomness.
pub async fn begin(
    app: &App,
    visit: &Visit,
    user: &User,
    (level, methods): (i16, &[&str]),
    is_remembered: bool,
) -> Result<Secret, Error> {
    let secret = Secret::new()?;
    let network = visit.network();
    let known = sessions::is_known_device(&app.db, user.id, (&network, &visit.agent)).await?;
    let methods: Vec<String> = methods.iter().map(|method| (*method).to_owned()).collect();
    let mut tx = app.db.begin().await?;
    if let Some(before) = &visit.cookie {
        sessions::delete(&mut *tx, &before.hash()).await?;
    }
    let new = sessions::New {
        user: user.id,
        host: &visit.place.host,
        level,
        methods: &methods,
        is_remembered,
        network: &network,
        agent: &visit.agent,
        now: visit.now,
        expires_at: session::expires(None, visit.now),
        impersonator: None,
    };
    sessions::insert(&mut *tx, &secret.hash(), &new).await?;
    let details = json!({ "methods": methods, "new_device": !known });
    visit.tell(&mut *tx, Some(user.id), "signed_in", details).await?;
    tx.commit().await?;
    if !known {
        notices::new_device(app, visit, user).await?;
    }
    Ok(secret)
}

/// Whether a session still stands, by what somebody is now.
pub fn stands(found: &sessions::Found, now: DateTime<Utc>) -> bool {
    let role = found.role.as_deref().and_then(Role::from_name);
    session::stands(role, (found.created_at, found.seen_at, found.expires_at), now)
}

/// Ends the session asked with.
///
/// # Errors
/// A store that does not answer.
pub async fn end(app: &App, visit: &Visit, viewer: &Viewer) -> Result<(), Error> {
    if let Some(secret) = &visit.cookie {
        sessions::delete(&app.db, &secret.hash()).await?;
        visit.note(app, viewer.user, "signed_out").await?;
    }
    Ok(())
}
