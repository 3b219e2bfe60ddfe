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
mod search;
mod preferences;
mod sign_in;
mod problems;
mod styleguide;
mod assets;

pub(crate) use problems::problem;

use crate::{app::App, error::Error};
use askama::Template;
use axum::{
    Router,
    response::{Html, Redirect},
    routing::get,
};

/// A page as HTML.
fn html(page: &impl Template) -> Result<Html<String>, Error> {
    Ok(Html(page.render()?))
}

/// Where an address that is no page leads: one may come back to it after a form.
async fn home() -> Redirect {
    Redirect::to("/dashboard/")
}

/// Pages for whoever asks: signing in, language and theme, static files.
pub fn open_routes() -> Router<App> {
    assets::routes()
        .route("/accounts/login/", get(sign_in::form).post(sign_in::enter_token))
        .route("/preferences/", get(home).post(preferences::choose))
}

/// Pages for who is signed in.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(home))
        .route("/accounts/logout/", get(home).post(sign_in::leave))
        .route("/dashboard/", get(dashboard::show))
        .route("/dashboard/live", get(live::follow))
        .route("/affiliate/stats/", get(stats::show))
        .route("/affiliate/stats/export.csv", get(stats::export))
        .route("/affiliate/clicks/", get(clicks::show))
        .route("/affiliate/links/", get(links::show).post(links::create))
        .route("/affiliate/links/{id}/", get(links::show_one).post(links::change))
        .route("/affiliate/conversions/", get(conversions::show))
        .route("/affiliate/conversions/{id}/", get(conversions::show_one))
        .route("/affiliate/commissions/", get(commissions::show))
        .route("/affiliate/programs/", get(programs::show).post(programs::create))
        .route("/affiliate/programs/{id}/", get(programs::show_one).post(programs::change))
        .route("/affiliate/programs/{id}/plans/", get(programs::back).post(programs::add_terms))
        .route("/affiliate/programs/{id}/token/", get(programs::back).post(programs::rotate))
        .route("/affiliate/affiliates/", get(affiliates::show).post(affiliates::create))
        .route("/affiliate/affiliates/{id}/", get(affiliates::show_one).post(affiliates::change))
        .route("/search/", get(search::show))
        .route("/styleguide", get(styleguide::show))
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
    found
}
