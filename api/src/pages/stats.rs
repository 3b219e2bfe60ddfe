//! `/affiliate/stats/`: any dimensions, any filters, a chart and a table that can be taken along.

mod columns;
mod export;
mod filter;
mod table;

pub(super) use export::export;

use super::{
    address::Address,
    axis, html,
    parts::{Chart, Pick},
    range_menu::RangeMenu,
    request::Asked,
    series,
    shell::{Here, Shell},
    view::{Fresh, View},
    words::{self, Shown, Words},
};
use crate::{
    error::Error,
    i18n::Text,
    queries::stats::{self, Dimension, Query},
    tenant::TenantCtx,
};
use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use table::Table;

#[derive(Template)]
#[template(path = "pages/stats.html")]
struct Stats {
    shell: Shell,
    menu: RangeMenu,
    fresh: Fresh,
    live: bool,
    filters: Vec<Shown>,
    filter_form: filter::Form,
    chosen: Vec<Pick>,
    usual: Vec<Pick>,
    more: Vec<Pick>,
    chart: Chart,
    table: Table,
    export: String,
}

/// `GET /affiliate/stats/`
pub(super) async fn show(
    ctx: TenantCtx,
    asked: Asked,
    address: Address,
) -> Result<Response, Error> {
    let wrong = match filter::read(&address) {
        filter::Asked::Added(page) => return Ok(Redirect::to(&page.to_string()).into_response()),
        filter::Asked::Page(wrong) => wrong,
    };
    let view = View::read(&ctx, address, &filter::FIELDS).await?;
    let t = asked.t;
    let by = axis::grain(view.range());
    let question = question(&view);
    let course = view.query(vec![by], 1000);
    let before = view.before().map(|range| Query { range, ..course.clone() });
    let queries: Vec<Query> = [question.clone(), course].into_iter().chain(before).collect();
    let answers = stats::reports(&ctx, &queries).await?;
    let [report, course, earlier @ ..] = answers.as_slice() else {
        return Err(Error::Fault("a question without an answer".to_owned()));
    };
    let mentioned = [(question.group_by.as_slice(), report)];
    let words = Words::load(&ctx, t, mentioned.into_iter(), &view.asked.filters).await?;
    let filter_form = filter::Form::of(&ctx, t, &view.address, &wrong).await?;
    let (chosen, usual, more) = picks(t, &view, &question.group_by);
    let shell = asked.shell(Here::Stats, t.say("nav-stats"));
    let page = Stats {
        shell: Shell { site: view.site.name.clone(), ..shell },
        menu: RangeMenu::of(t, &view, true),
        fresh: Fresh::of(t, &view, &report.as_of).without(
            t,
            &view,
            report.expired_before.max(course.expired_before),
        ),
        // What is being typed is not pulled away.
        live: view.is_live() && filter_form.fields.is_empty(),
        filters: words.filters(&view.asked.filters, &view.address),
        filter_form,
        chosen,
        usual,
        more,
        chart: series::clicks(t, &view, by, course, earlier.first()),
        export: view.address.without(&[]).at("/affiliate/stats/export.csv").to_string(),
        table: Table::of(t, &view, &words, (&question, report)),
    };
    Ok(html(&page)?.into_response())
}

/// The question of the table: by the steps of the chart, unless the URL says by what.
fn question(view: &View) -> Query {
    match view.asked.group_by.is_empty() {
        true => {
            let limit = view.asked.limit.max(400);
            let query = view.query(vec![axis::grain(view.range())], limit);
            // An order by a number holds for the steps the page chose, too.
            match view.address.get("order") {
                "" => query,
                _ => Query { order: view.asked.order, ..query },
            }
        }
        false => view.asked.clone(),
    }
}

const USUAL: [Dimension; 8] = [
    Dimension::Day,
    Dimension::Program,
    Dimension::Affiliate,
    Dimension::Link,
    Dimension::Country,
    Dimension::Device,
    Dimension::Referrer,
    Dimension::Source,
];

/// The dimensions as links: those chosen (each leads to the page without it), the usual, the rest.
fn picks(t: Text, view: &View, chosen: &[Dimension]) -> (Vec<Pick>, Vec<Pick>, Vec<Pick>) {
    let names = |list: &[Dimension]| list.iter().map(|by| by.name()).collect::<Vec<_>>().join(",");
    let page = |list: &[Dimension]| {
        view.address.without(&["order"]).with("group_by", &names(list)).to_string()
    };
    let pick = |by: Dimension, list: &[Dimension], on| Pick {
        label: words::dimension(t, by),
        href: page(list),
        chosen: on,
    };
    let add = |by: Dimension| {
        let list: Vec<Dimension> = chosen.iter().copied().chain([by]).collect();
        pick(by, &list, false)
    };
    let without = |by: Dimension| {
        let list: Vec<Dimension> = chosen.iter().copied().filter(|one| *one != by).collect();
        pick(by, &list, true)
    };
    let open = |by: &Dimension| !chosen.contains(by) && chosen.len() < 10;
    (
        chosen.iter().map(|by| without(*by)).collect(),
        USUAL.into_iter().filter(open).map(add).collect(),
        Dimension::all().filter(|by| open(by) && !USUAL.contains(by)).map(add).collect(),
    )
}
