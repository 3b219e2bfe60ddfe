//! ClickHouse as this crate speaks to it: the `clickhouse` client, and inserts that are written on a
//! connection made beforehand.

use bytes::Bytes;
use clickhouse::{Client, error::Error as ClientError};
use hyper_util::{
    client::legacy::Builder,
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tokio::net::TcpStream;

use crate::{
    config::{Stores, Window},
    error::{Error, Result},
    native::Encoded,
    stores::outbox::{Block, BlockId},
};

/// How much of a body is handed over at once.
const CHUNK: usize = 256 << 10;

/// One ClickHouse, its credentials and the limits of an insert.
#[derive(Clone)]
pub(crate) struct Engine {
    client: Client,
    url: url::Url,
    database: String,
    window: Window,
}

impl Engine {
    /// From `http://user:password@host:port/`.
    pub(crate) fn new(stores: &Stores, window: &Window) -> Result<Self> {
        let wrong = |why: &str| Error::Config(format!("TRIBUTARY_CLICKHOUSE_URL {why}"));
        let url: url::Url = stores.clickhouse_url.parse().map_err(|_| wrong("is no address"))?;
        if url.scheme() != "http" || url.host().is_none() {
            return Err(wrong("must begin with http://"));
        }
        let database = stores.clickhouse_database.clone();
        let client = configure(Client::default(), &url, &database);
        Ok(Self { client, url, database, window: window.clone() })
    }

    /// For questions.
    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    /// Both limits together: how long an insert begun before now can still be under way.
    pub(crate) const fn window(&self) -> &Window {
        &self.window
    }

    /// A fresh connection for one insert.
    pub(crate) async fn connect(&self) -> Result<Connection> {
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port_or_known_default().unwrap_or(8123);
        let limit = Duration::from_millis(self.window.idle_limit_ms);
        let stream = tokio::time::timeout(limit, TcpStream::connect((host, port)))
            .await
            .map_err(|_| ClientError::TimedOut)?
            .map_err(|e| ClientError::Network(Box::new(e)))?;
        // Bodies are long and end at once: nothing is won by waiting for more.
        stream.set_nodelay(true).map_err(|e| ClientError::Network(Box::new(e)))?;
        let since = Instant::now();
        Ok(Connection { engine: self.clone(), stream, since })
    }
}

fn configure(client: Client, url: &url::Url, database: &str) -> Client {
    let mut address = url.clone();
    // The address stands in errors; the password must not.
    let plain = address.set_username("").is_ok() && address.set_password(None).is_ok();
    debug_assert!(plain, "an http address has room for a user");
    let user = percent_decode(url.username());
    // Blocks are frames already. Were the crate's feature `lz4` on (another crate's tests turn it on in
    // a build of the whole workspace), the client would pack them once more.
    let client = client.with_compression(clickhouse::Compression::None);
    let client = client.with_url(address.as_str()).with_database(database);
    let client = if user.is_empty() { client } else { client.with_user(user) };
    match url.password() {
        Some(password) => client.with_password(percent_decode(password)),
        None => client,
    }
}

fn percent_decode(text: &str) -> String {
    let pair = format!("x={}", text.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map_or(String::new(), |(_, value)| value.into_owned())
}

/// A connection that takes one insert, soon.
pub(crate) struct Connection {
    engine: Engine,
    stream: TcpStream,
    since: Instant,
}

impl Connection {
    /// Writes the block, whole, and waits until it is on ClickHouse's disk.
    pub(crate) async fn insert(self, block: &Block) -> Result<()> {
        let Window { insert_limit_ms, idle_limit_ms } = self.engine.window;
        // A server closes an idle connection too; one whose check took long is not trusted to.
        if self.since.elapsed() > Duration::from_millis(idle_limit_ms) {
            return Err(ClientError::TimedOut.into());
        }
        let once = Once(Arc::new(Mutex::new(Some(self.stream))));
        let http = Builder::new(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(0)
            .retry_canceled_requests(false)
            .build(once);
        let client =
            configure(Client::with_http_client(http), &self.engine.url, &self.engine.database);
        let limit = Duration::from_millis(insert_limit_ms);
        tokio::time::timeout(limit, insert(&client, block, insert_limit_ms))
            .await
            .map_err(|_| Error::ClickHouse(ClientError::TimedOut))?
    }
}

/// Sends a block that stands in no outbox, as one of the outbox is sent: for programs that fill a store to measure it.
///
/// # Errors
/// `Config` for an address that is none, `ClickHouse` when the engine does not take it.
pub async fn insert_block(
    stores: &Stores,
    window: &Window,
    id: u128,
    encoded: Encoded,
) -> Result<()> {
    let block = Block {
        id: BlockId(id.to_be_bytes()),
        commit: 0,
        table: encoded.table.to_owned(),
        columns: encoded.columns,
        rows: encoded.rows as u64,
        bytes: encoded.bytes,
    };
    Engine::new(stores, window)?.connect().await?.insert(&block).await
}

/// One INSERT, one block, chunked. Every setting that a repeat depends on is said here, whatever the
/// server's defaults are; `fsync_after_insert` is the tables' own (migrations).
async fn insert(client: &Client, block: &Block, limit_ms: u64) -> Result<()> {
    let sql = format!("INSERT INTO {} ({}) FORMAT Native", block.table, block.columns);
    let mut insert = client
        .insert_formatted_with(sql)
        .with_setting("insert_deduplication_token", block.id.to_string())
        .with_setting("insert_deduplicate", "1")
        .with_setting("deduplicate_blocks_in_dependent_materialized_views", "1")
        .with_setting("async_insert", "0")
        // Where the table stands for those of a cluster: answered when every shard has its part.
        .with_setting("distributed_foreground_insert", "1")
        .with_setting("wait_end_of_query", "1")
        .with_setting("max_insert_block_size", "10000000")
        .with_setting("min_insert_block_size_rows", "0")
        .with_setting("min_insert_block_size_bytes", "0")
        .with_setting("max_insert_threads", "1")
        .with_setting("max_partitions_per_insert_block", "1000")
        .with_setting("max_execution_time", (limit_ms / 1000).max(1).to_string())
        .with_setting("decompress", "1");
    let mut bytes = Bytes::copy_from_slice(&block.bytes);
    while !bytes.is_empty() {
        insert.send(bytes.split_to(bytes.len().min(CHUNK))).await?;
    }
    insert.end().await?;
    Ok(())
}

/// Hands out its one connection once: nothing behind it can reconnect.
#[derive(Clone)]
struct Once(Arc<Mutex<Option<TcpStream>>>);

impl tower_service::Service<axum::http::Uri> for Once {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<TcpStream>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: axum::http::Uri) -> Self::Future {
        let stream = self.0.lock().ok().and_then(|mut stream| stream.take());
        let answer = stream.map(TokioIo::new).ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotConnected, "a block is written on one connection only")
        });
        Box::pin(std::future::ready(answer))
    }
}

#[cfg(test)]
mod tests;
