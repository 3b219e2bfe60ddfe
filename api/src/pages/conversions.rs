//! `/affiliate/conversions/`: found by any id, each opening into its life.

mod life;

pub(super) use life::show as show_one;

use super::{
    address::Address,
    html,
    parts::{Chip, Empty, Pager},
    range_menu::RangeMenu,
    request::Asked,
    shell::{Here, Shell},
    view::{Fresh, View},
    words::{Shown, Words, outcome_chip},
};
use crate::{
    error::Error,
    i18n::{Cash, Text},
    params::{Errors, conversions as params, pairs::Pairs},
    queries::{
        Cursor, Page, as_of,
        as_of::AsOf,
        conversions::{self, Conversion, Find},
        stats,
    },
    tenant::TenantCtx,
};
use askama::Template;
use axum::response::Html;
use schemas::ids::ConversionId;

const LIMIT: u16 = 50;

#[derive(Template)]
#[template(path = "pages/conversions.html")]
struct Conversions {
    shell: Shell,
    /// None where what is asked for is named exactly, whenever it was.
    menu: Option<RangeMenu>,
    fresh: Fresh,
    live: bool,
    filters: Vec<Shown>,
    count: String,
    rows: Vec<Row>,
    empty: Option<Empty>,
    pager: Pager,
}

struct Row {
    href: String,
    iso: String,
    at: String,
    chip: Chip,
    event: String,
    txn_id: String,
    affiliate: String,
    code: String,
    program: String,
    amount: Option<Cash>,
    commission: Option<Cash>,
}

/// `GET /affiliate/conversions/`
pub(super) async fn show(
    ctx: TenantCtx,
    asked: Asked,
    address: Address,
) -> Result<Html<String>, Error> {
    let t = asked.t;
    let view = View::read(&ctx, address, &params::NAMES).await?;
    let find = find(&ctx, &view)?;
    let (count, as_of, page) = load(&ctx, t, &view, &find).await?;
    let words = Words::load(&ctx, t, std::iter::empty(), &view.asked.filters).await?;
    let mut filters = named(t, &view);
    filters.extend(words.filters(&view.asked.filters, &view.address));
    let first = view.address.get("starting_after").is_empty();
    let next = page.rows.last().filter(|_| page.has_more);
    html(&Conversions {
        shell: asked.shell(Here::Conversions, t.say("nav-conversions")),
        menu: find.range.map(|_| RangeMenu::of(t, &view, false)),
        fresh: Fresh::of(t, &view, &as_of),
        live: view.is_live() && first,
        filters,
        count,
        empty: page.rows.is_empty().then(|| Empty {
            title: t.say("conversions-empty"),
            text: format!("{} {}", t.say("conversions-empty-text"), t.say("conversions-copy")),
            action: (t.say("nav-programs"), "/affiliate/programs/".to_owned()),
            code: None,
        }),
        pager: Pager {
            t,
            first: if first { String::new() } else { view.address.without(&[]).to_string() },
            next: next
                .map(|one| view.address.with("starting_after", &one.id.to_string()).to_string())
                .unwrap_or_default(),
            count: t.plural("rows-shown", page.rows.len() as i64),
        },
        rows: page.rows.iter().map(|one| row(t, &view, one)).collect(),
    })
}

/// The page's URL as the API reads it.
fn find(ctx: &TenantCtx, view: &View) -> Result<Find, Error> {
    let mut pairs = Pairs::parse(&view.address.only(|key| params::NAMES.contains(&key)).query())?;
    let mut errors = Errors::default();
    let named = params::take_named(&mut pairs, &mut errors, &ctx.keys);
    let spanned = ["range", "from"].iter().any(|key| !view.address.get(key).is_empty());
    let range = (spanned || !params::is_named(&named)).then(|| view.range());
    let find = params::narrow(named, range, view.asked.filters.clone(), &mut errors);
    errors.finish()?;
    Ok(find)
}

/// How many there are in all, until when, and a page of them. What is named exactly is looked up;
/// everything else is what a report counts.
async fn load(
    ctx: &TenantCtx,
    t: Text,
    view: &View,
    find: &Find,
) -> Result<(String, AsOf, Page<Conversion>), Error> {
    let after: Option<ConversionId> = match view.address.get("starting_after") {
        "" => None,
        id => Some(id.parse().map_err(|_| {
            Error::field("starting_after", "invalid_id", "the id of a row of this list")
        })?),
    };
    if params::is_named(find) {
        let starting_after = after.map(ConversionId::to_sql);
        let cursor = Cursor { starting_after, limit: LIMIT, ..Cursor::default() };
        let as_of = as_of::get(&ctx.db).await?;
        return Ok((String::new(), as_of, conversions::list(ctx, find, cursor).await?));
    }
    let totals = view.query(Vec::new(), 1);
    let (report, page) = tokio::try_join!(
        stats::report(ctx, &totals),
        conversions::counted(ctx, (view.range(), &find.filters), after, LIMIT),
    )?;
    Ok((count(t, report.totals.conversions.as_ref()), report.as_of, page))
}

/// What is named exactly, as filters.
fn named(t: Text, view: &View) -> Vec<Shown> {
    let names = params::NAMES.into_iter().zip(["txn-id", "click-id", "receipt"]);
    let given = names.filter(|(key, _)| !view.address.get(key).is_empty());
    given
        .map(|(key, label)| Shown {
            name: t.say(label),
            is: t.say("filter-is"),
            value: view.address.get(key).to_owned(),
            without: view.address.without(&[key]).to_string(),
        })
        .collect()
}

/// How many there are; a dash where the filters are not of conversions.
fn count(t: Text, counted: Option<&stats::Conversions>) -> String {
    let Some(counted) = counted else { return "–".to_owned() };
    let accepted = t.plural("conversions-counted", counted.accepted);
    match counted.refused {
        0 => accepted,
        refused => format!("{accepted}, {}", t.plural("refused-counted", refused)),
    }
}

/// The state of a conversion, or the reason it is refused for.
fn chip(t: Text, one: &Conversion) -> Chip {
    outcome_chip(t, &one.status, "refusal", &one.reason)
}

fn row(t: Text, view: &View, one: &Conversion) -> Row {
    let money = |units, currency: &str| (!currency.is_empty()).then(|| t.money(units, currency));
    Row {
        href: format!("/affiliate/conversions/{}/", one.id),
        iso: one.occurred_at.to_rfc3339(),
        at: t.near(one.occurred_at, view.now, view.range().zone),
        chip: chip(t, one),
        event: one.event.clone(),
        txn_id: one.txn_id.clone(),
        affiliate: one.affiliate_name.clone(),
        code: one.code.clone(),
        program: one.program_name.clone(),
        amount: money(one.amount_units, &one.currency).filter(|_| one.amount_units != 0),
        commission: one
            .commission_units
            .zip(one.commission_currency.as_deref())
            .and_then(|(units, currency)| money(units, currency)),
    }
}
