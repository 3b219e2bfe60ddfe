//! What this process does by itself, for all sites: on one screen.
//!
//! With a role of its own (`tributary_jobs`), and only where it was given one. Several processes may do it at once:
//! each piece of work is taken by one.

use sqlx::{PgPool, postgres::PgPoolOptions};
use std::{future::Future, time::Duration};

use crate::{
    app::App,
    clock,
    mail::send::{Out, Sender},
    queries::jobs,
};

/// How often it is looked for letters that are due.
const MAIL: Duration = Duration::from_secs(1);
/// How often what is over is removed.
const SWEEP: Duration = Duration::from_secs(3600);

/// Connects as the role of jobs.
///
/// # Errors
/// When PostgreSQL does not answer, or the role may do more than it should.
pub async fn connect(url: &str) -> anyhow::Result<PgPool> {
    let pool = PgPoolOptions::new().max_connections(2).connect(url).await?;
    crate::app::refuse_owner_role(&pool).await?;
    Ok(pool)
}

/// All of them, for ever.
pub async fn run(app: App, db: PgPool, out: Option<Out>) {
    let sweep = every(SWEEP, || sweep(&db));
    match out {
        Some(out) => {
            let sender = Sender::new(app, db.clone(), out);
            tokio::join!(sweep, every(MAIL, || sender.send_due()));
        }
        None => {
            tracing::warn!(
                "mail waits: name a server in TRIBUTARY_SMTP_URL, or a folder in TRIBUTARY_MAIL_FOLDER"
            );
            sweep.await;
        }
    }
}

async fn every<F: Future<Output = anyhow::Result<()>>>(period: Duration, work: impl Fn() -> F) {
    let mut tick = tokio::time::interval(period);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut failed = false;
    loop {
        tick.tick().await;
        // Said once when it begins to fail, not at each try.
        match work().await {
            Ok(()) => failed = false,
            Err(error) if !failed => {
                tracing::warn!(%error, "a job failed; it is tried again");
                failed = true;
            }
            Err(_) => {}
        }
    }
}

/// Removes sessions, links and steps that are over, and letters that were sent long ago.
async fn sweep(db: &PgPool) -> anyhow::Result<()> {
    Ok(jobs::sweep(db, clock::now()).await?)
}
