//! `/accounts/people/`: who is what on the site, and who was asked to be.

mod one;

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};

use super::{Sheet, enter, sheet, with_cookie};
use crate::{
    accounts::{
        flows::{Visit, people as flow},
        role::Role,
        session,
    },
    app::App,
    auth::Viewer,
    error::Error,
    i18n::Text,
    pages::{
        address::Address,
        parts::{Chip, Choice, Field, OwnCard, OwnForm, OwnRow, Tone},
        request::Asked,
        shell::Here,
        typed::{Typed, Wrong, mendable},
    },
    queries::accounts::people::{self, Invitation, Person},
    tenant::TenantCtx,
};

const HOME: &str = "/accounts/people/";
const LIMIT: usize = 50;

/// `GET /accounts/people/`
pub(in crate::pages) async fn show(
    ctx: TenantCtx,
    visit: Visit,
    asked: Asked,
    address: Address,
) -> Result<Response, Error> {
    list(&ctx, &visit, (&asked, &address), (&Typed::default(), &Wrong::default())).await
}

/// `POST /accounts/people/`: asks somebody.
pub(in crate::pages) async fn invite(
    ctx: TenantCtx,
    visit: Visit,
    viewer: Viewer,
    asked: Asked,
    typed: Typed,
) -> Result<Response, Error> {
    let invited = async {
        let change = read(&typed)?;
        flow::invite(&ctx, &visit, &viewer, (typed.get("email"), &change), asked.t).await
    };
    match mendable(invited.await)? {
        Ok(()) => Ok(Redirect::to("/accounts/people/?done=invited").into_response()),
        Err(wrong) => list(&ctx, &visit, (&asked, &Address::of(HOME)), (&typed, &wrong)).await,
    }
}

/// `POST /accounts/people/invitations/{id}/revoke/`
pub(in crate::pages) async fn revoke(
    ctx: TenantCtx,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Redirect, Error> {
    let id = id.parse().map_err(|_| Error::NotFound("invitation"))?;
    ctx.db.write(async |tx| people::revoke(tx, id, visit.now).await).await?;
    Ok(Redirect::to("/accounts/people/?done=uninvited"))
}

/// `GET /accounts/people/{id}/`
pub(in crate::pages) async fn one(
    ctx: TenantCtx,
    asked: Asked,
    address: Address,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let person = people::get(&ctx.db, user(&id)?).await?;
    let typed = Typed::default()
        .with("role", person.role.as_str())
        .with("programs", ids("prg_", person.programs.as_deref()))
        .with("affiliates", ids("aff_", person.affiliates.as_deref()));
    one::page(&asked, &person, (&typed, &Wrong::default()), address.get("done"))
}

/// `POST /accounts/people/{id}/`: makes them something else.
pub(in crate::pages) async fn change(
    ctx: TenantCtx,
    visit: Visit,
    viewer: Viewer,
    asked: Asked,
    (Path(id), typed): (Path<String>, Typed),
) -> Result<Response, Error> {
    let person = people::get(&ctx.db, user(&id)?).await?;
    let changed = async {
        let change = read(&typed)?;
        flow::change(&ctx, &visit, (&viewer, person.user_id), &change).await
    };
    match mendable(changed.await)? {
        Ok(()) => Ok(Redirect::to(&format!("{HOME}{id}/?done=changed")).into_response()),
        Err(wrong) => one::page(&asked, &person, (&typed, &wrong), ""),
    }
}

/// `POST /accounts/people/{id}/suspend/`: with `active=true` it lets them in again.
pub(in crate::pages) async fn suspend(
    ctx: TenantCtx,
    visit: Visit,
    viewer: Viewer,
    Path(id): Path<String>,
    typed: Typed,
) -> Result<Redirect, Error> {
    let is_active = typed.get("active") == "true";
    flow::set_active(&ctx, &visit, (&viewer, user(&id)?), is_active).await?;
    let done = if is_active { "resumed" } else { "suspended" };
    Ok(Redirect::to(&format!("{HOME}{id}/?done={done}")))
}

/// `POST /accounts/people/{id}/sessions/end/`
pub(in crate::pages) async fn end_sessions(
    ctx: TenantCtx,
    visit: Visit,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Redirect, Error> {
    flow::end_sessions(&ctx, &visit, (&viewer, user(&id)?)).await?;
    Ok(Redirect::to(&format!("{HOME}{id}/?done=sessions-ended")))
}

/// `POST /accounts/people/{id}/2fa/reset/`
pub(in crate::pages) async fn reset_factors(
    ctx: TenantCtx,
    visit: Visit,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Redirect, Error> {
    flow::reset_factors(&ctx, &visit, (&viewer, user(&id)?)).await?;
    Ok(Redirect::to(&format!("{HOME}{id}/?done=factors-reset")))
}

/// `POST /accounts/people/{id}/impersonate/`
pub(in crate::pages) async fn impersonate(
    ctx: TenantCtx,
    visit: Visit,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let secret = flow::impersonate(&ctx, &visit, (&viewer, user(&id)?)).await?;
    let there = enter(&visit, &secret, false, "/dashboard/")?;
    // The way back to who one is.
    let own = session::own_cookie(visit.cookie.as_ref(), visit.place.is_secure);
    with_cookie(there, &own)
}

/// `POST /accounts/impersonation/end/`
pub(in crate::pages) async fn end_impersonation(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
) -> Result<Response, Error> {
    if !viewer.is_impersonated() {
        return Err(Error::Forbidden);
    }
    crate::accounts::flows::sign_in::end(&app, &visit, &viewer).await?;
    let is_secure = visit.place.is_secure;
    let back = Redirect::to(HOME).into_response();
    let back = match &visit.own {
        Some(own) => with_cookie(back, &session::cookie(own, is_secure, false))?,
        None => with_cookie(back, &session::no_cookie(is_secure))?,
    };
    with_cookie(back, &session::own_cookie(None, is_secure))
}

fn user(id: &str) -> Result<i64, Error> {
    let id = id.strip_prefix("usr_").and_then(|id| id.parse().ok());
    id.ok_or(Error::NotFound("person"))
}

fn read(typed: &Typed) -> Result<people::Change, Error> {
    flow::read(typed.get("role"), typed.get("programs"), typed.get("affiliates"))
}

fn ids(prefix: &str, ids: Option<&[i64]>) -> String {
    let all: Vec<String> =
        ids.unwrap_or_default().iter().map(|id| format!("{prefix}{id}")).collect();
    all.join(", ")
}

async fn list(
    ctx: &TenantCtx,
    visit: &Visit,
    (asked, address): (&Asked, &Address),
    (typed, wrong): (&Typed, &Wrong),
) -> Result<Response, Error> {
    let t = asked.t;
    let after = match address.get("starting_after") {
        "" => None,
        id => Some(user(id)?),
    };
    let find = (address.get("q"), address.get("role"));
    let mut rows = people::list(&ctx.db, find, after, LIMIT as i64 + 1).await?;
    let has_more = rows.len() > LIMIT;
    rows.truncate(LIMIT);
    let next = rows.last().filter(|_| has_more).map_or_else(String::new, |last| {
        address.with("starting_after", &format!("usr_{}", last.user_id)).to_string()
    });
    let invited = people::invitations(&ctx.db, visit.now).await?;
    let said = match address.get("done") {
        "invited" => Some((t.say("done-invited"), false)),
        "uninvited" => Some((t.say("done-uninvited"), false)),
        _ => None,
    };
    let mut cards = vec![OwnCard {
        said,
        rows: rows.iter().map(|one| row(t, visit, one)).collect(),
        nothing: t.say("people-none"),
        ..OwnCard::new(t, t.say("people-all"), String::new())
    }];
    if asked.shell(Here::People, String::new()).changes_people() {
        cards.push(invite_card(t, &invited, typed, wrong));
    }
    let find = Field::line("q", t.say("filter-people"), address.get("q")).typed("search");
    let sheet_of = Sheet {
        here: Here::People,
        title: t.say("nav-people"),
        cards,
        next,
        find: Some((HOME, find.within("find"))),
        crumbs: Vec::new(),
    };
    sheet(asked, sheet_of)
}

fn row(t: Text, visit: &Visit, one: &Person) -> OwnRow {
    let seen = match one.seen_at {
        Some(at) => t.say1("seen-last", "time", &t.near(at, visit.now, chrono_tz::Tz::UTC)),
        None => t.say("seen-never"),
    };
    let role = t.word("role", &one.role);
    OwnRow {
        title: if one.name.is_empty() { one.username.clone() } else { one.name.clone() },
        sub: format!("{role} · {} · {seen}", one.email),
        lines: Vec::new(),
        chip: (!one.is_active).then(|| Chip { text: t.say("state-suspended"), tone: Tone::Bad }),
        actions: Vec::new(),
        href: format!("{HOME}usr_{}/", one.user_id),
    }
}

fn invite_card(t: Text, invited: &[Invitation], typed: &Typed, wrong: &Wrong) -> OwnCard {
    let row = |one: &Invitation| OwnRow {
        title: one.email.clone(),
        sub: t.say_all(
            "invited-sub",
            &[
                ("role", &t.word("role", &one.role)),
                ("by", &one.invited_by),
                ("until", &t.day(one.expires_at.date_naive())),
            ],
        ),
        lines: Vec::new(),
        chip: None,
        actions: vec![(format!("{HOME}invitations/{}/revoke/", one.id), t.say("take-back"))],
        href: String::new(),
    };
    let mut fields = vec![
        Field::line("email", t.say("field-email"), typed.get("email"))
            .typed("email")
            .error(wrong.say(t, "email"))
            .required(),
    ];
    fields.extend(role_fields(t, typed, wrong));
    OwnCard {
        rows: invited.iter().map(row).collect(),
        forms: vec![OwnForm::new(HOME, fields, t.say("invite"))],
        ..OwnCard::new(t, t.say("invite-title"), t.say("invite-text"))
    }
}

fn role_fields(t: Text, typed: &Typed, wrong: &Wrong) -> Vec<Field> {
    let choices = Role::ALL
        .map(|role| Choice { value: role.name().to_owned(), label: t.word("role", role.name()) });
    let chosen = if typed.get("role").is_empty() { "manager" } else { typed.get("role") };
    vec![
        Field::select("role", t.say("field-role"), chosen, choices.into())
            .error(wrong.say(t, "role")),
        Field::line("programs", t.say("field-only-programs"), typed.get("programs"))
            .hint(t.say("hint-only-programs"))
            .error(wrong.say(t, "programs")),
        Field::line("affiliates", t.say("field-only-affiliates"), typed.get("affiliates"))
            .hint(t.say("hint-only-affiliates"))
            .error(wrong.say(t, "affiliates")),
    ]
}
