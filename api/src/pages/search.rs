//! `/search/`: one field for every id. What is named exactly opens at once; a text looks through
//! codes, names and destinations.

use super::{
    address::Address,
    html,
    parts::Empty,
    request::Asked,
    shell::{Here, Shell},
};
use crate::{
    error::Error,
    i18n::Text,
    params::{conversions::Needle, pairs::Pairs},
    queries::{Cursor, affiliates, clicks, conversions, links, programs},
    tenant::TenantCtx,
};
use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use schemas::{
    click_id::ClickId,
    ids::{AffiliateId, LinkId, ProgramId},
};

#[derive(Template)]
#[template(path = "pages/search.html")]
struct Search {
    shell: Shell,
    found: Vec<Found>,
    empty: Option<Empty>,
}

/// Something that fits.
struct Found {
    kind: String,
    title: String,
    sub: String,
    href: String,
}

/// `GET /search/?q=`
pub(super) async fn show(
    ctx: TenantCtx,
    asked: Asked,
    mut pairs: Pairs,
) -> Result<Response, Error> {
    let t = asked.t;
    let q = pairs.take("q").unwrap_or_default();
    let q: String = q.trim().chars().take(512).collect();
    if q.is_empty() {
        return Ok(Redirect::to("/dashboard/").into_response());
    }
    if let Some(path) = named(&ctx, &q).await? {
        return Ok(Redirect::to(&path).into_response());
    }
    let found = like(&ctx, t, &q).await?;
    let page = Search {
        shell: Shell { query: q.clone(), ..asked.shell(Here::Elsewhere, t.say("search")) },
        empty: found.is_empty().then(|| Empty {
            title: t.say1("find-nothing", "id", &q),
            text: t.say("search-hint"),
            action: (String::new(), String::new()),
            code: None,
        }),
        found,
    };
    Ok(html(&page)?.into_response())
}

/// The page of the one thing an id names.
async fn named(ctx: &TenantCtx, q: &str) -> Result<Option<String>, Error> {
    let db = &ctx.db;
    if let Ok(id) = q.parse::<LinkId>() {
        let path = format!("/affiliate/links/?edit={id}#{id}");
        return there(links::get(db, id).await, path);
    }
    if let Ok(id) = q.parse::<ProgramId>() {
        let path = format!("/affiliate/programs/{id}/");
        return there(programs::get(db, id).await, path);
    }
    if let Ok(id) = q.parse::<AffiliateId>() {
        let path = format!("/affiliate/affiliates/?edit={id}#{id}");
        return there(affiliates::get(db, id).await, path);
    }
    let find = match Needle::read(&ctx.keys, q) {
        Needle::Conversion(id) => {
            let path = format!("/affiliate/conversions/{id}/");
            return there(conversions::get(ctx, id).await, path);
        }
        Needle::Click(id) => conversions::Find { click: Some(id), ..Default::default() },
        Needle::Receipt(id) => conversions::Find { receipt: Some(id), ..Default::default() },
        Needle::Txn(txn_id) => conversions::Find { txn_id: Some(txn_id), ..Default::default() },
    };
    let page = conversions::list(ctx, &find, Cursor { limit: 2, ..Cursor::default() }).await?;
    match (page.rows.as_slice(), find.click) {
        ([one], _) => Ok(Some(format!("/affiliate/conversions/{}/", one.id))),
        ([], Some(click)) => at_click(ctx, &click).await,
        ([], None) => Ok(None),
        _ => {
            let key = if find.click.is_some() { "click_id" } else { "txn_id" };
            Ok(Some(Address::of("/affiliate/conversions/").with(key, q).to_string()))
        }
    }
}

/// The path of a thing that is there.
fn there<T>(found: Result<T, Error>, path: String) -> Result<Option<String>, Error> {
    match found {
        Ok(_) => Ok(Some(path)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The list around a click that led to no conversion.
async fn at_click(ctx: &TenantCtx, id: &ClickId) -> Result<Option<String>, Error> {
    let Some(click) = clicks::find(ctx, id).await? else { return Ok(None) };
    let second = click.at.timestamp();
    let time = |second| {
        chrono::DateTime::from_timestamp(second, 0)
            .map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
            .unwrap_or_default()
    };
    let link = if click.link.get() == 0 { "(none)".to_owned() } else { click.link.to_string() };
    let (from, to) = (time(second), time(second + 1));
    Ok(Some(format!("/affiliate/clicks/?from={from}&to={to}&link={link}")))
}

/// Everything whose words fit, the newest first, a handful of each kind.
async fn like(ctx: &TenantCtx, t: Text, q: &str) -> Result<Vec<Found>, Error> {
    let few = Cursor { limit: 10, ..Cursor::default() };
    let text = Some(q.to_owned());
    let program = programs::Find { q: text.clone(), ..Default::default() };
    let affiliate = affiliates::Find { q: text.clone(), ..Default::default() };
    let link = links::Find { q: text, ..Default::default() };
    let (links, programs, affiliates) = tokio::try_join!(
        links::list(&ctx.db, &link, few),
        programs::list(&ctx.db, &program, few),
        affiliates::list(&ctx.db, &affiliate, few),
    )?;
    let mut found = Vec::new();
    found.extend(links.rows.into_iter().map(|one| Found {
        kind: t.say("dim-link"),
        sub: one.target,
        href: format!("/affiliate/stats/?range=30d&link={}", one.id),
        title: one.code,
    }));
    found.extend(programs.rows.into_iter().map(|one| Found {
        kind: t.say("dim-program"),
        title: one.name,
        sub: one.destination,
        href: format!("/affiliate/programs/{}/", one.id),
    }));
    found.extend(affiliates.rows.into_iter().map(|one| Found {
        kind: t.say("dim-affiliate"),
        title: one.name,
        sub: one.email,
        href: format!("/affiliate/stats/?range=30d&affiliate={}", one.id),
    }));
    Ok(found)
}
