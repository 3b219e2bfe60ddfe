//! `tributary visitor forget`: what tells about one visitor is taken out of the stores; no number changes.

use std::process::ExitCode;

use anyhow::{Context, bail};
use processor::forget::{self, PATIENCE, Whom, Wish};
use schemas::ids::SiteId;

use crate::installation::Installation;
use crate::operator::{Target, processor_config};
use crate::process;
use crate::progress::Waiting;

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
    /// Empties what tells a visitor from others: key, address and the affiliate's own number of their clicks, what
    /// advertisers call them in their conversions. Every row, outcome, sum and payment stays. Shows what journals, Kafka and backups still hold,
    /// and until when.
    Forget(Forget),
}

#[derive(clap::Args)]
struct Forget {
    /// A click id, as reports show it and the destination received it: it proves the site, and finds the visitor's other
    /// clicks of the same 30 days.
    #[arg(required_unless_present = "visitor", conflicts_with = "visitor")]
    click_id: Option<String>,
    /// The visitor's key instead, in hex, as ClickHouse's `hex(visitor)` shows it.
    #[arg(long, value_name = "KEY", requires = "site")]
    visitor: Option<String>,
    /// Whose visitor it is, as site_1. With a click id: refuse one of another site.
    #[arg(long, value_name = "SITE")]
    site: Option<SiteId>,
    /// Only show which rows of which tables it would be.
    #[arg(long)]
    dry_run: bool,
    /// Why, as the number of the request; kept, so do not name anybody.
    #[arg(
        long,
        required_unless_present = "dry_run",
        default_value = "",
        hide_default_value = true
    )]
    why: String,
    /// Who says so; kept with it.
    #[arg(long, env = "USER", default_value = "operator")]
    actor: String,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: Options) -> anyhow::Result<ExitCode> {
    let installation = options.target.attach()?;
    let Action::Forget(forget) = options.action;
    let wish = forget.wish(&installation)?;
    let mut config = processor_config(&installation)?;
    config.source.keep_hours = installation.settings.journal_keep_hours;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let waiting =
        Waiting::show("waiting until clickhouse has all blocks, then looking and emptying");
    let done = runtime.block_on(forget::run(&config, &wish, PATIENCE));
    waiting.done();
    let report = done?;
    let text =
        if forget.json { serde_json::to_string_pretty(&report)? } else { report.to_string() };
    process::print(&format!("{}\n", text.trim_end()))?;
    Ok(ExitCode::SUCCESS)
}

impl Forget {
    fn wish(&self, installation: &Installation) -> anyhow::Result<Wish> {
        let whom = match (&self.click_id, &self.visitor, self.site) {
            (Some(click), None, site) => {
                Whom::Click(forget::read_click(&installation.keys()?, click)?, site)
            }
            (None, Some(key), Some(site)) => Whom::Key(site, read_key(key)?),
            _ => bail!("give a click id, or --visitor and --site"),
        };
        let (why, actor) = (self.why.clone(), self.actor.clone());
        Ok(Wish { whom, why, actor, dry_run: self.dry_run })
    }
}

fn read_key(text: &str) -> anyhow::Result<u64> {
    let digits = text.trim().trim_start_matches("0x");
    u64::from_str_radix(digits, 16)
        .ok()
        .filter(|_| !digits.starts_with('+'))
        .with_context(|| format!("{text} is no visitor's key: give its 16 hex digits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_clickhouse_prints_it() {
        for (text, expected) in [
            ("4D", Some(0x4d)),
            ("0x00000000000000ff", Some(0xff)),
            ("ffffffffffffffff", Some(u64::MAX)),
            ("1ffffffffffffffff", None),
            ("+1", None),
            ("-1", None),
            ("", None),
            ("visitor", None),
        ] {
            assert_eq!(read_key(text).ok(), expected, "{text:?}");
        }
    }
}
