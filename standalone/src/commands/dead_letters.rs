//! `tributary dead-letters …`: records that could not be decoded: seen, read, and sent again.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use processor::dead_letter;
use tokio::time::{Instant, sleep};

use crate::operator::{Target, processor_config};
use crate::process;
use crate::progress::Waiting;

/// Letters shown at once.
const MOST: i64 = 200;
/// How long the processor's answer to a letter sent again is waited for.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// Which installation, and what.
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Lists those nobody has dealt with, the oldest first.
    List {
        /// Those dealt with too.
        #[arg(long)]
        all: bool,
        /// Only those behind this number.
        #[arg(long, default_value_t = 0)]
        after: i64,
    },
    /// Shows one, its bytes included.
    Show {
        /// Its number.
        id: i64,
    },
    /// Has one decided again: as it is, or with the bytes of a file in its place.
    Resend {
        /// Its number.
        id: i64,
        /// The record to decide instead.
        #[arg(long)]
        file: Option<PathBuf>,
        /// Who asks; kept with the letter.
        #[arg(long, env = "USER", default_value = "operator")]
        actor: String,
    },
}

pub(super) fn run(options: Options) -> anyhow::Result<ExitCode> {
    let installation = options.target.attach()?;
    let config = processor_config(&installation)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let database = dead_letter::connect(&config.stores).await?;
        match options.action {
            Action::List { all, after } => {
                list(&dead_letter::list(&database, after, MOST, all).await?)
            }
            Action::Show { id } => {
                let opened = dead_letter::show(&database, id).await?;
                let opened = opened.with_context(|| format!("there is no dead letter {id}"))?;
                process::print(&format!("{}\n", serde_json::to_string_pretty(&opened)?))?;
                Ok(ExitCode::SUCCESS)
            }
            Action::Resend { id, file, actor } => {
                let bytes =
                    file.map(std::fs::read).transpose().context("the file can't be read")?;
                let wish = dead_letter::resend(&database, id, bytes.as_deref(), &actor).await?;
                let waiting = Waiting::show("waiting for the processor");
                let answer = answer(&database, wish).await;
                waiting.done();
                process::print(&format!("{}\n", answer?))?;
                Ok(ExitCode::SUCCESS)
            }
        }
    })
}

fn list(letters: &[dead_letter::Letter]) -> anyhow::Result<ExitCode> {
    let mut text = format!(
        "{:>8}  {:20}{:18}{:16}{:>10}{:>8}  why\n",
        "number", "since", "journal", "stream", "seq", "bytes"
    );
    for letter in letters {
        let stream = format!("{}/{}", letter.topic, letter.partition);
        let since = letter.created_at.format("%Y-%m-%d %H:%M:%S");
        let done = if letter.resolved_by.is_some() { " (decided since)" } else { "" };
        text.push_str(&format!(
            "{:>8}  {since:20}{:18}{stream:16}{:>10}{:>8}  {}{done}\n",
            letter.id, letter.journal, letter.seq, letter.size, letter.reason
        ));
    }
    process::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

async fn answer(database: &sqlx::PgPool, wish: i64) -> anyhow::Result<String> {
    let limit = Instant::now() + ANSWER_LIMIT;
    loop {
        if let Some(answer) = dead_letter::answer(database, wish).await? {
            return Ok(answer);
        }
        if Instant::now() > limit {
            bail!(
                "the processor has not answered yet: is it running? It will; see `dead-letters show`"
            );
        }
        sleep(Duration::from_millis(100)).await;
    }
}
