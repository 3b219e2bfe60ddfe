//! `/api/v1/affiliate/programs/`: list, make, change, terms, postback token.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use schemas::ids::ProgramId;
use serde_json::{Value, json};

use super::{Answer, Id, list as envelope, time, warnings};
use crate::{
    accounts::role::Permission,
    clock,
    error::Error,
    params::{
        self, Errors,
        body::Json as Body,
        pairs::Pairs,
        programs::{PlanBody, ProgramBody, ProgramChangeBody},
    },
    queries::{
        minor,
        programs::{self, Plan, PlanKind, Program},
        sites,
    },
    tenant::TenantCtx,
};

/// Newest first; without terms and token, which a program's own URL shows.
pub async fn list(ctx: TenantCtx, mut pairs: Pairs) -> Answer {
    let mut errors = Errors::default();
    let (find, cursor) = params::programs::take(&mut pairs, &mut errors);
    params::done(pairs, errors)?;
    let page = programs::list(&ctx.db, &find, cursor).await?;
    Ok(Json(envelope(&page, |one| row(&ctx, one))))
}

/// One of them, with its terms and a postback URL to copy.
pub async fn get(ctx: TenantCtx, Id(id): Id<ProgramId>) -> Answer {
    whole(&ctx, id).await.map(Json)
}

/// Makes one.
pub async fn create(ctx: TenantCtx, Body(body): Body<ProgramBody>) -> Result<Response, Error> {
    let site = sites::get(&ctx.db).await?;
    let id =
        ctx.db.write(async |tx| programs::insert(tx, &body.read(&site.currency)?).await).await?;
    let made = saved(&ctx, id).await?;
    let location = format!("/api/v1/affiliate/programs/{id}/");
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(made)).into_response())
}

/// Changes one.
pub async fn change(
    ctx: TenantCtx,
    Id(id): Id<ProgramId>,
    Body(body): Body<ProgramChangeBody>,
) -> Answer {
    ctx.db.write(async |tx| programs::update(tx, id, &body.read()?).await).await?;
    saved(&ctx, id).await.map(Json)
}

/// Adds a line to the terms.
pub async fn add_plan(
    ctx: TenantCtx,
    Id(id): Id<ProgramId>,
    Body(body): Body<PlanBody>,
) -> Result<Response, Error> {
    let now = clock::now();
    ctx.db.write(async |tx| programs::put_plan(tx, id, &body.read(now)?, now).await).await?;
    Ok((StatusCode::CREATED, Json(whole(&ctx, id).await?)).into_response())
}

/// Makes the postback token worthless and shows the new one.
pub async fn rotate_token(ctx: TenantCtx, Id(id): Id<ProgramId>) -> Answer {
    ctx.db.write(async |tx| programs::rotate_token(tx, id).await).await?;
    whole(&ctx, id).await.map(Json)
}

/// What was just saved, and what whoever saved it should know.
async fn saved(ctx: &TenantCtx, id: ProgramId) -> Result<Value, Error> {
    let mut answer = whole(ctx, id).await?;
    answer["warnings"] = warnings(answer["destination"].as_str().unwrap_or_default());
    Ok(answer)
}

async fn whole(ctx: &TenantCtx, id: ProgramId) -> Result<Value, Error> {
    let program = programs::get(&ctx.db, id).await?;
    let plans = programs::plans(&ctx.db, id, clock::now()).await?;
    let mut answer = row(ctx, &program);
    answer["plans"] = plans.iter().map(plan).collect();
    if ctx.may(Permission::SeePostbacks) {
        let token = ctx.keys.postback_token(ctx.site, id, program.token_version);
        answer["postback_token"] = json!(token);
        answer["postback_url"] = json!(ctx.postback_url(ctx.site, &program, &plans));
    }
    Ok(answer)
}

fn row(ctx: &TenantCtx, program: &Program) -> Value {
    let terms = &program.terms;
    let mut row = json!({
        "object": "program",
        "id": program.id.to_string(),
        "slug": program.slug,
        "name": program.name,
        "destination": program.destination,
        "currency": program.currency,
        "is_active": program.is_active,
        "click_window_ms": terms.click_window_ms,
        "unique_window_ms": terms.unique_window_ms,
        "hold_ms": terms.hold_ms,
        "too_fast_ms": terms.too_fast_ms,
        "velocity_per_hour": terms.velocity_per_hour,
        "admission": terms.admission,
        "created_at": time(program.created_at),
        "version": program.version,
    });
    // From where the advertiser's servers call is theirs to know.
    if ctx.may(Permission::SeePostbacks) {
        row["postback_networks"] = json!(terms.postback_networks);
    }
    row
}

fn plan(plan: &Plan) -> Value {
    let (kind, amount_minor, rate_ppm) = match plan.kind {
        PlanKind::Flat(units) => ("flat", Some(minor(units)), None),
        PlanKind::Percent(ppm) => ("percent", None, Some(ppm)),
        PlanKind::Nothing => ("none", None, None),
    };
    json!({
        "event": plan.event,
        "kind": kind,
        "amount_minor": amount_minor,
        "rate_ppm": rate_ppm,
        "currency": plan.currency,
        "valid_from": plan.valid_from.map(time),
        "in_force": plan.in_force,
    })
}
