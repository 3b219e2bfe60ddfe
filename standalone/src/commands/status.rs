//! `tributary status`: what runs, lag, freshness, disk by store, retention.

use std::fmt::Write;
use std::process::ExitCode;

use crate::operator::Target;
use crate::process;
use crate::status::{Pipeline, Status, status};

/// Which installation.
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    target: Target,
}

/// Exits with 1 when something does not run.
pub(super) fn run(options: Options) -> anyhow::Result<ExitCode> {
    let installation = options.target.attach()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let status = runtime.block_on(status(&installation));
    process::print(&text(&status)?)?;
    let all_run = status.processes.iter().all(|process| process.runs);
    Ok(if all_run { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn text(status: &Status) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    for process in &status.processes {
        let state = if process.runs { "runs" } else { "DOWN" };
        writeln!(text, "{:14}{state:6}{}", process.name, process.address)?;
    }
    text.push('\n');
    match &status.pipeline {
        Ok(pipeline) => write_pipeline(&mut text, pipeline, status.journal_lag)?,
        Err(why) => writeln!(text, "postgresql was not asked: {why}")?,
    }
    let disk: Vec<String> =
        status.disk.iter().map(|(name, bytes)| format!("{name} {}", size(*bytes))).collect();
    writeln!(text, "{:14}{}; {} free", "disk", disk.join(", "), size(status.free))?;
    writeln!(
        text,
        "{:14}journal segments {} h after they were committed; money for ever; events as the tables below say",
        "kept", status.journal_keep_hours
    )?;
    match &status.tables {
        Ok(tables) => {
            writeln!(text, "\n{:24}{:>14}{:>12}  forgets", "clickhouse table", "rows", "size")?;
            for table in tables {
                writeln!(
                    text,
                    "{:24}{:>14}{:>12}  {}",
                    table.name,
                    table.rows,
                    size(table.bytes),
                    table.retention()
                )?;
            }
        }
        Err(why) => writeln!(text, "clickhouse was not asked: {why}")?,
    }
    Ok(text)
}

fn write_pipeline(text: &mut String, pipeline: &Pipeline, lag: Option<u64>) -> std::fmt::Result {
    match pipeline.as_of {
        Some((at, behind_ms)) => {
            let at = at.format("%Y-%m-%d %H:%M:%S%.3fZ");
            write!(
                text,
                "{:14}{at}, {}.{:03} s ago",
                "complete to",
                behind_ms / 1000,
                behind_ms % 1000
            )?;
        }
        None => write!(text, "{:14}not yet", "complete to")?,
    }
    let note =
        if pipeline.note.is_empty() { String::new() } else { format!(" ({})", pipeline.note) };
    writeln!(text, "{note}")?;
    let journal = lag.map_or_else(|| "unknown bytes".to_owned(), size);
    writeln!(
        text,
        "{:14}{journal} of journal to decide, {} blocks with {} rows to send, {} conversions wait for their click",
        "lag", pipeline.blocks.0, pipeline.blocks.1, pipeline.waiting
    )?;
    writeln!(text, "{:14}{}", "dead letters", pipeline.dead_letters)?;
    write_audit(text, pipeline)
}

fn write_audit(text: &mut String, pipeline: &Pipeline) -> std::fmt::Result {
    write!(text, "{:14}", "audit")?;
    match pipeline.audit {
        Some((at, ago_ms, 0)) => {
            write!(text, "clean, {} ({} s ago)", at.format("%Y-%m-%d %H:%M:%SZ"), ago_ms / 1000)?;
        }
        Some((at, _, found)) => {
            let at = at.format("%Y-%m-%d %H:%M:%SZ");
            write!(text, "{found} things did not agree, {at}: run `tributary audit`")?;
        }
        None => text.push_str("none made yet"),
    }
    match pipeline.unexplained {
        0 => writeln!(text),
        records => writeln!(text, ", {records} records unexplained"),
    }
}

/// Bytes in the unit that reads best.
fn size(bytes: u64) -> String {
    let units = [(1_u64 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_read_well() {
        let sizes = [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 << 30, "5.0 GiB")];
        for (bytes, text) in sizes {
            assert_eq!(size(bytes), text);
        }
    }
}
