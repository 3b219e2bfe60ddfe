//! The rows of the links page, each with what came of it in the span of the page.

use super::{Again, form};
use crate::{
    error::Error,
    i18n::Text,
    pages::{
        address::Address,
        parts::{Chip, Code, Pager, Tone},
        view::{Fresh, View, opened},
    },
    params::{Errors, links as params, pairs::Pairs},
    queries::{
        Page, as_of,
        links::{self, Link},
        stats::{self, Dimension, Filter, Query, Report},
    },
    tenant::TenantCtx,
};

/// Keys of the URL that are the list's own.
pub(super) const OWN: [&str; 3] = ["is_active", "limit", "edit"];

/// What the page's list is made of.
pub(super) struct List {
    links: Page<Link>,
    report: Option<Report>,
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

/// The links the URL asks for, the one being changed before them, and their numbers (none while
/// ClickHouse is away).
///
/// # Errors
/// A URL that cannot be read, a link to be changed that is not there, or PostgreSQL does not answer.
pub(super) async fn load(ctx: &TenantCtx, view: &View) -> Result<List, Error> {
    let known =
        ["affiliate", "program", "is_active", "q", "starting_after", "ending_before", "limit"];
    let mut pairs = Pairs::parse(&view.address.only(|key| known.contains(&key)).query())?;
    let mut errors = Errors::default();
    let (find, cursor) = params::take(&mut pairs, &mut errors);
    errors.finish()?;
    let mut links = links::list(&ctx.db, &find, cursor).await?;
    let editing = view.address.get("edit");
    if !matches!(editing, "" | "new") {
        let id = editing.parse().map_err(|_| Error::NotFound("link"))?;
        let link = links::get(&ctx.db, id).await?;
        links.rows.retain(|one| one.id != id);
        links.rows.insert(0, link);
    }
    let report = match links.rows.is_empty() {
        true => None,
        false => stats::or_delayed(stats::report(ctx, &question(view, &links.rows)).await)?,
    };
    Ok(List { links, report })
}

/// An address as people read it.
fn bare(url: &str) -> &str {
    url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or(url)
}

/// The numbers of the links shown, each in the span of the page.
fn question(view: &View, links: &[Link]) -> Query {
    let values = links.iter().map(|link| link.id.get().to_string()).collect();
    let filters = vec![Filter { dimension: Dimension::Link, values, exclude: false }];
    Query { filters, ..view.query(vec![Dimension::Link], 1000) }
}

impl List {
    pub(super) fn rows(
        &self,
        ctx: &TenantCtx,
        t: Text,
        view: &View,
        again: Option<&Again>,
    ) -> Vec<Row> {
        let address = &view.address;
        self.links
            .rows
            .iter()
            .map(|link| {
                let id = link.id.to_string();
                let editing = address.get("edit") == id;
                let whose = [
                    ("affiliate", link.affiliate_name.as_str()),
                    ("program", link.program_name.as_str()),
                ];
                Row {
                    chip: chip(t, view, link),
                    tracking: super::tracking(ctx, t, &link.code),
                    whose: t.say_all("by-on-for", &whose),
                    target: bare(&link.target).to_owned(),
                    numbers: self.numbers(t, view, link),
                    stats: about(view, "/affiliate/stats/", link).to_string(),
                    edit: address.with("edit", &id).to_string(),
                    is_active: link.is_active,
                    form: editing.then(|| form::edit(t, address, link, again, view.site.zone)),
                    code: link.code.clone(),
                    id,
                }
            })
            .collect()
    }

    fn numbers(&self, t: Text, view: &View, link: &Link) -> Vec<(String, String, String)> {
        let Some(report) = &self.report else { return Vec::new() };
        let id = link.id.to_string();
        let zero = stats::Row::zero();
        let row = report.rows.iter().find(|row| row.keys.first() == Some(&id)).unwrap_or(&zero);
        let clicks = row.clicks.unwrap_or_default();
        let conversions = row.conversions.clone().unwrap_or_default();
        let accepted =
            opened(&about(view, "/affiliate/conversions/", link), ("status", "invalid", true));
        let mut numbers = vec![
            (
                t.number(clicks.gross),
                t.say("metric-clicks"),
                about(view, "/affiliate/clicks/", link).to_string(),
            ),
            (t.number(conversions.accepted), t.say("metric-conversions"), accepted.to_string()),
        ];
        let mut money: Vec<(&str, i64)> = conversions
            .money
            .iter()
            .map(|sums| (sums.currency.as_str(), sums.payout_units))
            .collect();
        if money.is_empty() {
            money.push((view.site.currency.as_str(), 0));
        }
        let page = about(view, "/affiliate/commissions/", link).to_string();
        numbers.extend(money.into_iter().map(|(currency, units)| {
            (t.money(units, currency).to_string(), t.say("metric-commission"), page.clone())
        }));
        numbers
    }

    /// Until when the numbers are complete, or that they cannot be had.
    pub(super) async fn fresh(
        &self,
        ctx: &TenantCtx,
        t: Text,
        view: &View,
    ) -> Result<Fresh, Error> {
        match (&self.report, self.links.rows.is_empty()) {
            (Some(report), _) => Ok(Fresh::of(t, view, &report.as_of)),
            (None, true) => Ok(Fresh::of(t, view, &as_of::get(&ctx.db).await?)),
            (None, false) => Ok(Fresh::away(t)),
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

/// A page about one link alone, in the same span.
fn about(view: &View, path: &str, link: &Link) -> Address {
    view.address
        .only(|key| ["range", "from", "to", "tz"].contains(&key))
        .at(path)
        .with("link", &link.id.to_string())
}

fn chip(t: Text, view: &View, link: &Link) -> Option<Chip> {
    let expired = link.expires_at.is_some_and(|at| at <= view.now);
    match (link.is_active, expired) {
        (false, _) => Some(Chip { text: t.say("state-off"), tone: Tone::Quiet }),
        (true, true) => Some(Chip { text: t.say("state-expired"), tone: Tone::Wait }),
        (true, false) => None,
    }
}
