//! What can be set: one struct a concern, each knob with a default and its reason. Flags and
//! environment say the same.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// All of the processor's settings.
#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    #[command(flatten)]
    pub stores: Stores,
    #[command(flatten)]
    pub source: Source,
    #[command(flatten)]
    pub batch: Batch,
    #[command(flatten)]
    pub rules: Rules,
    #[command(flatten)]
    pub window: Window,
    #[command(flatten)]
    pub kafka: kafka::Config,
    /// The group of processors that share Kafka's partitions.
    #[arg(long, env = "TRIBUTARY_KAFKA_GROUP", default_value = "tributary-processor")]
    pub kafka_group: String,
    /// Minutes between two audits of recent events; every day is compared at its end besides. 0: none is made.
    #[arg(long, env = "TRIBUTARY_AUDIT_MINUTES", default_value_t = 10)]
    pub audit_minutes: u64,
    /// Days that PostgreSQL's backups reach back: so long every block that was sent is known by its id, and only its
    /// sums afterwards.
    #[arg(long, env = "TRIBUTARY_BACKUP_DAYS", default_value_t = 35, value_parser = clap::value_parser!(u16).range(1..=3650))]
    pub backup_days: u16,
    /// Where metrics and health are served.
    #[arg(long = "processor", env = "TRIBUTARY_PROCESSOR", default_value = "127.0.0.1:8083")]
    pub admin: SocketAddr,
}

impl Config {
    /// Where claims spill to: beside the journals, unless it is said.
    pub fn claims_dir(&self) -> PathBuf {
        let beside = || self.source.journal.with_file_name("claims");
        self.rules.claims_dir.clone().unwrap_or_else(beside)
    }
}

/// Where it writes.
#[derive(Clone, clap::Args)]
pub struct Stores {
    /// PostgreSQL, with a role that owns no table.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
    /// ClickHouse's HTTP interface, as `http://user:password@host:port/`.
    #[arg(long, env = "TRIBUTARY_CLICKHOUSE_URL", hide_env_values = true)]
    pub clickhouse_url: String,
    /// Its database.
    #[arg(long, env = "TRIBUTARY_CLICKHOUSE_DATABASE", default_value = "tributary")]
    pub clickhouse_database: String,
}

/// Passwords stay out of logs.
impl std::fmt::Debug for Stores {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stores(..)")
    }
}

/// What it reads.
#[derive(Debug, Clone, clap::Args)]
pub struct Source {
    /// The folder of all journals. With Kafka they are the collectors', and only claims spill beside it.
    #[arg(long = "journal", env = "TRIBUTARY_JOURNAL", default_value = "data/journal")]
    pub journal: PathBuf,
    /// The file of keys: a journal not made with them is not read.
    #[arg(long = "keys", env = "TRIBUTARY_KEYS")]
    pub keys: PathBuf,
    /// The collector slots that exist. Numbers are complete as of the slowest of them.
    #[arg(long, env = "TRIBUTARY_SLOTS", default_value = "c0", value_delimiter = ',')]
    pub slots: Vec<String>,
    /// How long segments stay after everything in them was committed. They must outlive a
    /// PostgreSQL restored from a backup, which reads them again.
    #[arg(long, env = "TRIBUTARY_JOURNAL_KEEP_HOURS", default_value_t = 24)]
    pub keep_hours: u64,
    /// Days that raw records of dead letters are kept: visitors' addresses stand in them.
    #[arg(long, env = "TRIBUTARY_ADDRESS_DAYS", default_value_t = 30)]
    pub address_days: u16,
}

/// How much is decided at once.
#[derive(Debug, Clone, clap::Args)]
pub struct Batch {
    /// Most records in one transaction: bounds memory, the block's size and the time of a retry.
    #[arg(long, env = "TRIBUTARY_BATCH_ROWS", default_value_t = 250_000)]
    pub rows: usize,
    /// Shortest time between two transactions. Where ClickHouse takes more than half of it for what a transaction
    /// sends, twice that time, and four times this one at most.
    #[arg(long, env = "TRIBUTARY_BATCH_MS", default_value_t = 250)]
    pub interval_ms: u64,
    /// Most bytes of blocks that wait for ClickHouse; beyond, reading pauses.
    #[arg(long, env = "TRIBUTARY_OUTBOX_BYTES", default_value_t = 2 << 30)]
    pub outbox_bytes: u64,
}

/// What the rules need besides the facts.
#[derive(Debug, Clone, clap::Args)]
pub struct Rules {
    /// A country (or city) database in MaxMind's format; without one no country is known.
    #[arg(long = "geo", env = "TRIBUTARY_GEO")]
    pub geo: Option<PathBuf>,
    /// How long a conversion waits for its click, in event time.
    #[arg(long, env = "TRIBUTARY_WAIT_MS", default_value_t = 600_000)]
    pub wait_ms: u64,
    /// Memory for uniqueness claims; beyond, they spill to sorted files.
    #[arg(long, env = "TRIBUTARY_CLAIMS_BYTES", default_value_t = 512 << 20)]
    pub claims_bytes: usize,
    /// Where claims spill to; emptied at each start.
    #[arg(long, env = "TRIBUTARY_CLAIMS")]
    pub claims_dir: Option<PathBuf>,
}

/// The two limits that keep a repeated insert inside ClickHouse's deduplication window.
#[derive(Debug, Clone, clap::Args)]
pub struct Window {
    /// An insert that takes longer is cut off, by the server and by the sender.
    #[arg(long, env = "TRIBUTARY_INSERT_LIMIT_MS", default_value_t = 8_000)]
    pub insert_limit_ms: u64,
    /// A connection idle for longer is not written on.
    #[arg(long, env = "TRIBUTARY_IDLE_LIMIT_MS", default_value_t = 3_000)]
    pub idle_limit_ms: u64,
}

impl Window {
    /// How long an insert begun before now can still be under way.
    pub fn both(&self) -> Duration {
        Duration::from_millis(self.insert_limit_ms + self.idle_limit_ms)
    }
}
