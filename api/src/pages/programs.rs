//! `/affiliate/programs/`: what is promoted. The list and the making; one program is in `program`.

mod form;
mod join;
mod program;

pub(super) use program::{add_terms, back, change, joined_wrong, rotate, show as show_one};

use super::{
    address::Address,
    html,
    parts::{Chip, Empty, Field, Pager},
    request::Asked,
    shell::{Here, Shell},
    typed::{Typed, Wrong, mendable},
};
use crate::{
    accounts::role::Permission,
    clock,
    error::Error,
    i18n::Text,
    params::{Errors, pairs::Pairs, programs as params},
    queries::{Page, enrolments, programs, programs::Program, sites},
    tenant::TenantCtx,
};
use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};

const HOME: &str = "/affiliate/programs/";

#[derive(Template)]
#[template(path = "pages/programs.html")]
struct Programs {
    shell: Shell,
    find: Field,
    new: Option<form::Form>,
    rows: Vec<Row>,
    empty: Option<Empty>,
    pager: Pager,
    /// Who waits for an answer: how many, for whoever answers.
    waiting: String,
}

struct Row {
    href: String,
    name: String,
    slug: String,
    chip: Chip,
    destination: String,
    links: String,
    stats: String,
}

/// `GET /affiliate/programs/`
pub(super) async fn show(
    ctx: TenantCtx,
    asked: Asked,
    address: Address,
) -> Result<Response, Error> {
    page(&ctx, &asked, &address, None).await
}

/// `POST /affiliate/programs/`: the program and its first line of terms, both or neither.
pub(super) async fn create(ctx: TenantCtx, asked: Asked, typed: Typed) -> Result<Response, Error> {
    let currency = sites::get(&ctx.db).await?.currency;
    let now = clock::now();
    let made = async {
        let program = form::program(&typed, &currency)?;
        let plan = form::plan(&typed, &program.currency, now)?;
        let mut tx = ctx.db.begin().await?;
        let id = programs::insert(&mut tx, &program).await?;
        programs::put_plan(&mut tx, id, &plan, now).await?;
        tx.commit().await?;
        Ok(id)
    };
    match mendable(made.await)? {
        Ok(id) => Ok(Redirect::to(&format!("{HOME}{id}/?done=program-new")).into_response()),
        Err(wrong) => {
            let address = Address::of(HOME).with("edit", "new");
            page(&ctx, &asked, &address, Some((typed, wrong))).await
        }
    }
}

async fn page(
    ctx: &TenantCtx,
    asked: &Asked,
    address: &Address,
    again: Option<(Typed, Wrong)>,
) -> Result<Response, Error> {
    let t = asked.t;
    let known = ["is_active", "q", "starting_after", "ending_before", "limit"];
    let mut pairs = Pairs::parse(&address.only(|key| known.contains(&key)).query())?;
    let mut errors = Errors::default();
    let (find, cursor) = params::take(&mut pairs, &mut errors);
    errors.finish()?;
    let list = programs::list(&ctx.db, &find, cursor).await?;
    let pager = pager(t, address, &list);
    let currency = sites::get(&ctx.db).await?.currency;
    let rows: Vec<Row> = list
        .rows
        .into_iter()
        .map(|one| Row {
            href: format!("{HOME}{}/", one.id),
            chip: Chip::state(t, if one.is_active { "active" } else { "paused" }),
            links: format!("/affiliate/links/?program={}", one.id),
            stats: format!("/affiliate/stats/?range=30d&program={}", one.id),
            name: one.name,
            slug: one.slug,
            destination: one.destination,
        })
        .collect();
    let page = Programs {
        shell: asked.shell(Here::Programs, t.say("nav-programs")),
        find: Field::line("q", t.say("filter-programs"), address.get("q"))
            .typed("search")
            .within("find"),
        pager,
        waiting: waiting(ctx, t).await?,
        new: (address.get("edit") == "new").then(|| {
            let (typed, wrong) =
                again.unwrap_or_else(|| (form::fresh(&currency), Wrong::default()));
            form::new(t, &typed, &wrong)
        }),
        empty: rows.is_empty().then(|| Empty {
            title: t.say(if address.get("q").is_empty() {
                "programs-empty"
            } else {
                "programs-none"
            }),
            text: t.say("programs-empty-text"),
            action: (t.say("new-program"), address.with("edit", "new").to_string()),
            code: None,
        }),
        rows,
    };
    Ok(html(&page)?.into_response())
}

/// Requests to promote a program that nobody has decided.
async fn waiting(ctx: &TenantCtx, t: Text) -> Result<String, Error> {
    match ctx.may(Permission::ChangeAffiliates) {
        true => Ok(t.plural("enrolments-waiting", enrolments::waiting(&ctx.db).await?)),
        false => Ok(String::new()),
    }
}

fn pager(t: Text, address: &Address, list: &Page<Program>) -> Pager {
    let last = list.rows.last().filter(|_| list.has_more);
    let after = |one: &Program| address.with("starting_after", &one.id.to_string()).to_string();
    Pager {
        t,
        first: match address.get("starting_after") {
            "" => String::new(),
            _ => address.without(&[]).to_string(),
        },
        next: last.map(after).unwrap_or_default(),
        count: t.plural("rows-shown", list.rows.len() as i64),
    }
}
