//! `/affiliate/clicks/`: the clicks a number counts, one by one, as they were decided.

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
    i18n::Text,
    queries::{
        clicks::{self, Click, Kind},
        kept,
        names::Labels,
        stats::{self, Dimension},
    },
    tenant::TenantCtx,
};
use askama::Template;
use axum::response::Html;

const LIMIT: u16 = 100;

#[derive(Template)]
#[template(path = "pages/clicks.html")]
struct Clicks {
    shell: Shell,
    menu: RangeMenu,
    fresh: Fresh,
    filters: Vec<Shown>,
    count: String,
    rows: Vec<Row>,
    empty: Option<Empty>,
    pager: Pager,
    with_subs: bool,
}

struct Row {
    iso: String,
    at: String,
    chip: Chip,
    id: String,
    link: String,
    link_href: String,
    affiliate: String,
    country: String,
    agent: String,
    referrer: String,
    subs: String,
    is_impression: bool,
}

/// `GET /affiliate/clicks/`
pub(super) async fn show(
    ctx: TenantCtx,
    asked: Asked,
    address: Address,
) -> Result<Html<String>, Error> {
    let t = asked.t;
    let after = match address.get("starting_after") {
        "" => None,
        id => Some(ctx.keys.click_ids().verify(id).map_err(|_| Error::NotFound("click"))?),
    };
    let kind = match address.get("kind") {
        "" => Kind::Click,
        name => Kind::from_name(name)
            .ok_or_else(|| Error::field("kind", "unknown", "click or impression"))?,
    };
    let view = View::read(&ctx, address, &["kind"]).await?;
    let totals = view.query(Vec::new(), 1);
    let (report, (page, expired)) = tokio::try_join!(stats::report(&ctx, &totals), async {
        let page = clicks::list(&ctx, (kind, &view.asked), after.as_ref(), LIMIT).await?;
        Ok((page, kept::rows_left_out(&ctx, view.range()).await?))
    })?;
    let words = Words::load(&ctx, t, std::iter::empty(), &view.asked.filters).await?;
    let labels = labels(&ctx, &page.rows).await?;
    let rows: Vec<Row> =
        page.rows.iter().map(|click| row(t, &view, &words, (click, &labels))).collect();
    let next = page.rows.last().filter(|_| page.has_more);
    html(&Clicks {
        shell: asked.shell(Here::Stats, t.say("nav-clicks")),
        menu: RangeMenu::of(t, &view, false),
        fresh: Fresh::of(t, &view, &report.as_of).without(t, &view, expired),
        filters: words.filters(&view.asked.filters, &view.address),
        count: count(t, kind, report.totals.clicks),
        empty: rows.is_empty().then(|| Empty {
            title: t.say("clicks-empty"),
            text: t.say("clicks-empty-text"),
            action: (String::new(), String::new()),
            code: None,
        }),
        with_subs: rows.iter().any(|row| !row.subs.is_empty()),
        pager: Pager {
            t,
            first: match after {
                None => String::new(),
                Some(_) => view.address.without(&[]).to_string(),
            },
            next: next
                .map(|click| view.address.with("starting_after", &click.id).to_string())
                .unwrap_or_default(),
            count: t.plural("rows-shown", rows.len() as i64),
        },
        rows,
    })
}

/// How many there are in all; a dash where the filters are not of clicks.
fn count(t: Text, kind: Kind, clicks: Option<stats::Clicks>) -> String {
    match (clicks, kind) {
        (None, _) => "–".to_owned(),
        (Some(clicks), Kind::Click) => t.plural("clicks-counted", clicks.gross),
        (Some(clicks), Kind::Impression) => t.plural("impressions-counted", clicks.impressions),
    }
}

async fn labels(ctx: &TenantCtx, clicks: &[Click]) -> Result<Labels, Error> {
    let links: Vec<u32> =
        clicks.iter().map(|click| click.link.get()).filter(|id| *id > 0).collect();
    let affiliates: Vec<u32> =
        clicks.iter().map(|click| click.affiliate.get()).filter(|id| *id > 0).collect();
    Ok(Labels::load(&ctx.db, (&[], &affiliates, &links)).await?)
}

fn row(t: Text, view: &View, words: &Words, (click, labels): (&Click, &Labels)) -> Row {
    let zone = view.range().zone;
    let traits = &click.traits;
    let name =
        |names: &crate::queries::names::Names, id: u32| names.get(&id).cloned().unwrap_or_default();
    let day = click.at.with_timezone(&zone).date_naive();
    let agent = [traits.browser.as_str(), traits.os.as_str()];
    let mut agent: Vec<String> =
        agent.into_iter().filter(|one| !one.is_empty()).map(str::to_owned).collect();
    if !traits.device.is_empty() {
        agent.insert(0, words.value(Dimension::Device, &traits.device));
    }
    let subs = (1..).zip(&click.subs).filter(|(_, sub)| !sub.is_empty());
    let subs: Vec<String> = subs.map(|(n, sub)| format!("{n}: {sub}")).collect();
    let orphan = click.link.get() == 0;
    Row {
        iso: click.at.to_rfc3339(),
        at: format!("{} {}", t.short_day(day), t.instant(click.at, zone)),
        chip: outcome_chip(t, &click.outcome, "reason", &click.reason),
        id: click.id.clone(),
        link: if orphan { click.code.clone() } else { name(&labels.links, click.link.get()) },
        link_href: match orphan {
            true => String::new(),
            false => view
                .narrowed(view.address.path(), Dimension::Link, &click.link.to_string())
                .to_string(),
        },
        affiliate: name(&labels.affiliates, click.affiliate.get()),
        country: words.value(Dimension::Country, &traits.country),
        agent: agent.join(", "),
        referrer: match traits.referrer.as_str() {
            "" => "–".to_owned(),
            referrer => referrer.to_owned(),
        },
        subs: subs.join(", "),
        is_impression: click.kind == "impression",
    }
}
