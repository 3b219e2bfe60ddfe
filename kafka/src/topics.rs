//! The two topics: made by the migrator, looked at by whoever starts.

use rdkafka::{
    ClientContext,
    admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication},
    client::{Client, DefaultClientContext},
    error::RDKafkaErrorCode,
    metadata::Metadata,
};
use schemas::topic::Topic;
use std::time::Duration;

use crate::{
    config::Config,
    error::{Error, Result},
    look::Look,
};

/// Copies of each partition, where there are as many brokers.
const COPIES: usize = 3;
/// Largest message: a batch of records, or the one record that is as large as a record may be, and its frame.
const MOST_MESSAGE_BYTES: &str = "2097152";

/// How topics are made.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// Of each topic.
    pub partitions: u16,
    /// Copies of each partition; default: three, or one for each broker where there are fewer.
    pub copies: Option<u16>,
    /// How long messages are kept: longer than the longest outage of the processors.
    pub keep_hours: u64,
}

/// What became of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It was made now.
    Made(String),
    /// It was there, with as many partitions as it should have.
    There(String),
    /// It got more partitions: it had so many.
    Grown(String, u16),
}

/// Makes the topics that are not there, and checks those that are.
///
/// # Errors
/// Kafka's, or a topic with another number of partitions; nothing is changed in one that is there.
pub async fn create(config: &Config, layout: Layout, limit: Duration) -> Result<Vec<Found>> {
    let look = Look::new(config)?;
    let brokers = look.metadata(None, limit)?.brokers().len();
    let admin = admin(config)?;
    let copies = layout.copies.map_or_else(|| brokers.clamp(1, COPIES), usize::from);
    let mut found = Vec::new();
    for topic in Topic::ALL {
        let name = config.topic(topic);
        match counted(&look.metadata(Some(&name), limit)?, &name)? {
            Some(partitions) => {
                check_count(&name, partitions, layout.partitions)?;
                found.push(Found::There(name));
            }
            None => {
                make(&admin, &name, layout, copies, limit).await?;
                found.push(Found::Made(name));
            }
        }
    }
    Ok(found)
}

async fn make(
    admin: &AdminClient<DefaultClientContext>,
    name: &str,
    layout: Layout,
    copies: usize,
    limit: Duration,
) -> Result<()> {
    // With three copies one broker may be away and an acknowledged message still lies on two.
    let in_sync = if copies >= COPIES { "2" } else { "1" };
    let keep_ms = (layout.keep_hours * 3_600_000).to_string();
    let copies = TopicReplication::Fixed(i32::try_from(copies).unwrap_or(i32::MAX));
    let topic = NewTopic::new(name, layout.partitions.into(), copies)
        .set("min.insync.replicas", in_sync)
        .set("retention.ms", &keep_ms)
        .set("max.message.bytes", MOST_MESSAGE_BYTES)
        .set("compression.type", "producer")
        // A broker that lost messages must not lead: they were acknowledged.
        .set("unclean.leader.election.enable", "false");
    let options = AdminOptions::new().request_timeout(Some(limit)).operation_timeout(Some(limit));
    for made in admin.create_topics([&topic], &options).await? {
        match made {
            // Somebody else made it just now.
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => return Err(Error::NotMade { topic, reason: code.to_string() }),
        }
    }
    Ok(())
}

/// Gives the topics that are there as many partitions as the layout says. Kafka never takes one away.
///
/// What must be so before is told in `docs/scaling.md`: nothing that was written for fewer partitions is undecided.
///
/// # Errors
/// Kafka's, `NoTopic`, or a topic with more partitions already.
pub async fn grow(config: &Config, layout: Layout, limit: Duration) -> Result<Vec<Found>> {
    let look = Look::new(config)?;
    let admin = admin(config)?;
    let options = AdminOptions::new().request_timeout(Some(limit)).operation_timeout(Some(limit));
    let mut done = Vec::new();
    for topic in Topic::ALL {
        let name = config.topic(topic);
        let found = counted(&look.metadata(Some(&name), limit)?, &name)?;
        let found = found.ok_or(Error::NoTopic(name.clone()))?;
        let wanted = usize::from(layout.partitions);
        if found >= wanted {
            check_count(&name, found, layout.partitions)?;
            done.push(Found::There(name));
            continue;
        }
        let grown = NewPartitions::new(&name, wanted);
        for made in admin.create_partitions([&grown], &options).await? {
            if let Err((topic, code)) = made {
                return Err(Error::NotMade { topic, reason: code.to_string() });
            }
        }
        done.push(Found::Grown(name, u16::try_from(found).unwrap_or(u16::MAX)));
    }
    Ok(done)
}

/// Partitions of both topics, as Kafka says now; the smaller number, while they are being made more.
///
/// # Errors
/// Kafka's, or `NoTopic`.
pub fn partitions<C: ClientContext>(
    client: &Client<C>,
    config: &Config,
    limit: Duration,
) -> Result<u16> {
    let mut smallest = u16::MAX;
    for topic in Topic::ALL {
        let name = config.topic(topic);
        let found = count(client, &name, limit)?.ok_or(Error::NoTopic(name))?;
        smallest = smallest.min(u16::try_from(found).unwrap_or(u16::MAX));
    }
    Ok(smallest)
}

/// Whether both topics are there with this many partitions, as Kafka says now.
///
/// # Errors
/// `Away` where it does not answer in time; `Refused`, `NoTopic`, `Partitions` where it does and they are not.
pub fn check(config: &Config, partitions: u16, limit: Duration) -> Result<()> {
    let look = Look::new(config)?;
    for topic in Topic::ALL {
        let name = config.topic(topic);
        match counted(&look.metadata(Some(&name), limit)?, &name)? {
            Some(found) => check_count(&name, found, partitions)?,
            None => return Err(Error::NoTopic(name)),
        }
    }
    Ok(())
}

/// How many partitions both topics have, as Kafka says now; the smaller number, while they are being made more.
///
/// # Errors
/// As `check`.
pub fn find(config: &Config, limit: Duration) -> Result<u16> {
    let look = Look::new(config)?;
    let mut smallest = u16::MAX;
    for topic in Topic::ALL {
        let name = config.topic(topic);
        let found = counted(&look.metadata(Some(&name), limit)?, &name)?;
        let found = found.ok_or(Error::NoTopic(name))?;
        smallest = smallest.min(u16::try_from(found).unwrap_or(u16::MAX));
    }
    Ok(smallest)
}

/// The same for topics that are to be given more partitions: they may have fewer yet.
///
/// # Errors
/// As `check`.
pub fn check_growing(config: &Config, partitions: u16, limit: Duration) -> Result<()> {
    let found = find(config, limit)?;
    match found <= partitions {
        true => Ok(()),
        false => check_count(&config.topic(Topic::Clicks), found.into(), partitions),
    }
}

/// The same, over a client there is already.
///
/// # Errors
/// As `check`.
pub fn check_found<C: ClientContext>(
    client: &Client<C>,
    config: &Config,
    partitions: u16,
    limit: Duration,
) -> Result<()> {
    for topic in Topic::ALL {
        let name = config.topic(topic);
        match count(client, &name, limit)? {
            Some(found) => check_count(&name, found, partitions)?,
            None => return Err(Error::NoTopic(name)),
        }
    }
    Ok(())
}

fn check_count(topic: &str, found: usize, wanted: u16) -> Result<()> {
    if found == usize::from(wanted) {
        Ok(())
    } else {
        Err(Error::Partitions { topic: topic.to_owned(), found, wanted })
    }
}

fn admin(config: &Config) -> Result<AdminClient<DefaultClientContext>> {
    Ok(config.client("migrate", &[])?.create()?)
}

/// Partitions of a topic; `None` for one that is not there.
fn count<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    limit: Duration,
) -> Result<Option<usize>> {
    counted(&client.fetch_metadata(Some(topic), limit)?, topic)
}

fn counted(metadata: &Metadata, topic: &str) -> Result<Option<usize>> {
    let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else {
        return Ok(None);
    };
    let denied = RDKafkaErrorCode::TopicAuthorizationFailed;
    if found.error().is_some_and(|error| RDKafkaErrorCode::from(error) == denied) {
        return Err(Error::Denied(topic.to_owned()));
    }
    Ok(Some(found.partitions().len()).filter(|count| *count > 0))
}
