//! What can be set, by flag or environment; each with a default that fits one machine.

use clap::{Args, ValueEnum};
use ipnet::IpNet;
use std::{net::SocketAddr, path::PathBuf};

/// A collector.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Where visitors and advertisers' servers come in.
    #[arg(long, env = "TRIBUTARY_COLLECTOR", default_value = "127.0.0.1:8081")]
    pub listen: SocketAddr,
    /// Health, readiness and metrics; for the operator only.
    #[arg(long, env = "TRIBUTARY_ADMIN", default_value = "127.0.0.1:8082")]
    pub admin: SocketAddr,
    /// Take postbacks and pixels over plain HTTP from other machines, for a test network only: tokens can be read on
    /// the way.
    #[arg(long, env = "TRIBUTARY_INSECURE_HTTP")]
    pub insecure_http: bool,
    /// The file of the installation's keys, one `VERSION HEX64` a line.
    #[arg(long, env = "TRIBUTARY_KEYS")]
    pub keys: PathBuf,
    /// This collector's name among others, before the names of its slots: `eu1` makes `eu1-c0`, `eu1-c1`, …
    #[arg(long, env = "TRIBUTARY_NAME", default_value = "")]
    pub name: String,
    /// Event loops, each with a journal of its own (slots c0, c1, …); default: one per core.
    #[arg(long, env = "TRIBUTARY_CORES")]
    pub cores: Option<usize>,
    /// Journal.
    #[command(flatten)]
    pub journal: JournalConfig,
    /// Links.
    #[command(flatten)]
    pub links: LinksConfig,
    /// Visitors.
    #[command(flatten)]
    pub visitors: VisitorConfig,
    /// Limits.
    #[command(flatten)]
    pub limits: Limits,
    /// Kafka.
    #[command(flatten)]
    pub kafka: kafka::Config,
    /// What waits for it.
    #[command(flatten)]
    pub ship: ShipConfig,
}

/// How events are kept.
#[derive(Debug, Clone, Args)]
pub struct JournalConfig {
    /// The folder of the journals.
    #[arg(long = "journal", env = "TRIBUTARY_JOURNAL")]
    pub root: PathBuf,
    /// Partitions of both topics; changing it begins new journals.
    #[arg(long, env = "TRIBUTARY_PARTITIONS", default_value_t = 4)]
    pub partitions: u16,
    /// When a click is answered. A power loss may cost `page_cache` 50 ms of clicks.
    #[arg(long, env = "TRIBUTARY_CLICK_ACK", value_enum, default_value_t = Ack::PageCache)]
    pub click_ack: Ack,
    /// When a conversion is answered: they are few, and money.
    #[arg(long, env = "TRIBUTARY_CONVERSION_ACK", value_enum, default_value_t = Ack::Fsync)]
    pub conversion_ack: Ack,
    /// What a click gets that can't be recorded (full disk).
    #[arg(long, env = "TRIBUTARY_UNRECORDED", value_enum, default_value_t = Unrecorded::Refuse)]
    pub unrecorded: Unrecorded,
}

/// When an event counts as taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Ack {
    /// Written: survives kill, panic and lack of memory.
    PageCache,
    /// Synced to the disk: survives a power loss.
    Fsync,
    /// Acknowledged by Kafka: survives the loss of this machine. Conversions only.
    Kafka,
}

/// What waits for Kafka, where there is one.
#[derive(Debug, Clone, Args)]
pub struct ShipConfig {
    /// Most megabytes of the journals that wait for Kafka; beyond, nothing more is taken (503). Half of it is an alarm.
    #[arg(long = "backlog-mb", env = "TRIBUTARY_BACKLOG_MB", default_value_t = 51_200)]
    pub backlog_mb: u64,
    /// How long segments stay after Kafka has acknowledged everything in them.
    #[arg(long, env = "TRIBUTARY_JOURNAL_KEEP_HOURS", default_value_t = 24)]
    pub keep_hours: u64,
    /// How long a conversion waits for Kafka where that acknowledges it; its sender is then told to come again.
    #[arg(long, env = "TRIBUTARY_KAFKA_ACK_S", default_value_t = 10)]
    pub kafka_ack_s: u64,
    /// The topics are about to get as many partitions as TRIBUTARY_PARTITIONS says: until they have, what is new waits
    /// in the journals (docs/scaling.md, "More partitions").
    #[arg(long = "growing", env = "TRIBUTARY_KAFKA_GROWING")]
    pub is_growing: bool,
}

impl ShipConfig {
    /// Most bytes that may wait.
    pub fn most_bytes(&self) -> u64 {
        self.backlog_mb.saturating_mul(1_000_000)
    }
}

/// What a click gets that can't be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Unrecorded {
    /// 503; browsers and people try again.
    #[value(name = "503")]
    Refuse,
    /// The redirect, without a click id, counted in a metric only.
    RedirectUncounted,
}

/// Where links come from.
#[derive(Debug, Clone, Args)]
pub struct LinksConfig {
    /// PostgreSQL.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
    /// The copy on disk, for a start without PostgreSQL; default: `links.copy` beside the journals.
    #[arg(long = "links-copy", env = "TRIBUTARY_LINKS_COPY")]
    pub copy: Option<PathBuf>,
    /// Everything is read anew this often, which is how deleted rows are noticed.
    #[arg(long = "links-reload-s", env = "TRIBUTARY_LINKS_RELOAD_S", default_value_t = 3600)]
    pub reload_s: u64,
}

/// Who visitors are.
#[derive(Debug, Clone, Args)]
pub struct VisitorConfig {
    /// Networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed (CIDR, comma).
    #[arg(long, env = "TRIBUTARY_TRUSTED_PROXIES", value_delimiter = ',')]
    pub trusted_proxies: Vec<IpNet>,
    /// Whether Sec-GPC and DNT are honoured: no cookie, no key, the address cut to its network.
    #[arg(long, env = "TRIBUTARY_PRIVACY", value_enum, default_value_t = Privacy::Honour)]
    pub privacy: Privacy,
    /// Whether visitors get the first-party cookie.
    #[arg(long, env = "TRIBUTARY_COOKIES", value_enum, default_value_t = Cookies::Auto)]
    pub cookies: Cookies,
    /// A database in MaxMind's format for `{country}`, `{region}` and `{city}` in destinations.
    #[arg(long, env = "TRIBUTARY_GEO")]
    pub geo: Option<PathBuf>,
}

/// What `Sec-GPC: 1` and `DNT: 1` do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Privacy {
    /// The visitor is not followed.
    Honour,
    /// Noted on the record, nothing else.
    Ignore,
}

/// The first-party cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Cookies {
    /// `Secure` where a trusted proxy says the visitor came by https; none over plain HTTP from another machine.
    Auto,
    /// Always `Secure`: https is ended before a proxy that does not say so.
    Secure,
    /// None.
    Off,
}

/// What bounds a flood.
#[derive(Debug, Clone, Copy, Args)]
pub struct Limits {
    /// Connections open at once on one core; more wait in the kernel.
    #[arg(long, env = "TRIBUTARY_CONNECTIONS", default_value_t = 8192)]
    pub connections: usize,
    /// Unknown codes stored of one address in a minute on one core; more are only counted.
    #[arg(long, env = "TRIBUTARY_ORPHANS_PER_MINUTE", default_value_t = 600)]
    pub orphans_per_minute: u32,
    /// Refused conversions stored of one address in a minute on one core; more are only counted.
    #[arg(long, env = "TRIBUTARY_REFUSALS_PER_MINUTE", default_value_t = 600)]
    pub refusals_per_minute: u32,
    /// Events of one visitor in a second on one core that stay in its shard; more are flagged and spread.
    #[arg(long, env = "TRIBUTARY_SPREAD_PER_SECOND", default_value_t = 1000)]
    pub spread_per_second: u32,
    /// How long a graceful stop waits for requests under way.
    #[arg(long, env = "TRIBUTARY_DRAIN_S", default_value_t = 10)]
    pub drain_s: u64,
}

impl Config {
    /// Event loops to run.
    pub fn core_count(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.cores.unwrap_or_else(cores).max(1)
    }

    /// The name of core `n`'s slot.
    pub fn slot(&self, n: usize) -> String {
        if self.name.is_empty() { format!("c{n}") } else { format!("{}-c{n}", self.name) }
    }

    /// Refuses modes that need what is not there.
    ///
    /// # Errors
    /// A sentence that says what to set.
    pub(crate) fn check(&self) -> crate::error::Result<()> {
        if self.journal.click_ack == Ack::Kafka {
            let why = "clicks are answered before Kafka has them: TRIBUTARY_CLICK_ACK is page_cache or fsync";
            return Err(crate::error::Error::Config(why));
        }
        if self.journal.conversion_ack == Ack::Kafka && !self.kafka.is_set() {
            let why = "TRIBUTARY_CONVERSION_ACK is kafka, and TRIBUTARY_KAFKA names none";
            return Err(crate::error::Error::Config(why));
        }
        Ok(())
    }

    /// Where the copy of the links lies.
    pub fn links_copy(&self) -> PathBuf {
        let beside = || self.journal.root.parent().unwrap_or(&self.journal.root).join("links.copy");
        self.links.copy.clone().unwrap_or_else(beside)
    }
}
