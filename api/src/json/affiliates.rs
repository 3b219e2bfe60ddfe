//! `/api/v1/affiliate/affiliates/`: list, make, change.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use schemas::ids::AffiliateId;
use serde_json::{Value, json};

use super::{Answer, Id, list as envelope, time};
use crate::{
    error::Error,
    params::{
        self, Errors,
        affiliates::{AffiliateBody, AffiliateChangeBody},
        body::Json as Body,
        pairs::Pairs,
    },
    queries::affiliates::{self, Affiliate},
    tenant::TenantCtx,
};

/// Newest first.
pub async fn list(ctx: TenantCtx, mut pairs: Pairs) -> Answer {
    let mut errors = Errors::default();
    let (find, cursor) = params::affiliates::take(&mut pairs, &mut errors);
    params::done(pairs, errors)?;
    let page = affiliates::list(&ctx.db, &find, cursor).await?;
    Ok(Json(envelope(&page, row)))
}

/// One of them.
pub async fn get(ctx: TenantCtx, Id(id): Id<AffiliateId>) -> Answer {
    Ok(Json(row(&affiliates::get(&ctx.db, id).await?)))
}

/// Makes one.
pub async fn create(ctx: TenantCtx, Body(body): Body<AffiliateBody>) -> Result<Response, Error> {
    let id = ctx
        .db
        .write(async |tx| Ok::<_, Error>(affiliates::insert(tx, &body.read()?).await?))
        .await?;
    let made = row(&affiliates::get(&ctx.db, id).await?);
    let location = format!("/api/v1/affiliate/affiliates/{id}/");
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(made)).into_response())
}

/// Changes one.
pub async fn change(
    ctx: TenantCtx,
    Id(id): Id<AffiliateId>,
    Body(body): Body<AffiliateChangeBody>,
) -> Answer {
    ctx.db.write(async |tx| affiliates::update(tx, id, &body.read()?).await).await?;
    Ok(Json(row(&affiliates::get(&ctx.db, id).await?)))
}

fn row(affiliate: &Affiliate) -> Value {
    json!({
        "object": "affiliate",
        "id": affiliate.id.to_string(),
        "name": affiliate.name,
        "email": affiliate.email,
        "is_active": affiliate.is_active,
        "created_at": time(affiliate.created_at),
        "version": affiliate.version,
    })
}
