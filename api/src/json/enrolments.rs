//! `/api/v1/affiliate/enrolments/`: who promotes what, asking to, deciding.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use schemas::ids::EnrolmentId;
use serde_json::{Value, json};

use super::{Answer, Id, list as envelope, time};
use crate::{
    accounts::flows::Visit,
    auth::Viewer,
    enrolments as rules,
    error::Error,
    params::{
        self, Errors,
        body::Json as Body,
        enrolments::{DecisionBody, EnrolmentBody},
        pairs::Pairs,
    },
    queries::enrolments::{self, Enrolment},
    tenant::TenantCtx,
};

/// Newest first.
pub async fn list(ctx: TenantCtx, mut pairs: Pairs) -> Answer {
    let mut errors = Errors::default();
    let (find, cursor) = params::enrolments::take(&mut pairs, &mut errors);
    params::done(pairs, errors)?;
    Ok(Json(envelope(&enrolments::list(&ctx.db, &find, cursor).await?, row)))
}

/// One of them.
pub async fn get(ctx: TenantCtx, Id(id): Id<EnrolmentId>) -> Answer {
    Ok(Json(row(&enrolments::get(&ctx.db, id).await?)))
}

/// Asks to promote a program: approved at once, or pending.
pub async fn ask(ctx: TenantCtx, Body(body): Body<EnrolmentBody>) -> Result<Response, Error> {
    let (who, message) = body.read(ctx.reach.affiliates.as_deref())?;
    let id = rules::ask(&ctx, who, &message).await?;
    let made = row(&enrolments::get(&ctx.db, id).await?);
    let location = format!("/api/v1/affiliate/enrolments/{id}/");
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(made)).into_response())
}

/// Decides one.
pub async fn decide(
    ctx: TenantCtx,
    visit: Visit,
    viewer: Viewer,
    Id(id): Id<EnrolmentId>,
    Body(body): Body<DecisionBody>,
) -> Answer {
    let (status, answer) = body.read()?;
    rules::decide(&ctx, &visit, &viewer, (id, &status, &answer)).await?;
    Ok(Json(row(&enrolments::get(&ctx.db, id).await?)))
}

fn row(one: &Enrolment) -> Value {
    json!({
        "object": "enrolment",
        "id": one.id.to_string(),
        "program": one.program.to_string(),
        "program_name": one.program_name,
        "affiliate": one.affiliate.to_string(),
        "affiliate_name": one.affiliate_name,
        "status": one.status,
        "message": one.message,
        "answer": one.answer,
        "created_at": time(one.created_at),
        "decided_at": one.decided_at.map(time),
    })
}
