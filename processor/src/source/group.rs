//! A member of the processors' group in Kafka: which partitions are ours now. Both topics of a partition
//! always come together.
//!
//! Refuses to say where to read on: that stands in PostgreSQL, and Kafka's own offsets are for lag tools.

use rdkafka::{
    ClientContext, Offset, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext},
    error::KafkaError,
    message::BorrowedMessage,
    types::RDKafkaRespErr,
};
use schemas::topic::Topic;
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::error::Result;

/// Longest wait for Kafka's word on its topics.
const ASK: Duration = Duration::from_secs(5);
/// Between two polls while there is nothing to own.
const LOOK: Duration = Duration::from_millis(100);

/// How often Kafka is asked where partitions end: for the lag alone.
const LOOK_AT_ENDS: Duration = Duration::from_secs(2);

/// See the module.
pub(crate) struct Group {
    consumer: BaseConsumer<Context>,
    config: kafka::Config,
    ends: Mutex<Vec<Ends>>,
}

/// A partition, and the next offsets of `Topic::ALL` in it.
type Ends = (u16, [i64; 2]);

/// What was assigned, and how often that changed.
#[derive(Default)]
struct Context {
    topic: String,
    partitions: Mutex<Vec<u16>>,
    generation: AtomicU64,
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        kafka::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        kafka::error(&error, reason);
    }
}

impl ConsumerContext for Context {
    /// Notes what is ours. It is assigned when the next session has asked PostgreSQL where to read on.
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        what: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let assigned = what == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        let of_first = |topic: &str| topic == self.topic;
        let mut ours: Vec<u16> = partitions
            .elements()
            .iter()
            .filter(|one| assigned && of_first(one.topic()))
            .filter_map(|one| u16::try_from(one.partition()).ok())
            .collect();
        ours.sort_unstable();
        // With nothing to read, nobody would ask where to: without an answer librdkafka takes no part in the group any
        // more, which then waits for us, drops us, and we never come back.
        let answered = match (assigned, ours.is_empty()) {
            (false, _) => consumer.unassign(),
            (true, true) => consumer.assign(&TopicPartitionList::new()),
            (true, false) => Ok(()),
        };
        if let Err(error) = answered {
            tracing::warn!(%error, "kafka: a change of our partitions could not be answered");
        }
        *self.partitions.lock().unwrap_or_else(PoisonError::into_inner) = ours;
        self.generation.fetch_add(1, Ordering::SeqCst);
    }
}

/// Partitions that are ours, as of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub(crate) partitions: Vec<u16>,
    generation: u64,
}

impl Group {
    /// Joins.
    ///
    /// # Errors
    /// Settings that librdkafka does not take.
    pub(crate) fn join(config: &kafka::Config, name: &str) -> Result<Self> {
        let name = format!("{}{name}", config.prefix);
        let more = [
            ("group.id", name.as_str()),
            ("enable.auto.commit", "false"),
            // Where an offset is no more, we say so and go on at the oldest there is; the default skips silently.
            ("auto.offset.reset", "error"),
            // The same numbers of both topics go to the same member.
            ("partition.assignment.strategy", "range"),
            ("session.timeout.ms", "10000"),
            // How soon partitions added to the topics are shared out.
            ("topic.metadata.refresh.interval.ms", "10000"),
            // Asked for every few messages, a broker has more work with answers than with what is in them.
            ("fetch.min.bytes", "65536"),
            ("fetch.wait.max.ms", "50"),
            ("queued.max.messages.kbytes", "32768"),
            // How soon more is fetched once there is room again: by default a second, in which we would wait.
            ("fetch.queue.backoff.ms", "10"),
        ];
        let mut client = config.client("processor", &more)?;
        client.set_log_level(RDKafkaLogLevel::Info);
        let context = Context { topic: config.topic(Topic::Clicks), ..Context::default() };
        let consumer: BaseConsumer<Context> =
            client.create_with_context(context).map_err(kafka::Error::from)?;
        let topics = Topic::ALL.map(|topic| config.topic(topic));
        let names = topics.each_ref().map(String::as_str);
        consumer.subscribe(&names).map_err(kafka::Error::from)?;
        Ok(Self { consumer, config: config.clone(), ends: Mutex::default() })
    }

    /// Waits until some partitions are ours.
    pub(crate) async fn assignment(&self) -> Assignment {
        let mut told = String::new();
        loop {
            let ours = self.now();
            if !ours.partitions.is_empty() {
                return ours;
            }
            // Nothing is assigned, so that no message comes: this serves the group alone.
            let polled = tokio::task::block_in_place(|| self.consumer.poll(Duration::ZERO));
            let failed = polled.and_then(Result::err).map(|error| error.to_string());
            // Topics that are not there, say: once, not ten times a second.
            if let Some(error) = failed.filter(|error| *error != told) {
                tracing::warn!(
                    error,
                    "kafka gives us no partitions: `migrate --kafka …` makes the topics"
                );
                told = error;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn now(&self) -> Assignment {
        let context = self.consumer.context();
        let partitions = context.partitions.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Assignment { partitions, generation: context.generation.load(Ordering::SeqCst) }
    }

    /// Partitions of each topic, as Kafka says now.
    ///
    /// # Errors
    /// Kafka does not answer.
    pub(crate) fn partitions(&self) -> Result<u16> {
        Ok(kafka::partitions(self.consumer.client(), &self.config, ASK)?)
    }

    /// Whether an assignment is still ours.
    pub(crate) fn still_has(&self, assignment: &Assignment) -> bool {
        self.consumer.context().generation.load(Ordering::SeqCst) == assignment.generation
    }

    /// Reads on from these offsets, for a partition those of `Topic::ALL`.
    ///
    /// # Errors
    /// librdkafka's.
    pub(crate) fn read_from(&self, offsets: &[(u16, [i64; 2])]) -> Result<()> {
        let mut from = TopicPartitionList::new();
        for (partition, next) in offsets {
            for (topic, next) in Topic::ALL.into_iter().zip(next) {
                let (name, next) = (self.config.topic(topic), Offset::Offset(*next));
                from.add_partition_offset(&name, (*partition).into(), next)
                    .map_err(kafka::Error::from)?;
            }
        }
        self.consumer.assign(&from).map_err(kafka::Error::from)?;
        Ok(())
    }

    /// The oldest message there is of a partition, and the number of the next one to come.
    ///
    /// # Errors
    /// Kafka does not answer.
    pub(crate) fn bounds(&self, topic: Topic, partition: u16) -> Result<(i64, i64)> {
        let bounds =
            self.consumer.fetch_watermarks(&self.config.topic(topic), partition.into(), ASK);
        Ok(bounds.map_err(kafka::Error::from)?)
    }

    /// Asks again and again where these partitions end. A Kafka that does not answer is asked again.
    pub(crate) async fn watch_ends(self: Arc<Self>, partitions: Vec<u16>) {
        loop {
            let (group, of) = (Arc::clone(&self), partitions.clone());
            let asked = tokio::task::spawn_blocking(move || group.ask_ends(&of)).await;
            if let Ok(Err(error)) = asked {
                tracing::debug!(%error, "kafka does not say where partitions end");
            }
            tokio::time::sleep(LOOK_AT_ENDS).await;
        }
    }

    fn ask_ends(&self, partitions: &[u16]) -> Result<(), KafkaError> {
        let mut asked = TopicPartitionList::new();
        let names = Topic::ALL.map(|topic| self.config.topic(topic));
        for partition in partitions {
            for name in &names {
                // In place of a time: the end, by the protocol's own number for it.
                asked.add_partition_offset(name, (*partition).into(), Offset::End)?;
            }
        }
        let told = self.consumer.offsets_for_times(asked, ASK)?;
        let end = |name: &str, partition: u16| {
            let found = told.find_partition(name, partition.into());
            found.and_then(|found| found.offset().to_raw()).unwrap_or(0)
        };
        let ends = partitions
            .iter()
            .map(|partition| (*partition, names.each_ref().map(|name| end(name, *partition))));
        *self.ends.lock().unwrap_or_else(PoisonError::into_inner) = ends.collect();
        Ok(())
    }

    /// Where partitions ended when Kafka was last asked.
    pub(super) fn ends(&self) -> Vec<Ends> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops messages from coming, or lets them come again.
    ///
    /// # Errors
    /// librdkafka's.
    pub(crate) fn pause(&self, paused: bool) -> Result<()> {
        let ours = self.consumer.assignment().map_err(kafka::Error::from)?;
        let done = match paused {
            true => self.consumer.pause(&ours),
            false => self.consumer.resume(&ours),
        };
        Ok(done.map_err(kafka::Error::from)?)
    }

    /// The next message, and the group's own business.
    pub(crate) fn poll(&self, wait: Duration) -> Option<Result<BorrowedMessage<'_>, KafkaError>> {
        self.consumer.poll(wait)
    }

    /// Which of the topics a name is.
    pub(crate) fn topic(&self, name: &str) -> Option<Topic> {
        Topic::ALL.into_iter().find(|topic| self.config.topic(*topic) == name)
    }

    /// Tells Kafka how far we are, for lag tools. A failure costs nobody anything.
    pub(crate) fn tell(&self, offsets: &[(u16, [i64; 2])]) {
        let mut list = TopicPartitionList::new();
        for (partition, next) in offsets {
            for (topic, next) in Topic::ALL.into_iter().zip(next) {
                let (name, next) = (self.config.topic(topic), Offset::Offset(*next));
                let _ = list.add_partition_offset(&name, (*partition).into(), next);
            }
        }
        if let Err(error) = self.consumer.commit(&list, CommitMode::Async) {
            tracing::debug!(%error, "kafka: offsets not noted");
        }
    }
}
