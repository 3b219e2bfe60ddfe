//! The pages people read, rendered on the server over the same queries as the JSON API.
//!
//! A page holds no SQL and no rule: it parses, asks and answers. Its words come from `i18n`, its
//! numbers are written by `i18n::format`, its pieces are `parts`.

mod shell;
mod request;
mod address;
mod view;
mod words;
mod axis;
mod series;
mod range_menu;
mod parts;
mod typed;
mod dashboard;
mod live;
mod stats;
mod clicks;
mod links;
mod conversions;
mod commissions;
mod programs;
mod affiliates;
mod enrolments;
mod search;
mod preferences;
mod accounts;
mod problems;
mod styleguide;
mod assets;

pub(crate) use problems::problem;
pub(crate) use request::Asked;

use crate::{accounts::role::Permission, app::App, auth::may, error::Error};
use askama::Template;
use axum::{
    Router,
    response::{Html, Redirect},
    routing::{get, post},
};

/// A page as HTML.
fn html(page: &impl Template) -> Result<Html<String>, Error> {
    Ok(Html(page.render()?))
}

/// Where an address that is no page leads: one may come back to it after a form.
async fn home() -> Redirect {
    Redirect::to("/dashboard/")
}

/// What every page is made of.
pub fn files() -> Router<App> {
    assets::routes()
}

/// Pages for whoever asks: signing in, language and theme.
pub fn open_routes() -> Router<App> {
    accounts::open_routes().route("/preferences/", get(home).post(preferences::choose))
}

/// Pages of a person, whatever they are on the site.
pub fn own_routes() -> Router<App> {
    accounts::own_routes().route("/", get(home)).route("/styleguide", get(styleguide::show))
}

/// Pages of a site: each names what it takes.
pub fn routes(app: &App) -> Router<App> {
    use Permission::{
        ChangeAffiliates, ChangeLinks, ChangePrograms, JoinPrograms, SeeAffiliates, SeeCommissions,
        SeeConversions, SeeEnrolments, SeeLinks, SeeNumbers, SeePrograms,
    };
    let see = |what, route| may(app, what, route);
    let both = |read: (Permission, _), write: (Permission, _)| {
        may(app, read.0, read.1).merge(may(app, write.0, write.1))
    };
    Router::new()
        .route("/affiliate/stats/", see(SeeNumbers, get(stats::show)))
        .route("/affiliate/stats/export.csv", see(SeeNumbers, get(stats::export)))
        .route("/affiliate/clicks/", see(SeeNumbers, get(clicks::show)))
        .route(
            "/affiliate/links/",
            both((SeeLinks, get(links::show)), (ChangeLinks, post(links::create))),
        )
        .route(
            "/affiliate/links/{id}/",
            both((SeeLinks, get(links::show_one)), (ChangeLinks, post(links::change))),
        )
        .route("/affiliate/conversions/", see(SeeConversions, get(conversions::show)))
        .route("/affiliate/conversions/{id}/", see(SeeConversions, get(conversions::show_one)))
        .route("/affiliate/commissions/", see(SeeCommissions, get(commissions::show)))
        .route(
            "/affiliate/programs/",
            both((SeePrograms, get(programs::show)), (ChangePrograms, post(programs::create))),
        )
        .route(
            "/affiliate/programs/{id}/",
            both((SeePrograms, get(programs::show_one)), (ChangePrograms, post(programs::change))),
        )
        .route(
            "/affiliate/programs/{id}/plans/",
            both((SeePrograms, get(programs::back)), (ChangePrograms, post(programs::add_terms))),
        )
        .route(
            "/affiliate/programs/{id}/token/",
            both((SeePrograms, get(programs::back)), (ChangePrograms, post(programs::rotate))),
        )
        .route(
            "/affiliate/programs/{id}/join/",
            both((SeePrograms, get(programs::back)), (JoinPrograms, post(enrolments::join))),
        )
        .route("/affiliate/enrolments/", see(SeeEnrolments, get(enrolments::show)))
        .route(
            "/affiliate/enrolments/{id}/",
            both(
                (SeeEnrolments, get(enrolments::back)),
                (ChangeAffiliates, post(enrolments::decide)),
            ),
        )
        .route(
            "/affiliate/affiliates/",
            both(
                (SeeAffiliates, get(affiliates::show)),
                (ChangeAffiliates, post(affiliates::create)),
            ),
        )
        .route(
            "/affiliate/affiliates/{id}/",
            both(
                (SeeAffiliates, get(affiliates::show_one)),
                (ChangeAffiliates, post(affiliates::change)),
            ),
        )
        .route("/dashboard/", see(SeeNumbers, get(dashboard::show)))
        .route("/dashboard/live", see(SeeNumbers, get(live::follow)))
        .route("/search/", see(SeeLinks, get(search::show)))
        .merge(accounts::site_routes(app))
}

#[cfg(test)]
fn walk(dir: &std::path::Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "html" || kind == "rs") {
            found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
        }
    }
}

/// Every template and every source of a page, for the tests that read them.
#[cfg(test)]
pub(crate) fn sources() -> Vec<(String, String)> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(&root.join("templates"), &mut found);
    walk(&root.join("src/pages"), &mut found);
    walk(&root.join("src/mail"), &mut found);
    found
}
