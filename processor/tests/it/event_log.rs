//! A world's journals in Kafka, as the contract (`events.proto`) says and by nothing of the collector's.

use journal::{Body, JournalRef, Position, Reader, Seqs};
use kafka::{Config, Layout};
use rdkafka::{
    Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
    producer::{BaseProducer, BaseRecord, Producer},
};
use schemas::{
    event::{End, EventBatch, Heartbeat, Message, Skip},
    topic::Topic,
};
use std::{collections::BTreeMap, path::Path, time::Duration};

use crate::world::{PARTITIONS, World, limited};

const LIMIT: Duration = Duration::from_secs(60);
/// Records in a message at most: few, so that there are many.
const RECORDS: usize = 7;

/// See the module.
pub(crate) struct EventLog {
    pub(crate) config: Config,
    producer: BaseProducer,
    positions: BTreeMap<JournalRef, Position>,
    /// Whether journals say who they are with what they send.
    pub(crate) introduces: bool,
}

/// Messages of one journal, in order.
struct Messages {
    journal: u64,
    partitions: u16,
    header: Vec<u8>,
    all: Vec<(Topic, u16, EventBatch)>,
}

impl EventLog {
    /// Makes the topics.
    pub(crate) async fn make(test: &str) -> Self {
        Self::at(kafka::local::shared(test)).await
    }

    /// The same, in another Kafka.
    pub(crate) async fn at(config: Config) -> Self {
        let layout = Layout { partitions: PARTITIONS, copies: None, keep_hours: 1 };
        kafka::create(&config, layout, LIMIT).await.unwrap();
        let mut client = config.client("test", &[]).unwrap();
        client.set("enable.idempotence", "true");
        let producer = client.create().unwrap();
        Self { config, producer, positions: BTreeMap::new(), introduces: true }
    }

    /// Gives the topics more partitions.
    pub(crate) async fn grow(&self, partitions: u16) {
        let layout = Layout { partitions, copies: None, keep_hours: 1 };
        kafka::grow(&self.config, layout, LIMIT).await.unwrap();
        // Our producer must have heard of them.
        let found = || kafka::partitions(self.producer.client(), &self.config, LIMIT).unwrap();
        limited("the new partitions", async {
            while found() < partitions {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }

    /// The flags that lead a processor here.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let servers = self.config.servers.join(",");
        let prefix = self.config.prefix.clone();
        vec!["--kafka".into(), servers, "--kafka-prefix".into(), prefix]
    }

    /// Sends what the journals have got since the last time.
    pub(crate) fn ship(&mut self, world: &World) {
        self.ship_without(world, |_, _| false);
    }

    /// The same of one journal: the collectors of the others cannot reach Kafka.
    pub(crate) fn ship_only(&mut self, world: &World, journal: u64) {
        let is_it = |place: &JournalRef| place.journal.0 == journal;
        let places = journal::journals(&world.journals()).unwrap().into_iter().filter(is_it);
        self.send_of(places, |_, _| false);
    }

    /// The same of the journals below any folder.
    pub(crate) fn ship_from(&mut self, root: &Path) {
        self.send_of(journal::journals(root).unwrap().into_iter(), |_, _| false);
    }

    /// The same, but for messages that are lost on their way.
    pub(crate) fn ship_without(
        &mut self,
        world: &World,
        lost: impl Fn(Topic, &EventBatch) -> bool,
    ) {
        self.send_of(journal::journals(&world.journals()).unwrap().into_iter(), lost);
    }

    fn send_of(
        &mut self,
        places: impl Iterator<Item = JournalRef>,
        lost: impl Fn(Topic, &EventBatch) -> bool,
    ) {
        for place in places {
            let from = self.positions.get(&place).copied().unwrap_or(Position::START);
            let (slot, key) = (&place.slot, [0; 32]);
            let mut reader =
                Reader::open_any(&place.root, slot, place.journal, from, &key).unwrap();
            let header =
                if self.introduces { reader.header().to_bytes().to_vec() } else { Vec::new() };
            let partitions = reader.header().partitions;
            let mut messages =
                Messages { journal: place.journal.0, partitions, header, all: Vec::new() };
            while let Some(entry) = reader.next().unwrap() {
                messages.take(entry.body);
            }
            self.positions.insert(place, reader.position());
            let arrive = messages.all.iter().filter(|(topic, _, batch)| !lost(*topic, batch));
            arrive.for_each(|message| self.send(message));
        }
        self.producer.flush(LIMIT).unwrap();
    }

    /// Sends everything again from the first on, as a collector does whose checkpoint was lost.
    pub(crate) fn ship_again(&mut self, world: &World) {
        self.positions.clear();
        self.ship(world);
    }

    /// Removes every message there is now, as retention does when it is time.
    pub(crate) async fn remove_all(&self) {
        let admin: AdminClient<DefaultClientContext> =
            self.config.client("test", &[]).unwrap().create().unwrap();
        let mut until = TopicPartitionList::new();
        for name in Topic::ALL.map(|topic| self.config.topic(topic)) {
            for partition in 0..i32::from(PARTITIONS) {
                let client = self.producer.client();
                let (_, next) = client.fetch_watermarks(&name, partition, LIMIT).unwrap();
                until.add_partition_offset(&name, partition, Offset::Offset(next)).unwrap();
            }
        }
        admin.delete_records(&until, &AdminOptions::new()).await.unwrap();
    }

    /// Sends any bytes.
    pub(crate) fn send_raw(&self, topic: Topic, partition: u16, payload: &[u8]) {
        let name = self.config.topic(topic);
        let record: BaseRecord<'_, (), [u8]> =
            BaseRecord::to(&name).partition(partition.into()).payload(payload);
        self.producer.send(record).map_err(|(error, _)| error).unwrap();
        self.producer.poll(Duration::ZERO);
    }

    fn send(&self, (topic, partition, batch): &(Topic, u16, EventBatch)) {
        self.send_raw(*topic, *partition, &batch.encode_to_vec());
    }
}

impl Messages {
    fn take(&mut self, body: Body<'_>) {
        match body {
            Body::Record { topic, partition, seq, payload } => {
                self.record((Topic::from_id(topic.0).unwrap(), partition.0), seq, payload);
            }
            Body::Heartbeat { time_ms, last } => self.mark(last, |last_seq| EventBatch {
                heartbeat: Some(Heartbeat { time_ms, last_seq }),
                ..EventBatch::default()
            }),
            Body::Skip { topic, partition, from, to } => {
                let skip = Skip { first_seq: from, last_seq: to };
                let batch = EventBatch { skip: Some(skip), ..EventBatch::default() };
                self.put((Topic::from_id(topic.0).unwrap(), partition.0), batch);
            }
            Body::End(end) => self.mark(end.last, |last_seq| EventBatch {
                end: Some(End {
                    time_ms: end.time_ms,
                    last_seq,
                    successor: end.successor.map_or(0, |(journal, _)| journal.0),
                    successor_start_ms: end.successor.map_or(0, |(_, start_ms)| start_ms),
                    reason: end.reason.to_owned(),
                }),
                ..EventBatch::default()
            }),
            Body::Corrupt(what) => panic!("{what:?}"),
        }
    }

    fn record(&mut self, (topic, partition): (Topic, u16), seq: u64, payload: &[u8]) {
        if let Some((last_topic, last_partition, batch)) = self.all.last_mut() {
            let next = batch.first_seq + batch.records.len() as u64;
            let fits = (*last_topic, *last_partition, next) == (topic, partition, seq);
            if fits && (1..RECORDS).contains(&batch.records.len()) {
                batch.records.push(payload.to_vec().into());
                return;
            }
        }
        let records = vec![payload.to_vec().into()];
        let batch = EventBatch { first_seq: seq, records, ..EventBatch::default() };
        self.put((topic, partition), batch);
    }

    fn mark(&mut self, last: Seqs<'_>, batch: impl Fn(u64) -> EventBatch) {
        for topic in Topic::ALL {
            for partition in 0..self.partitions {
                let is_it = |of: &(journal::TopicId, journal::Partition, u64)| {
                    (of.0.0, of.1.0) == (topic.id(), partition)
                };
                let last_seq = last.iter().find(is_it).map_or(0, |of| of.2);
                self.put((topic, partition), batch(last_seq));
            }
        }
    }

    fn put(&mut self, (topic, partition): (Topic, u16), mut batch: EventBatch) {
        batch.journal = self.journal;
        let told = |one: &(Topic, u16, EventBatch)| (one.0, one.1) == (topic, partition);
        if !self.all.iter().any(told) {
            batch.header.clone_from(&self.header);
        }
        self.all.push((topic, partition, batch));
    }
}
