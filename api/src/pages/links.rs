//! `/affiliate/links/`: a list one likes to read, where links are made, changed, switched and copied.

mod form;
mod list;

use super::{
    address::Address,
    html,
    parts::{Code, Empty, Field, Pager, Toast, warnings},
    range_menu::RangeMenu,
    request::Asked,
    shell::{Here, Shell},
    typed::{Typed, Wrong, mendable},
    view::{Fresh, View},
};
use crate::{
    enrolments,
    error::Error,
    params::links::{LinkBody, LinkChangeBody},
    queries::links::{self, LinkChange},
    tenant::TenantCtx,
};
use askama::Template;
use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use schemas::ids::LinkId;

const HOME: &str = "/affiliate/links/";

#[derive(Template)]
#[template(path = "pages/links.html")]
struct Links {
    shell: Shell,
    menu: RangeMenu,
    fresh: Fresh,
    live: bool,
    find: Vec<Field>,
    /// What stays of the URL when the list is narrowed.
    kept: Vec<(String, String)>,
    /// The page with the form of a new link.
    make: String,
    new: Option<form::Form>,
    rows: Vec<list::Row>,
    empty: Option<Empty>,
    pager: Pager,
}

/// What a form that could not be saved shows again: whose it is, its words, its problems.
struct Again {
    of: Option<LinkId>,
    typed: Typed,
    wrong: Wrong,
}

/// `GET /affiliate/links/`
pub(super) async fn show(
    ctx: TenantCtx,
    asked: Asked,
    address: Address,
) -> Result<Response, Error> {
    page(&ctx, &asked, &address, None).await
}

/// `POST /affiliate/links/`
pub(super) async fn create(ctx: TenantCtx, asked: Asked, typed: Typed) -> Result<Response, Error> {
    let body = LinkBody {
        affiliate: typed.get("affiliate").to_owned(),
        program: typed.get("program").to_owned(),
        code: typed.given("code"),
        destination: typed.given("destination"),
        is_active: None,
        expires_at: form::end_of_day(&ctx, typed.get("expires_at")).await?,
    };
    let made = async {
        let link = body.read()?;
        enrolments::make_link(&ctx, &link).await
    };
    match mendable(made.await)? {
        Ok(id) => Ok(Redirect::to(&format!("{HOME}?done=link-new&of={id}")).into_response()),
        Err(wrong) => {
            let address = Address::of(HOME).with("edit", "new");
            page(&ctx, &asked, &address, Some(Again { of: None, typed, wrong })).await
        }
    }
}

/// `GET /affiliate/links/{id}/`: where a form's own address leads, the link among the others.
pub(super) async fn show_one(Path(id): Path<String>) -> Result<Response, Error> {
    let id: LinkId = id.parse().map_err(|_| Error::NotFound("link"))?;
    Ok(Redirect::to(&format!("{HOME}?edit={id}#{id}")).into_response())
}

/// `POST /affiliate/links/{id}/`: change, or switch on and off (`is_active`).
pub(super) async fn change(
    ctx: TenantCtx,
    asked: Asked,
    Path(id): Path<String>,
    typed: Typed,
) -> Result<Response, Error> {
    let id: LinkId = id.parse().map_err(|_| Error::NotFound("link"))?;
    if let Some(active) = typed.given("is_active") {
        let is_active = Some(active == "true");
        let change = LinkChange { is_active, ..LinkChange::default() };
        ctx.db.write(async |tx| links::update(tx, id, &change).await).await?;
        let done = if active == "true" { "link-on" } else { "link-off" };
        return Ok(Redirect::to(&format!("{HOME}?done={done}&of={id}")).into_response());
    }
    let expires_at = form::end_of_day(&ctx, typed.get("expires_at")).await?;
    let body = LinkChangeBody {
        destination: Some(typed.given("destination")),
        is_active: None,
        expires_at: Some(expires_at),
    };
    let changed = async {
        let change = body.read()?;
        ctx.db.write(async |tx| links::update(tx, id, &change).await).await
    };
    match mendable(changed.await)? {
        Ok(()) => Ok(Redirect::to(&format!("{HOME}?done=link-saved&of={id}")).into_response()),
        Err(wrong) => {
            let address = Address::of(HOME).with("edit", &id.to_string());
            page(&ctx, &asked, &address, Some(Again { of: Some(id), typed, wrong })).await
        }
    }
}

async fn page(
    ctx: &TenantCtx,
    asked: &Asked,
    address: &Address,
    again: Option<Again>,
) -> Result<Response, Error> {
    let t = asked.t;
    let view = View::read(ctx, address.clone(), &list::OWN).await?;
    let list = list::load(ctx, &view).await?;
    let choices = form::choices(ctx, address, again.as_ref()).await?;
    let new = form::new(t, address, &choices, again.as_ref());
    let rows = list.rows(ctx, t, &view, again.as_ref());
    let filtered =
        ["q", "affiliate", "program", "is_active"].iter().any(|key| !address.get(key).is_empty());
    let empty = rows.is_empty().then(|| Empty {
        title: t.say(if filtered { "links-empty" } else { "empty-links" }),
        text: t.say("empty-links-text"),
        action: (t.say("new-link"), address.with("edit", "new").to_string()),
        code: None,
    });
    let shell = Shell {
        toast: toast(ctx, asked, address).await?,
        ..asked.shell(Here::Links, t.say("nav-links"))
    };
    let range = ["range", "from", "to", "tz"];
    let kept = address.only(|key| range.contains(&key));
    let page = Links {
        shell,
        menu: RangeMenu::of(t, &view, false),
        fresh: list.fresh(ctx, t, &view).await?,
        // What is being typed is not pulled away.
        live: view.is_live() && address.get("edit").is_empty(),
        find: form::find(t, address, &choices),
        kept: kept.pairs().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        make: address.with("edit", "new").to_string(),
        new,
        rows,
        empty,
        pager: list.pager(t, address),
    };
    Ok(html(&page)?.into_response())
}

/// What was just done, with its undoing.
async fn toast(ctx: &TenantCtx, asked: &Asked, address: &Address) -> Result<Option<Toast>, Error> {
    let t = asked.t;
    let (done, of) = (address.get("done"), address.get("of"));
    let known = ["link-new", "link-saved", "link-off", "link-on"].contains(&done);
    let (true, Ok(id)) = (known, of.parse::<LinkId>()) else { return Ok(None) };
    let link = match links::get(&ctx.db, id).await {
        Ok(link) => link,
        Err(Error::NotFound(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let back = |active: &str| (format!("{HOME}{id}/"), vec![("is_active", active.to_owned())]);
    let undo = match done {
        "link-off" => Some(back("true")),
        "link-on" => Some(back("false")),
        _ => None,
    };
    let saved = ["link-new", "link-saved"].contains(&done);
    let warnings = if saved { warnings(t, &link.destination) } else { Vec::new() };
    let text = t.say1(&format!("done-{done}"), "name", &link.code);
    Ok(Some(Toast { t, text, warnings, undo }))
}

/// A link's address as a block to copy.
fn tracking(ctx: &TenantCtx, t: crate::i18n::Text, code: &str) -> Code {
    let text = format!("{}/c/{code}", ctx.tracking_url);
    Code { t, label: t.say("tracking-url"), text, titled: false }
}
