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
    app::App,
    auth::Viewer,
    error::Error,
    i18n::{Cash, Text},
    queries::{
        conversions::{self, Conversion},
        stats,
    },
};
use askama::Template;
use axum::{extract::State, response::Html};
use chrono::{DateTime, Utc};
use schemas::ids::ConversionId;

const LIMIT: u16 = 50;

#[derive(Template)]
#[template(path = "pages/conversions.html")]
struct Conversions {
    shell: Shell,
    menu: RangeMenu,
    fresh: Fresh,
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
    State(app): State<App>,
    _: Viewer,
    asked: Asked,
    address: Address,
) -> Result<Html<String>, Error> {
    let t = asked.t;
    let after = cursor(address.get("starting_after"))?;
    let view = View::read(&app, address).await?;
    let totals = view.query(Vec::new(), 1);
    let (report, page) = tokio::try_join!(
        stats::report(&app, &totals),
        conversions::counted(&app, &view.asked, after, LIMIT),
    )?;
    let words = Words::load(&app, t, std::iter::empty(), &view.asked.filters).await?;
    let last = page.rows.last().filter(|_| page.has_more);
    let next = |one: &Conversion| {
        let place = format!("{}_{}", one.occurred_at.timestamp_millis(), one.id.get());
        view.address.with("starting_after", &place).to_string()
    };
    let counted = report.totals.conversions.clone().unwrap_or_default();
    html(&Conversions {
        shell: asked.shell(Here::Conversions, t.say("nav-conversions")),
        menu: RangeMenu::of(t, &view, false),
        fresh: Fresh::of(t, &view, &report.as_of),
        filters: words.filters(&view.asked.filters, &view.address),
        count: count(t, &counted),
        empty: page.rows.is_empty().then(|| Empty {
            title: t.say("conversions-empty"),
            text: format!("{} {}", t.say("conversions-empty-text"), t.say("conversions-copy")),
            action: (t.say("nav-programs"), "/affiliate/programs/".to_owned()),
            code: None,
        }),
        pager: Pager {
            t,
            first: match after {
                None => String::new(),
                Some(_) => view.address.without(&[]).to_string(),
            },
            next: last.map(next).unwrap_or_default(),
            count: t.plural("rows-shown", page.rows.len() as i64),
        },
        rows: page.rows.iter().map(|one| row(t, &view, one)).collect(),
    })
}

/// `milliseconds_number`, as the page before wrote it.
fn cursor(text: &str) -> Result<Option<(DateTime<Utc>, ConversionId)>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || Error::Unreadable("starting_after is none of this list's".to_owned());
    let (at, id) = text.split_once('_').ok_or_else(wrong)?;
    let at = at.parse().ok().and_then(DateTime::from_timestamp_millis).ok_or_else(wrong)?;
    let id = id.parse().map(ConversionId).map_err(|_| wrong())?;
    Ok(Some((at, id)))
}

fn count(t: Text, counted: &stats::Conversions) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_list_is_read_strictly() {
        let found = cursor("1795392000000_7").unwrap().unwrap();
        assert_eq!((found.0.timestamp_millis(), found.1.get()), (1_795_392_000_000, 7));
        for text in ["x", "1_", "_1", "1_-1", "99999999999999999999_1", "1_2_3"] {
            assert!(cursor(text).is_err(), "{text}");
        }
    }
}
