//! Every URL of this process, on one screen, and the layers around them.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use std::time::Duration;
use tower_http::{
    catch_panic::CatchPanicLayer, csrf::CsrfLayer, timeout::RequestBodyDeadlineLayer,
    timeout::TimeoutLayer,
};

use crate::{app::App, auth, error, error::Error, json, metrics, pages, place, server};

const MAX_BODY: usize = 64 * 1024;
const BODY_DEADLINE: Duration = Duration::from_secs(30);
const ANSWER_DEADLINE: Duration = Duration::from_secs(40);

/// The whole service.
pub fn router(app: App) -> Router {
    let guarded =
        api().merge(pages::routes()).route_layer(from_fn_with_state(app.clone(), auth::guard));
    let open = Router::new()
        .route("/health", get(json::health::alive))
        .route("/ready", get(json::health::ready))
        .route("/api/v1/errors/", get(json::errors::list))
        .route("/api/v1/errors/{code}/", get(json::errors::get))
        .merge(pages::open_routes());
    guarded
        .merge(open)
        .fallback(json::errors::no_such_route)
        .with_state(app.clone())
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(RequestBodyDeadlineLayer::new(BODY_DEADLINE))
        .layer(TimeoutLayer::with_status_code(
            axum::http::StatusCode::SERVICE_UNAVAILABLE,
            ANSWER_DEADLINE,
        ))
        .layer(CsrfLayer::new())
        .layer(from_fn_with_state(app.clone(), place::find))
        .layer(from_fn(server::limit_url))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(error::answer))
        .layer(from_fn_with_state(app, metrics::count))
}

/// What the token opens.
fn api() -> Router<App> {
    use json::{
        affiliates, clicks, commissions, conversions, events, links, live, programs, stats,
    };
    Router::new()
        .route("/api/v1/affiliate/stats/", get(stats::report))
        .route("/api/v1/affiliate/stats/formulas/", get(stats::formulas))
        .route("/api/v1/affiliate/clicks/", get(clicks::list))
        .route("/api/v1/affiliate/clicks/{id}/", get(clicks::find))
        .route("/api/v1/affiliate/links/", get(links::list).post(links::create))
        .route("/api/v1/affiliate/links/{id}/", get(links::get).patch(links::change))
        .route("/api/v1/affiliate/programs/", get(programs::list).post(programs::create))
        .route("/api/v1/affiliate/programs/{id}/", get(programs::get).patch(programs::change))
        .route("/api/v1/affiliate/programs/{id}/plans/", post(programs::add_plan))
        .route("/api/v1/affiliate/programs/{id}/token/", post(programs::rotate_token))
        .route("/api/v1/affiliate/affiliates/", get(affiliates::list).post(affiliates::create))
        .route("/api/v1/affiliate/affiliates/{id}/", get(affiliates::get).patch(affiliates::change))
        .route("/api/v1/affiliate/commissions/", get(commissions::list))
        .route("/api/v1/affiliate/commissions/{id}/", get(commissions::get))
        .route("/api/v1/affiliate/conversions/", get(conversions::list))
        .route("/api/v1/affiliate/conversions/{id}/", get(conversions::get))
        .route("/api/v1/events/{receipt_id}/", get(events::get))
        .route("/api/v1/live/", get(live::stream))
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    Error::Fault("a handler panicked".to_owned()).into_response()
}
