//! `/affiliate/commissions/`: what was earned, in sum by state and line by line.

use super::{
    address::Address,
    html,
    parts::{Chip, Empty, Pager, Pick},
    range_menu::{RangeMenu, span},
    request::Asked,
    shell::{Here, Shell},
    view::{Fresh, View},
    words::{Shown, Words},
};
use crate::{
    error::Error,
    i18n::{Cash, Text},
    params::{Errors, commissions as params, pairs::Pairs},
    queries::{
        Cursor, as_of,
        commissions::{self, Commission, Find, STATUSES, Sum},
        stats::Dimension,
    },
    tenant::TenantCtx,
};
use askama::Template;
use axum::response::Html;
use schemas::ids::CommissionId;

#[derive(Template)]
#[template(path = "pages/commissions.html")]
struct Commissions {
    shell: Shell,
    menu: RangeMenu,
    fresh: Fresh,
    live: bool,
    filters: Vec<Shown>,
    span: String,
    sums: Vec<Total>,
    states: Vec<Pick>,
    rows: Vec<Row>,
    empty: Option<Empty>,
    pager: Pager,
}

struct Total {
    chip: Chip,
    amount: String,
    count: String,
    href: String,
}

struct Row {
    id: String,
    iso: String,
    at: String,
    chip: Chip,
    conversion: String,
    event: String,
    txn_id: String,
    affiliate: String,
    affiliate_href: String,
    program: String,
    amount: Cash,
    hold_until: String,
}

/// `GET /affiliate/commissions/`
pub(super) async fn show(
    ctx: TenantCtx,
    asked: Asked,
    address: Address,
) -> Result<Html<String>, Error> {
    let t = asked.t;
    let view = View::read(&ctx, address, &["conversion"]).await?;
    let find = find(&view)?;
    let after = after(&view)?;
    let cursor = Cursor { starting_after: after.map(CommissionId::to_sql), ..Cursor::default() };
    // The sums show every state, the chosen one too.
    let mut all = find.clone();
    all.filters.retain(|filter| filter.dimension != Dimension::Status);
    let (as_of, list, sums) = tokio::try_join!(
        as_of::get(&ctx.db),
        commissions::list(&ctx.db, &find, cursor),
        commissions::sums(&ctx.db, &all),
    )?;
    let words = Words::load(&ctx, t, std::iter::empty(), &view.asked.filters).await?;
    let range = view.range();
    let last = list.rows.last().filter(|_| list.has_more);
    html(&Commissions {
        shell: asked.shell(Here::Commissions, t.say("nav-commissions")),
        menu: RangeMenu::of(t, &view, false),
        fresh: Fresh::of(t, &view, &as_of),
        live: view.is_live() && after.is_none(),
        filters: words.filters(&view.asked.filters, &view.address),
        span: span(t, range.day(range.from_ms), range.day(range.to_ms - 1)),
        sums: sums.iter().map(|sum| total(t, &view, sum)).collect(),
        states: states(t, &view, &sums),
        empty: list.rows.is_empty().then(|| Empty {
            title: t.say("commissions-empty"),
            text: t.say("commissions-empty-text"),
            action: (String::new(), String::new()),
            code: None,
        }),
        pager: Pager {
            t,
            first: match after {
                None => String::new(),
                Some(_) => view.address.without(&[]).to_string(),
            },
            next: last
                .map(|row| view.address.with("starting_after", &row.id.to_string()).to_string())
                .unwrap_or_default(),
            count: t.plural("rows-shown", list.rows.len() as i64),
        },
        rows: list.rows.iter().map(|one| row(t, &view, one)).collect(),
    })
}

/// The page's URL as the API reads it.
fn find(view: &View) -> Result<Find, Error> {
    let mut pairs = Pairs::parse(&view.address.only(|key| key == "conversion").query())?;
    let mut errors = Errors::default();
    let conversion = params::take_conversion(&mut pairs, &mut errors);
    let filters = view.asked.filters.clone();
    let find = params::narrow(conversion, Some(view.range()), filters, &mut errors);
    errors.finish()?;
    Ok(find)
}

fn after(view: &View) -> Result<Option<CommissionId>, Error> {
    match view.address.get("starting_after") {
        "" => Ok(None),
        id => id.parse().map(Some).map_err(|_| {
            Error::field("starting_after", "invalid_id", "the id of a row of this list")
        }),
    }
}

fn total(t: Text, view: &View, sum: &Sum) -> Total {
    Total {
        chip: Chip::state(t, &sum.status),
        amount: t.money(sum.amount_units, &sum.currency).to_string(),
        count: t.plural("commissions-counted", sum.count),
        href: view.address.with("status", &sum.status).to_string(),
    }
}

/// The states that occur, as links; the first shows all.
fn states(t: Text, view: &View, sums: &[Sum]) -> Vec<Pick> {
    let chosen = view.address.get("status");
    let all = Pick {
        label: t.say("all"),
        href: view.address.with("status", "").to_string(),
        chosen: chosen.is_empty(),
    };
    let each = STATUSES.into_iter().filter(|state| sums.iter().any(|sum| sum.status == **state));
    let each = each.map(|state| Pick {
        label: t.word("state", state),
        href: view.address.with("status", state).to_string(),
        chosen: chosen == state,
    });
    std::iter::once(all).chain(each).collect()
}

fn row(t: Text, view: &View, one: &Commission) -> Row {
    let zone = view.range().zone;
    Row {
        id: one.id.to_string(),
        iso: one.occurred_at.to_rfc3339(),
        at: t.near(one.occurred_at, view.now, zone),
        chip: Chip::state(t, &one.status),
        conversion: format!("/affiliate/conversions/{}/", one.conversion),
        event: one.event.clone(),
        txn_id: one.txn_id.clone(),
        affiliate: one.affiliate_name.clone(),
        affiliate_href: view.address.with("affiliate", &one.affiliate.to_string()).to_string(),
        program: one.program_name.clone(),
        amount: t.money(one.amount_units, &one.currency),
        hold_until: t.day(one.hold_until.with_timezone(&zone).date_naive()),
    }
}
