//! The second factor, the first being right: nobody is signed in until it is shown.

use serde_json::{Value, json};

use super::{Visit, mailed, passkeys, sign_in};
use crate::{
    accounts::{secret::Secret, totp},
    app::App,
    error::Error,
    limits,
    queries::accounts::{
        factors::{self, Factors},
        pending::{self, Kind, Pending},
        users::{self, User},
    },
};

/// What comes after the first thing that was shown.
pub enum Next {
    /// Signed in.
    In(Secret),
    /// A second factor or a mailed code is awaited from whoever has this secret.
    Awaited(Secret, By),
}

/// What is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A second factor.
    Factor,
    /// A code out of a mail, for want of one, while passwords are being guessed.
    Mail,
}

impl By {
    /// As the state of a step says.
    pub fn of(state: &Value) -> Self {
        if state["by"] == "mail" { Self::Mail } else { Self::Factor }
    }
}

/// How somebody wants to come in, who has shown a first thing.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// Kept when the browser closes.
    pub is_remembered: bool,
    /// Where to go on.
    pub next: &'a str,
    /// What was shown: `password`, or another house by its name.
    pub first: &'a str,
    /// Passwords of this account are being guessed.
    pub is_guessed: bool,
}

/// Begins a session, or waits for the second factor of who has one.
///
/// # Errors
/// A store that does not answer.
pub async fn after_first(
    app: &App,
    visit: &Visit,
    user: &User,
    wish: &Wish<'_>,
) -> Result<Next, Error> {
    let by = match factors::of(&app.db, user.id, &visit.place.host).await?.any() {
        true => By::Factor,
        false if wish.is_guessed => By::Mail,
        false => {
            let proof = (1, &[wish.first][..]);
            let begun = sign_in::begin(app, visit, user, proof, wish.is_remembered).await?;
            return Ok(Next::In(begun));
        }
    };
    let secret = Secret::new()?;
    let word = if by == By::Mail { "mail" } else { "factor" };
    let state = json!({
        "remembered": wish.is_remembered,
        "next": wish.next,
        "first": wish.first,
        "by": word,
    });
    let pending = Pending { user_id: Some(user.id), state };
    let place = (Kind::SecondFactor, visit.place.host.as_str());
    pending::insert(&app.db, place, &secret.hash(), &pending, visit.now).await?;
    if by == By::Mail {
        mailed::send(app, visit, user, &secret).await?;
    }
    Ok(Next::Awaited(secret, by))
}

/// Who is awaited, and what they have to show.
///
/// # Errors
/// `NotFound` where nobody is (any more), or a store that does not answer.
pub async fn awaited(app: &App, visit: &Visit) -> Result<(User, Factors, Value), Error> {
    let gone = || Error::NotFound("step of signing in");
    let secret = visit.flow.as_ref().ok_or_else(gone)?;
    let place = (Kind::SecondFactor, visit.place.host.as_str());
    let found = pending::find(&app.db, place, &secret.hash(), visit.now).await?;
    let found = found.ok_or_else(gone)?;
    let user = users::get(&app.db, found.user_id.ok_or_else(gone)?).await?;
    let has = factors::of(&app.db, user.id, &visit.place.host).await?;
    if user.is_active { Ok((user, has, found.state)) } else { Err(gone()) }
}

/// Signs in with a code of an app, a recovery code or the mailed one; `None` for a wrong one. The try is counted before it is looked at.
///
/// # Errors
/// `TooOften`, `NotFound` where nobody is awaited, or a store that does not answer.
pub async fn by_code(
    app: &App,
    visit: &Visit,
    typed: &str,
) -> Result<Option<(Secret, Value)>, Error> {
    let (user, _, state) = awaited(app, visit).await?;
    if By::of(&state) == By::Mail {
        return match mailed::check(app, visit, &user, typed).await? {
            true => end(app, visit, &user, "mailed_code", state).await.map(Some),
            false => Ok(None),
        };
    }
    match check(app, visit, &user, typed).await? {
        Some(method) => end(app, visit, &user, method, state).await.map(Some),
        None => Ok(None),
    }
}

/// Which factor a typed code is of, and uses it up.
///
/// # Errors
/// `TooOften`, or a store that does not answer.
pub(super) async fn check(
    app: &App,
    visit: &Visit,
    user: &User,
    typed: &str,
) -> Result<Option<&'static str>, Error> {
    let limited =
        app.limits.take(limits::SECOND_FACTOR, &user.id.to_string(), visit.now_ms()).await;
    if limited.is_err() {
        visit.note(app, user.id, "second_factor_limited").await?;
    }
    limited?;
    let shown = match totp::recovery_hash(typed) {
        Some(code) => {
            let right = factors::use_recovery_code(&app.db, user.id, &code, visit.now).await?;
            right.then_some("recovery_code")
        }
        None => match step_of(app, visit, user, (typed, true)).await? {
            Some(step) => {
                let new = factors::use_step(&app.db, user.id, step, visit.now).await?;
                new.then_some("totp")
            }
            None => None,
        },
    };
    match shown {
        Some("recovery_code") => visit.note(app, user.id, "recovery_code_used").await?,
        Some(_) => {}
        None => visit.note(app, user.id, "second_factor_failed").await?,
    }
    // A right one is none of the guesses that are counted.
    if shown.is_some() {
        app.limits.give_back(limits::SECOND_FACTOR, &user.id.to_string()).await;
    }
    Ok(shown)
}

/// The step a code is of, by the secret that is confirmed, or that shall be.
pub(super) async fn step_of(
    app: &App,
    visit: &Visit,
    user: &User,
    (typed, is_confirmed): (&str, bool),
) -> Result<Option<i64>, Error> {
    let Some(sealed) = factors::totp(&app.db, user.id, is_confirmed).await? else {
        return Ok(None);
    };
    let secret = app.seal.open(&whose(user.id), &sealed);
    let secret = secret.map_err(|error| Error::Fault(error.to_string()))?;
    let now_s = u64::try_from(visit.now.timestamp()).unwrap_or_default();
    Ok(totp::check(&secret, typed, now_s))
}

/// What a sealed secret of an app belongs to.
pub(super) fn whose(user: i64) -> String {
    format!("accounts_totp.secret/{user}")
}

/// What a browser is asked for a passkey of who is awaited.
///
/// # Errors
/// As [`awaited`]; `NotFound` for who has none here.
pub async fn ask_passkey(app: &App, visit: &Visit) -> Result<Value, Error> {
    let (user, ..) = awaited(app, visit).await?;
    let asked = passkeys::ask_of(app, visit, user.id).await?;
    let secret = visit.flow.as_ref().ok_or(Error::NotFound("step of signing in"))?;
    pending::put(&app.db, &secret.hash(), "passkey", &asked.state).await?;
    Ok(asked.options)
}

/// Signs in with a passkey beside the password.
///
/// # Errors
/// As [`awaited`]; `WrongPassword` for a passkey that does not prove it.
pub async fn by_passkey(app: &App, visit: &Visit, answer: Value) -> Result<(Secret, Value), Error> {
    let (user, _, state) = awaited(app, visit).await?;
    passkeys::judge_of(app, visit, user.id, (state["passkey"].clone(), answer)).await?;
    end(app, visit, &user, "passkey", state).await
}

async fn end(
    app: &App,
    visit: &Visit,
    user: &User,
    method: &str,
    state: Value,
) -> Result<(Secret, Value), Error> {
    let gone = || Error::NotFound("step of signing in");
    let secret = visit.flow.as_ref().ok_or_else(gone)?;
    let place = (Kind::SecondFactor, visit.place.host.as_str());
    // Used up before anybody is in: the second of two who come at once finds nothing.
    pending::take(&app.db, place, &secret.hash(), visit.now).await?.ok_or_else(gone)?;
    let remembered = state["remembered"].as_bool() == Some(true);
    let level = if By::of(&state) == By::Mail { 1 } else { 2 };
    let first = state["first"].as_str().unwrap_or("password");
    let proof = (level, &[first, method][..]);
    Ok((sign_in::begin(app, visit, user, proof, remembered).await?, state))
}
