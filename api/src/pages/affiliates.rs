//! `/affiliate/affiliates/`: who promotes and is paid; made, changed and switched in the list.

use super::{
    address::Address,
    html,
    parts::{Chip, Empty, Field, Pager, Toast, Tone},
    request::Asked,
    shell::{Here, Shell},
    typed::{Typed, Wrong, mendable},
};
use crate::{
    error::Error,
    i18n::Text,
    params::{
        Errors,
        affiliates::{self as params, AffiliateBody, AffiliateChangeBody},
        pairs::Pairs,
    },
    queries::{
        Page,
        affiliates::{self, Affiliate, AffiliateChange},
    },
    tenant::TenantCtx,
};
use askama::Template;
use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use schemas::ids::AffiliateId;

const HOME: &str = "/affiliate/affiliates/";

#[derive(Template)]
#[template(path = "pages/affiliates.html")]
struct Affiliates {
    shell: Shell,
    find: Field,
    new: Option<Form>,
    rows: Vec<Row>,
    empty: Option<Empty>,
    pager: Pager,
}

struct Form {
    action: String,
    fields: Vec<Field>,
    cancel: String,
}

struct Row {
    id: String,
    name: String,
    email: String,
    chip: Option<Chip>,
    is_active: bool,
    edit: String,
    links: String,
    new_link: String,
    stats: String,
    form: Option<Form>,
}

struct Again {
    of: Option<AffiliateId>,
    typed: Typed,
    wrong: Wrong,
}

/// `GET /affiliate/affiliates/`
pub(super) async fn show(
    ctx: TenantCtx,
    asked: Asked,
    address: Address,
) -> Result<Response, Error> {
    page(&ctx, &asked, &address, None).await
}

/// `POST /affiliate/affiliates/`
pub(super) async fn create(ctx: TenantCtx, asked: Asked, typed: Typed) -> Result<Response, Error> {
    let body = AffiliateBody {
        name: typed.get("name").to_owned(),
        email: typed.given("email"),
        is_active: None,
    };
    let made = async {
        let new = body.read()?;
        Ok(ctx.db.write(async |tx| affiliates::insert(tx, &new).await).await?)
    };
    match mendable(made.await)? {
        Ok(id) => Ok(done("affiliate-new", id)),
        Err(wrong) => {
            let address = Address::of(HOME).with("edit", "new");
            page(&ctx, &asked, &address, Some(Again { of: None, typed, wrong })).await
        }
    }
}

/// `GET /affiliate/affiliates/{id}/`: where a form's own address leads, the one among the others.
pub(super) async fn show_one(Path(id): Path<String>) -> Result<Response, Error> {
    let id: AffiliateId = id.parse().map_err(|_| Error::NotFound("affiliate"))?;
    Ok(Redirect::to(&format!("{HOME}?edit={id}#{id}")).into_response())
}

/// `POST /affiliate/affiliates/{id}/`: change, or switch on and off (`is_active`).
pub(super) async fn change(
    ctx: TenantCtx,
    asked: Asked,
    Path(id): Path<String>,
    typed: Typed,
) -> Result<Response, Error> {
    let id: AffiliateId = id.parse().map_err(|_| Error::NotFound("affiliate"))?;
    if let Some(active) = typed.given("is_active") {
        let is_active = Some(active == "true");
        let change = AffiliateChange { is_active, ..AffiliateChange::default() };
        ctx.db.write(async |tx| affiliates::update(tx, id, &change).await).await?;
        return Ok(done(if active == "true" { "affiliate-on" } else { "affiliate-off" }, id));
    }
    let body = AffiliateChangeBody {
        name: typed.given("name"),
        email: typed.given("email"),
        is_active: None,
    };
    let changed =
        async { ctx.db.write(async |tx| affiliates::update(tx, id, &body.read()?).await).await };
    match mendable(changed.await)? {
        Ok(()) => Ok(done("affiliate-saved", id)),
        Err(wrong) => {
            let address = Address::of(HOME).with("edit", &id.to_string());
            page(&ctx, &asked, &address, Some(Again { of: Some(id), typed, wrong })).await
        }
    }
}

fn done(what: &str, id: AffiliateId) -> Response {
    Redirect::to(&format!("{HOME}?done={what}&of={id}")).into_response()
}

async fn page(
    ctx: &TenantCtx,
    asked: &Asked,
    address: &Address,
    again: Option<Again>,
) -> Result<Response, Error> {
    let t = asked.t;
    let known = ["is_active", "q", "starting_after", "ending_before", "limit"];
    let mut pairs = Pairs::parse(&address.only(|key| known.contains(&key)).query())?;
    let mut errors = Errors::default();
    let (find, cursor) = params::take(&mut pairs, &mut errors);
    errors.finish()?;
    let mut list = affiliates::list(&ctx.db, &find, cursor).await?;
    let editing = address.get("edit");
    if !matches!(editing, "" | "new") {
        // However old it is, the one being changed stands before the others.
        let id = editing.parse().map_err(|_| Error::NotFound("affiliate"))?;
        let one = affiliates::get(&ctx.db, id).await?;
        list.rows.retain(|other| other.id != id);
        list.rows.insert(0, one);
    }
    let rows: Vec<Row> = list.rows.iter().map(|one| row(t, address, one, again.as_ref())).collect();
    let page = Affiliates {
        shell: Shell {
            toast: toast(ctx, t, address).await?,
            ..asked.shell(Here::Affiliates, t.say("nav-affiliates"))
        },
        find: Field::line("q", t.say("filter-affiliates"), address.get("q"))
            .typed("search")
            .within("find"),
        new: (address.get("edit") == "new").then(|| form(t, address, None, again.as_ref())),
        empty: rows.is_empty().then(|| Empty {
            title: t.say(if address.get("q").is_empty() {
                "affiliates-empty"
            } else {
                "affiliates-none"
            }),
            text: t.say("affiliates-empty-text"),
            action: (t.say("new-affiliate"), address.with("edit", "new").to_string()),
            code: None,
        }),
        rows,
        pager: pager(t, address, &list),
    };
    Ok(html(&page)?.into_response())
}

fn row(t: Text, address: &Address, one: &Affiliate, again: Option<&Again>) -> Row {
    let id = one.id.to_string();
    let chip = Chip { text: t.say("state-off"), tone: Tone::Quiet };
    Row {
        name: one.name.clone(),
        email: one.email.clone(),
        chip: (!one.is_active).then_some(chip),
        is_active: one.is_active,
        edit: address.with("edit", &id).to_string(),
        links: format!("/affiliate/links/?affiliate={id}"),
        new_link: format!("/affiliate/links/?edit=new&affiliate={id}"),
        stats: format!("/affiliate/stats/?range=30d&affiliate={id}"),
        form: (address.get("edit") == id).then(|| form(t, address, Some(one), again)),
        id,
    }
}

fn form(t: Text, address: &Address, one: Option<&Affiliate>, again: Option<&Again>) -> Form {
    let again = again.filter(|again| again.of == one.map(|one| one.id));
    let first = one.map_or_else(Typed::default, |one| {
        Typed::default().with("name", one.name.as_str()).with("email", one.email.as_str())
    });
    let typed = again.map_or(first, |again| again.typed.clone());
    let wrong = again.map_or_else(Wrong::default, |again| again.wrong.clone());
    Form {
        action: one.map_or(HOME.to_owned(), |one| format!("{HOME}{}/", one.id)),
        fields: vec![
            Field::line("name", t.say("field-name"), typed.get("name"))
                .error(wrong.say(t, "name"))
                .required(),
            Field::line("email", t.say("field-email"), typed.get("email"))
                .typed("email")
                .hint(t.say("hint-email"))
                .error(wrong.say(t, "email")),
        ],
        cancel: address.with("edit", "").to_string(),
    }
}

fn pager(t: Text, address: &Address, list: &Page<Affiliate>) -> Pager {
    let last = list.rows.last().filter(|_| list.has_more);
    let again = |one: &Affiliate| address.with("starting_after", &one.id.to_string()).to_string();
    Pager {
        t,
        first: match address.get("starting_after") {
            "" => String::new(),
            _ => address.without(&[]).to_string(),
        },
        next: last.map(again).unwrap_or_default(),
        count: t.plural("rows-shown", list.rows.len() as i64),
    }
}

async fn toast(ctx: &TenantCtx, t: Text, address: &Address) -> Result<Option<Toast>, Error> {
    let done = address.get("done");
    let known =
        ["affiliate-new", "affiliate-saved", "affiliate-off", "affiliate-on"].contains(&done);
    let (true, Ok(id)) = (known, address.get("of").parse::<AffiliateId>()) else { return Ok(None) };
    let one = match affiliates::get(&ctx.db, id).await {
        Ok(one) => one,
        Err(Error::NotFound(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let back = |active: &str| (format!("{HOME}{id}/"), vec![("is_active", active.to_owned())]);
    let undo = match done {
        "affiliate-off" => Some(back("true")),
        "affiliate-on" => Some(back("false")),
        _ => None,
    };
    let text = t.say1(&format!("done-{done}"), "name", &one.name);
    Ok(Some(Toast { t, text, warnings: Vec::new(), undo }))
}
