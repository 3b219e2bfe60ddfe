//! `/search/`: one field for every id. What is named exactly opens at once; a text looks through
//! codes, names and destinations.

use super::{
    html,
    parts::Empty,
    request::Asked,
    shell::{Here, Shell},
};
use crate::{
    app::App,
    auth::Viewer,
    error::Error,
    i18n::Text,
    params::conversions::Needle,
    queries::{Cursor, affiliates, clicks, conversions, links, programs},
};
use askama::Template;
use axum::{
    extract::{Query, State},
    response::{IntoResponse, Redirect, Response},
};
use schemas::{
    click_id::ClickId,
    ids::{AffiliateId, LinkId, ProgramId},
};
use serde::Deserialize;

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

/// What is looked for.
#[derive(Deserialize)]
pub(super) struct Asking {
    #[serde(default)]
    q: String,
}

/// `GET /search/?q=`
pub(super) async fn show(
    State(app): State<App>,
    _: Viewer,
    asked: Asked,
    Query(query): Query<Asking>,
) -> Result<Response, Error> {
    let t = asked.t;
    let q: String = query.q.trim().chars().filter(|c| !c.is_control()).take(512).collect();
    if q.is_empty() {
        return Ok(Redirect::to("/dashboard/").into_response());
    }
    if let Some(path) = named(&app, &q).await? {
        return Ok(Redirect::to(&path).into_response());
    }
    let found = like(&app, t, &q).await?;
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
async fn named(app: &App, q: &str) -> Result<Option<String>, Error> {
    if let Ok(id) = q.parse::<LinkId>() {
        return Ok(Some(format!("/affiliate/links/?edit={id}#{id}")));
    }
    if let Ok(id) = q.parse::<ProgramId>() {
        return Ok(Some(format!("/affiliate/programs/{id}/")));
    }
    if let Ok(id) = q.parse::<AffiliateId>() {
        return Ok(Some(format!("/affiliate/affiliates/?edit={id}#{id}")));
    }
    let find = match Needle::read(&app.keys, q) {
        Needle::Conversion(id) => return Ok(Some(format!("/affiliate/conversions/{id}/"))),
        Needle::Click(id) => conversions::Find { click: Some(id), ..Default::default() },
        Needle::Receipt(id) => conversions::Find { receipt: Some(id), ..Default::default() },
        Needle::Txn(txn_id) => conversions::Find { txn_id: Some(txn_id), ..Default::default() },
    };
    let page =
        conversions::list(app, app.site, &find, Cursor { limit: 2, ..Cursor::default() }).await?;
    match (page.rows.as_slice(), find.click) {
        ([one], _) => Ok(Some(format!("/affiliate/conversions/{}/", one.id))),
        ([], Some(click)) => at_click(app, &click).await,
        _ => Ok(None),
    }
}

/// The list around a click that led to no conversion.
async fn at_click(app: &App, id: &ClickId) -> Result<Option<String>, Error> {
    let Some(click) = clicks::find(app, app.site, id).await? else { return Ok(None) };
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
async fn like(app: &App, t: Text, q: &str) -> Result<Vec<Found>, Error> {
    let few = Cursor { limit: 10, ..Cursor::default() };
    let text = Some(q.to_owned());
    let program = programs::Find { q: text.clone(), ..Default::default() };
    let affiliate = affiliates::Find { q: text.clone(), ..Default::default() };
    let link = links::Find { q: text.clone(), ..Default::default() };
    let sale = conversions::Find { txn_id: text, ..Default::default() };
    let (links, programs, affiliates, sales) = tokio::try_join!(
        links::list(&app.db, app.site, &link, few),
        programs::list(&app.db, app.site, &program, few),
        affiliates::list(&app.db, app.site, &affiliate, few),
        conversions::list(app, app.site, &sale, few),
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
    found.extend(sales.rows.into_iter().map(|one| Found {
        kind: t.say("conversion"),
        title: format!("{} {}", one.event, one.txn_id),
        sub: one.program_name,
        href: format!("/affiliate/conversions/{}/", one.id),
    }));
    Ok(found)
}
