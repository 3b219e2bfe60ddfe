//! What people and programs see: the JSON API, the pages, the live stream.
//!
//! Reads both stores through `queries` (the only SQL); JSON and pages call the same functions, so
//! that a number is never counted in two ways. Writes what people decide (links, programs, terms,
//! affiliates). Refuses to write money: that is the processor's alone.

pub mod config;
pub mod app;
pub mod routes;
pub mod server;
pub mod admin;
pub mod metrics;
pub mod hosts;
pub mod place;
pub mod limits;
pub mod mail;
pub mod jobs;
pub mod tenant;
pub mod accounts;
pub mod enrolments;
pub mod auth;
pub mod params;
pub mod queries;
pub mod json;
pub mod pages;
pub mod i18n;
pub mod error;
mod clock;

pub use config::Config;
pub use error::Error;

use std::future::Future;

/// Serves until `shutdown` is done, then lets running answers end.
///
/// # Errors
/// A store that does not answer, a role that owns tables, keys or token that cannot be read, an
/// address that is in use or not of this machine: each with a sentence that says what to do.
pub async fn run(config: Config, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
    let listeners = server::bind(&config.listen).await?;
    let admin = admin::bind(config.admin).await?;
    let app = app::App::open(&config).await?;
    let told = tokio::spawn(admin::serve(admin, app.clone()));
    let hosts = tokio::spawn(app.hosts.clone().follow(app.db.clone()));
    let jobs = match &config.stores.jobs_database_url {
        Some(url) => {
            let (db, out) = (jobs::connect(url).await?, mail::send::Out::of(&config.mail)?);
            Some(tokio::spawn(jobs::run(app.clone(), db, out)))
        }
        None => None,
    };
    server::serve(listeners, app, shutdown).await;
    told.abort();
    hosts.abort();
    if let Some(jobs) = jobs {
        jobs.abort();
    }
    Ok(())
}
