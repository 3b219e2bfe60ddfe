//! `play`: plays a log over HTTP against a running `tributary`, once, and says what was acknowledged.
//!
//! With `--outcomes` every line's answer is kept, for `reference_count.py --lines`: `NUMBER` for an
//! acknowledged one, `NUMBER ?` for one whose answer was lost. Refuses to seed: `tributary demo` or
//! `tributary import` did.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Instant,
};

use anyhow::{Context, Result};
use clap::Parser;
use load_tests::{system::LOG, table};
use schemas::{ids::PLATFORM, keys::Keys};
use sqlx::{Connection, PgConnection};
use standalone::{
    config::Folder,
    installation::Installation,
    traffic::{
        log,
        play::{Answer, Kind, Options, Played, play},
        seed::programs,
    },
};

/// Plays an access log against a running tributary, as its visitors and advertisers.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    folder: Folder,
    /// The log, plain or gzip; without it the bundled four days of real traffic.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Events a second; as fast as they are answered without it.
    #[arg(long, value_name = "RATE")]
    per_second: Option<f64>,
    /// Connections kept open.
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// Makes this visit of the log distinct from every other: any word.
    #[arg(long, value_name = "WORD")]
    visit: Option<String>,
    /// Where to keep what became of each line.
    #[arg(long, value_name = "FILE")]
    outcomes: Option<PathBuf>,
}

#[derive(Default)]
struct Tally {
    played: Vec<Played>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let installation = Installation::attach(arguments.folder, None)?;
    let keys = Keys::parse(&fs::read_to_string(installation.layout.keys())?)?;
    let mut owner = PgConnection::connect(installation.owner_url()?.as_str()).await?;
    let options = Options {
        connections: arguments.connections,
        per_second: arguments.per_second,
        visit: arguments.visit,
        ..Options::new(
            &installation.config.addresses.collector.to_string(),
            programs(&mut owner, PLATFORM, &keys).await?,
        )
    };
    let tally = Arc::new(Mutex::new(Tally::default()));
    let noted = Arc::clone(&tally);
    let note = move |played| {
        if let Ok(mut tally) = noted.lock() {
            tally.played.push(played);
        }
    };
    let begun = Instant::now();
    match &arguments.log {
        Some(path) => play(options, log::open(path)?, Arc::new(note)).await?,
        None => play(options, log::read(LOG)?, Arc::new(note)).await?,
    }
    let seconds = begun.elapsed().as_secs_f64();
    let tally = tally.lock().ok().context("a connection's task failed")?;
    if let Some(path) = arguments.outcomes {
        keep(&tally.played, BufWriter::new(File::create(path)?))?;
    }
    show(&tally.played, seconds)
}

fn keep(played: &[Played], mut file: impl Write) -> Result<()> {
    let mut played: Vec<_> =
        played.iter().filter(|one| one.answer != Answer::Unavailable).collect();
    played.sort_by_key(|one| one.line);
    for one in played {
        let lost = if one.answer == Answer::Lost { " ?" } else { "" };
        writeln!(file, "{}{lost}", one.line)?;
    }
    Ok(file.flush()?)
}

fn show(played: &[Played], seconds: f64) -> Result<()> {
    let count = |kind, wanted: &dyn Fn(Answer) -> bool| {
        let of = played.iter().filter(|one| one.kind == kind && wanted(one.answer));
        of.count().to_string()
    };
    let row = |name: &str, wanted: &dyn Fn(Answer) -> bool| {
        vec![name.to_owned(), count(Kind::Click, wanted), count(Kind::Conversion, wanted)]
    };
    let rows = [
        row("acknowledged", &|answer| matches!(answer, Answer::Acknowledged(_))),
        row("  of these 4xx", &|answer| matches!(answer, Answer::Acknowledged(400..500))),
        row("unavailable (503)", &|answer| answer == Answer::Unavailable),
        row("answer lost", &|answer| answer == Answer::Lost),
    ];
    let rate = format!("rate {:.0}", played.len() as f64 / seconds);
    Ok(table::print(&["answer", "clicks", "conversions"], &rows, &rate)?)
}
