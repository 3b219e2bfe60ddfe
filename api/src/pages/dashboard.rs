//! `/dashboard/`: the daily question answered without a click, moving while one watches.

mod blocks;
mod cards;
mod earlier;
mod start;

use super::{
    address::Address,
    axis, html,
    parts::{Breakdown, Card, Chart},
    range_menu::RangeMenu,
    request::Asked,
    series,
    shell::{Here, Shell},
    view::{Fresh, View},
    words::{Shown, Words},
};
use crate::{error::Error, queries::stats, tenant::TenantCtx};
use askama::Template;
use axum::response::Html;
use earlier::Earlier;

#[derive(Template)]
#[template(path = "pages/dashboard.html")]
struct Dashboard {
    shell: Shell,
    menu: RangeMenu,
    fresh: Fresh,
    live: bool,
    /// Before there is a link, there is nothing to have a range.
    with_range: bool,
    filters: Vec<Shown>,
    cards: Vec<Card>,
    chart: Chart,
    blocks: Vec<Breakdown>,
    start: Option<start::Start>,
}

/// `GET /dashboard/`
pub(super) async fn show(
    ctx: TenantCtx,
    asked: Asked,
    address: Address,
) -> Result<Html<String>, Error> {
    let view = View::read(&ctx, address, &[]).await?;
    let t = asked.t;
    let by = axis::grain(view.range());
    let earlier = Earlier::of(&view, by);
    // Everything at once: what questions have in common is read once.
    let mut queries = blocks::questions(&view);
    queries.push(view.query(vec![by], 1000));
    queries.extend(earlier.iter().flat_map(Earlier::queries));
    let answers = stats::reports(&ctx, &queries).await?;
    let (reports, over_time) = answers.split_at(blocks::BLOCKS.len());
    let [course, before @ ..] = over_time else {
        return Err(Error::Fault("a question without an answer".to_owned()));
    };
    let so_far = match (&earlier, before.first()) {
        (Some(earlier), Some(over_time)) => earlier.so_far(over_time, before.get(1)),
        _ => None,
    };
    let mentioned = blocks::BLOCKS.iter().map(|block| std::slice::from_ref(&block.by)).zip(reports);
    let words = Words::load(&ctx, t, mentioned, &view.asked.filters).await?;
    let start = match is_empty(&course.totals) {
        true => start::steps(&ctx, t).await?,
        false => None,
    };
    let starting = start.is_some();
    let expired = reports.iter().map(|report| report.expired_before).max().flatten();
    let steps = axis::steps(view.range(), by);
    let shell = asked.shell(Here::Dashboard, t.say("nav-dashboard"));
    html(&Dashboard {
        shell: Shell { site: view.site.name.clone(), ..shell },
        menu: RangeMenu::of(t, &view, true),
        fresh: Fresh::of(t, &view, &course.as_of).without(
            t,
            &view,
            expired.max(course.expired_before),
        ),
        live: starting || view.is_live(),
        with_range: start.as_ref().is_none_or(|start| start.ready.is_some()),
        filters: words.filters(&view.asked.filters, &view.address),
        cards: cards::cards(t, &view, &steps, (course, so_far.as_ref())),
        chart: series::clicks(t, &view, by, course, before.first()),
        blocks: blocks::tables(t, &view, &words, reports),
        start,
    })
}

/// Nothing counted on either side, so that it may be that nothing ever was.
fn is_empty(totals: &stats::Row) -> bool {
    let clicks = totals.clicks.is_some_and(|clicks| clicks.gross > 0);
    let conversions =
        totals.conversions.as_ref().is_some_and(|found| found.accepted + found.refused > 0);
    !(clicks || conversions)
}
