//! Another processor takes over: how long until it works, and what memory it needs.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use load_tests::table::print;
use migrations::testing::{Clickhouse, Postgres, Role};

use crate::memory::{megabytes, peak, resident};

const PATIENCE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(20);
/// It may still load after it is ready; by then it does not.
const SETTLE: Duration = Duration::from_secs(3);

/// Ended with the value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Gone already is as well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the binary `processor` on the stores as they are.
pub(crate) async fn measure(
    root: &Path,
    postgres: &Postgres,
    clickhouse: &Clickhouse,
) -> Result<()> {
    let binary = std::env::current_exe()?.with_file_name("processor");
    ensure!(binary.exists(), "{} is not built: cargo build -p processor", binary.display());
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let admin = listener.local_addr()?.to_string();
    drop(listener);
    let path = |name: &str| root.join(name).display().to_string();
    let begun = Instant::now();
    let child = Command::new(binary)
        .env("DATABASE_URL", postgres.url(Role::Processor))
        .env("TRIBUTARY_CLICKHOUSE_URL", clickhouse.url())
        .env("TRIBUTARY_CLICKHOUSE_DATABASE", clickhouse.database())
        .env("TRIBUTARY_JOURNAL", path("journal"))
        .env("TRIBUTARY_KEYS", path("keys"))
        .env("TRIBUTARY_CLAIMS", path("claims-of-another"))
        .env("TRIBUTARY_PROCESSOR", &admin)
        .env("TRIBUTARY_AUDIT_MINUTES", "0")
        .env("RUST_LOG", "warn")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()?;
    let running = Running(child);
    let url = format!("http://{admin}/health");
    while !reqwest::get(&url).await.is_ok_and(|answer| answer.status().is_success()) {
        ensure!(begun.elapsed() < PATIENCE, "the other processor does not get ready");
        tokio::time::sleep(LOOK).await;
    }
    let took = begun.elapsed();
    tokio::time::sleep(SETTLE).await;
    let pid = running.0.id().to_string();
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
