//! `/api/v1/affiliate/affiliates/`: list, make, change.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use schemas::ids::AffiliateId;
use serde_json::{Value, json};

use super::{Answer, Id, list as envelope, time};
use crate::{
    app::App,
    auth::Viewer,
    error::Error,
    params::{
        self, Errors,
        affiliates::{AffiliateBody, AffiliateChangeBody},
        body::Json as Body,
        pairs::Pairs,
    },
    queries::affiliates::{self, Affiliate},
};

/// Newest first.
pub async fn list(State(app): State<App>, viewer: Viewer, mut pairs: Pairs) -> Answer {
    let mut errors = Errors::default();
    let (find, cursor) = params::affiliates::take(&mut pairs, &mut errors);
    params::done(pairs, errors)?;
    let page = affiliates::list(&app.db, viewer.site, &find, cursor).await?;
    Ok(Json(envelope(&page, row)))
}

/// One of them.
pub async fn get(State(app): State<App>, viewer: Viewer, Id(id): Id<AffiliateId>) -> Answer {
    Ok(Json(row(&affiliates::get(&app.db, viewer.site, id).await?)))
}

/// Makes one.
pub async fn create(
    State(app): State<App>,
    viewer: Viewer,
    Body(body): Body<AffiliateBody>,
) -> Result<Response, Error> {
    let id = affiliates::insert(&app.db, viewer.site, &body.read()?).await?;
    let made = row(&affiliates::get(&app.db, viewer.site, id).await?);
    let location = format!("/api/v1/affiliate/affiliates/{id}/");
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(made)).into_response())
}

/// Changes one.
pub async fn change(
    State(app): State<App>,
    viewer: Viewer,
    Id(id): Id<AffiliateId>,
    Body(body): Body<AffiliateChangeBody>,
) -> Answer {
    affiliates::update(&app.db, viewer.site, id, &body.read()?).await?;
    Ok(Json(row(&affiliates::get(&app.db, viewer.site, id).await?)))
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
