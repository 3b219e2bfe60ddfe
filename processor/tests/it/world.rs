//! A small world for a test: both stores fresh, a folder of journals, a program with a link.

use clap::Parser;
use journal::{Import, JournalId, Partition, TopicId, Writer, WriterConfig};
use migrations::testing::{Clickhouse, Postgres, Role};
use processor::Config;
use schemas::{
    event::{Click, ClickRef, Conversion, Message},
    keys::Keys,
    topic::Topic,
};
use sqlx::PgPool;
use std::{
    future::Future,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Of the journals made here.
pub(crate) const PARTITIONS: u16 = 4;
/// A day of the past: 2026-01-01, noon.
pub(crate) const NOON: u64 = 1_767_268_800_000;

const KEYS: &str = "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// Stores, journals, and who may look at them.
pub(crate) struct World {
    pub(crate) postgres: Postgres,
    pub(crate) clickhouse: Clickhouse,
    /// Owner of the tables: for arranging and looking.
    pub(crate) owner: PgPool,
    folder: tempfile::TempDir,
}

#[derive(clap::Parser)]
struct Arguments {
    #[command(flatten)]
    config: Config,
}

impl World {
    /// With program 1 (a flat 1 EUR for a `sale`, 10 % for a `lead`), affiliate 1, link 1.
    pub(crate) async fn new() -> Self {
        // Shown for a test that fails.
        let _ = tracing_subscriber::fmt().with_test_writer().try_init();
        let (postgres, clickhouse) = (Postgres::fresh().await, Clickhouse::fresh().await);
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("journal")).unwrap();
        std::fs::write(folder.path().join("keys"), KEYS).unwrap();
        let owner = postgres.pool(Role::Owner).await;
        let statements = "
            INSERT INTO affiliate_affiliate (id, site_id, name) VALUES (1, 1, 'Ada');
            INSERT INTO affiliate_program (id, site_id, slug, name, destination)
                VALUES (1, 1, 'shop', 'Shop', 'https://shop.example/');
            INSERT INTO affiliate_plan (site_id, program_id, event, kind, amount_units, currency)
                VALUES (1, 1, 'sale', 'flat', 1000000, 'EUR');
            INSERT INTO affiliate_plan (site_id, program_id, event, kind, rate_ppm, currency)
                VALUES (1, 1, 'lead', 'percent', 100000, 'EUR');
            INSERT INTO affiliate_affiliatelink (id, code, site_id, affiliate_id, program_id)
                VALUES (1, 'one', 1, 1, 1);";
        sqlx::raw_sql(statements).execute(&owner).await.unwrap();
        Self { postgres, clickhouse, owner, folder }
    }

    /// Settings of a processor of this world; `more` are further flags.
    pub(crate) fn config(&self, more: &[&str]) -> Config {
        let mut arguments = vec!["processor".to_owned()];
        arguments.extend(self.arguments());
        arguments.extend(more.iter().map(|&argument| argument.to_owned()));
        Arguments::try_parse_from(arguments).unwrap().config
    }

    /// What their headers are signed with.
    pub(crate) fn key(&self) -> journal::Key {
        Keys::parse(KEYS).unwrap().journal()
    }

    /// The folder of all journals.
    pub(crate) fn journals(&self) -> PathBuf {
        self.folder.path().join("journal")
    }

    /// A live journal of slot `c0` that began at `start_ms`.
    pub(crate) fn writer(&self, id: u64, start_ms: u64) -> Log {
        self.writer_for(PARTITIONS, id, start_ms)
    }

    /// The same, for other partitions.
    pub(crate) fn writer_for(&self, partitions: u16, id: u64, start_ms: u64) -> Log {
        self.writer_at(&self.journals(), ("c0", partitions), id, start_ms)
    }

    /// The same, of another collector.
    pub(crate) fn writer_of(&self, slot: &str, id: u64, start_ms: u64) -> Log {
        self.writer_at(&self.journals(), (slot, PARTITIONS), id, start_ms)
    }

    /// The same, of a slot and its partitions below any folder.
    pub(crate) fn writer_at(
        &self,
        root: &Path,
        (slot, partitions): (&str, u16),
        id: u64,
        start_ms: u64,
    ) -> Log {
        let config = WriterConfig::new(root, slot, partitions, self.key());
        Log(Writer::create(config, start_ms, JournalId(id)).unwrap())
    }

    /// The same, whose every batch has a segment of its own.
    pub(crate) fn writer_of_small_segments(&self, id: u64, start_ms: u64) -> Log {
        let mut config = WriterConfig::new(self.journals(), "c0", PARTITIONS, self.key());
        config.segment_bytes = 1;
        Log(Writer::create(config, start_ms, JournalId(id)).unwrap())
    }

    /// Where a journal of slot `c0` lies.
    pub(crate) fn journal(&self, id: u64) -> PathBuf {
        self.journals().join("c0").join(format!("{id:016x}"))
    }

    /// Makes every record of a journal that holds this text unreadable, as a bad stretch of a disk does.
    pub(crate) fn damage(&self, id: u64, text: &str) {
        for entry in std::fs::read_dir(self.journal(id)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|end| end != "seg") {
                continue;
            }
            let mut bytes = std::fs::read(&path).unwrap();
            for at in 0..bytes.len().saturating_sub(text.len()) {
                if bytes[at..].starts_with(text.as_bytes()) {
                    bytes[at] ^= 0xff;
                }
            }
            std::fs::write(&path, bytes).unwrap();
        }
    }

    /// A journal made with other keys than ours.
    pub(crate) fn forged(&self, id: u64, start_ms: u64) -> Log {
        let config = WriterConfig::new(self.journals(), "c9", PARTITIONS, [9; 32]);
        Log(Writer::create(config, start_ms, JournalId(id)).unwrap())
    }

    /// The journal of an import; `None` when it is done already.
    pub(crate) fn import(&self, id: u64, start_ms: u64) -> Option<Log> {
        let config = WriterConfig::new(self.journals(), "import", PARTITIONS, self.key());
        match Writer::open_import(config, start_ms, JournalId(id)).unwrap() {
            Import::Writing(writer) => Some(Log(*writer)),
            Import::Complete => None,
        }
    }

    /// Reads everything there is.
    pub(crate) async fn drain(&self) {
        self.drain_with(&[]).await.unwrap();
    }

    /// Reads everything there is, with further flags. A store that never takes a block is an error
    /// instead of a test that hangs.
    pub(crate) async fn drain_with(&self, more: &[&str]) -> processor::Result<()> {
        let limit = std::time::Duration::from_secs(60);
        let drained = tokio::time::timeout(limit, processor::drain(self.config(more))).await;
        drained.unwrap_or_else(|_| panic!("the log is not drained after {limit:?}"))
    }

    /// Runs a processor until something is so, and drops it there.
    pub(crate) async fn run_until(&self, config: Config, so: impl Future<Output = ()>) {
        limited("the processor", processor::run(config, so)).await.unwrap();
    }

    /// Waits until ClickHouse holds so many clicks.
    pub(crate) async fn stored(&self, clicks: i64) {
        let stored = async {
            while self.ask_engine("SELECT toInt64(count()) FROM clicks").await < clicks {
                tokio::time::sleep(LOOK).await;
            }
        };
        limited("clicks in clickhouse", stored).await;
    }

    /// Waits until a number from PostgreSQL is at least so large.
    pub(crate) async fn reaches(&self, sql: &'static str, least: i64) {
        let reached = async {
            while self.ask(sql).await < least {
                tokio::time::sleep(LOOK).await;
            }
        };
        limited(sql, reached).await;
    }

    /// Waits until one of the metrics at an address is at least so large.
    pub(crate) async fn metric_reaches(&self, address: SocketAddr, name: &str, least: u64) {
        let reached = async {
            while metric(address, name).await.unwrap_or(0) < least {
                tokio::time::sleep(LOOK).await;
            }
        };
        limited(name, reached).await;
    }

    /// Waits until one of the metrics at an address has a value.
    pub(crate) async fn metric_is(&self, address: SocketAddr, name: &str, value: u64) {
        let so = async {
            while metric(address, name).await != Some(value) {
                tokio::time::sleep(LOOK).await;
            }
        };
        limited(name, so).await;
    }

    /// Settings of a processor in a process of its own: the flags of `config`.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let path = |path: PathBuf| path.to_str().unwrap().to_owned();
        let flags = [
            ("--database-url", self.postgres.url(Role::Processor)),
            ("--clickhouse-url", self.clickhouse.url().to_owned()),
            ("--clickhouse-database", self.clickhouse.database().to_owned()),
            ("--journal", path(self.journals())),
            ("--keys", path(self.folder.path().join("keys"))),
            ("--claims-dir", path(self.folder.path().join("claims"))),
            ("--processor", "127.0.0.1:0".to_owned()),
            ("--interval-ms", "5".to_owned()),
            ("--insert-limit-ms", "2000".to_owned()),
            ("--idle-limit-ms", "500".to_owned()),
        ];
        flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]).collect()
    }

    /// Audits, and fails with the whole report when something does not agree.
    pub(crate) async fn audit(&self) -> processor::audit::Report {
        let report = processor::audit::run(&self.config(&[])).await.unwrap();
        assert!(report.is_clean(), "{report}");
        report
    }

    /// One number from PostgreSQL.
    pub(crate) async fn ask(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar::<_, i64>(sql).fetch_one(&self.owner).await.unwrap()
    }

    /// One number from ClickHouse.
    pub(crate) async fn ask_engine(&self, sql: &str) -> i64 {
        self.clickhouse.client().query(sql).fetch_one::<i64>().await.unwrap()
    }
}

pub(crate) const LOOK: Duration = Duration::from_millis(10);

/// Waits for what must happen, and fails instead of waiting for ever.
pub(crate) async fn limited<T>(what: &str, future: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(90);
    tokio::time::timeout(limit, future)
        .await
        .unwrap_or_else(|_| panic!("{what}: not so after {limit:?}"))
}

/// An address where nobody listens just now.
pub(crate) fn free_address() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A metric by the beginning of its line; `None` while nobody answers.
/// One of the metrics at an address; `None` while it does not answer, or has none of that name.
pub(crate) async fn metric(address: SocketAddr, name: &str) -> Option<u64> {
    let mut stream = tokio::net::TcpStream::connect(address).await.ok()?;
    let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await.ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    // Whole seconds of those that have fractions.
    line.trim().parse::<f64>().ok().map(|value| value as u64)
}

/// A journal being written.
pub(crate) struct Log(pub Writer);

impl Log {
    /// A click of link 1; its id.
    pub(crate) fn click(&mut self, click: Click) -> ClickRef {
        let partition = click.shard as u16 % self.0.partitions();
        let seq = self.put(Topic::Clicks, partition, &click.encode_to_vec());
        let journal = self.0.journal().0 as u32 & 0xf_ffff;
        ClickRef {
            key_version: 1,
            time_ms: click.time_ms,
            shard: click.shard,
            journal,
            seq,
            link: click.link,
        }
    }

    /// A conversion.
    pub(crate) fn conversion(&mut self, conversion: Conversion) -> u64 {
        let partition = conversion.shard as u16 % self.0.partitions();
        self.put(Topic::Conversions, partition, &conversion.encode_to_vec())
    }

    /// Any bytes as a record.
    pub(crate) fn put(&mut self, topic: Topic, partition: u16, payload: &[u8]) -> u64 {
        self.0.stage(TopicId(topic.id()), Partition(partition), payload).unwrap()
    }

    /// Leaves numbers out up to this one.
    pub(crate) fn skip_to(&mut self, topic: Topic, partition: u16, seq: u64) {
        self.0.skip_to(TopicId(topic.id()), Partition(partition), seq).unwrap();
    }

    /// A heartbeat, and everything staged becomes visible.
    pub(crate) fn beat(&mut self, time_ms: u64) {
        self.0.heartbeat(time_ms).unwrap();
        self.0.commit().unwrap();
    }
}

/// A click of link 1 by a visitor.
pub(crate) fn click(time_ms: u64, visitor: u64) -> Click {
    Click {
        site: 1,
        link: 1,
        program: 1,
        affiliate: 1,
        time_ms,
        shard: (visitor % 4096) as u32,
        visitor_network: visitor,
        address: vec![192, 0, 2, (visitor % 250) as u8],
        user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
            .to_owned(),
        referrer: "https://blog.example/a".to_owned(),
        language: "fr-FR,fr".to_owned(),
        host: "localhost".to_owned(),
        sub: vec!["spring".to_owned()],
        destination: "https://shop.example/".to_owned(),
        link_version: 1,
        key_version: 1,
        ..Click::default()
    }
}

/// A trusted `sale` of program 1, of a click.
pub(crate) fn sale(time_ms: u64, of: ClickRef, txn: &str) -> Conversion {
    Conversion {
        site: 1,
        program: 1,
        time_ms,
        shard: of.shard,
        via: 1,
        flags: schemas::event::Flags::Trusted as u32,
        event: "sale".to_owned(),
        txn_id: txn.to_owned(),
        amount: "20.00".to_owned(),
        currency: "EUR".to_owned(),
        click: Some(of),
        ..Conversion::default()
    }
}
