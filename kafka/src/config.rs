//! Where Kafka is.

use clap::Args;
use rdkafka::ClientConfig;
use schemas::topic::Topic;

use crate::{error::Result, options::Options};

/// The event log between collectors and processors; without an address the journal is read directly.
#[derive(Debug, Clone, Default, Args)]
#[group(id = "kafka-config")]
pub struct Config {
    /// Kafka's brokers, `host:port`, comma between them. None: one machine, no Kafka.
    #[arg(long = "kafka", env = "TRIBUTARY_KAFKA", value_delimiter = ',')]
    pub servers: Vec<String>,
    /// Before the topics' names, where a cluster is shared: `acme.` makes `acme.clicks`.
    #[arg(long = "kafka-prefix", env = "TRIBUTARY_KAFKA_PREFIX", default_value = "")]
    pub prefix: String,
    /// How to get in there, and whatever else the client can be told.
    #[command(flatten)]
    pub options: Options,
}

impl Config {
    /// Whether there is any.
    pub fn is_set(&self) -> bool {
        self.servers.iter().any(|server| !server.is_empty())
    }

    /// A topic's name there.
    pub fn topic(&self, topic: Topic) -> String {
        format!("{}{}", self.prefix, topic.name())
    }

    /// What a client says; `role` names it in the brokers' logs, `more` is what it wants besides. What somebody set goes
    /// before all of it.
    ///
    /// # Errors
    /// Options that cannot be read, or are not to be set.
    pub fn client(&self, role: &str, more: &[(&str, &str)]) -> Result<ClientConfig> {
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", self.servers.join(","))
            .set("client.id", format!("tributary-{role}"))
            // Idle connections are closed by brokers all the time.
            .set("log.connection.close", "false")
            // A broker that is back is found within seconds.
            .set("reconnect.backoff.max.ms", "2000")
            .set("topic.metadata.refresh.interval.ms", "30000");
        for (name, value) in more {
            client.set(*name, *value);
        }
        for setting in self.options.all()? {
            client.set(setting.name, setting.value);
        }
        Ok(client)
    }
}
