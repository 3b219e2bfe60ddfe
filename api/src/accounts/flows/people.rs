//! Who is what on a site: changed, suspended, invited, looked through the eyes of.

use chrono::TimeDelta;
use schemas::ids::PLATFORM;
use serde_json::json;

use super::{Visit, first::is_address, notices, password};
use crate::{
    accounts::{role::Role, secret::Secret},
    app::App,
    auth::Viewer,
    error::{Error, Field},
    i18n::Text,
    mail::{self, letters},
    queries::accounts::{
        emails, factors, own, passkeys,
        people::{self, Change, Invitation},
        sessions,
        users::{self, User},
    },
    tenant::{Db, Reach, TenantCtx, Tx},
};

/// How long an invitation is good.
const INVITED: TimeDelta = TimeDelta::days(7);
/// How long somebody may look through another's eyes.
const IMPERSONATED: TimeDelta = TimeDelta::hours(1);

/// What somebody shall be, as it was typed: ids by comma, empty for all.
///
/// # Errors
/// `Invalid` with every field that is wrong.
pub fn read(role: &str, programs: &str, affiliates: &str) -> Result<Change, Error> {
    let mut wrong = Vec::new();
    let mut ids = |field: &'static str, prefix: &str, text: &str| {
        let parts = text.split([',', ' ', '\n']).map(str::trim).filter(|part| !part.is_empty());
        let read = |part: &str| part.strip_prefix(prefix).unwrap_or(part).parse::<u32>().ok();
        let ids: Option<Vec<i64>> = parts.map(|part| read(part).map(i64::from)).collect();
        if ids.as_ref().is_none_or(|ids| ids.len() > 1000) {
            wrong.push(Field::new(field, "invalid_id", "ids by comma, at most 1000"));
        }
        ids.filter(|ids| !ids.is_empty())
    };
    let (programs, affiliates) =
        (ids("programs", "prg_", programs), ids("affiliates", "aff_", affiliates));
    let role = Role::from_name(role);
    match role {
        None => wrong.push(Field::new("role", "unknown", "this is no role")),
        Some(Role::Advertiser) if programs.is_none() => {
            wrong.push(Field::new("programs", "required", "an advertiser has its programs"));
        }
        Some(Role::Affiliate) if affiliates.is_none() => {
            wrong.push(Field::new("affiliates", "required", "an affiliate is one"));
        }
        Some(_) => {}
    }
    match (wrong.is_empty(), role) {
        (true, Some(role)) => Ok(Change { role, programs, affiliates }),
        _ => Err(Error::Invalid(wrong)),
    }
}

/// Makes somebody something else; their sessions end, and they sign in as what they are now.
///
/// # Errors
/// `Forbidden` for oneself, `NotFound`, `Invalid` for ids of no program or affiliate of the site.
pub async fn change(
    ctx: &TenantCtx,
    visit: &Visit,
    (viewer, user): (&Viewer, i64),
    change: &Change,
) -> Result<(), Error> {
    not_oneself(viewer, user)?;
    let mut tx = ctx.db.begin().await?;
    refuse_strangers(&mut tx, change).await?;
    people::update(&mut tx, user, change).await?;
    sessions::delete_at(&mut *tx, user, &visit.place.host).await?;
    tx.commit().await?;
    let details = json!({ "role": change.role.name() });
    Ok(visit.tell(ctx.db.of_no_site(), Some(user), "role_changed", details).await?)
}

/// Suspends somebody, or lets them in again: from their next request on.
///
/// # Errors
/// `Forbidden` for oneself, `NotFound`.
pub async fn set_active(
    ctx: &TenantCtx,
    visit: &Visit,
    (viewer, user): (&Viewer, i64),
    is_active: bool,
) -> Result<(), Error> {
    not_oneself(viewer, user)?;
    let mut tx = ctx.db.begin().await?;
    people::set_active(&mut tx, user, is_active).await?;
    if !is_active {
        sessions::delete_at(&mut *tx, user, &visit.place.host).await?;
    }
    tx.commit().await?;
    let kind = if is_active { "resumed" } else { "suspended" };
    Ok(visit.tell(ctx.db.of_no_site(), Some(user), kind, json!({})).await?)
}

/// Ends somebody's sessions here, and changes nothing else.
///
/// # Errors
/// `Forbidden` for oneself, `NotFound`.
pub async fn end_sessions(
    ctx: &TenantCtx,
    visit: &Visit,
    (viewer, user): (&Viewer, i64),
) -> Result<(), Error> {
    not_oneself(viewer, user)?;
    people::get(&ctx.db, user).await?;
    sessions::delete_at(ctx.db.of_no_site(), user, &visit.place.host).await?;
    let details = json!({ "by": viewer.username });
    Ok(visit.tell(ctx.db.of_no_site(), Some(user), "sessions_ended", details).await?)
}

/// Takes away the factors that somebody lost: they come in by their password, and set up others. All their sessions end,
/// and all their addresses are told. An account is its owner's on every site: whoever is on another one as well asks the
/// platform's people.
///
/// # Errors
/// `Forbidden` for oneself and for somebody of other sites, `NotFound`.
pub async fn reset_factors(
    ctx: &TenantCtx,
    visit: &Visit,
    (viewer, user): (&Viewer, i64),
) -> Result<(), Error> {
    not_oneself(viewer, user)?;
    people::get(&ctx.db, user).await?;
    let sites = own::sites(ctx.db.of_no_site(), user).await?;
    let is_elsewhere = sites.iter().any(|site| site.site_id != ctx.site.to_sql());
    if is_elsewhere && ctx.site != PLATFORM {
        return Err(Error::Forbidden);
    }
    let others = emails::list(ctx.db.of_no_site(), user).await?;
    let mut tx = ctx.db.begin().await?;
    factors::delete_totp(&mut *tx, user).await?;
    factors::put_recovery_codes(&mut tx, user, &[]).await?;
    passkeys::delete_all(&mut *tx, user).await?;
    sessions::delete_others(&mut *tx, user, None).await?;
    let details = json!({ "by": viewer.username });
    visit.tell(&mut *tx, Some(user), "factors_reset", details).await?;
    tx.commit().await?;
    let others: Vec<&str> = others.iter().map(|one| one.email.as_str()).collect();
    notices::email_changed(ctx, visit, user, ("factors_reset", &others)).await
}

/// Asks somebody to be something.
///
/// # Errors
/// `Invalid`, `Busy` when the queue of mail is full.
pub async fn invite(
    ctx: &TenantCtx,
    visit: &Visit,
    viewer: &Viewer,
    (email, change): (&str, &Change),
    t: Text,
) -> Result<(), Error> {
    let email = email.trim();
    if !is_address(email) {
        return Err(Error::field("email", "invalid_email", "an address such as anna@example.org"));
    }
    let token = Secret::new()?;
    let mut tx = ctx.db.begin().await?;
    refuse_strangers(&mut tx, change).await?;
    let times = (visit.now, visit.now + INVITED);
    people::invite(&mut tx, (email, viewer.user), change, &token.hash(), times).await?;
    let to = letters::To { app: ctx, visit, t, address: email, name: email };
    let letter = letters::invited(to, (viewer.called(), change.role), token.text());
    mail::enqueue(&mut tx, ctx, visit, &letter).await?;
    Ok(tx.commit().await?)
}

/// Looks at an invitation: what it says, and whether its address has an account.
///
/// # Errors
/// `NotFound` for one that is none or over.
pub async fn look(
    app: &App,
    visit: &Visit,
    token: &str,
) -> Result<(Invitation, Option<User>), Error> {
    let token = Secret::read(token).ok_or(Error::NotFound("invitation"))?;
    let mut tx = site(app, visit).begin().await?;
    let found = people::invitation(&mut tx, &token.hash(), visit.now).await?;
    let user = users::find(&mut *tx, &found.email).await?;
    Ok((found, user))
}

/// Accepts as who is signed in: the invited address's own account.
///
/// # Errors
/// `NotFound`, `Forbidden` for another account.
pub async fn accept(app: &App, visit: &Visit, viewer: &Viewer, token: &str) -> Result<(), Error> {
    let token = Secret::read(token).ok_or(Error::NotFound("invitation"))?;
    let db = site(app, visit).acting(viewer.user, &visit.network(), "");
    let mut tx = db.begin().await?;
    let found = people::invitation(&mut tx, &token.hash(), visit.now).await?;
    if !found.email.eq_ignore_ascii_case(&viewer.email) {
        return Err(Error::Forbidden);
    }
    people::accept(&mut tx, viewer.user, &found, visit.now).await?;
    tx.commit().await?;
    Ok(visit.note(app, viewer.user, "invitation_accepted").await?)
}

/// Accepts as somebody new: the mail shows that they read the address.
///
/// # Errors
/// `NotFound`, `Invalid` for a password that is none or an address that has an account, `Busy`.
pub async fn accept_as_new(
    app: &App,
    visit: &Visit,
    token: &str,
    (name, new): (&str, &str),
) -> Result<User, Error> {
    let (found, user) = look(app, visit, token).await?;
    let token = Secret::read(token).ok_or(Error::NotFound("invitation"))?;
    if user.is_some() {
        return Err(Error::field("email", "taken", "sign in with the account of this address"));
    }
    let wish = super::first::Wish::read(&found.email, name, new)?;
    let hash = password::hash(app, new, &[&wish.email, &wish.name]).await?;
    let mut tx = site(app, visit).begin().await?;
    let found = people::invitation(&mut tx, &token.hash(), visit.now).await?;
    let who = (wish.username(), wish.email.as_str(), wish.name.as_str());
    let id = users::insert(&mut tx, (&who.0, who.1, who.2), &hash, visit.now).await?;
    let id = id.ok_or(Error::NotFound("invitation"))?;
    users::verify_email(&mut *tx, id, &wish.email, visit.now).await?;
    people::accept(&mut tx, id, &found, visit.now).await?;
    tx.commit().await?;
    visit.note(app, id, "invitation_accepted").await?;
    Ok(users::get(&app.db, id).await?)
}

/// Looks through somebody's eyes: reads what they read for an hour, changes nothing, and they can see that it was so.
///
/// # Errors
/// `Forbidden` for oneself and for admins, `NotFound` for who is not of the site.
pub async fn impersonate(
    ctx: &TenantCtx,
    visit: &Visit,
    (viewer, user): (&Viewer, i64),
) -> Result<Secret, Error> {
    not_oneself(viewer, user)?;
    let person = people::get(&ctx.db, user).await?;
    if person.role == Role::Admin.name() || !person.is_active {
        return Err(Error::Forbidden);
    }
    let secret = Secret::new()?;
    let network = visit.network();
    let methods = ["impersonation".to_owned()];
    let new = sessions::New {
        user,
        host: &visit.place.host,
        level: viewer.level,
        methods: &methods,
        is_remembered: false,
        network: &network,
        agent: &visit.agent,
        now: visit.now,
        expires_at: visit.now + IMPERSONATED,
        impersonator: Some(viewer.user),
    };
    sessions::insert(ctx.db.of_no_site(), &secret.hash(), &new).await?;
    for (of, kind) in [(user, "impersonated"), (viewer.user, "impersonates")] {
        let details = json!({ "by": viewer.username, "whom": person.username });
        visit.tell(ctx.db.of_no_site(), Some(of), kind, details).await?;
    }
    Ok(secret)
}

fn not_oneself(viewer: &Viewer, user: i64) -> Result<(), Error> {
    if viewer.user == user { Err(Error::Forbidden) } else { Ok(()) }
}

async fn refuse_strangers(tx: &mut Tx, change: &Change) -> Result<(), Error> {
    let lists = (change.programs.as_deref(), change.affiliates.as_deref());
    let lists = (lists.0.unwrap_or_default(), lists.1.unwrap_or_default());
    let (programs, affiliates) = people::strangers(tx, lists).await?;
    let wrong = [("programs", programs), ("affiliates", affiliates)]
        .into_iter()
        .filter(|(_, ids)| !ids.is_empty());
    let wrong: Vec<Field> =
        wrong.map(|(field, _)| Field::new(field, "invalid_id", "none of this site's")).collect();
    if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
}

fn site(app: &App, visit: &Visit) -> Db {
    Db::new(app.db.clone(), visit.place.site, &Reach::ALL)
}
