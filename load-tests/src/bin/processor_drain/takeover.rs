//! Another processor takes over: how long until it works, and what memory it needs.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use load_tests::table::print;
use migrations::testing::{Clickhouse, Postgres, Role};

use crate::{
    memory::{megabytes, peak, resident},
    running::Running,
};

const PATIENCE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(20);
/// It may still load after it is ready; by then it does not.
const SETTLE: Duration = Duration::from_secs(3);

/// Starts the binary `processor` on the stores as they are.
pub(crate) async fn measure(
    root: &Path,
    postgres: &Postgres,
    clickhouse: &Clickhouse,
) -> Result<()> {
    let begun = Instant::now();
    let stores = (postgres, clickhouse);
    let running = Running::start(root, stores, "claims-of-another", &[])?;
    let url = format!("http://{}/health", running.admin);
    while !reqwest::get(&url).await.is_ok_and(|answer| answer.status().is_success()) {
        ensure!(begun.elapsed() < PATIENCE, "the other processor does not get ready");
        tokio::time::sleep(LOOK).await;
    }
    let took = begun.elapsed();
    tokio::time::sleep(SETTLE).await;
    let pid = running.pid();
    let now = resident(&pid).context("the other processor has ended")?;
    let most = peak(&pid).context("the other processor has ended")?;
    let visitors: i64 = sqlx::query_scalar(
        "SELECT coalesce(sum(octet_length(bytes)), 0)::bigint FROM pipeline_claims",
    )
    .fetch_one(&postgres.pool(Role::Owner).await)
    .await?;
    let rows = [
        vec!["seconds until it works".to_owned(), format!("{:.2}", took.as_secs_f64())],
        vec!["memory, MB".to_owned(), megabytes(now)],
        vec!["memory at most, MB".to_owned(), megabytes(most)],
        vec!["claims as stored, MB".to_owned(), megabytes(visitors.unsigned_abs())],
    ];
    print(&["another processor takes over", ""], &rows, "")?;
    Ok(())
}
