//! Every URL of this process, on one screen, and the layers around them.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{delete, get, patch, post},
};
use std::time::Duration;
use tower_http::{
    catch_panic::CatchPanicLayer, compression::CompressionLayer, csrf::CsrfLayer,
    timeout::RequestBodyDeadlineLayer, timeout::TimeoutLayer,
};

use crate::{
    accounts::role::Permission,
    app::App,
    auth::{self, may},
    error::{self, Error},
    json, metrics, pages, place, server,
};

const MAX_BODY: usize = 64 * 1024;
const BODY_DEADLINE: Duration = Duration::from_secs(30);
const ANSWER_DEADLINE: Duration = Duration::from_secs(40);

/// The whole service.
pub fn router(app: App) -> Router {
    let own = pages::own_routes().route_layer(from_fn(auth::signed_in));
    let known = api(&app)
        .merge(pages::routes(&app))
        .merge(own)
        .merge(auth_api())
        .merge(pages::open_routes())
        .fallback(json::errors::no_such_route)
        .layer(from_fn_with_state(app.clone(), auth::identify));
    // Nobody is asked about for these: no question to PostgreSQL.
    let unknown = Router::new()
        .route("/health", get(json::health::alive))
        .route("/ready", get(json::health::ready))
        .route("/api/v1/errors/", get(json::errors::list))
        .route("/api/v1/errors/{code}/", get(json::errors::get))
        .merge(pages::files());
    known
        .merge(unknown)
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
        // No page holds a token that guessing by length could find (BREACH), and streams are let alone.
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(app, metrics::count))
}

/// Signing in as a program.
fn auth_api() -> Router<App> {
    use json::auth::{confirm, end, list, refresh, register, second, sign_in, sign_out, user};
    let own = Router::new()
        .route("/api/v1/auth/logout/", post(sign_out))
        .route("/api/v1/auth/user/", get(user))
        .route("/api/v1/auth/sessions/", get(list))
        .route("/api/v1/auth/sessions/{id}/", delete(end))
        .route_layer(from_fn(auth::known));
    Router::new()
        .route("/api/v1/auth/login/", post(sign_in))
        .route("/api/v1/auth/mfa/", post(second))
        .route("/api/v1/auth/register/", post(register))
        .route("/api/v1/auth/register/confirm/", post(confirm))
        .route("/api/v1/auth/refresh/", post(refresh))
        .merge(own)
}

/// What a role on a site opens, to programs.
fn api(app: &App) -> Router<App> {
    numbers(app).merge(things(app))
}

/// What is counted and decided, to programs: read alone.
fn numbers(app: &App) -> Router<App> {
    use Permission::{SeeCommissions, SeeConversions, SeeNumbers};
    use json::{clicks, commissions, conversions, events, live, stats};
    let see = |what, route| may(app, what, route);
    Router::new()
        .route("/api/v1/affiliate/stats/", see(SeeNumbers, get(stats::report)))
        .route("/api/v1/affiliate/stats/formulas/", see(SeeNumbers, get(stats::formulas)))
        .route("/api/v1/affiliate/clicks/", see(SeeNumbers, get(clicks::list)))
        .route("/api/v1/affiliate/clicks/{id}/", see(SeeNumbers, get(clicks::find)))
        .route("/api/v1/affiliate/commissions/", see(SeeCommissions, get(commissions::list)))
        .route("/api/v1/affiliate/commissions/{id}/", see(SeeCommissions, get(commissions::get)))
        .route("/api/v1/affiliate/conversions/", see(SeeConversions, get(conversions::list)))
        .route("/api/v1/affiliate/conversions/{id}/", see(SeeConversions, get(conversions::get)))
        .route("/api/v1/events/{receipt_id}/", see(SeeConversions, get(events::get)))
        .route("/api/v1/live/", see(SeeNumbers, get(live::stream)))
}

/// What a role on a site sets up, to programs.
fn things(app: &App) -> Router<App> {
    use Permission::{
        ChangeAffiliates, ChangeLinks, ChangePrograms, JoinPrograms, SeeAffiliates, SeeEnrolments,
        SeeLinks, SeePrograms,
    };
    use json::{affiliates, enrolments, links, programs};
    let both = |read: (Permission, _), write: (Permission, _)| {
        may(app, read.0, read.1).merge(may(app, write.0, write.1))
    };
    Router::new()
        .route(
            "/api/v1/affiliate/links/",
            both((SeeLinks, get(links::list)), (ChangeLinks, post(links::create))),
        )
        .route(
            "/api/v1/affiliate/links/{id}/",
            both((SeeLinks, get(links::get)), (ChangeLinks, patch(links::change))),
        )
        .route(
            "/api/v1/affiliate/programs/",
            both((SeePrograms, get(programs::list)), (ChangePrograms, post(programs::create))),
        )
        .route(
            "/api/v1/affiliate/programs/{id}/",
            both((SeePrograms, get(programs::get)), (ChangePrograms, patch(programs::change))),
        )
        .route(
            "/api/v1/affiliate/programs/{id}/plans/",
            may(app, ChangePrograms, post(programs::add_plan)),
        )
        .route(
            "/api/v1/affiliate/programs/{id}/token/",
            may(app, ChangePrograms, post(programs::rotate_token)),
        )
        .route(
            "/api/v1/affiliate/affiliates/",
            both(
                (SeeAffiliates, get(affiliates::list)),
                (ChangeAffiliates, post(affiliates::create)),
            ),
        )
        .route(
            "/api/v1/affiliate/affiliates/{id}/",
            both(
                (SeeAffiliates, get(affiliates::get)),
                (ChangeAffiliates, patch(affiliates::change)),
            ),
        )
        .route(
            "/api/v1/affiliate/enrolments/",
            both((SeeEnrolments, get(enrolments::list)), (JoinPrograms, post(enrolments::ask))),
        )
        .route(
            "/api/v1/affiliate/enrolments/{id}/",
            both(
                (SeeEnrolments, get(enrolments::get)),
                (ChangeAffiliates, patch(enrolments::decide)),
            ),
        )
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    Error::Fault("a handler panicked".to_owned()).into_response()
}
