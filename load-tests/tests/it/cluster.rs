//! The same log by way of Kafka: the API says, number by number, what it says without (`play`), since both say what
//! the independent count says.

use std::time::Duration;

use anyhow::Result;
use kafka::Layout;
use load_tests::system::{Part, System, folder};

use crate::{
    harness::SETTINGS,
    play::{Kill, played_and_counted},
};

const LIMIT: Duration = Duration::from_secs(60);
/// What has Kafka between it and the others, twice each.
const KILLS: [(usize, Kill); 4] = [
    (700, Kill::One(Part::Collector)),
    (1600, Kill::One(Part::Processor)),
    (2800, Kill::One(Part::Processor)),
    (3900, Kill::One(Part::Collector)),
];

#[tokio::test(flavor = "multi_thread")]
async fn by_way_of_kafka_the_same_log_gives_the_same_numbers() -> Result<()> {
    let folder = folder()?;
    let kafka = kafka::local::shared("cluster");
    let layout = Layout { partitions: 4, copies: None, keep_hours: 1 };
    kafka::create(&kafka, layout, LIMIT).await?;
    let servers = kafka.servers.join(",");
    let more =
        [("TRIBUTARY_KAFKA", servers.as_str()), ("TRIBUTARY_KAFKA_PREFIX", kafka.prefix.as_str())];
    let system = System::start(folder.path(), &[&SETTINGS[..], &more].concat()).await?;
    played_and_counted(system, folder.path(), &KILLS).await
}
