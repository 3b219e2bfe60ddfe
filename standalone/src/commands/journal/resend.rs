//! `tributary journal resend`: sends a range of records to Kafka once more, out of the files that hold them.

use std::path::Path;
use std::process::ExitCode;

use journal::Key;

use super::{find, lost};
use crate::process;
use crate::progress::Waiting;

/// Which records, as the audit names them, and where to.
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    records: lost::Records,
    #[command(flatten)]
    kafka: kafka::Config,
}

pub(super) fn run(root: &Path, key: &Key, options: &Options) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        options.kafka.is_set(),
        "say where Kafka is: --kafka HOST:PORT. Without Kafka the processor reads the files themselves"
    );
    let named = options.records.read()?;
    let place = find(root, &options.records.journal)?;
    let (topic, partition) = (named.topic, named.partition);
    let range = collector::Range { place, topic, partition, first: named.first, last: named.last };
    let waiting = Waiting::show("waiting for kafka");
    let sent = collector::resend(&options.kafka, key, &range);
    waiting.done();
    process::print(&format!("{} records are in kafka\n", sent?))?;
    Ok(ExitCode::SUCCESS)
}
