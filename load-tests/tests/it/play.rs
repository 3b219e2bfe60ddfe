//! The log over HTTP, while every part of the system is killed under it.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use anyhow::{Context, Result, ensure};
use load_tests::{
    api::Api,
    reference,
    system::{LOG, Part, System, folder},
};
use standalone::traffic::{
    log,
    play::{Answer, Kind, Options, Played, Program, play},
};
use tokio::sync::watch;

use crate::harness::{DRAIN, SETTINGS, audited, counted, now_ms};

/// What dies.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kill {
    One(Part),
    /// The supervisor and everything below it.
    All,
    /// Everything but PostgreSQL's server, which the next start adopts.
    AllButPostgres,
}

/// What is killed when so many of the 4,733 lines are played: each part twice, the whole tree three times.
const KILLS: [(usize, Kill); 13] = [
    (300, Kill::One(Part::Collector)),
    (650, Kill::One(Part::Processor)),
    (1000, Kill::One(Part::Postgres)),
    (1350, Kill::All),
    (1700, Kill::One(Part::Engine)),
    (2050, Kill::One(Part::Api)),
    (2400, Kill::One(Part::Collector)),
    (2750, Kill::AllButPostgres),
    (3100, Kill::One(Part::Postgres)),
    (3450, Kill::One(Part::Processor)),
    (3800, Kill::One(Part::Engine)),
    (4000, Kill::One(Part::Api)),
    (4200, Kill::All),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_counted_once_whatever_is_killed() -> Result<()> {
    let folder = folder()?;
    let system = System::start(folder.path(), &SETTINGS).await?;
    played_and_counted(system, folder.path(), &KILLS).await
}

/// Plays the log while parts are killed: what was acknowledged is stored, and the API says what the independent count
/// of it says, number by number.
pub(crate) async fn played_and_counted(
    mut system: System,
    folder: &Path,
    kills: &[(usize, Kill)],
) -> Result<()> {
    let (seeded, programs) = system.seed().await?;
    system.knows_links(24).await?;

    let played = play_and_kill(&mut system, programs, kills).await?;
    Api::of(&system).complete_to(now_ms()?, DRAIN).await?;
    audited(&system).await?;

    let lines = stored(&system, &played).await?;
    let file = folder.join("lines");
    fs::write(&file, &lines)?;
    let now = now_ms()?.to_string();
    let reference = reference::count(&["--lines", path(&file)?, "--at-ms", &now]).await?;
    counted(&system, &seeded, &reference, false).await?;
    system.stop().await
}

/// Plays the log, and kills while it is played.
async fn play_and_kill(
    system: &mut System,
    programs: Vec<Program>,
    kills: &[(usize, Kill)],
) -> Result<Vec<Played>> {
    let played = Arc::new(Mutex::new(Vec::new()));
    let (count, mut counted) = watch::channel(0);
    let noted = Arc::clone(&played);
    let note = move |one: Played| {
        if let Ok(mut all) = noted.lock() {
            all.push(one);
            count.send_replace(all.len());
        }
    };
    let options = Options { connections: 4, ..Options::new(&system.collector, programs) };
    let playing = tokio::spawn(play(options, log::read(LOG)?, Arc::new(note)));
    for (at, kill) in kills {
        counted.wait_for(|count| count >= at).await.context("the player ended early")?;
        match kill {
            Kill::One(part) => system.kill(*part).await?,
            Kill::All => system.kill_all_and_restart(None).await?,
            Kill::AllButPostgres => adopted(system).await?,
        }
    }
    playing.await??;
    let played = played.lock().ok().context("a connection's task failed")?.clone();
    ensure!(played.len() == 4733, "{} lines were played", played.len());
    Ok(played)
}

/// Kills all but PostgreSQL; the same server serves afterwards.
async fn adopted(system: &mut System) -> Result<()> {
    let begun = async |system: &System| {
        let sql = "SELECT pg_postmaster_start_time()::text";
        anyhow::Ok(
            sqlx::query_scalar::<_, String>(sql).fetch_one(&mut system.owner().await?).await?,
        )
    };
    let before = begun(system).await?;
    system.kill_all_and_restart(Some(Part::Postgres)).await?;
    let after = begun(system).await?;
    ensure!(before == after, "postgresql was not adopted: it began {before}, then {after}");
    Ok(())
}

/// The lines that are stored, as the reference wants them. What was acknowledged is among them, once;
/// what was not, only where its answer was lost.
async fn stored(system: &System, played: &[Played]) -> Result<String> {
    let mut stored: BTreeMap<(Kind, u64), u64> = BTreeMap::new();
    for (kind, table) in [(Kind::Click, "clicks"), (Kind::Conversion, "conversions")] {
        for line in system
            .clickhouse("reader", &format!("SELECT sub10 FROM {table} FORMAT TSV"))
            .await?
            .lines()
        {
            *stored.entry((kind, line.parse()?)).or_default() += 1;
        }
    }
    let mut lines = String::new();
    for one in played {
        let times = stored.remove(&(one.kind, one.line)).unwrap_or(0);
        let right = match one.answer {
            Answer::Acknowledged(status) => {
                let taken = matches!((one.kind, status), (Kind::Click, 302 | 404) | (_, 202));
                ensure!(taken, "line {}: {:?}", one.line, one.answer);
                times == 1
            }
            Answer::Lost => times <= 1,
            Answer::Unavailable => times == 0,
        };
        ensure!(right, "line {} ({:?}) is stored {times} times", one.line, one.answer);
        let lost = if one.answer == Answer::Lost { " ?" } else { "" };
        if times == 1 {
            lines += &format!("{}{lost}\n", one.line);
        }
    }
    ensure!(stored.is_empty(), "stored and never played: {stored:?}");
    Ok(lines)
}

fn path(path: &Path) -> Result<&str> {
    path.to_str().context("a folder's name is no text")
}
