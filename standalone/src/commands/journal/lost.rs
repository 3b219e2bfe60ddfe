//! `tributary journal lost` and `gone`: ask the processor to give up what will never come.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use journal::JournalId;
use processor::lost::{self, Range};
use schemas::topic::Topic;
use tokio::time::{Instant, sleep};

use crate::config::Folder;
use crate::installation::Installation;
use crate::operator::processor_config;
use crate::process;
use crate::progress::Waiting;

/// How long the processor's answer is waited for.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// Which records, and why.
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    records: Records,
    #[command(flatten)]
    said: Said,
}

/// Which records, as the audit names them.
#[derive(clap::Args)]
pub(super) struct Records {
    /// The journal's 16 digits.
    pub(super) journal: String,
    /// `clicks` or `conversions`.
    topic: String,
    /// Which of its partitions.
    partition: u16,
    /// The first and the last number, as 17-20.
    range: String,
}

impl Records {
    /// As numbers, with no reason yet.
    pub(super) fn read(&self) -> anyhow::Result<Range> {
        let journal = journal(&self.journal)?;
        let topic = Topic::ALL.into_iter().find(|topic| topic.name() == self.topic);
        let topic = topic
            .with_context(|| format!("{} is no topic: give clicks or conversions", self.topic))?;
        let (first, last) = self.range.split_once('-').unwrap_or((&self.range, &self.range));
        let number = |text: &str| {
            text.parse().with_context(|| format!("{} is no range: give it as 17-20", self.range))
        };
        let (first, last) = (number(first)?, number(last)?);
        let (partition, why) = (self.partition, String::new());
        Ok(Range { journal: journal.0, topic, partition, first, last, why })
    }
}

/// Which journal, and why.
#[derive(clap::Args)]
pub(super) struct GoneOptions {
    /// Its 16 digits.
    journal: String,
    #[command(flatten)]
    said: Said,
}

/// Why, by whom, and of which installation.
#[derive(clap::Args)]
struct Said {
    /// Why; everybody who asks later is shown it.
    #[arg(long)]
    why: String,
    /// Who says so; kept with it.
    #[arg(long, env = "USER", default_value = "operator")]
    actor: String,
    /// The PostgreSQL that `serve` was started with, if it was given one.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
}

enum Wish {
    Lost(Range),
    Gone(JournalId),
}

pub(super) fn run(folder: &Folder, options: &Options) -> anyhow::Result<ExitCode> {
    let range = Range { why: options.said.why.clone(), ..options.records.read()? };
    let records = ask(folder, &Wish::Lost(range), &options.said)?;
    process::print(&format!("{records} records are declared lost\n"))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn run_gone(folder: &Folder, options: &GoneOptions) -> anyhow::Result<ExitCode> {
    let journal = journal(&options.journal)?;
    ask(folder, &Wish::Gone(journal), &options.said)?;
    process::print(&format!("{journal} is declared gone\n"))?;
    Ok(ExitCode::SUCCESS)
}

fn journal(id: &str) -> anyhow::Result<JournalId> {
    JournalId::parse(id).with_context(|| format!("{id} is no journal: give its 16 digits"))
}

/// Gives how many records are lost, or fails with why none is.
fn ask(folder: &Folder, wish: &Wish, said: &Said) -> anyhow::Result<u64> {
    let installation = Installation::attach(folder.clone(), said.database_url.clone())?;
    let config = processor_config(&installation)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answer = runtime.block_on(async {
        let database = processor::dead_letter::connect(&config.stores).await?;
        let wish = match wish {
            Wish::Lost(range) => lost::declare(&database, range, &said.actor).await?,
            Wish::Gone(journal) => {
                lost::declare_gone(&database, journal.0, &said.why, &said.actor).await?
            }
        };
        let waiting = Waiting::show("waiting for the processor");
        let answer = answer(&database, wish).await;
        waiting.done();
        answer
    })?;
    match answer {
        Ok(records) => Ok(records),
        Err(why) => bail!("nothing is given up: {why}"),
    }
}

async fn answer(database: &sqlx::PgPool, wish: i64) -> anyhow::Result<Result<u64, String>> {
    let limit = Instant::now() + ANSWER_LIMIT;
    loop {
        if let Some(answer) = lost::answer(database, wish).await? {
            return Ok(answer);
        }
        if Instant::now() > limit {
            bail!(
                "the processor has not answered yet: is it running? It will, and the audit shows it"
            );
        }
        sleep(Duration::from_millis(100)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(journal: &str, topic: &str, range: &str) -> Records {
        let [journal, topic, range] = [journal, topic, range].map(str::to_owned);
        Records { journal, topic, partition: 3, range }
    }

    #[test]
    fn records_are_named_as_the_audit_names_them() {
        let found = records("0102030405060708", "clicks", "17-20").read().unwrap();
        assert_eq!((found.journal, found.topic), (0x0102_0304_0506_0708, Topic::Clicks));
        assert_eq!((found.partition, found.first, found.last), (3, 17, 20));
        let one = records("0102030405060708", "conversions", "9").read().unwrap();
        assert_eq!((one.first, one.last), (9, 9));
        for (journal, topic, text, said) in [
            ("12", "clicks", "1-2", "16 digits"),
            ("0102030405060708", "visits", "1-2", "clicks or conversions"),
            ("0102030405060708", "clicks", "all", "17-20"),
            ("0102030405060708", "clicks", "-5", "17-20"),
        ] {
            let refused = records(journal, topic, text).read().unwrap_err();
            assert!(format!("{refused:#}").contains(said), "{refused:#}");
        }
    }
}
