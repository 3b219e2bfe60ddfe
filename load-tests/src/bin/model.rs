//! `model`: enumerates the protocol's states, with every rule or without one, and shows what goes wrong.

use std::{
    fmt::Debug,
    io::{Write, stdout},
    time::Instant,
};

use anyhow::{Result, ensure};
use clap::Parser;
use load_tests::model::{Bounds, Counterexample, Found, Rule, Rules, search, waits};

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
    let off = |rule| Rules { off: rule };
    let stores = show("the stores", &Rule::ALL, &arguments, |rule| search(bounds, off(rule)))?;
    let small = waits::Bounds { mishaps: arguments.mishaps + 1, ..waits::Bounds::SMALL };
    let search = |rule| waits::search(small, rule);
    let waits = show("conversions that wait", &waits::Rule::ALL, &arguments, search)?;
    ensure!(stores && waits, "the protocol is broken");
    Ok(())
}

/// Searches with every rule, and without each where that was asked for; whether it holds with all.
fn show<Rule: Copy + Debug>(
    what: &str,
    rules: &[Rule],
    arguments: &Arguments,
    search: impl Fn(Option<Rule>) -> Found,
) -> Result<bool> {
    let mut out = stdout().lock();
    let begun = Instant::now();
    let found = search(None);
    let seconds = begun.elapsed().as_secs_f64();
    writeln!(out, "{what}, with every rule: {} states in {seconds:.1} s", found.states)?;
    found.counterexample.iter().try_for_each(|wrong| tell(&mut out, wrong))?;
    for rule in rules.iter().filter(|_| arguments.without) {
        writeln!(out, "without {rule:?}:")?;
        match search(Some(*rule)).counterexample {
            None => writeln!(out, "  nothing goes wrong within these bounds")?,
            Some(wrong) => tell(&mut out, &wrong)?,
        }
    }
    Ok(found.counterexample.is_none())
}

fn tell(out: &mut impl Write, wrong: &Counterexample) -> std::io::Result<()> {
    writeln!(out, "  {}", wrong.what)?;
    wrong.steps.iter().try_for_each(|step| writeln!(out, "    {step}"))
}
