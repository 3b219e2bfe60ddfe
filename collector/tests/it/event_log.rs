//! The event log as whoever reads it sees it: every message of both topics, from the first on.

use kafka::{Config, Layout};
use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
};
use schemas::{
    event::{EventBatch, Message},
    topic::Topic,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};
use tokio::runtime::Runtime;

const LIMIT: Duration = Duration::from_secs(60);
/// The default of the collectors.
pub(crate) const PARTITIONS: u16 = 4;

/// An event's identity.
pub(crate) type Id = (u64, Topic, u16, u64);

/// See the module.
pub(crate) struct EventLog {
    pub(crate) config: Config,
    consumer: BaseConsumer,
    pub(crate) messages: Vec<(Topic, u16, EventBatch)>,
}

impl EventLog {
    /// Makes the topics.
    pub(crate) fn make(runtime: &Runtime, config: Config) -> Self {
        let layout = Layout { partitions: PARTITIONS, copies: None, keep_hours: 1 };
        runtime.block_on(kafka::create(&config, layout, LIMIT)).unwrap();
        let mut client = config.client("test", &[]).unwrap();
        client.set("group.id", "test").set("enable.auto.commit", "false");
        let consumer: BaseConsumer = client.create().unwrap();
        let mut from = TopicPartitionList::new();
        for topic in Topic::ALL {
            for partition in 0..PARTITIONS {
                let name = config.topic(topic);
                from.add_partition_offset(&name, partition.into(), Offset::Beginning).unwrap();
            }
        }
        consumer.assign(&from).unwrap();
        Self { config, consumer, messages: Vec::new() }
    }

    /// Gives the topics more partitions, and reads those too.
    pub(crate) fn grow(&self, runtime: &Runtime, partitions: u16) {
        let layout = Layout { partitions, copies: None, keep_hours: 1 };
        runtime.block_on(kafka::grow(&self.config, layout, LIMIT)).unwrap();
        let mut more = TopicPartitionList::new();
        for topic in Topic::ALL {
            for partition in PARTITIONS..partitions {
                let name = self.config.topic(topic);
                more.add_partition_offset(&name, partition.into(), Offset::Beginning).unwrap();
            }
        }
        self.consumer.incremental_assign(&more).unwrap();
    }

    /// The arguments that lead a collector here.
    pub(crate) fn arguments(&self) -> [String; 4] {
        let servers = self.config.servers.join(",");
        ["--kafka".into(), servers, "--kafka-prefix".into(), self.config.prefix.clone()]
    }

    /// Reads on until something holds; a minute at most.
    pub(crate) fn read_until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !holds(self) {
            assert!(begun.elapsed() < LIMIT, "{what}");
            // All that is here before the next look at it: each look goes through everything that came.
            while self.read_one() {}
        }
    }

    /// Takes a message, where one is there. A broker that was killed is told as an error, and comes back.
    fn read_one(&mut self) -> bool {
        let Some(Ok(message)) = self.consumer.poll(Duration::from_millis(50)) else { return false };
        let batch = EventBatch::decode(message.payload().unwrap()).unwrap();
        let topic = Topic::ALL.into_iter().find(|t| self.config.topic(*t) == message.topic());
        let partition = u16::try_from(message.partition()).unwrap();
        self.messages.push((topic.unwrap(), partition, batch));
        true
    }

    /// Every record, in the order of its partition, as often as it came.
    pub(crate) fn records(&self) -> Vec<(Id, Vec<u8>)> {
        let records = self.messages.iter().flat_map(|(topic, partition, batch)| {
            (batch.first_seq..)
                .zip(&batch.records)
                .map(|(seq, record)| ((batch.journal, *topic, *partition, seq), record.to_vec()))
        });
        records.collect()
    }

    /// Which records are there.
    pub(crate) fn ids(&self) -> BTreeSet<Id> {
        self.records().into_iter().map(|(id, _)| id).collect()
    }

    /// How many of a topic are there.
    pub(crate) fn count(&self, of: Topic) -> usize {
        self.ids().iter().filter(|(_, topic, ..)| *topic == of).count()
    }

    /// Whether every journal said in every partition that it has ended, and no number up to there is missing.
    pub(crate) fn is_whole(&self, journals: usize) -> bool {
        let ids = self.ids();
        let mut ends: BTreeMap<(u64, Topic, u16), u64> = BTreeMap::new();
        for (topic, partition, batch) in &self.messages {
            if let Some(end) = &batch.end {
                ends.insert((batch.journal, *topic, *partition), end.last_seq);
            }
        }
        let lanes = journals * Topic::ALL.len() * usize::from(PARTITIONS);
        let has = |journal, topic, partition, seq| ids.contains(&(journal, topic, partition, seq));
        ends.len() == lanes
            && ends.iter().all(|((journal, topic, partition), last)| {
                (1..=*last).all(|seq| has(*journal, *topic, *partition, seq))
            })
    }
}
