//! `/affiliate/programs/{id}/`: one program, its terms, and the postback URL to give to the shop.

use super::{
    HOME, form,
    join::{self, Join},
};
use crate::{
    clock,
    error::Error,
    i18n::Text,
    pages::{
        address::Address,
        html,
        parts::{Chip, Code, Crumb, Field, Toast, warnings},
        request::Asked,
        shell::{Here, Shell},
        typed::{Typed, Wrong, mendable},
    },
    queries::{
        programs::{self, Plan, PlanKind, Program, ProgramChange},
        sites,
    },
    tenant::TenantCtx,
};
use askama::Template;
use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use chrono_tz::Tz;
use schemas::ids::ProgramId;

#[derive(Template)]
#[template(path = "pages/program.html")]
struct Page {
    shell: Shell,
    crumbs: Vec<Crumb>,
    chip: Chip,
    id: String,
    destination: String,
    is_active: bool,
    postback: Code,
    token: Code,
    curl: Code,
    lines: Vec<Line>,
    terms: Vec<Field>,
    edit: form::Form,
    join: Option<Join>,
    rotate: Field,
    links: String,
    stats: String,
}

/// A line of the terms.
struct Line {
    event: String,
    pays: String,
    since: String,
    in_force: bool,
}

/// What is typed into which form again.
#[derive(Default)]
struct Again {
    edit: Option<(Typed, Wrong)>,
    terms: Option<(Typed, Wrong)>,
    rotate: Option<(Typed, String)>,
    join: Option<(Typed, Wrong)>,
}

/// `GET /affiliate/programs/{id}/`
pub(in crate::pages) async fn show(
    ctx: TenantCtx,
    asked: Asked,
    Path(id): Path<String>,
    address: Address,
) -> Result<Response, Error> {
    page(&ctx, &asked, read(&id)?, (&address, Again::default())).await
}

/// `POST /affiliate/programs/{id}/`: change, or pause and resume (`is_active`).
pub(in crate::pages) async fn change(
    ctx: TenantCtx,
    asked: Asked,
    Path(id): Path<String>,
    typed: Typed,
) -> Result<Response, Error> {
    let id = read(&id)?;
    if let Some(active) = typed.given("is_active") {
        let is_active = Some(active == "true");
        let change = ProgramChange { is_active, ..ProgramChange::default() };
        ctx.db.write(async |tx| programs::update(tx, id, &change).await).await?;
        return Ok(done(id, if active == "true" { "program-on" } else { "program-off" }));
    }
    let program = programs::get(&ctx.db, id).await?;
    let changed = async {
        let change = form::change(&program, &typed)?;
        ctx.db.write(async |tx| programs::update(tx, id, &change).await).await
    };
    match mendable(changed.await)? {
        Ok(()) => Ok(done(id, "program-saved")),
        Err(wrong) => {
            let again = Again { edit: Some((typed, wrong)), ..Again::default() };
            page(&ctx, &asked, id, (&Address::of(HOME), again)).await
        }
    }
}

/// `GET` of an address that only takes forms: the program's own page.
pub(in crate::pages) async fn back(Path(id): Path<String>) -> Result<Response, Error> {
    Ok(Redirect::to(&format!("{HOME}{}/", read(&id)?)).into_response())
}

/// `POST /affiliate/programs/{id}/plans/`
pub(in crate::pages) async fn add_terms(
    ctx: TenantCtx,
    asked: Asked,
    Path(id): Path<String>,
    typed: Typed,
) -> Result<Response, Error> {
    let id = read(&id)?;
    let program = programs::get(&ctx.db, id).await?;
    let now = clock::now();
    let added = async {
        let plan = form::plan(&typed, &program.currency, now)?;
        ctx.db.write(async |tx| programs::put_plan(tx, id, &plan, now).await).await
    };
    match mendable(added.await)? {
        Ok(_) => Ok(done(id, "terms")),
        Err(wrong) => {
            let again = Again { terms: Some((typed, wrong)), ..Again::default() };
            page(&ctx, &asked, id, (&Address::of(HOME), again)).await
        }
    }
}

/// `POST /affiliate/programs/{id}/token/`: cannot be undone, so it asks for the program's name.
pub(in crate::pages) async fn rotate(
    ctx: TenantCtx,
    asked: Asked,
    Path(id): Path<String>,
    typed: Typed,
) -> Result<Response, Error> {
    let id = read(&id)?;
    let program = programs::get(&ctx.db, id).await?;
    if typed.get("slug").trim() == program.slug {
        ctx.db.write(async |tx| programs::rotate_token(tx, id).await).await?;
        return Ok(done(id, "rotated"));
    }
    let wrong = asked.t.say1("rotate-wrong", "slug", &program.slug);
    let again = Again { rotate: Some((typed, wrong)), ..Again::default() };
    page(&ctx, &asked, id, (&Address::of(HOME), again)).await
}

/// The page of a program that could not be asked for.
pub(in crate::pages) async fn joined_wrong(
    ctx: &TenantCtx,
    asked: &Asked,
    id: ProgramId,
    join: (Typed, Wrong),
) -> Result<Response, Error> {
    let again = Again { join: Some(join), ..Again::default() };
    page(ctx, asked, id, (&Address::of(HOME), again)).await
}

fn read(id: &str) -> Result<ProgramId, Error> {
    id.parse().map_err(|_| Error::NotFound("program"))
}

fn done(id: ProgramId, what: &str) -> Response {
    Redirect::to(&format!("{HOME}{id}/?done={what}")).into_response()
}

async fn page(
    ctx: &TenantCtx,
    asked: &Asked,
    id: ProgramId,
    (address, again): (&Address, Again),
) -> Result<Response, Error> {
    let t = asked.t;
    let program = programs::get(&ctx.db, id).await?;
    let plans = programs::plans(&ctx.db, id, clock::now()).await?;
    let zone = sites::get(&ctx.db).await?.zone;
    let (typed, wrong) = again.edit.unwrap_or_else(|| (form::of(&program), Wrong::default()));
    let fresh = || (Typed::default().with("kind", "percent"), Wrong::default());
    let (terms, terms_wrong) = again.terms.unwrap_or_else(fresh);
    let (slug, slug_wrong) = again.rotate.unwrap_or_default();
    let join = join::of(ctx, t, &program, again.join).await?;
    let (postback, token, curl) = postback(ctx, t, &program, &plans);
    let page = Page {
        shell: Shell {
            toast: toast(t, address, &program),
            back: format!("{HOME}{id}/"),
            ..asked.shell(Here::Programs, program.name.clone())
        },
        crumbs: vec![Crumb { label: t.say("nav-programs"), href: HOME.to_owned() }],
        chip: Chip::state(t, if program.is_active { "active" } else { "paused" }),
        id: id.to_string(),
        is_active: program.is_active,
        postback,
        token,
        curl,
        lines: plans.iter().map(|plan| line(t, plan, zone)).collect(),
        terms: form::terms(t, &terms, &terms_wrong),
        join,
        edit: form::edit(t, &program, &typed, &wrong),
        rotate: Field::line(
            "slug",
            t.say1("rotate-confirm", "slug", &program.slug),
            slug.get("slug"),
        )
        .error(slug_wrong),
        links: format!("/affiliate/links/?program={id}"),
        stats: format!("/affiliate/stats/?range=30d&program={id}"),
        destination: program.destination,
    };
    Ok(html(&page)?.into_response())
}

/// The URL for the shop, the token in it, and a call to try it with.
fn postback(ctx: &TenantCtx, t: Text, program: &Program, plans: &[Plan]) -> (Code, Code, Code) {
    let token = ctx.keys.postback_token(ctx.site, program.id, program.token_version);
    let url = ctx.postback_url(ctx.site, program, plans);
    let filled = [("{click_id}", "CLICK_ID"), ("{txn_id}", "test-1"), ("{amount}", "12.50")];
    let filled = filled.iter().fold(url.clone(), |url, (place, value)| url.replace(place, value));
    let code = |key: &str, text| Code { t, label: t.say(key), text, titled: true };
    (
        code("postback-url", url),
        code("postback-token", token),
        code("postback-test", format!("curl '{filled}'")),
    )
}

fn line(t: Text, plan: &Plan, zone: Tz) -> Line {
    let pays = match plan.kind {
        PlanKind::Flat(units) => {
            t.say1("pays-each", "amount", &t.money(units, &plan.currency).to_string())
        }
        PlanKind::Percent(ppm) => t.say1("pays-share", "share", &t.percent_ppm(ppm)),
        PlanKind::Nothing => t.say("pays-nothing"),
    };
    let since = match plan.valid_from {
        Some(at) => t.say1("since", "time", &t.moment(at, zone)),
        None => t.say("from-the-start"),
    };
    Line { event: plan.event.clone(), pays, since, in_force: plan.in_force }
}

fn toast(t: Text, address: &Address, program: &Program) -> Option<Toast> {
    let back = |active: &str| {
        Some((format!("{HOME}{}/", program.id), vec![("is_active", active.to_owned())]))
    };
    let (key, undo) = match address.get("done") {
        "program-new" => ("done-program-new", None),
        "program-saved" => ("done-program-saved", None),
        "program-off" => ("done-program-off", back("true")),
        "program-on" => ("done-program-on", back("false")),
        "terms" => ("done-terms", None),
        "joined" => ("done-joined", None),
        "rotated" => ("done-rotated", None),
        _ => return None,
    };
    let saved = matches!(key, "done-program-new" | "done-program-saved");
    let warnings = if saved { warnings(t, &program.destination) } else { Vec::new() };
    Some(Toast { t, text: t.say1(key, "name", &program.name), warnings, undo })
}
