//! A new account: asked for, and confirmed by whoever reads the address. The answer is the same whether there is one
//! already; what there is to say, a mail says.

use super::{Visit, first::Wish, sign_in};
use crate::{
    accounts::{
        hashing::Verdict,
        secret::{self, Secret},
    },
    app::App,
    error::Error,
    i18n::Text,
    limits,
    mail::{self, letters},
    queries::{
        accounts::{
            codes::{self, Code, Kind},
            memberships,
            users::{self, User},
        },
        sites,
    },
    tenant::{Db, Reach},
};

/// Whether a site takes new accounts from anybody.
///
/// # Errors
/// A store that does not answer.
pub async fn is_open(app: &App, visit: &Visit) -> Result<bool, Error> {
    let db = Db::new(app.db.clone(), visit.place.site, &Reach::ALL);
    Ok(sites::takes_sign_ups(&db).await?)
}

/// Takes a wish for an account, and gives the secret of the browser that may type the mailed code.
///
/// # Errors
/// `Forbidden` where nobody is taken, `TooOften`, `Busy`, or a store that does not answer.
pub async fn begin(app: &App, visit: &Visit, wish: &Wish, t: Text) -> Result<Secret, Error> {
    if !is_open(app, visit).await? {
        return Err(Error::Forbidden);
    }
    app.limits.take(limits::SIGN_UP, &visit.place.address.to_string(), visit.now_ms()).await?;
    let hash = app.hashing.hash(wish.password.clone()).await.map_err(|_| Error::Busy)?;
    let hash = hash.map_err(|error| Error::Fault(error.to_string()))?;
    let browser = Secret::new()?;
    let mut tx = app.db.begin().await?;
    let who = (wish.username(), wish.email.as_str(), wish.name.as_str());
    let made = users::insert(&mut tx, (&who.0, who.1, who.2), &hash, visit.now).await?;
    let known = users::find(&mut *tx, &wish.email).await?;
    let user = known.ok_or_else(|| Error::Fault("an account that is not there".to_owned()))?;
    if made.is_none() && user.email_verified_at.is_none() {
        // Nobody has shown that the address is theirs: the latest wish counts, and the links of before are dead.
        users::set_password(&mut *tx, user.id, &hash, visit.now).await?;
    }
    tx.commit().await?;
    if mail::may_send(app, &user.email, visit.now_ms()).await {
        match user.email_verified_at {
            Some(_) => mail::send(app, visit, &letters::already(to(app, visit, t, &user))).await?,
            None => send_confirm(app, visit, &user, (t, &browser)).await?,
        }
    }
    if let Some(id) = made {
        visit.note(app, id, "signed_up").await?;
    }
    Ok(browser)
}

/// Sends the link and the code once more, where one may be sent.
///
/// # Errors
/// A store that does not answer.
pub async fn again(app: &App, visit: &Visit, user: &User, t: Text) -> Result<Secret, Error> {
    let browser = Secret::new()?;
    if mail::may_send(app, &user.email, visit.now_ms()).await {
        send_confirm(app, visit, user, (t, &browser)).await?;
    }
    Ok(browser)
}

fn to<'a>(app: &'a App, visit: &'a Visit, t: Text, user: &'a User) -> letters::To<'a> {
    letters::To { app, visit, t, address: &user.email, name: user.called() }
}

async fn send_confirm(
    app: &App,
    visit: &Visit,
    user: &User,
    (t, browser): (Text, &Secret),
) -> Result<(), Error> {
    let (token, code) = (Secret::new()?, secret::code()?);
    let new = codes::New {
        kind: Kind::Confirm,
        user: user.id,
        email: &user.email,
        host: &visit.place.host,
        token: token.hash(),
        code: Some((code_hash(&code, browser), browser.hash())),
        now: visit.now,
    };
    let db = Db::new(app.db.clone(), visit.place.site, &Reach::ALL);
    let letter = letters::confirm(to(app, visit, t, user), token.text(), &code);
    let mut tx = db.begin().await?;
    codes::insert(&mut tx, &new).await?;
    mail::enqueue(&mut tx, app, visit, &letter).await?;
    Ok(tx.commit().await?)
}

/// A code is kept with the browser's secret: the table alone does not let anybody guess it.
pub(super) fn code_hash(code: &str, browser: &Secret) -> secret::Hash {
    secret::hash(&[b"mailed code", code.as_bytes(), browser.text().as_bytes()])
}

/// What a link of a mail is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// Opened by the browser that asked for the account.
    Own,
    /// Opened by another: whoever reads the mail has to know the password, too. Somebody may have asked for an account
    /// under an address that is not theirs.
    Foreign,
}

/// Looks at a link without using it.
///
/// # Errors
/// `NotFound` for one that is none or no longer good, or a store that does not answer.
pub async fn look(app: &App, visit: &Visit, token: &str) -> Result<(Link, Code), Error> {
    let gone = || Error::NotFound("link of a mail");
    let token = Secret::read(token).ok_or_else(gone)?;
    let place = (Kind::Confirm, visit.place.host.as_str());
    let code = codes::by_token(&app.db, place, &token.hash(), visit.now).await?.ok_or_else(gone)?;
    let browser = visit.flow.as_ref().map(|flow| flow.hash().to_vec());
    let link = if code.browser_hash == browser { Link::Own } else { Link::Foreign };
    Ok((link, code))
}

/// Confirms by a link, with the password where another browser asked for the account; `None` for a wrong one.
///
/// # Errors
/// As [`look`]; `TooOften`, `Busy`.
pub async fn confirm_by_link(
    app: &App,
    visit: &Visit,
    (token, password): (&str, &str),
) -> Result<Option<Secret>, Error> {
    let (link, code) = look(app, visit, token).await?;
    if link == Link::Foreign {
        let address = visit.place.address.to_string();
        app.limits
            .attempt(limits::WRONG_PASSWORD, &format!("{}@{address}", code.user_id), visit.now_ms())
            .await?;
        let user = users::get(&app.db, code.user_id).await?;
        let verdict = app.hashing.verify(password.to_owned(), Some(user.password)).await;
        if verdict.map_err(|_| Error::Busy)? == Verdict::Wrong {
            return Ok(None);
        }
    }
    confirm(app, visit, &code).await.map(Some)
}

/// Confirms by a code that was typed; `None` for a wrong one.
///
/// # Errors
/// `TooOften`, or a store that does not answer.
pub async fn confirm_by_code(
    app: &App,
    visit: &Visit,
    typed: &str,
) -> Result<Option<Secret>, Error> {
    app.limits.take(limits::CODE_ADDRESS, &visit.place.address.to_string(), visit.now_ms()).await?;
    let (Some(typed), Some(browser)) = (secret::read_code(typed), &visit.flow) else {
        return Ok(None);
    };
    let place = (Kind::Confirm, visit.place.host.as_str());
    let shown = (&code_hash(&typed, browser), &browser.hash());
    match codes::by_code(&app.db, place, shown, visit.now).await? {
        Some(code) => confirm(app, visit, &code).await.map(Some),
        None => Ok(None),
    }
}

async fn confirm(app: &App, visit: &Visit, code: &Code) -> Result<Secret, Error> {
    let gone = || Error::NotFound("link of a mail");
    let db = Db::new(app.db.clone(), visit.place.site, &Reach::ALL);
    let db = db.acting(code.user_id, &visit.network(), "");
    let user = users::get(&app.db, code.user_id).await?;
    let mut tx = db.begin().await?;
    let first = codes::delete(&mut *tx, code.id).await?;
    if !first || !users::verify_email(&mut *tx, user.id, &code.email, visit.now).await? {
        return Err(gone());
    }
    memberships::join_as_affiliate(&mut tx, user.id, (user.called(), &user.email)).await?;
    tx.commit().await?;
    visit.note(app, user.id, "email_confirmed").await?;
    sign_in::begin(app, visit, &user, (1, &["password"]), false).await
}
