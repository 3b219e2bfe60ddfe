//! `GET /api/v1/affiliate/stats/`: numbers by any listed dimensions.

use axum::Json;
use chrono::{DateTime, SecondsFormat};
use serde_json::{Map, Value, json};

use super::{Answer, put_as_of};
use crate::{
    params::stats::StatsQuery,
    queries::{
        minor,
        stats::{self, Clicks, Conversions, Dimension, FORMULAS, Query, Row},
    },
    tenant::TenantCtx,
};

/// The report.
pub async fn report(ctx: TenantCtx, StatsQuery(query): StatsQuery) -> Answer {
    let report = stats::report(&ctx, &query).await?;
    let by: Vec<&str> = query.group_by.iter().map(|by| by.name()).collect();
    let data: Vec<Value> = report.rows.iter().map(|found| row(found, &query)).collect();
    let mut answer = json!({
        "object": "stats",
        "from": moment(query.range.from_ms, &query),
        "to": moment(query.range.to_ms, &query),
        "time_zone": query.range.zone.name(),
        "group_by": by,
        "data": data,
        "totals": row(&report.totals, &Query { group_by: Vec::new(), ..query.clone() }),
        "has_more": report.has_more,
        "sources": report.sources,
        "expired_before": report.expired_before.map(super::time),
    });
    put_as_of(&mut answer, &report.as_of);
    Ok(Json(answer))
}

/// What each number means, and what numbers can be broken down by.
pub async fn formulas(_: TenantCtx) -> Answer {
    let metrics: Vec<Value> = FORMULAS
        .iter()
        .map(|formula| json!({ "name": formula.name, "formula": formula.formula }))
        .collect();
    let dimensions: Vec<&str> = Dimension::all().map(Dimension::name).collect();
    Ok(Json(json!({ "object": "formulas", "metrics": metrics, "dimensions": dimensions })))
}

/// A row: its keys under their names, then its numbers. Null where a side does not have them.
pub(super) fn row(row: &Row, query: &Query) -> Value {
    let mut answer = Map::new();
    for (by, key) in query.group_by.iter().zip(&row.keys) {
        let key = if key.is_empty() { Value::Null } else { json!(key) };
        answer.insert(by.name().to_owned(), key);
    }
    put_clicks(&mut answer, row.clicks);
    put_conversions(&mut answer, row.conversions.as_ref(), row.clicks);
    answer.insert("cvr".to_owned(), json!(row.cvr()));
    Value::Object(answer)
}

fn put_clicks(answer: &mut Map<String, Value>, clicks: Option<Clicks>) {
    let numbers = [
        ("gross", clicks.map(|clicks| clicks.gross)),
        ("unique", clicks.map(|clicks| clicks.unique)),
        ("duplicate", clicks.map(|clicks| clicks.duplicate)),
        ("invalid", clicks.map(|clicks| clicks.invalid)),
        ("clicks", clicks.map(Clicks::valid)),
        ("impressions", clicks.map(|clicks| clicks.impressions)),
    ];
    answer.extend(numbers.map(|(name, number)| (name.to_owned(), json!(number))));
}

fn put_conversions(
    answer: &mut Map<String, Value>,
    conversions: Option<&Conversions>,
    clicks: Option<Clicks>,
) {
    let number = |number: Option<i64>| json!(number);
    answer.insert("conversions".to_owned(), number(conversions.map(|found| found.accepted)));
    answer.insert("refused".to_owned(), number(conversions.map(|found| found.refused)));
    let money = |found: &Conversions| -> Vec<Value> {
        let line = |sums: &stats::Sums| {
            json!({
                "currency": sums.currency,
                "sales_minor": minor(sums.sales_units),
                "payout_minor": minor(sums.payout_units),
                "epc_units": sums.epc_units(clicks),
                "cpc_units": sums.epc_units(clicks),
                "cpa_units": sums.cpa_units(found),
            })
        };
        found.money.iter().map(line).collect()
    };
    answer.insert("money".to_owned(), json!(conversions.map(money)));
}

fn moment(at_ms: i64, query: &Query) -> Option<String> {
    let at = DateTime::from_timestamp_millis(at_ms)?.with_timezone(&query.range.zone);
    Some(at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}
