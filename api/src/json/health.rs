//! `/health`: this process answers. `/ready`: the stores answer too.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{app::App, queries::stores};

/// Alive.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// 200 when both stores answer, else 503 that names the one that does not.
pub async fn ready(State(app): State<App>) -> Response {
    let (postgres, clickhouse) = stores::answer(&app).await;
    let state = json!({ "postgres": postgres, "clickhouse": clickhouse });
    match postgres && clickhouse {
        true => Json(state).into_response(),
        // No problem+json: a probe reads the status, a person the names.
        false => (StatusCode::SERVICE_UNAVAILABLE, Json(state)).into_response(),
    }
}
