//! A Kafka broker on this machine with both topics, for measuring.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Result;
use kafka::{Layout, local::Cluster};

/// Partitions of both topics where nothing else is said: the collectors' default.
pub const PARTITIONS: u16 = 4;
const LIMIT: Duration = Duration::from_secs(60);

/// Starts it below `folder`, empty. It ends with the value. Its jars are where `make install-kafka` puts them, or where
/// `TRIBUTARY_TEST_KAFKA_JARS` says.
///
/// # Errors
/// When it does not start.
pub async fn start(folder: &Path, partitions: u16) -> Result<Cluster> {
    let jars = std::env::var_os("TRIBUTARY_TEST_KAFKA_JARS");
    let jars = jars.map_or_else(|| PathBuf::from("vendor/kafka"), PathBuf::from);
    let cluster = Cluster::start(&jars, &folder.join("kafka"), 1)?;
    let layout = Layout { partitions, copies: None, keep_hours: 24 };
    kafka::create(&cluster.config(), layout, LIMIT).await?;
    Ok(cluster)
}
