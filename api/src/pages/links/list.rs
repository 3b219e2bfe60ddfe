//! The rows of the links page, each with what came of it in the last 30 days.

use super::{Again, form};
use crate::{
    app::App,
    clock,
    error::Error,
    i18n::Text,
    pages::{
        address::Address,
        parts::{Chip, Code, Pager, Tone},
    },
    params::{Errors, links as params, pairs::Pairs, range::Range},
    queries::{
        Page,
        links::{self, Link},
        sites::{self, Site},
        stats::{self, Dimension, Filter, Metric, Order, Query, Report},
    },
};
use chrono::{DateTime, Utc};

/// What the page's list is made of.
pub(super) struct List {
    links: Page<Link>,
    report: Option<Report>,
    site: Site,
    now: DateTime<Utc>,
}

/// One link.
pub(super) struct Row {
    pub id: String,
    pub code: String,
    pub chip: Option<Chip>,
    pub tracking: Code,
    /// Whose, for what.
    pub whose: String,
    pub target: String,
    /// Number, its name, the rows it counts.
    pub numbers: Vec<(String, String, String)>,
    pub stats: String,
    pub edit: String,
    pub is_active: bool,
    pub form: Option<form::Form>,
}

/// The links the URL asks for, and their numbers (none while ClickHouse is away).
///
/// # Errors
/// A URL that cannot be read, or PostgreSQL does not answer.
pub(super) async fn load(app: &App, address: &Address) -> Result<List, Error> {
    let known =
        ["affiliate", "program", "is_active", "q", "starting_after", "ending_before", "limit"];
    let mut pairs = Pairs::parse(&address.only(|key| known.contains(&key)).query())?;
    let mut errors = Errors::default();
    let (find, cursor) = params::take(&mut pairs, &mut errors);
    errors.finish()?;
    let site = sites::get(&app.db, app.site).await?;
    let links = links::list(&app.db, app.site, &find, cursor).await?;
    let now = clock::now();
    let report = match links.rows.is_empty() {
        true => None,
        false => numbers(app, &site, &links.rows, now).await.ok(),
    };
    Ok(List { links, report, site, now })
}

/// An address as people read it.
fn bare(url: &str) -> &str {
    url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or(url)
}

async fn numbers(
    app: &App,
    site: &Site,
    links: &[Link],
    now: DateTime<Utc>,
) -> Result<Report, Error> {
    let range = Range::named("30d", site.zone, now)
        .ok_or_else(|| Error::Fault("no last 30 days".to_owned()))?;
    let values = links.iter().map(|link| link.id.get().to_string()).collect();
    let query = Query {
        range,
        site_zone: site.zone,
        group_by: vec![Dimension::Link],
        filters: vec![Filter { dimension: Dimension::Link, values, exclude: false }],
        order: (Order::Metric(Metric::Gross), true),
        limit: 1000,
    };
    stats::report(app, &query).await
}

impl List {
    pub(super) fn rows(
        &self,
        app: &App,
        t: Text,
        address: &Address,
        again: Option<&Again>,
    ) -> Vec<Row> {
        self.links
            .rows
            .iter()
            .map(|link| {
                let id = link.id.to_string();
                let editing = address.get("edit") == id;
                Row {
                    chip: self.chip(t, link),
                    tracking: super::tracking(app, t, &link.code),
                    whose: t.say_all(
                        "by-on-for",
                        &[("affiliate", &link.affiliate_name), ("program", &link.program_name)],
                    ),
                    target: bare(&link.target).to_owned(),
                    numbers: self.numbers(t, link),
                    stats: format!("/affiliate/stats/?range=30d&link={id}"),
                    edit: address.with("edit", &id).to_string(),
                    is_active: link.is_active,
                    form: editing.then(|| form::edit(t, address, link, again, self.site.zone)),
                    code: link.code.clone(),
                    id,
                }
            })
            .collect()
    }

    fn chip(&self, t: Text, link: &Link) -> Option<Chip> {
        let expired = link.expires_at.is_some_and(|at| at <= self.now);
        match (link.is_active, expired) {
            (false, _) => Some(Chip { text: t.say("state-off"), tone: Tone::Quiet }),
            (true, true) => Some(Chip { text: t.say("state-expired"), tone: Tone::Wait }),
            (true, false) => None,
        }
    }

    fn numbers(&self, t: Text, link: &Link) -> Vec<(String, String, String)> {
        let Some(report) = &self.report else { return Vec::new() };
        let id = link.id.to_string();
        let row = report.rows.iter().find(|row| row.keys.first() == Some(&id));
        let clicks = row.and_then(|row| row.clicks).unwrap_or_default();
        let conversions = row.and_then(|row| row.conversions.clone()).unwrap_or_default();
        let page = |path: &str| format!("{path}?range=30d&link={id}");
        let mut numbers = vec![
            (t.number(clicks.gross), t.say("metric-clicks"), page("/affiliate/clicks/")),
            (
                t.number(conversions.accepted),
                t.say("metric-conversions"),
                page("/affiliate/conversions/"),
            ),
        ];
        let usual =
            stats::Sums { currency: self.site.currency.clone(), sales_units: 0, payout_units: 0 };
        let money = conversions.money.first().unwrap_or(&usual);
        numbers.push((
            t.money(money.payout_units, &money.currency).to_string(),
            t.say("metric-commission"),
            format!(
                "/affiliate/commissions/?range=30d&affiliate={}&program={}",
                link.affiliate, link.program
            ),
        ));
        numbers
    }

    /// Until when the numbers are complete.
    pub(super) fn as_of(&self, t: Text) -> String {
        let at = self.report.as_ref().and_then(|report| report.as_of.at);
        let time = at.map(|at| t.clock(at, self.site.zone));
        match time {
            Some(time) => format!("{}, {}", t.say("last-30"), t.say1("as-of", "time", &time)),
            None => t.say("last-30"),
        }
    }

    pub(super) fn pager(&self, t: Text, address: &Address) -> Pager {
        let last = self.links.rows.last().filter(|_| self.links.has_more);
        Pager {
            t,
            first: match address.get("starting_after") {
                "" => String::new(),
                _ => address.without(&[]).to_string(),
            },
            next: last
                .map(|link| address.with("starting_after", &link.id.to_string()).to_string())
                .unwrap_or_default(),
            count: t.plural("rows-shown", self.links.rows.len() as i64),
        }
    }
}
