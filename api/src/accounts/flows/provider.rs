//! Signing in by another house. Who somebody is there is its `sub` and nothing else: an address that another account
//! has connects nothing by itself, for the house may have given it to somebody new (ASVS 6.8.1).

use serde_json::{Value, json};

use super::{
    Visit,
    first::is_address,
    notices, proof,
    second::{self, Next},
    sign_up,
};
use crate::{
    accounts::{
        providers::{Claims, Provider},
        secret::{self, Secret},
    },
    app::App,
    auth::Viewer,
    error::Error,
    queries::accounts::{
        identities, memberships,
        pending::{self, Kind, Pending},
        users,
    },
    tenant::{Db, Reach},
};

/// What it is begun for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To come in.
    SignIn,
    /// To come in by it from now on.
    Connect,
    /// To prove once more who is in.
    Prove,
}

impl Purpose {
    /// The word in the address.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Connect => "connect",
            Self::Prove => "prove",
        }
    }

    /// From its word; coming in for any other.
    pub fn from_name(name: &str) -> Self {
        [Self::Connect, Self::Prove]
            .into_iter()
            .find(|one| one.name() == name)
            .unwrap_or(Self::SignIn)
    }
}

/// What it comes to.
pub enum Outcome {
    /// In, or proved: the session's secret, and where to.
    In(Secret, String),
    /// A second factor is awaited from whoever has this.
    Awaited(Secret),
    /// Connected.
    Connected,
    /// Not, and why: a word for people.
    Not(&'static str),
}

/// Where the house sends the browser back to.
fn back(app: &App, visit: &Visit, provider: &Provider) -> String {
    format!("{}/accounts/login/with/{}/done/", app.base_url(&visit.place.host), provider.name)
}

/// Begins: where the browser goes, and the secret it ends it with.
///
/// # Errors
/// `NotFound` for a house that is none of ours, `Forbidden` for what only somebody who is in may begin, `Unreachable`.
pub async fn begin(
    app: &App,
    visit: &Visit,
    viewer: Option<&Viewer>,
    (name, purpose, next): (&str, Purpose, &str),
) -> Result<(String, Secret), Error> {
    let provider = app.providers.find(name).ok_or(Error::NotFound("provider"))?;
    if purpose != Purpose::SignIn && viewer.and_then(Viewer::session).is_none() {
        return Err(Error::Unauthorized);
    }
    if purpose == Purpose::Prove && !provider.proves() {
        return Err(Error::NotFound("provider"));
    }
    let proves_at = (purpose == Purpose::Prove).then(|| visit.now.timestamp());
    let begun = provider.begin(&back(app, visit, provider), proves_at).await?;
    let browser = Secret::new()?;
    let state = json!({
        "provider": provider.name,
        "purpose": purpose.name(),
        "next": next,
        // Bound to this browser by its cookie; what comes back has to know it.
        "state": hex(&begun.state),
        "kept": begun.kept,
    });
    let user_id = viewer.filter(|_| purpose != Purpose::SignIn).map(|viewer| viewer.user);
    let place = (Kind::Provider, visit.place.host.as_str());
    pending::insert(&app.db, place, &browser.hash(), &Pending { user_id, state }, visit.now)
        .await?;
    Ok((begun.url.to_string(), browser))
}

fn hex(state: &str) -> String {
    data_encoding::HEXLOWER.encode(&secret::hash(&[state.as_bytes()]))
}

/// What came back in the address.
#[derive(Debug, Clone, Copy)]
pub struct Came<'a> {
    /// The code to ask with; empty where the person refused.
    pub code: &'a str,
    /// What was sent along.
    pub state: &'a str,
    /// Who says so, where it is said.
    pub iss: &'a str,
}

/// Ends it. Good once, in the browser that began it.
///
/// # Errors
/// `Unreachable`, `Busy`, or a store that does not answer.
pub async fn end(
    app: &App,
    visit: &Visit,
    viewer: Option<&Viewer>,
    (name, came): (&str, Came<'_>),
) -> Result<Outcome, Error> {
    let provider = app.providers.find(name).ok_or(Error::NotFound("provider"))?;
    let Some(browser) = &visit.flow else { return Ok(Outcome::Not("provider-over")) };
    let place = (Kind::Provider, visit.place.host.as_str());
    let begun = pending::take(&app.db, place, &browser.hash(), visit.now).await?;
    let Some(begun) = begun else { return Ok(Outcome::Not("provider-over")) };
    let is_it = begun.state["provider"] == provider.name.as_str()
        && begun.state["state"] == hex(came.state).as_str()
        && (came.iss.is_empty() || provider.is_issuer(came.iss));
    if !is_it {
        return Ok(Outcome::Not("provider-over"));
    }
    if came.code.is_empty() {
        return Ok(Outcome::Not("provider-refused"));
    }
    let claims = provider.end(&back(app, visit, provider), came.code, &begun.state["kept"]).await?;
    if claims.subject.is_empty() || claims.subject.len() > 255 {
        return Ok(Outcome::Not("provider-refused"));
    }
    let purpose = Purpose::from_name(begun.state["purpose"].as_str().unwrap_or_default());
    let next = begun.state["next"].as_str().unwrap_or_default().to_owned();
    match (purpose, viewer.filter(|viewer| Some(viewer.user) == begun.user_id)) {
        (Purpose::SignIn, _) => come_in(app, visit, provider, (claims, next)).await,
        (_, None) => Ok(Outcome::Not("provider-over")),
        (Purpose::Connect, Some(viewer)) => connect(app, visit, viewer, (provider, claims)).await,
        (Purpose::Prove, Some(viewer)) => {
            let known = identities::find(&app.db, &provider.name, &claims.subject).await?;
            match (known.filter(|one| one.user_id == viewer.user), viewer.session()) {
                (Some(_), Some(session)) => {
                    let shown = (session, viewer.level, provider.name.as_str());
                    Ok(Outcome::In(proof::renew(app, visit, viewer, shown).await?, next))
                }
                _ => Ok(Outcome::Not("provider-other")),
            }
        }
    }
}

async fn come_in(
    app: &App,
    visit: &Visit,
    provider: &Provider,
    (claims, next): (Claims, String),
) -> Result<Outcome, Error> {
    let known = identities::find(&app.db, &provider.name, &claims.subject).await?;
    let user = match known {
        Some(identity) => {
            identities::touch(&app.db, identity.id, visit.now).await?;
            identity.user_id
        }
        None => match make(app, visit, provider, &claims).await? {
            Ok(user) => user,
            Err(why) => return Ok(Outcome::Not(why)),
        },
    };
    let user = users::get(&app.db, user).await?;
    if !user.is_active {
        return Ok(Outcome::Not("provider-refused"));
    }
    // The house stands for the password; whoever has a second factor shows it all the same.
    let wish = second::Wish {
        is_remembered: false,
        next: &next,
        first: &provider.name,
        is_guessed: false,
    };
    match second::after_first(app, visit, &user, &wish).await? {
        Next::In(secret) => Ok(Outcome::In(secret, next)),
        Next::Awaited(secret, _) => Ok(Outcome::Awaited(secret)),
    }
}

/// An account for somebody new, or why not.
async fn make(
    app: &App,
    visit: &Visit,
    provider: &Provider,
    claims: &Claims,
) -> Result<Result<i64, &'static str>, Error> {
    let Some(email) = claims.email.as_deref().filter(|email| is_address(email)) else {
        return Ok(Err("provider-unconfirmed"));
    };
    if users::find(&app.db, email).await?.is_some() {
        return Ok(Err("provider-known-address"));
    }
    if !sign_up::is_open(app, visit).await? {
        return Ok(Err("sign-up-closed"));
    }
    let name: String = claims.name.chars().filter(|c| !c.is_control()).take(200).collect();
    let wish = super::first::Wish { email: email.to_owned(), name, password: String::new() };
    let db = Db::new(app.db.clone(), visit.place.site, &Reach::ALL);
    let mut tx = db.begin().await?;
    let username = wish.username();
    // `!` is no hash: nobody signs in by a password until one is set.
    let made = users::insert(&mut tx, (&username, email, &wish.name), "!", visit.now).await?;
    let Some(user) = made else { return Ok(Err("provider-known-address")) };
    users::verify_email(&mut *tx, user, email, visit.now).await?;
    let who = (provider.name.as_str(), claims.subject.as_str(), email);
    identities::insert(&mut *tx, user, who, visit.now).await?;
    let called = if wish.name.is_empty() { &username } else { &wish.name };
    memberships::join_as_affiliate(&mut tx, user, (called, email)).await?;
    tx.commit().await?;
    visit.tell(&app.db, Some(user), "signed_up", json!({ "provider": provider.name })).await?;
    Ok(Ok(user))
}

async fn connect(
    app: &App,
    visit: &Visit,
    viewer: &Viewer,
    (provider, claims): (&Provider, Claims),
) -> Result<Outcome, Error> {
    let called = claims.email.as_deref().unwrap_or(&claims.name);
    let called: String = called.chars().filter(|c| !c.is_control()).take(254).collect();
    let who = (provider.name.as_str(), claims.subject.as_str(), called.as_str());
    if !identities::insert(&app.db, viewer.user, who, visit.now).await? {
        let known = identities::find(&app.db, &provider.name, &claims.subject).await?;
        let is_theirs = known.is_some_and(|one| one.user_id == viewer.user);
        return Ok(if is_theirs { Outcome::Connected } else { Outcome::Not("provider-taken") });
    }
    tell(app, visit, viewer, ("identity_added", json!({ "provider": provider.name }))).await?;
    Ok(Outcome::Connected)
}

/// Takes a connected house away. Whoever has no password needs another way in first.
///
/// # Errors
/// `Invalid` for the last way in, `NotFound` for none of theirs, or a store that does not answer.
pub async fn disconnect(app: &App, visit: &Visit, viewer: &Viewer, id: i64) -> Result<(), Error> {
    let all = identities::list(&app.db, viewer.user).await?;
    let one = all.iter().find(|one| one.id == id).ok_or(Error::NotFound("identity"))?;
    let user = users::get(&app.db, viewer.user).await?;
    if user.password == "!" && all.len() == 1 {
        return Err(Error::field("identity", "last_way", "set a password first"));
    }
    let provider = one.provider.clone();
    identities::delete(&app.db, viewer.user, id).await?;
    tell(app, visit, viewer, ("identity_removed", json!({ "provider": provider }))).await
}

async fn tell(
    app: &App,
    visit: &Visit,
    viewer: &Viewer,
    (event, details): (&str, Value),
) -> Result<(), Error> {
    visit.tell(&app.db, Some(viewer.user), event, details).await?;
    notices::factors_changed(app, visit, viewer.user, event).await
}
