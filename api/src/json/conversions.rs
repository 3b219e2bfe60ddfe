//! `/api/v1/affiliate/conversions/`: found by transaction, click or receipt; each with its trace.

use axum::Json;
use schemas::ids::ConversionId;
use serde_json::{Value, json};

use super::{
    Answer, Id, affiliate_id, clicks, commissions, link_id, list as envelope, money, program_id,
    put_as_of, time,
};
use crate::{
    clock,
    params::{self, Errors, pairs::Pairs, range::Clock},
    queries::{
        as_of,
        conversions::{self, Conversion, Posting},
        sites,
    },
    tenant::TenantCtx,
};

/// Newest first.
pub async fn list(ctx: TenantCtx, mut pairs: Pairs) -> Answer {
    let zone = sites::get(&ctx.db).await?.zone;
    let clock = Clock { zone, now: clock::now() };
    let mut errors = Errors::default();
    let (find, cursor) = params::conversions::take(&mut pairs, &mut errors, &ctx.keys, clock);
    params::done(pairs, errors)?;
    let as_of = as_of::get(&ctx.db).await?;
    let page = conversions::found(&ctx, &find, cursor).await?;
    let mut answer = envelope(&page, row);
    put_as_of(&mut answer, &as_of);
    Ok(Json(answer))
}

/// One of them with its whole life.
pub async fn get(ctx: TenantCtx, Id(id): Id<ConversionId>) -> Answer {
    let as_of = as_of::get(&ctx.db).await?;
    let life = conversions::life(&ctx, id).await?;
    let mut answer = row(&life.conversion);
    answer["trace"] = life.conversion.trace.clone();
    answer["click"] = life.click.as_ref().map_or(Value::Null, clicks::row);
    answer["click_delayed"] = json!(life.is_click_delayed);
    answer["commission"] = life.commission.as_ref().map_or(Value::Null, commissions::row);
    answer["ledger"] = life.ledger.iter().map(posting).collect();
    answer["moments"] = life
        .moments
        .iter()
        .map(|moment| json!({ "at": time(moment.at), "kind": moment.kind }))
        .collect();
    put_as_of(&mut answer, &as_of);
    Ok(Json(answer))
}

/// A conversion as it stands on the wire.
pub(super) fn row(conversion: &Conversion) -> Value {
    let amount = (!conversion.currency.is_empty())
        .then(|| money(conversion.amount_units, &conversion.currency));
    let commission = conversion.commission_units.zip(conversion.commission_currency.as_deref());
    json!({
        "object": "conversion",
        "id": conversion.id.to_string(),
        "receipt_id": conversion.receipt,
        "event": conversion.event,
        "txn_id": conversion.txn_id,
        "status": conversion.status,
        "reason": conversion.reason,
        "program": program_id(conversion.program),
        "program_name": conversion.program_name,
        "affiliate": affiliate_id(conversion.affiliate),
        "affiliate_name": conversion.affiliate_name,
        "link": link_id(conversion.link),
        "amount_minor": amount.as_ref().map(|amount| &amount["amount_minor"]),
        "currency": amount.as_ref().map(|amount| &amount["currency"]),
        "commission_minor": commission.map(|(units, _)| crate::queries::minor(units)),
        "commission_currency": commission.map(|(_, currency)| currency),
        "click_id": conversion.click_id,
        "via": conversion.via,
        "trusted": conversion.trusted,
        "occurred_at": time(conversion.occurred_at),
        "decided_at": time(conversion.decided_at),
    })
}

/// The exact line, in units: a ledger is not rounded for show.
fn posting(posting: &Posting) -> Value {
    json!({
        "tx": posting.tx,
        "kind": posting.kind,
        "account": posting.account,
        "amount_units": posting.amount_units,
        "currency": posting.currency,
        "at": time(posting.at),
        "actor": posting.actor,
        "reason": posting.reason,
    })
}
