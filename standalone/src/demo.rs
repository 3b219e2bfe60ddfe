//! The demonstration: real traffic of four days, its programs and links, imported once and played on for ever.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use indicatif::ProgressBar;
use schemas::ids::{PLATFORM, SiteId};
use sqlx::{Connection, PgConnection};

use crate::accounts;
use crate::clock;
use crate::installation::{Installation, Role};
use crate::progress;
use crate::traffic::{import, log, play, seed};

/// 10,000 requests to a public web site (its source and licence: load-tests/data/README.md).
const LOG: &[u8] = include_bytes!("../../load-tests/data/access.log.gz");
/// The traffic is of the platform's own site.
pub const SITE: SiteId = PLATFORM;

/// Gives the installation the log's programs, affiliates and links.
///
/// # Errors
/// When PostgreSQL does not take them.
pub async fn seed_links(
    installation: &Installation,
    lines: impl Iterator<Item = Line>,
) -> anyhow::Result<seed::Seeded> {
    let wanted = seed::wanted(lines)?;
    let mut owner = PgConnection::connect(installation.owner_url()?.as_str()).await?;
    let seeded = seed::seed(&mut owner, SITE, &wanted).await?;
    owner.close().await?;
    Ok(seeded)
}

/// Gives the installation an account of each role, and a second site.
///
/// # Errors
/// When PostgreSQL does not take them.
pub async fn seed_accounts(installation: &Installation) -> anyhow::Result<()> {
    let mut owner = PgConnection::connect(installation.owner_url()?.as_str()).await?;
    accounts::seed_demo(&mut owner).await?;
    owner.close().await?;
    Ok(())
}

/// A line of a log, as the reader gives it.
pub type Line = std::io::Result<(u64, Option<log::Request>)>;

/// The lines of the log that comes with the program.
///
/// # Errors
/// Never, unless the program is damaged.
pub fn lines() -> std::io::Result<impl Iterator<Item = Line>> {
    log::read(LOG)
}

/// Imports a log file; killed and repeated it goes on, and changes nothing twice.
///
/// # Errors
/// When the file can't be read, or the stores do not answer.
pub async fn import_log(
    installation: &Installation,
    file: PathBuf,
) -> anyhow::Result<import::Imported> {
    let mut database =
        PgConnection::connect(installation.role_url(Role::Collector)?.as_str()).await?;
    let places = import::places(&mut database, SITE).await?;
    database.close().await?;
    let options = import::Options {
        journals: installation.layout.journals(),
        partitions: installation.settings.partitions,
        keys: installation.keys()?,
        site: SITE,
        now_ms: clock::now_ms(),
    };
    let bar = progress::bar("importing", 0);
    let imported = tokio::task::spawn_blocking(move || {
        let imported = import::import(&file, places, options, |progress| advance(&bar, &progress));
        bar.finish_and_clear();
        imported
    });
    Ok(imported.await??)
}

fn advance(bar: &ProgressBar, progress: &import::Progress) {
    bar.set_length(progress.of);
    bar.set_position(progress.lines);
}

/// Imports the log that comes with the program.
///
/// # Errors
/// As [`import_log`], and when the disk is full.
pub async fn import_bundled(installation: &Installation) -> anyhow::Result<import::Imported> {
    let file = installation.layout.demo_log();
    std::fs::write(&file, LOG).with_context(|| format!("{} can't be written", file.display()))?;
    import_log(installation, file).await
}

/// Plays the log over HTTP again and again, each visit with visitors of its own; ends only with an error.
///
/// # Errors
/// When the collector stays away, or the database does not know the log's programs.
pub async fn play_for_ever(installation: &Installation, per_second: f64) -> anyhow::Result<()> {
    let programs = programs(installation).await?;
    let collector = installation.config.addresses.collector.to_string();
    loop {
        let mut options = play::Options::new(&collector, programs.clone());
        options.per_second = Some(per_second);
        options.visit = Some(format!("{:x}", clock::now_ms()));
        play::play(options, lines()?, Arc::new(|_| {})).await?;
    }
}

/// The log's programs with the tokens their servers send.
async fn programs(installation: &Installation) -> anyhow::Result<Vec<play::Program>> {
    let mut database =
        PgConnection::connect(installation.role_url(Role::Collector)?.as_str()).await?;
    let programs = seed::programs(&mut database, SITE, &installation.keys()?).await?;
    database.close().await?;
    Ok(programs)
}
