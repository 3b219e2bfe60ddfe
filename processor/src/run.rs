//! A processor's life: sessions one after the other until it is told to stop or is fenced.

use std::{future::Future, sync::Arc, time::Duration};

use crate::{
    admin,
    audit::watch,
    config::Config,
    error::{Error, Result},
    metrics::Metrics,
    pipeline::{self, Context, Until},
    source::group::Group,
};
use schemas::keys::Keys;

/// Wait before the first new start; doubles up to the longest.
const FIRST_RETRY: Duration = Duration::from_millis(200);
const LONGEST_RETRY: Duration = Duration::from_secs(5);
/// Longest wait for Kafka before it is taken for away.
const ASK: Duration = Duration::from_secs(5);

/// Runs until `shutdown`. A store that is away is waited for.
///
/// # Errors
/// Settings that make no sense, a role that may do too much, a Kafka that does not let us in or has no topics, and
/// `Fenced`: another processor has taken over.
pub async fn run(config: Config, shutdown: impl Future<Output = ()>) -> Result<()> {
    tokio::task::block_in_place(|| check_log(&config.kafka))?;
    let context = context(config)?;
    let serving =
        admin::serve(context.config.admin, context.metrics.clone(), context.well.clone()).await?;
    let stopped = tokio::select! {
        stopped = sessions(&context) => stopped,
        () = watch::run(&context.config, &context.metrics) => Ok(()),
        () = shutdown => Ok(()),
    };
    serving.abort();
    stopped
}

/// Reads every journal to its end, waits until ClickHouse has everything, and ends: for a stopped
/// log, as after an import or in a test. Serves no port and does not try again.
///
/// # Errors
/// The first failure.
pub async fn drain(config: Config) -> Result<()> {
    if config.kafka.is_set() {
        return Err(Error::Config("Kafka has no end to read to: only journals do".to_owned()));
    }
    pipeline::session(&context(config)?, Until::Drained).await
}

/// Whether Kafka lets us in and has the topics. One that is away is waited for.
fn check_log(config: &kafka::Config) -> Result<()> {
    if !config.is_set() {
        return Ok(());
    }
    match kafka::find(config, ASK) {
        Err(error @ kafka::Error::Away { .. }) => {
            tracing::warn!(%error, "kafka is away: waiting until it is back");
            Ok(())
        }
        found => Ok(found.map(drop)?),
    }
}

fn context(config: Config) -> Result<Context> {
    let path = &config.source.keys;
    let text = std::fs::read_to_string(path)
        .map_err(|source| Error::File { path: path.clone(), source })?;
    let metrics = Metrics::new().map_err(|error| Error::Config(error.to_string()))?;
    let journal_key = Keys::parse(&text)?.journal();
    let group = match config.kafka.is_set() {
        true => Some(Arc::new(Group::join(&config.kafka, &config.kafka_group)?)),
        false => None,
    };
    Ok(Context { config, journal_key, metrics, well: Arc::default(), group })
}

async fn sessions(context: &Context) -> Result<()> {
    let mut retry = FIRST_RETRY;
    loop {
        let begun = std::time::Instant::now();
        let Err(error) = pipeline::session(context, Until::Forever).await else { return Ok(()) };
        if matches!(error, Error::Rebalanced) {
            context.metrics.rebalances.inc();
            tracing::info!("the partitions were shared out anew: starting again with ours");
            continue;
        }
        if matches!(error, Error::Fenced) {
            context.metrics.fences_lost.inc();
        }
        // Among several, whoever was fenced asks Kafka what is theirs now.
        let is_shared = context.group.is_some() && matches!(error, Error::Fenced);
        if is_final(&error) && !is_shared {
            return Err(error);
        }
        context.metrics.restarts.with_label_values(&[cause(&error)]).inc();
        tracing::warn!(%error, "the pipeline stopped and starts again from what is committed");
        if begun.elapsed() > LONGEST_RETRY {
            retry = FIRST_RETRY;
        }
        tokio::time::sleep(retry).await;
        retry = (retry * 2).min(LONGEST_RETRY);
    }
}

/// What waiting does not heal.
fn is_final(error: &Error) -> bool {
    match error {
        Error::Fenced | Error::Config(_) | Error::Keys(_) => true,
        // 42501: `refuse_owner_role`, or a table this role may not touch.
        Error::Postgres(sqlx::Error::Database(refused)) => {
            refused.code().as_deref() == Some("42501")
        }
        _ => false,
    }
}

fn cause(error: &Error) -> &'static str {
    match error {
        Error::Postgres(_) | Error::OtherServer => "postgresql",
        Error::ClickHouse(_) => "clickhouse",
        Error::Journal(_) => "journal",
        Error::Kafka(_) | Error::Fenced => "kafka",
        _ => "other",
    }
}
