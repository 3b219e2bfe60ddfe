//! The log by `tributary import`, killed and repeated.

use std::{fs, os::unix::process::ExitStatusExt, path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use load_tests::{
    reference::{self, Reference},
    system::{Part, System, folder},
};
use standalone::traffic::seed::Seeded;
use tokio::time::{Instant, sleep};

use crate::harness::{DRAIN, SETTINGS, audited, counted};

const LOG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/access.log.gz");
const IMPORT: [&str; 3] = ["import", "access-log", LOG];

#[tokio::test(flavor = "multi_thread")]
async fn an_import_killed_and_repeated_counts_every_line_once() -> Result<()> {
    let folder = folder()?;
    let system = System::start(folder.path(), &SETTINGS).await?;
    let (seeded, _) = system.seed().await?;

    let mut import = system.begin(&IMPORT)?;
    let journals = folder.path().join("journal/import");
    // Its first commits are in, and most of the log is not.
    until(|| written(&journals) > 20_000, "the import does not begin").await?;
    import.start_kill()?;
    let ended = import.wait().await?;
    ensure!(ended.signal() == Some(9), "the import was over before it was killed: {ended}");
    system.kill(Part::Processor).await?;

    let (done, said) = system.command(&IMPORT).await?;
    ensure!(done && said.contains("went on after line"), "the second import says: {said}");
    let shift = shift_ms(&journals)?.to_string();
    let reference = reference::count(&["--shift-ms", &shift]).await?;
    drained_and_counted(&system, &seeded, &reference).await?;

    let (done, said) = system.command(&IMPORT).await?;
    ensure!(done && said.contains("before"), "the repeated import says: {said}");
    drained_and_counted(&system, &seeded, &reference).await?;
    system.stop().await
}

async fn drained_and_counted(
    system: &System,
    seeded: &Seeded,
    reference: &Reference,
) -> Result<()> {
    let mut owner = system.owner().await?;
    let (mut deadline, mut known) = (Instant::now() + DRAIN, None);
    // An import holds no `as_of`: it is over when its END is in and no block waits.
    loop {
        let (over, read, blocks): (bool, i64, i64) = sqlx::query_as(
            "SELECT EXISTS (SELECT FROM pipeline_journal WHERE kind = 'import' AND state = 'sealed')
                AND NOT EXISTS (SELECT FROM outbox_block),
                (SELECT coalesce(sum(next_offset), 0)::bigint FROM pipeline_position),
                (SELECT count(*) FROM outbox_block)",
        )
        .fetch_one(&mut owner)
        .await?;
        if over {
            break;
        }
        if known != Some((read, blocks)) {
            (deadline, known) = (Instant::now() + DRAIN, Some((read, blocks)));
        }
        ensure!(Instant::now() < deadline, "the import stands still for {DRAIN:?}");
        sleep(Duration::from_millis(100)).await;
    }
    audited(system).await?;
    counted(system, seeded, reference, true).await
}

/// What `import` decided at its beginning and kept.
fn shift_ms(journals: &Path) -> Result<i64> {
    for entry in fs::read_dir(journals)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let kept: serde_json::Value = serde_json::from_slice(&fs::read(path)?)?;
            return kept["shift_ms"].as_i64().context("the kept beginning has no shift");
        }
    }
    anyhow::bail!("the import kept no beginning")
}

/// Bytes in the import's segments.
fn written(journals: &Path) -> u64 {
    let folders = fs::read_dir(journals).into_iter().flatten().flatten();
    let files = folders.flat_map(|folder| fs::read_dir(folder.path())).flatten().flatten();
    let segments =
        files.filter(|file| file.path().extension().is_some_and(|extension| extension == "seg"));
    segments.filter_map(|file| Some(file.metadata().ok()?.len())).sum()
}

async fn until(mut holds: impl FnMut() -> bool, otherwise: &'static str) -> Result<()> {
    let deadline = Instant::now() + DRAIN;
    while !holds() {
        ensure!(Instant::now() < deadline, otherwise);
        sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}
