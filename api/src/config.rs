//! Every knob of this process: flags, and the environment variables behind them.

use ipnet::IpNet;
use std::{net::SocketAddr, path::PathBuf};
use url::Url;

use crate::limits::Setting;

/// The password of every account of a demonstration: it stands on the sign-in page.
pub const DEMO_PASSWORD: &str = "just looking around";

/// Of the API and the pages.
#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    /// Where to listen. Behind a proxy with TLS, keep it where only the proxy reaches it.
    #[arg(long = "listen", env = "TRIBUTARY_API", default_value = "localhost:8080")]
    pub listen: String,
    /// Health and metrics; for the operator only.
    #[arg(long = "admin", env = "TRIBUTARY_API_ADMIN", default_value = "127.0.0.1:8084")]
    pub admin: SocketAddr,
    /// Where people reach the platform's own site: its host, and the scheme and port of every site's links
    #[arg(long, env = "TRIBUTARY_URL", default_value = "http://localhost:8080")]
    pub url: Url,
    /// Networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed
    #[arg(long, env = "TRIBUTARY_TRUSTED_PROXIES", value_delimiter = ',')]
    pub trusted_proxies: Vec<IpNet>,
    /// Serve plain HTTP to other machines, for a test network only: sessions can be stolen on the way
    #[arg(long, env = "TRIBUTARY_INSECURE_HTTP")]
    pub insecure_http: bool,
    /// Where visitors and advertisers reach the collector: the beginning of every link.
    #[arg(long, env = "TRIBUTARY_TRACKING_URL", default_value = "http://localhost:8081")]
    pub tracking_url: String,
    /// The installation's keys
    #[arg(long, env = "TRIBUTARY_KEYS")]
    pub keys: PathBuf,
    /// A file with the secret of the one-time link that makes the first admin
    #[arg(long, env = "TRIBUTARY_SETUP_FILE")]
    pub setup_file: Option<PathBuf>,
    /// Show the accounts of a demonstration on the sign-in page; never where anything is real
    #[arg(long = "demo", env = "TRIBUTARY_DEMO")]
    pub is_demo: bool,
    /// A file of other houses to sign in with (Google, GitHub, any OpenID Connect issuer): see the operators' guide
    #[arg(long = "providers", env = "TRIBUTARY_PROVIDERS")]
    pub providers: Option<PathBuf>,
    /// Limits set otherwise: name=count/seconds, by comma, as sign_up=20/3600
    #[arg(long = "limit", env = "TRIBUTARY_LIMITS", value_delimiter = ',')]
    pub limits: Vec<Setting>,
    #[command(flatten)]
    pub mail: Mail,
    #[command(flatten)]
    pub stores: Stores,
}

/// How letters leave.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Mail {
    /// A mail server: smtps://user:password@host, or smtp://user:password@host:587?tls=required
    #[arg(long, env = "TRIBUTARY_SMTP_URL", hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// A folder for letters instead, one .eml file each
    #[arg(long = "mail-folder", env = "TRIBUTARY_MAIL_FOLDER")]
    pub folder: Option<PathBuf>,
    /// Whom letters come from; tributary@ and the host of TRIBUTARY_URL if not given
    #[arg(long = "mail-from", env = "TRIBUTARY_MAIL_FROM")]
    pub from: Option<String>,
}

/// Where the stores are.
#[derive(Debug, Clone, clap::Args)]
pub struct Stores {
    /// PostgreSQL, with the role `tributary_api`
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
    /// The same database with the role `tributary_jobs`, for what is done for all sites: mail, expiry. Without it
    /// this process does none of it.
    #[arg(long, env = "TRIBUTARY_JOBS_DATABASE_URL", hide_env_values = true)]
    pub jobs_database_url: Option<String>,
    /// Redis, where several processes count what is limited together: redis://user:password@host:6379/0
    #[arg(long, env = "TRIBUTARY_REDIS_URL", hide_env_values = true)]
    pub redis_url: Option<String>,
    /// Processes of this kind: each allows its part of the limits while Redis is away, or where there is none
    #[arg(long, env = "TRIBUTARY_NODES", default_value_t = 1)]
    pub nodes: u32,
    /// Connections to PostgreSQL at most
    #[arg(long, default_value_t = 8)]
    pub database_connections: u32,
    /// ClickHouse over HTTP: http://user:password@host:8123/
    #[arg(long, env = "TRIBUTARY_CLICKHOUSE_URL", hide_env_values = true)]
    pub clickhouse_url: String,
    /// ClickHouse's database
    #[arg(long, env = "TRIBUTARY_CLICKHOUSE_DATABASE", default_value = "tributary")]
    pub clickhouse_database: String,
}
