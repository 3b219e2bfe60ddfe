//! `GET /api/v1/events/{receipt_id}/`: what became of an event an advertiser sent.

use axum::{Json, extract::Path};
use serde_json::json;

use super::{Answer, conversions, time};
use crate::{
    params::conversions::receipt,
    queries::events::{self, Standing},
    tenant::TenantCtx,
};

/// Where it stands.
pub async fn get(ctx: TenantCtx, Path(id): Path<String>) -> Answer {
    let receipt = receipt(&ctx.keys, &id)?;
    let (state, rest) = match events::get(&ctx, &receipt).await? {
        Standing::Decided(conversion) => ("decided", conversions::row(&conversion)),
        Standing::Waiting { until } => ("waiting_for_click", json!({ "until": time(until) })),
        Standing::DeadLetter => ("dead_letter", json!(null)),
        Standing::Taken => ("taken", json!(null)),
    };
    let key = if state == "decided" { "conversion" } else { "waiting" };
    Ok(Json(json!({ "object": "event", "receipt_id": id, "state": state, key: rest })))
}
