//! `/affiliate/conversions/{id}/`: a conversion's life as a timeline, the money line by line, and
//! the trace as the rules wrote it.

mod told;

use super::chip;
use crate::{
    clock,
    error::Error,
    i18n::{Cash, Text},
    pages::{
        html,
        parts::{Chip, Code, Crumb, Timeline},
        request::Asked,
        shell::{Here, Shell},
        view::Fresh,
    },
    queries::{
        as_of,
        conversions::{self, Life, Posting},
        sites,
    },
    tenant::TenantCtx,
};
use askama::Template;
use axum::{extract::Path, response::Html};
use schemas::ids::ConversionId;

#[derive(Template)]
#[template(path = "pages/conversion.html")]
struct Page {
    shell: Shell,
    crumbs: Vec<Crumb>,
    chip: Chip,
    fresh: Fresh,
    /// Said where the click could not be asked for.
    delayed: bool,
    whose: String,
    amount: Option<Cash>,
    commission: Option<Cash>,
    ids: Vec<Code>,
    timeline: Timeline,
    lines: Vec<Line>,
    trace: String,
}

/// A line of the ledger.
struct Line {
    tx: i64,
    account: String,
    debit: Option<Cash>,
    credit: Option<Cash>,
}

/// `GET /affiliate/conversions/{id}/`
pub(in crate::pages) async fn show(
    ctx: TenantCtx,
    asked: Asked,
    Path(id): Path<String>,
) -> Result<Html<String>, Error> {
    let id: ConversionId = id.parse().map_err(|_| Error::NotFound("conversion"))?;
    let t = asked.t;
    let as_of = as_of::get(&ctx.db).await?;
    let life = conversions::life(&ctx, id).await?;
    let zone = sites::get(&ctx.db).await?.zone;
    let one = &life.conversion;
    let title = match one.txn_id.as_str() {
        "" => format!("{} {}", one.event, one.id),
        txn_id => format!("{} {txn_id}", one.event),
    };
    html(&Page {
        crumbs: vec![Crumb {
            label: t.say("nav-conversions"),
            href: "/affiliate/conversions/".to_owned(),
        }],
        chip: chip(t, one),
        fresh: Fresh::until(t, &as_of, (zone, clock::now(), None)),
        delayed: life.is_click_delayed,
        whose: whose(t, &life),
        amount: (one.amount_units != 0 && !one.currency.is_empty())
            .then(|| t.money(one.amount_units, &one.currency)),
        commission: life
            .commission
            .as_ref()
            .map(|commission| t.money(commission.amount_units, &commission.currency)),
        ids: ids(t, &life),
        timeline: told::timeline(t, &life, zone),
        lines: life.ledger.iter().map(|posting| line(t, posting)).collect(),
        trace: serde_json::to_string_pretty(&one.trace).unwrap_or_default(),
        shell: asked.shell(Here::Conversions, title),
    })
}

fn whose(t: Text, life: &Life) -> String {
    let one = &life.conversion;
    if one.affiliate_name.is_empty() {
        return one.program_name.clone();
    }
    let names =
        [("affiliate", one.affiliate_name.as_str()), ("program", one.program_name.as_str())];
    t.say_all("by-on-for", &names)
}

fn ids(t: Text, life: &Life) -> Vec<Code> {
    let one = &life.conversion;
    let code = |key: &str, text: String| Code { t, label: t.say(key), text, titled: true };
    let click = one.click_id.clone().filter(|id| !id.is_empty());
    [
        (!one.txn_id.is_empty()).then(|| code("txn-id", one.txn_id.clone())),
        Some(code("receipt", one.receipt.clone())),
        click.map(|id| code("click-id", id)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn line(t: Text, posting: &Posting) -> Line {
    let cash = |units: i64| t.money(units, &posting.currency);
    Line {
        tx: posting.tx,
        account: posting.account.clone(),
        debit: (posting.amount_units > 0).then(|| cash(posting.amount_units)),
        credit: (posting.amount_units < 0).then(|| cash(posting.amount_units.saturating_neg())),
    }
}
