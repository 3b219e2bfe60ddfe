//! `model`: enumerates the protocol's states, with every rule or without one, and shows what goes wrong.

use std::{
    io::{Write, stdout},
    time::Instant,
};

use anyhow::{Result, ensure};
use clap::Parser;
use load_tests::model::{Bounds, Rule, Rules, search};

/// Looks at every state the protocol can come to, within bounds.
#[derive(Parser)]
struct Arguments {
    /// Events written.
    #[arg(long, default_value_t = Bounds::SMALL.events, value_parser = clap::value_parser!(u8).range(1..=6))]
    events: u8,
    /// Crashes, takeovers and lost replies, together.
    #[arg(long, default_value_t = Bounds::SMALL.mishaps)]
    mishaps: u8,
    /// Restores of PostgreSQL.
    #[arg(long, default_value_t = Bounds::SMALL.restores)]
    restores: u8,
    /// Blocks ClickHouse remembers.
    #[arg(long, default_value_t = Bounds::SMALL.window)]
    window: usize,
    /// Inserts under way at once.
    #[arg(long, default_value_t = Bounds::SMALL.inserts)]
    inserts: usize,
    /// How far senders go beyond the oldest block; 1: it alone.
    #[arg(long, default_value_t = Bounds::SMALL.ahead)]
    ahead: usize,
    /// The collector's disk is copied, and the copy started too.
    #[arg(long)]
    copies: bool,
    /// Show for each rule what goes wrong without it.
    #[arg(long)]
    without: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let bounds = Bounds {
        events: arguments.events,
        mishaps: arguments.mishaps,
        restores: arguments.restores,
        window: arguments.window,
        inserts: arguments.inserts,
        ahead: arguments.ahead,
        copies: arguments.copies,
        ..Bounds::SMALL
    };
    let mut out = stdout().lock();
    let begun = Instant::now();
    let found = search(bounds, Rules { off: None });
    let seconds = begun.elapsed().as_secs_f64();
    writeln!(out, "with every rule: {} states in {seconds:.1} s", found.states)?;
    if let Some(wrong) = &found.counterexample {
        writeln!(out, "  {}", wrong.what)?;
        wrong.steps.iter().try_for_each(|step| writeln!(out, "    {step}"))?;
    }
    for rule in Rule::ALL.into_iter().filter(|_| arguments.without) {
        writeln!(out, "without {rule:?}:")?;
        match search(bounds, Rules { off: Some(rule) }).counterexample {
            None => writeln!(out, "  nothing goes wrong within these bounds")?,
            Some(wrong) => {
                writeln!(out, "  {}", wrong.what)?;
                wrong.steps.iter().try_for_each(|step| writeln!(out, "    {step}"))?;
            }
        }
    }
    ensure!(found.counterexample.is_none(), "the protocol is broken");
    Ok(())
}
