//! The journal in a Kafka on this machine: shipped by a collector, read by whoever likes.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use kafka::local::Cluster;
use migrations::testing::{Postgres, Role};
use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
};
use schemas::{
    event::{Click, Conversion, EventBatch, Message},
    topic::Topic,
};

const LIMIT: Duration = Duration::from_secs(600);
const LOOK: Duration = Duration::from_millis(200);
/// Less than this is what a collector says of itself each second.
const NOTHING_LEFT: u64 = 10_000;

#[derive(Parser)]
struct Collector {
    #[command(flatten)]
    config: collector::Config,
}

/// See the module.
pub(crate) struct EventLog {
    cluster: Cluster,
    partitions: u16,
}

impl EventLog {
    /// A broker, and everything that stands in the journals below `root` in its topics.
    pub(crate) async fn fill(
        root: &Path,
        postgres: &Postgres,
        (bytes, partitions): (u64, u16),
    ) -> Result<Self> {
        let log = Self { cluster: load_tests::broker::start(root, partitions).await?, partitions };
        log.ship(root, postgres, bytes).await?;
        Ok(log)
    }

    /// How to reach it.
    pub(crate) fn config(&self) -> kafka::Config {
        self.cluster.config()
    }

    async fn ship(&self, root: &Path, postgres: &Postgres, bytes: u64) -> Result<()> {
        let path = |name: &str| root.join(name).display().to_string();
        let flags = [
            ("--database-url", postgres.url(Role::Collector)),
            ("--journal", path("journal")),
            ("--keys", path("keys")),
            ("--links-copy", path("links.copy")),
            ("--listen", "127.0.0.1:0".to_owned()),
            ("--admin", "127.0.0.1:0".to_owned()),
            ("--cores", "1".to_owned()),
            ("--partitions", self.partitions.to_string()),
            ("--kafka", self.config().servers.join(",")),
        ];
        let flags = flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]);
        let config =
            Collector::try_parse_from(std::iter::once("c".to_owned()).chain(flags))?.config;
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let bound = tokio::task::spawn_blocking(move || collector::bind(config)).await??;
        let admin = bound.admin_address().context("the collector has no admin port")?;
        let running = std::thread::spawn(move || {
            bound.run(async {
                let _ = stopped.await;
            })
        });
        let shipped = all_shipped(&format!("http://{admin}/metrics"), bytes).await;
        let _ = stop.send(());
        let ended = tokio::task::spawn_blocking(move || running.join()).await?;
        ended.ok().context("the collector failed")??;
        shipped
    }

    /// Every message read and decoded, clicks and conversions too, and nothing done with them: how many records.
    pub(crate) fn read(&self, clicks: u64) -> Result<u64> {
        // As the processor's own reader is set.
        let settings = [
            ("group.id", "control"),
            ("enable.auto.commit", "false"),
            ("queued.max.messages.kbytes", "32768"),
            ("fetch.queue.backoff.ms", "10"),
        ];
        let client = self.config().client("control", &settings)?;
        let consumer: BaseConsumer = client.create()?;
        let mut from = TopicPartitionList::new();
        for topic in Topic::ALL {
            for partition in 0..self.partitions {
                let name = self.config().topic(topic);
                from.add_partition_offset(&name, partition.into(), Offset::Beginning)?;
            }
        }
        consumer.assign(&from)?;
        let (clicks_topic, mut records, mut found) = (self.config().topic(Topic::Clicks), 0, 0);
        let (mut click, begun) = (Click::default(), Instant::now());
        while found < clicks {
            ensure!(begun.elapsed() < LIMIT, "{found} of {clicks} clicks are in Kafka");
            let Some(message) = consumer.poll(LOOK) else { continue };
            let message = message?;
            let payload = message.payload().unwrap_or_default();
            let batch = EventBatch::decode(bytes::Bytes::copy_from_slice(payload))?;
            records += batch.records.len() as u64;
            for record in &batch.records {
                if message.topic() == clicks_topic {
                    click.clear();
                    click.merge(&record[..])?;
                    found += 1;
                } else {
                    Conversion::decode(&record[..])?;
                }
            }
        }
        Ok(records)
    }
}

/// Waits until a collector says that Kafka has what its journals hold.
async fn all_shipped(metrics: &str, bytes: u64) -> Result<()> {
    let begun = Instant::now();
    loop {
        let text = reqwest::get(metrics).await?.text().await?;
        let value = |name: &str| -> u64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
        };
        let sent = value("tributary_collector_ship_bytes_total ");
        let left = value("tributary_collector_ship_backlog_bytes ");
        if sent > bytes / 2 && left < NOTHING_LEFT {
            return Ok(());
        }
        ensure!(begun.elapsed() < LIMIT, "{left} bytes are not in Kafka after {LIMIT:?}");
        tokio::time::sleep(LOOK).await;
    }
}
