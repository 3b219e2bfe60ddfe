//! When ClickHouse has come to rest.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clickhouse::Client;

/// How long merges may take.
const PATIENCE: Duration = Duration::from_secs(1800);
const LOOK: Duration = Duration::from_millis(100);
/// Looks in a row without a merge until there is none to come.
const QUIET: u32 = 10;

/// Waits until no merge of the client's database runs and none is about to.
///
/// # Errors
/// When ClickHouse does not answer, or merges for very long.
pub async fn wait(client: &Client) -> Result<()> {
    let begun = Instant::now();
    let mut quiet = 0;
    while begun.elapsed() < PATIENCE {
        let busy: u64 = client
            .query(
                "SELECT assumeNotNull((SELECT count() FROM system.merges WHERE database = currentDatabase()))
                     + assumeNotNull((SELECT count() FROM system.mutations WHERE database = currentDatabase() AND NOT is_done))",
            )
            .fetch_one()
            .await?;
        quiet = if busy == 0 { quiet + 1 } else { 0 };
        if quiet == QUIET {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
    bail!("clickhouse still merges after {PATIENCE:?}")
}
