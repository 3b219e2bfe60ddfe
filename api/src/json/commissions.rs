//! `/api/v1/affiliate/commissions/`: what affiliates earned.

use axum::Json;
use schemas::ids::CommissionId;
use serde_json::{Value, json};

use super::{Answer, Id, link_id, list as envelope, money, put_as_of, time};
use crate::{
    clock,
    params::{self, Errors, pairs::Pairs, range::Clock},
    queries::{
        as_of,
        commissions::{self, Commission, Sum},
        sites,
    },
    tenant::TenantCtx,
};

/// Newest first, with the sums over everything asked for.
pub async fn list(ctx: TenantCtx, mut pairs: Pairs) -> Answer {
    let zone = sites::get(&ctx.db).await?.zone;
    let clock = Clock { zone, now: clock::now() };
    let mut errors = Errors::default();
    let (find, cursor) = params::commissions::take(&mut pairs, &mut errors, clock);
    params::done(pairs, errors)?;
    let as_of = as_of::get(&ctx.db).await?;
    let sums = commissions::sums(&ctx.db, &find).await?;
    let page = commissions::list(&ctx.db, &find, cursor).await?;
    let mut answer = envelope(&page, row);
    answer["sums"] = sums.iter().map(sum).collect();
    put_as_of(&mut answer, &as_of);
    Ok(Json(answer))
}

/// One of them.
pub async fn get(ctx: TenantCtx, Id(id): Id<CommissionId>) -> Answer {
    let as_of = as_of::get(&ctx.db).await?;
    let mut answer = row(&commissions::get(&ctx.db, id).await?);
    put_as_of(&mut answer, &as_of);
    Ok(Json(answer))
}

/// A commission as it stands on the wire.
pub(super) fn row(commission: &Commission) -> Value {
    let amount = money(commission.amount_units, &commission.currency);
    json!({
        "object": "commission",
        "id": commission.id.to_string(),
        "conversion": commission.conversion.to_string(),
        "event": commission.event,
        "txn_id": commission.txn_id,
        "affiliate": commission.affiliate.to_string(),
        "affiliate_name": commission.affiliate_name,
        "program": commission.program.to_string(),
        "program_name": commission.program_name,
        "link": link_id(commission.link),
        "amount_minor": amount["amount_minor"],
        "currency": amount["currency"],
        "status": commission.status,
        "occurred_at": time(commission.occurred_at),
        "hold_until": time(commission.hold_until),
        "created_at": time(commission.created_at),
    })
}

fn sum(sum: &Sum) -> Value {
    let mut answer = money(sum.amount_units, &sum.currency);
    answer["status"] = json!(sum.status);
    answer["count"] = json!(sum.count);
    answer
}
