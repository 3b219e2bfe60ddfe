//! One installation: its folder, its secrets, and the URLs its parts meet at.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use api::accounts::secret::Secret;
use schemas::keys::{Keys, MAX_VERSION};
use sqlx::{Connection, PgConnection};
use url::Url;

use crate::accounts;
use crate::config::{Addresses, Config, Folder};
use crate::layout::Layout;
use crate::passwords::{Passwords, random_bytes, write_secret};
use crate::postgres::Cluster;
use crate::process;
use crate::services;
use crate::settings::Settings;
use crate::vendor;

/// The database's name in both stores.
const DATABASE: &str = "tributary";
/// Where the country database is looked for, as [`crate::engine::lookup`] looks for the engine.
const GEO: &str = "geo/country.mmdb";
/// A line of the file of addresses.
const PRIVATE_POSTGRES: &str = "postgresql private\n";
/// With less than this the stores may stop in the middle of a write.
const LEAST_DISK: u64 = 512 << 20;

/// Who connects to PostgreSQL. No service is its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Reads links and terms.
    Collector,
    /// The only writer of money.
    Processor,
    /// Accounts, programs, links; reads the rest. One site at a time.
    Api,
    /// Mail and expiry, of all sites.
    Jobs,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Collector, Self::Processor, Self::Api, Self::Jobs];

    /// Its name in PostgreSQL and in the file of passwords.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Collector => "tributary_collector",
            Self::Processor => "tributary_processor",
            Self::Api => "tributary_api",
            Self::Jobs => "tributary_jobs",
        }
    }
}

/// Everything a command needs to find the parts of an installation.
pub struct Installation {
    /// What was asked for.
    pub config: Config,
    /// The folder.
    pub layout: Layout,
    /// What its parts were, or will be, started with.
    pub settings: Settings,
    /// A demonstration: its accounts stand on the sign-in page.
    pub is_demo: bool,
    passwords: Passwords,
}

impl Installation {
    /// Opens the folder, and makes keys, passwords and the secret of the first link where they are missing.
    ///
    /// # Errors
    /// When the folder can't be used, or the disk is full.
    pub fn open(config: Config) -> anyhow::Result<Self> {
        let layout = Layout::open(&config.folder.data)?;
        check_disk(layout.root())?;
        let passwords = Passwords::load_or_create(&layout.passwords())?;
        create_keys(&layout.keys())?;
        create_setup(&layout.setup())?;
        let settings = Settings::from_environment();
        Ok(Self { config, layout, settings, is_demo: false, passwords })
    }

    /// True when PostgreSQL is ours to run.
    #[must_use]
    pub fn has_private_postgres(&self) -> bool {
        self.config.database_url.is_none()
    }

    /// PostgreSQL as the owner of the tables: for migrations and nothing else.
    ///
    /// # Errors
    /// When the private one does not run, or the given URL is none.
    pub fn owner_url(&self) -> anyhow::Result<Url> {
        if let Some(given) = &self.config.database_url {
            return Url::parse(given).context(
                "DATABASE_URL is not of the form postgres://user:password@host:port/name",
            );
        }
        let Some(port) = self.postgres_port() else {
            bail!(
                "postgresql does not run: start `tributary serve` with --data {}",
                self.layout.root().display()
            );
        };
        let password = self.passwords.get("postgres");
        let url = format!("postgres://postgres:{password}@127.0.0.1:{port}/{DATABASE}");
        Ok(Url::parse(&url)?)
    }

    /// PostgreSQL as one of the services.
    ///
    /// # Errors
    /// As [`owner_url`](Self::owner_url).
    pub fn role_url(&self, role: Role) -> anyhow::Result<Url> {
        let mut url = self.owner_url()?;
        let named = url
            .set_username(role.name())
            .and_then(|()| url.set_password(Some(self.password(role))));
        if named.is_err() {
            bail!("DATABASE_URL has no host");
        }
        Ok(url)
    }

    /// A role's password in PostgreSQL.
    #[must_use]
    pub fn password(&self, role: Role) -> &str {
        self.passwords.get(role.name())
    }

    /// ClickHouse as `owner` (migrations, processor) or `reader` (api).
    #[must_use]
    pub fn clickhouse_url(&self, user: &str) -> String {
        services::engine_url(self.config.addresses.clickhouse, &self.passwords, user)
    }

    /// The address a person opens: the dashboard, or what makes the first admin while there is none.
    ///
    /// # Errors
    /// When PostgreSQL does not answer, or the link's secret can't be read.
    pub async fn first_url(&self) -> anyhow::Result<String> {
        let base = format!("http://{}", self.config.addresses.api);
        let mut owner = PgConnection::connect(self.owner_url()?.as_str()).await?;
        let has_admin = accounts::has_admin(&mut owner).await?;
        owner.close().await?;
        if has_admin {
            return Ok(format!("{base}/dashboard/"));
        }
        let path = self.layout.setup();
        let secret = fs::read_to_string(&path)
            .with_context(|| format!("{} can't be read", path.display()))?;
        Ok(format!("{base}/accounts/setup/?token={}", secret.trim()))
    }

    /// The installation's secrets.
    ///
    /// # Errors
    /// When the file can't be read or is damaged.
    pub fn keys(&self) -> anyhow::Result<Keys> {
        let path = self.layout.keys();
        let text = fs::read_to_string(&path)
            .with_context(|| format!("{} can't be read", path.display()))?;
        Keys::parse(&text).with_context(|| format!("{} is damaged", path.display()))
    }

    /// Adds a secret to the file of keys; its version. What runs knows it after its next start.
    ///
    /// # Errors
    /// When the file can't be read or written, or there is no further version.
    pub fn add_key(&self) -> anyhow::Result<u8> {
        let path = self.layout.keys();
        let text = fs::read_to_string(&path)
            .with_context(|| format!("{} can't be read", path.display()))?;
        let keys = Keys::parse(&text).with_context(|| format!("{} is damaged", path.display()))?;
        let version = keys.click_ids().signer().version() + 1;
        anyhow::ensure!(version <= MAX_VERSION, "there is no version after {MAX_VERSION}");
        let line = Keys::line(version, &random_bytes::<32>()?);
        let joint = if text.ends_with('\n') { "" } else { "\n" };
        write_secret(&path, &format!("{text}{joint}{line}"))
            .with_context(|| format!("{} can't be written", path.display()))?;
        Ok(version)
    }

    /// The collector's slots: a journal for each of its cores.
    #[must_use]
    pub fn slots(&self) -> Vec<String> {
        (0..self.settings.cores).map(|core| format!("c{core}")).collect()
    }

    /// The port of the private PostgreSQL, while it answers.
    #[must_use]
    pub fn postgres_port(&self) -> Option<u16> {
        self.layout.postgres_port()
    }

    /// Where the private PostgreSQL's files are.
    #[must_use]
    pub fn postgres_folder(&self) -> PathBuf {
        let cluster = Cluster::existing(self.layout.postgres()).ok().flatten();
        cluster.map_or_else(|| self.layout.postgres(), |cluster| cluster.folder().to_owned())
    }

    /// The country database, if there is one: `TRIBUTARY_GEO`, or the one fetched with the engine.
    #[must_use]
    pub fn geo(&self) -> Option<PathBuf> {
        if let Some(named) = std::env::var_os("TRIBUTARY_GEO") {
            return Some(PathBuf::from(named));
        }
        let places = vendor::places(self.layout.root(), GEO);
        let found = places.into_iter().find(|place| place.is_file())?;
        std::path::absolute(found).ok()
    }

    /// Opens the folder of an installation that runs, or ran, to ask it something: with the addresses and settings it
    /// was started with, whatever the flags and the environment of this command.
    ///
    /// # Errors
    /// When there is no installation in the folder.
    pub fn attach(folder: Folder, database_url: Option<String>) -> anyhow::Result<Self> {
        let layout = Layout::existing(&folder.data)?;
        let text = fs::read_to_string(layout.addresses()).unwrap_or_default();
        let addresses = Addresses::from_lines(&text).unwrap_or_default();
        // Somebody's DATABASE_URL may be meant for another program; this installation has its own.
        let database_url = database_url.filter(|_| !text.contains(PRIVATE_POSTGRES));
        let passwords = Passwords::load_or_create(&layout.passwords())?;
        let keep = migrations::clickhouse::Keep::default();
        let config = Config { folder, addresses, database_url, keep };
        let settings = Settings::from_lines(&text).unwrap_or_else(Settings::from_environment);
        Ok(Self { config, layout, settings, is_demo: false, passwords })
    }

    /// Writes down where everything listens, for the commands that ask a running installation.
    ///
    /// # Errors
    /// When the folder can't be written.
    pub fn remember_addresses(&self) -> anyhow::Result<()> {
        let path = self.layout.addresses();
        let mut lines = self.config.addresses.to_lines() + &self.settings.to_lines();
        if self.has_private_postgres() {
            lines.push_str(PRIVATE_POSTGRES);
        }
        process::write_whole(&path, &lines)
            .with_context(|| format!("{} can't be written", path.display()))
    }
}

fn check_disk(folder: &Path) -> anyhow::Result<()> {
    let disk = rustix::fs::statvfs(folder)
        .with_context(|| format!("the disk of {} can't be asked", folder.display()))?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free < LEAST_DISK {
        bail!(
            "the disk of {} has only {} MB left and {} are needed: free some, or choose another folder with --data",
            folder.display(),
            free >> 20,
            LEAST_DISK >> 20
        );
    }
    Ok(())
}

/// The keys of click ids: made once; whoever loses them can't read earlier ids.
fn create_keys(path: &Path) -> anyhow::Result<()> {
    match fs::read_to_string(path) {
        Ok(text) => {
            Keys::parse(&text).map(drop).with_context(|| format!("{} is damaged", path.display()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let secret = random_bytes::<32>()?;
            write_secret(path, &Keys::line(1, &secret))
                .with_context(|| format!("{} can't be written", path.display()))
        }
        Err(error) => Err(error).with_context(|| format!("{} can't be read", path.display())),
    }
}

fn create_setup(path: &Path) -> anyhow::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let secret = Secret::new().context("no randomness")?;
    write_secret(path, &format!("{}\n", secret.text()))
        .with_context(|| format!("{} can't be written", path.display()))
}
