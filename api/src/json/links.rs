//! `/api/v1/affiliate/links/`: list with numbers, make, change, switch off.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono_tz::Tz;
use schemas::ids::LinkId;
use serde_json::{Value, json};
use std::collections::HashMap;

use super::{Answer, Id, list as envelope, put_as_of, stats::row as numbers, time, warnings};
use crate::{
    clock, enrolments,
    error::Error,
    params::{
        self, Errors,
        body::Json as Body,
        links::{LinkBody, LinkChangeBody},
        pairs::Pairs,
        range::Range,
    },
    queries::{
        links::{self, Link},
        sites,
        stats::{self, Dimension, Filter, Metric, Order, Query},
    },
    tenant::TenantCtx,
};

/// Newest first, each with its numbers in the span asked for (null while they are delayed).
pub async fn list(ctx: TenantCtx, mut pairs: Pairs) -> Answer {
    let zone = sites::get(&ctx.db).await?.zone;
    let mut errors = Errors::default();
    let (find, cursor) = params::links::take(&mut pairs, &mut errors);
    let range = errors.take(Range::take(&mut pairs, zone, clock::now()));
    params::done(pairs, errors)?;
    let page = links::list(&ctx.db, &find, cursor).await?;
    let ids: Vec<LinkId> = page.rows.iter().map(|link| link.id).collect();
    let query = range.map(|range| about(&ids, range, zone));
    let report = match &query {
        Some(query) => stats::or_delayed(stats::report(&ctx, query).await)?,
        None => None,
    };
    let known: HashMap<&str, &stats::Row> = report
        .iter()
        .flat_map(|report| &report.rows)
        .filter_map(|row| row.keys.first().map(|key| (key.as_str(), row)))
        .collect();
    let mut answer = envelope(&page, |link| {
        let mut one = row(&ctx, link);
        let zero = stats::Row::zero();
        let id = link.id.to_string();
        let found = known.get(id.as_str()).copied().unwrap_or(&zero);
        one["numbers"] = match (&report, &query) {
            (Some(_), Some(query)) => {
                numbers(&stats::Row { keys: Vec::new(), ..found.clone() }, query)
            }
            _ => Value::Null,
        };
        one
    });
    answer["delayed"] = json!(report.is_none());
    if let Some(report) = &report {
        put_as_of(&mut answer, &report.as_of);
    }
    Ok(Json(answer))
}

/// One of them.
pub async fn get(ctx: TenantCtx, Id(id): Id<LinkId>) -> Answer {
    Ok(Json(row(&ctx, &links::get(&ctx.db, id).await?)))
}

/// Makes one.
pub async fn create(ctx: TenantCtx, Body(body): Body<LinkBody>) -> Result<Response, Error> {
    let id = enrolments::make_link(&ctx, &body.read()?).await?;
    let made = saved(&ctx, id).await?;
    let location = format!("/api/v1/affiliate/links/{id}/");
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(made)).into_response())
}

/// Changes one.
pub async fn change(
    ctx: TenantCtx,
    Id(id): Id<LinkId>,
    Body(body): Body<LinkChangeBody>,
) -> Answer {
    ctx.db.write(async |tx| links::update(tx, id, &body.read()?).await).await?;
    saved(&ctx, id).await.map(Json)
}

/// What was just saved, and what whoever saved it should know.
async fn saved(ctx: &TenantCtx, id: LinkId) -> Result<Value, Error> {
    let link = links::get(&ctx.db, id).await?;
    let mut answer = row(ctx, &link);
    answer["warnings"] = warnings(&link.destination);
    Ok(answer)
}

/// The numbers of some links, one row each.
pub fn about(ids: &[LinkId], range: Range, site_zone: Tz) -> Query {
    let values = ids.iter().map(|id| id.get().to_string()).collect();
    let filters = vec![Filter { dimension: Dimension::Link, values, exclude: false }];
    let order = (Order::Metric(Metric::Gross), true);
    let limit = ids.len().max(1) as u32;
    Query { range, site_zone, group_by: vec![Dimension::Link], filters, order, limit }
}

fn row(ctx: &TenantCtx, link: &Link) -> Value {
    json!({
        "object": "link",
        "id": link.id.to_string(),
        "code": link.code,
        "url": format!("{}/c/{}", ctx.tracking_url, link.code),
        "affiliate": link.affiliate.to_string(),
        "affiliate_name": link.affiliate_name,
        "program": link.program.to_string(),
        "program_name": link.program_name,
        "destination": link.destination,
        "target": link.target,
        "is_active": link.is_active,
        "expires_at": link.expires_at.map(time),
        "created_at": time(link.created_at),
        "version": link.version,
    })
}
