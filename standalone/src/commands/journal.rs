//! `tributary journal …`: looks into the durable log, and ends or adopts what no process does by itself.

mod lost;
mod resend;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use journal::{JournalId, JournalRef, Key};
use schemas::keys::Keys;

use crate::config::Folder;
use crate::layout::Layout;
use crate::process;

/// Which journal, and what to do with it.
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    folder: Folder,
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Shows what is in one, or in all: how far it came, who holds it, what is wrong. No visitor's data.
    Inspect {
        /// Its 16 digits, as its folder is named; all journals if not given.
        journal: Option<String>,
    },
    /// Reads one, or all, from end to end; exits with 1 when something is damaged or missing.
    Verify {
        /// Its 16 digits; all journals if not given.
        journal: Option<String>,
    },
    /// Declares a copied or restored journal to be the original, which is gone or will never be drained.
    Adopt {
        /// Its 16 digits.
        journal: String,
        /// Why; everybody who asks later is shown it.
        #[arg(long)]
        why: String,
    },
    /// Declares records lost that a journal announced and that will never come, so that nothing waits for them.
    Lost(lost::Options),
    /// Declares a journal gone with its files, of which the database knows no end, so that nothing waits for it.
    Gone(lost::GoneOptions),
    /// Sends records to Kafka once more that were announced and never came, out of the files here.
    Resend(resend::Options),
    /// Ends a journal that no collector will follow up, so that nothing waits for it.
    Retire {
        /// Its 16 digits.
        journal: String,
        /// Why; everybody who asks later is shown it.
        #[arg(long)]
        why: String,
    },
}

pub(super) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let layout = Layout::existing(&options.folder.data)?;
    let root = layout.journals();
    let key = read_key(&layout)?;
    match &options.action {
        Action::Inspect { journal } => {
            for JournalRef { root, slot, journal } in chosen(&root, journal.as_deref())? {
                process::print(&format!("{}\n", journal::inspect(&root, &slot, journal, &key)?))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Action::Lost(lost) => lost::run(&options.folder, lost),
        Action::Resend(again) => resend::run(&root, &key, again),
        Action::Gone(gone) => lost::run_gone(&options.folder, gone),
        Action::Verify { journal } => verify(&chosen(&root, journal.as_deref())?, &key),
        Action::Adopt { journal, why } => {
            let place = find(&root, journal)?;
            journal::adopt(&place.root, &place.slot, place.journal, &key, why)?;
            process::print(&format!("{} is the original from now on\n", place.journal))?;
            Ok(ExitCode::SUCCESS)
        }
        Action::Retire { journal, why } => {
            let place = find(&root, journal)?;
            let sealed = journal::retire(&place.root, &place.slot, place.journal, &key, why)?;
            let records: u64 = sealed.last.iter().map(|(_, _, seq)| seq).sum();
            process::print(&format!("{} has ended with {records} records\n", place.journal))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn read_key(layout: &Layout) -> anyhow::Result<Key> {
    let path = layout.keys();
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("{} can't be read: is this the data folder?", path.display()))?;
    Ok(Keys::parse(&text)?.journal())
}

fn chosen(root: &Path, journal: Option<&str>) -> anyhow::Result<Vec<JournalRef>> {
    match journal {
        Some(id) => Ok(vec![find(root, id)?]),
        None => Ok(journal::journals(root)?),
    }
}

/// Finds a journal by its 16 digits, in whatever slot.
fn find(root: &Path, id: &str) -> anyhow::Result<JournalRef> {
    let wanted = JournalId::parse(id);
    let all = journal::journals(root)?;
    if let Some(found) = all.iter().find(|place| Some(place.journal) == wanted) {
        return Ok(found.clone());
    }
    let known: Vec<String> = all.iter().map(|place| place.journal.to_string()).collect();
    match known.is_empty() {
        true => anyhow::bail!("there is no journal in {}", root.display()),
        false => anyhow::bail!("there is no journal {id}; there are {}", known.join(", ")),
    }
}

fn verify(places: &[JournalRef], key: &Key) -> anyhow::Result<ExitCode> {
    let mut sound = true;
    for place in places {
        let verification = journal::verify(&place.root, &place.slot, place.journal, key)?;
        sound &= verification.is_sound();
        process::print(&format!("{verification}\n"))?;
    }
    let verdict = if sound { "sound" } else { "NOT sound" };
    process::print(&format!("{} journals, {verdict}\n", places.len()))?;
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
