//! The parameters of a report: span, dimensions, filters, order, limit.

use axum::{extract::FromRequestParts, http::request::Parts};
use chrono::{DateTime, Utc};
use schemas::money::Currency;

use super::{Errors, done, filters, pairs::Pairs, range::Range};
use crate::{
    clock,
    error::Error,
    queries::{
        sites::{self, Site},
        stats::{Dimension, Metric, Order, Query},
    },
    tenant::TenantCtx,
};

const MAX_DIMENSIONS: usize = 10;
const MAX_LIMIT: u32 = 5000;
const DEFAULT_LIMIT: u32 = 100;

const METRICS: [(&str, Metric); 8] = [
    ("gross", Metric::Gross),
    ("unique", Metric::Unique),
    ("duplicate", Metric::Duplicate),
    ("invalid", Metric::Invalid),
    ("impressions", Metric::Impressions),
    ("conversions", Metric::Conversions),
    ("refused", Metric::Refused),
    ("cvr", Metric::Cvr),
];

/// `GET …/stats/?…` as a question. An extractor, and a function for pages that read more than this.
#[derive(Debug)]
pub struct StatsQuery(pub Query);

impl<S: Send + Sync> FromRequestParts<S> for StatsQuery {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let ctx = TenantCtx::from_request_parts(parts, state).await?;
        let mut pairs = Pairs::parse(parts.uri.query().unwrap_or_default())?;
        let site = sites::get(&ctx.db).await?;
        let mut errors = Errors::default();
        let query = take(&mut pairs, &mut errors, &site, clock::now());
        done(pairs, errors)?;
        Ok(Self(query))
    }
}

/// Takes a question out of the pairs; what is wrong goes to `errors`, and the question is then
/// only good for showing the form again.
pub fn take(pairs: &mut Pairs, errors: &mut Errors, site: &Site, now: DateTime<Utc>) -> Query {
    let zone = site.zone;
    let today = || Range::days(now.date_naive(), now.date_naive(), zone);
    let range = errors.take(Range::take(pairs, zone, now)).unwrap_or_else(today);
    let group_by = group_by(pairs, errors);
    let filters = filters::take(pairs, errors);
    let order = order(pairs, errors, &group_by, &site.currency);
    let limit = match pairs.take("limit").map(|limit| limit.parse()) {
        None => DEFAULT_LIMIT,
        Some(Ok(limit)) if (1..=MAX_LIMIT).contains(&limit) => limit,
        Some(_) => {
            errors.add("limit", "out_of_range", format!("1 to {MAX_LIMIT}"));
            DEFAULT_LIMIT
        }
    };
    Query { range, site_zone: zone, group_by, filters, order, limit }
}

fn group_by(pairs: &mut Pairs, errors: &mut Errors) -> Vec<Dimension> {
    let Some(text) = pairs.take("group_by") else { return Vec::new() };
    let mut dimensions = Vec::new();
    for name in text.split(',') {
        match Dimension::from_name(name) {
            Some(dimension) if !dimensions.contains(&dimension) => dimensions.push(dimension),
            Some(_) => errors.add("group_by", "twice", format!("{name} is given twice")),
            None => {
                let known: Vec<&str> = Dimension::all().map(Dimension::name).collect();
                errors.add("group_by", "unknown", format!("any of {}", known.join(", ")));
            }
        }
        if dimensions.len() > MAX_DIMENSIONS {
            errors.add("group_by", "too_many", format!("at most {MAX_DIMENSIONS} dimensions"));
            break;
        }
    }
    dimensions
}

/// `order=-payout` is descending; without it time goes forward and numbers go down. Money goes by one
/// currency: `order=-payout.USD`, or the site's.
fn order(
    pairs: &mut Pairs,
    errors: &mut Errors,
    group_by: &[Dimension],
    currency: &str,
) -> (Order, bool) {
    let usual = usual_order(group_by);
    let Some(text) = pairs.take("order") else { return usual };
    let (name, descending) = match text.strip_prefix('-') {
        Some(name) => (name, true),
        None => (text.as_str(), false),
    };
    let metric = METRICS.iter().find(|(known, _)| *known == name).map(|(_, metric)| *metric);
    let metric = metric.or_else(|| money(name, currency));
    let key = group_by.iter().position(|by| by.name() == name).map(Order::Key);
    match key.or(metric.map(Order::Metric)) {
        Some(order) => (order, descending),
        None => {
            errors.add(
                "order",
                "unknown",
                "a number of the answer or one of group_by, with - in front for descending",
            );
            usual
        }
    }
}

/// The order of who asks for none.
pub(crate) fn usual_order(group_by: &[Dimension]) -> (Order, bool) {
    let time = group_by.iter().position(|by| by.is_time());
    time.map_or((Order::Metric(Metric::Gross), true), |n| (Order::Key(n), false))
}

fn money(name: &str, usual: &str) -> Option<Metric> {
    let (name, code) = name.split_once('.').unwrap_or((name, usual));
    let currency: Currency = code.parse().ok()?;
    match name {
        "sales" => Some(Metric::Sales(currency)),
        "payout" => Some(Metric::Payout(currency)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Query, String> {
        let (mut pairs, mut errors) = (Pairs::parse(query).unwrap(), Errors::default());
        let now = DateTime::from_timestamp(1_795_392_000, 0).unwrap();
        let site = Site {
            name: String::new(),
            zone: chrono_tz::Tz::Europe__Paris,
            currency: "EUR".to_owned(),
        };
        let query = take(&mut pairs, &mut errors, &site, now);
        match errors.finish().and_then(|()| pairs.finish()) {
            Ok(()) => Ok(query),
            Err(Error::Invalid(fields)) => Err(fields[0].field.clone()),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn a_question_has_its_usual_order_and_limit() {
        let query = read("").unwrap();
        assert_eq!((query.order, query.limit), ((Order::Metric(Metric::Gross), true), 100));
        assert_eq!(read("group_by=program,day").unwrap().order, (Order::Key(1), false));
        assert_eq!(read("group_by=day&order=-day").unwrap().order, (Order::Key(0), true));
        assert_eq!(read("order=cvr").unwrap().order, (Order::Metric(Metric::Cvr), false));
        let euro = Metric::Payout("EUR".parse().unwrap());
        assert_eq!(read("order=-payout").unwrap().order, (Order::Metric(euro), true));
        let dollar = Metric::Sales("USD".parse().unwrap());
        assert_eq!(read("order=sales.USD").unwrap().order, (Order::Metric(dollar), false));
        let ten = "group_by=minute,program,link,affiliate,country,device,os,browser,sub1,sub10";
        assert_eq!(read(ten).unwrap().group_by.len(), 10);
    }

    #[test]
    fn what_is_no_question_is_refused_by_field() {
        let cases = [
            ("limit=1000000000", "limit"),
            ("limit=0", "limit"),
            ("limit=-1", "limit"),
            ("limit=1.5", "limit"),
            ("page=-1", "page"),
            ("order=id;drop", "order"),
            ("order=program", "order"),
            ("order=payout.XYZ", "order"),
            ("order=gross.EUR", "order"),
            ("group_by=day,id;drop", "group_by"),
            ("group_by=day,day", "group_by"),
            ("group_by=,", "group_by"),
            (
                "group_by=hour,program,link,affiliate,country,device,os,browser,sub1,sub10,sub2",
                "group_by",
            ),
            ("site_id=2", "site_id"),
            ("from=9999-99-99", "from"),
        ];
        for (query, field) in cases {
            assert_eq!(read(query).unwrap_err(), field, "{query}");
        }
    }
}
