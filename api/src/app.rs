//! What every handler may use: the stores, the keys, the live feed.

use anyhow::{Context, bail};
use schemas::{ids::SiteId, keys::Keys, proxies::Proxies};
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{path::Path, sync::Arc, time::Duration};
use url::Url;

use crate::{
    Config,
    accounts::{hashing::Hashing, jwt::Jwt, providers::Providers, seal::Seal, secret::Secret},
    config::Stores,
    hosts::Hosts,
    limits::{Limits, Settings, Shared},
    metrics::Metrics,
    queries::{
        kept, live,
        programs::{Plan, Program},
    },
};

/// Cheap to clone: every field is shared.
#[derive(Debug, Clone)]
pub struct App {
    /// PostgreSQL.
    pub db: PgPool,
    /// ClickHouse, on the installation's database, with limits on what a question may cost.
    pub ch: clickhouse::Client,
    /// The installation's keys: click ids and postback tokens.
    pub keys: Arc<Keys>,
    /// Which host is which site's.
    pub hosts: Hosts,
    /// Who speaks for a client.
    pub proxies: Arc<Proxies>,
    /// Answers other machines without TLS, because the operator said so.
    pub allows_plain_http: bool,
    /// The secret of the link that makes the first admin.
    pub setup: Option<Secret>,
    /// Whom letters come from.
    pub mail_from: Arc<str>,
    /// The folder of letters, where they go into one.
    pub mail_folder: Option<Arc<Path>>,
    /// A demonstration: its accounts stand on the sign-in page.
    pub is_demo: bool,
    /// Where people reach the platform's own site.
    pub url: Arc<Url>,
    /// Where links and postbacks lead, without a slash at the end.
    pub tracking_url: Arc<str>,
    /// What makes password hashes.
    pub hashing: Hashing,
    /// What seals at rest.
    pub seal: Seal,
    /// What signs access tokens.
    pub jwt: Jwt,
    /// Other houses that say who somebody is.
    pub providers: Providers,
    /// How often what may be done.
    pub limits: Limits,
    /// Since when ClickHouse has all rows, as it said last.
    pub kept: kept::Remembered,
    /// Numbers that move, polled once for all who watch.
    pub live: live::Feed,
    /// What is counted of answers.
    pub metrics: Metrics,
}

impl App {
    /// Connects, and checks that this process may start at all.
    ///
    /// # Errors
    /// Each with a sentence that says what to do.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        let db = database(&config.stores).await?;
        refuse_owner_role(&db).await?;
        let ch = clickhouse(&config.stores)?;
        let keys = read(&config.keys, "keys")?;
        let keys = Arc::new(Keys::parse(&keys).context("the file of keys cannot be used")?);
        let tracking_url = config.tracking_url.trim_end_matches('/').into();
        let hosts = Hosts::new(config.url.host_str().context("TRIBUTARY_URL has no host")?);
        hosts.load(&db).await?;
        Ok(Self {
            db,
            ch,
            keys: Arc::clone(&keys),
            hosts,
            proxies: Arc::new(Proxies::new(config.trusted_proxies.clone())),
            allows_plain_http: config.insecure_http,
            setup: setup(config.setup_file.as_deref())?,
            mail_from: mail_from(config)?.into(),
            mail_folder: config.mail.folder.as_deref().map(Arc::from),
            is_demo: config.is_demo,
            url: Arc::new(config.url.clone()),
            tracking_url,
            hashing: Hashing::start().context("no threads for password hashes")?,
            seal: Seal::new(&keys),
            jwt: Jwt::new(&keys)?,
            providers: Providers::load(config.providers.as_deref())?,
            limits: limits(config)?,
            kept: kept::Remembered::default(),
            live: live::Feed::default(),
            metrics: Metrics::new()?,
        })
    }
}

impl App {
    /// Where people reach a site: the platform's scheme and port, and the site's host.
    pub fn base_url(&self, host: &str) -> String {
        let port = self.url.port().map_or_else(String::new, |port| format!(":{port}"));
        format!("{}://{host}{port}", self.url.scheme())
    }

    /// A postback URL of a program, ready to copy, for the first event whose terms are in force: the
    /// advertiser's server puts its own values where the braces are.
    pub fn postback_url(&self, site: SiteId, program: &Program, plans: &[Plan]) -> String {
        let token = self.keys.postback_token(site, program.id, program.token_version);
        let paid = plans.iter().find(|plan| plan.in_force);
        let event = paid.map_or("sale", |plan| plan.event.as_str());
        format!(
            "{}/postback?program={}&token={token}&event={event}&click_id={{click_id}}&txn_id={{txn_id}}&amount={{amount}}&currency={}",
            self.tracking_url, program.id, program.currency
        )
    }
}

fn limits(config: &Config) -> anyhow::Result<Limits> {
    let shared = config.stores.redis_url.as_deref().map(Shared::at).transpose()?;
    Ok(Limits::new(shared, config.stores.nodes).set(Settings::of(&config.limits)))
}

fn mail_from(config: &Config) -> anyhow::Result<String> {
    let host = config.url.host_str().unwrap_or("localhost");
    let from = config.mail.from.clone().unwrap_or_else(|| format!("tributary@{host}"));
    from.parse::<lettre::Address>().context("TRIBUTARY_MAIL_FROM is no address of mail")?;
    Ok(from)
}

fn setup(file: Option<&Path>) -> anyhow::Result<Option<Secret>> {
    let Some(file) = file else { return Ok(None) };
    let text = read(file, "first link")?;
    Ok(Some(Secret::read(text.trim()).context("the file of the first link holds no secret")?))
}

async fn database(stores: &Stores) -> anyhow::Result<PgPool> {
    let options: PgConnectOptions =
        stores.database_url.parse().context("DATABASE_URL is not postgres://…")?;
    // Nobody's question may hold a connection for ever.
    let options = options.options([
        ("statement_timeout", "10s"),
        ("lock_timeout", "5s"),
        // Lists have many filters that are mostly absent: a plan for all of them would suit none.
        ("plan_cache_mode", "force_custom_plan"),
        // Compiling a statement takes longer than answering any of ours.
        ("jit", "off"),
    ]);
    PgPoolOptions::new()
        .max_connections(stores.database_connections)
        .acquire_timeout(Duration::from_secs(5))
        .connect_with(options)
        .await
        .context("postgres does not answer at DATABASE_URL")
}

pub(crate) async fn refuse_owner_role(db: &PgPool) -> anyhow::Result<()> {
    const NO_SUCH_FUNCTION: &str = "42883";
    match sqlx::query("SELECT refuse_owner_role()").execute(db).await {
        Ok(_) => Ok(()),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(NO_SUCH_FUNCTION) => {
            bail!("the database of DATABASE_URL has no tables yet: run `migrate` first")
        }
        Err(sqlx::Error::Database(error)) => bail!("{}", error.message()),
        Err(error) => Err(error).context("postgres does not answer at DATABASE_URL"),
    }
}

fn clickhouse(stores: &Stores) -> anyhow::Result<clickhouse::Client> {
    let wrong = "the address of ClickHouse is not of the form http://user:password@host:port/";
    let mut url = Url::parse(&stores.clickhouse_url).context(wrong)?;
    let user = url.username().to_owned();
    let password = url.password().unwrap_or_default().to_owned();
    if url.scheme() != "http" || url.set_username("").is_err() || url.set_password(None).is_err() {
        bail!(wrong);
    }
    let client = clickhouse::Client::default()
        .with_url(url)
        // Said, since another crate of the build may turn it on for everybody.
        .with_compression(clickhouse::Compression::None)
        .with_database(&stores.clickhouse_database)
        .with_setting("max_execution_time", "20")
        .with_setting("max_result_rows", "100000");
    Ok(if user.is_empty() { client } else { client.with_user(user).with_password(password) })
}

fn read(path: &Path, what: &str) -> anyhow::Result<String> {
    std::fs::read_to_string(path)
        .with_context(|| format!("the file of the {what} cannot be read: {}", path.display()))
}
