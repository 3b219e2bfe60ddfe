//! What both tests do: a folder, a clean audit, the comparison.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use load_tests::{
    api::Api,
    compare::{Names, differences},
    reference::Reference,
    system::System,
};
use standalone::traffic::seed::Seeded;

/// How long the pipeline may stand still while it catches up: debug builds on a busy machine.
pub(crate) const DRAIN: Duration = Duration::from_secs(180);

/// One collector core, so that the order of a visitor's requests is the order in the log; batches
/// often, so that kills fall between them.
pub(crate) const SETTINGS: [(&str, &str); 3] =
    [("TRIBUTARY_CORES", "1"), ("TRIBUTARY_BATCH_MS", "100"), ("RUST_LOG", "warn")];

/// The audit says that everything announced is decided and stored, in both stores alike.
pub(crate) async fn audited(system: &System) -> Result<()> {
    let (clean, said) = system.command(&["audit", "--json"]).await?;
    ensure!(clean, "the audit is not clean: {said}");
    Ok(())
}

/// Every number of the API is the reference's.
pub(crate) async fn counted(
    system: &System,
    seeded: &Seeded,
    reference: &Reference,
    days: bool,
) -> Result<()> {
    let names = Names::of(system, seeded).await?;
    let found = differences(&Api::of(system), &names, reference, days).await?;
    ensure!(found.is_empty(), "{} differences:\n{}", found.len(), found.join("\n"));
    Ok(())
}

/// The time, in milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "the test asks for numbers up to now")]
pub(crate) fn now_ms() -> Result<i64> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    i64::try_from(now.as_millis()).context("the clock is far off")
}
