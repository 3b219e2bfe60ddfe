//! The stores and services of one machine: how each is started as a child, and the URLs they meet at.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use anyhow::Context;

use crate::installation::{Installation, Role};
use crate::layout::Layout;
use crate::passwords::Passwords;
use crate::supervisor::{Ready, Service};

/// A service that is not ready by then says why itself, or hangs.
const START_LIMIT: Duration = Duration::from_secs(120);
/// Longer than the longest graceful stop of any of them.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// The private PostgreSQL. Its start may include crash recovery.
#[must_use]
pub fn postgres(layout: &Layout) -> Service {
    Service {
        name: "postgresql",
        arguments: vec![
            "run-postgres".into(),
            "--supervised".into(),
            "--data".into(),
            layout.root().into(),
        ],
        environment: Vec::new(),
        ready: Ready::File(layout.postgres_ready()),
        start_limit: Duration::from_secs(330),
        stop_limit: Duration::from_secs(90),
    }
}

/// The embedded ClickHouse.
#[must_use]
pub fn engine(layout: &Layout, listen: SocketAddr) -> Service {
    let listen_flag = listen.to_string().into();
    Service {
        name: "clickhouse engine",
        arguments: vec![
            "run-engine".into(),
            "--supervised".into(),
            "--data".into(),
            layout.root().into(),
            "--listen".into(),
            listen_flag,
        ],
        environment: Vec::new(),
        ready: Ready::Http(connectable(listen), "/ping"),
        start_limit: Duration::from_secs(120),
        stop_limit: Duration::from_secs(90),
    }
}

/// What runs between the stores and the world, in the order of its start: the collector last, so that it is the first
/// to stop and nothing is taken that nobody will read.
///
/// # Errors
/// When a URL can't be made.
pub fn all(installation: &Installation) -> anyhow::Result<[Service; 3]> {
    let addresses = &installation.config.addresses;
    let api_address = addresses.api_address()?;
    let processor = Service {
        name: "processor",
        arguments: child(installation, "run-processor"),
        environment: processor_environment(installation)?,
        ready: Ready::Http(addresses.processor, "/health"),
        start_limit: START_LIMIT,
        stop_limit: STOP_LIMIT,
    };
    let api = Service {
        name: "api",
        arguments: child(installation, "run-api"),
        environment: api_environment(installation)?,
        ready: Ready::Http(api_address, "/health"),
        start_limit: START_LIMIT,
        stop_limit: STOP_LIMIT,
    };
    let collector = Service {
        name: "collector",
        arguments: child(installation, "run-collector"),
        environment: collector_environment(installation)?,
        ready: Ready::Http(addresses.admin, "/health"),
        start_limit: START_LIMIT,
        stop_limit: STOP_LIMIT,
    };

    Ok([api, processor, collector])
}

fn child(installation: &Installation, command: &str) -> Vec<OsString> {
    vec![command.into(), "--data".into(), installation.layout.root().into()]
}

/// What each of them needs. Anything else a person sets in the environment reaches them as it is.
fn common_environment(installation: &Installation, role: Role) -> anyhow::Result<Environment> {
    let layout = &installation.layout;
    let mut environment = vec![
        ("DATABASE_URL", installation.role_url(role)?.into()),
        ("TRIBUTARY_KEYS", path(&layout.keys())),
        ("TRIBUTARY_JOURNAL", path(&layout.journals())),
        ("TRIBUTARY_PARTITIONS", installation.settings.partitions.to_string()),
    ];
    if let Some(geo) = installation.geo() {
        environment.push(("TRIBUTARY_GEO", path(&geo)));
    }
    Ok(environment)
}

/// A proxy of this machine.
const LOOPBACK: &str = "127.0.0.1/32,::1/128";

type Environment = Vec<(&'static str, String)>;

fn collector_environment(installation: &Installation) -> anyhow::Result<Environment> {
    let addresses = &installation.config.addresses;
    let mut environment = common_environment(installation, Role::Collector)?;
    environment.extend([
        ("TRIBUTARY_COLLECTOR", addresses.collector.to_string()),
        ("TRIBUTARY_ADMIN", addresses.admin.to_string()),
        ("TRIBUTARY_CORES", installation.settings.cores.to_string()),
        ("TRIBUTARY_LINKS_COPY", path(&installation.layout.collector().join("links.copy"))),
    ]);
    if std::env::var_os("TRIBUTARY_TRUSTED_PROXIES").is_none() {
        // On one machine only a proxy of this machine can come from loopback.
        environment.push(("TRIBUTARY_TRUSTED_PROXIES", LOOPBACK.to_owned()));
    }
    Ok(environment)
}

fn processor_environment(installation: &Installation) -> anyhow::Result<Environment> {
    let mut environment = common_environment(installation, Role::Processor)?;
    environment.extend([
        ("TRIBUTARY_CLICKHOUSE_URL", installation.clickhouse_url("owner")),
        ("TRIBUTARY_PROCESSOR", installation.config.addresses.processor.to_string()),
        ("TRIBUTARY_SLOTS", installation.slots().join(",")),
        ("TRIBUTARY_JOURNAL_KEEP_HOURS", installation.settings.journal_keep_hours.to_string()),
        ("TRIBUTARY_CLAIMS", path(&installation.layout.claims())),
        ("TRIBUTARY_ADDRESS_DAYS", installation.config.keep.address_days().to_string()),
    ]);
    Ok(environment)
}

fn api_environment(installation: &Installation) -> anyhow::Result<Environment> {
    let addresses = &installation.config.addresses;
    let mut environment = common_environment(installation, Role::Api)?;
    environment.extend([
        ("TRIBUTARY_CLICKHOUSE_URL", installation.clickhouse_url("reader")),
        ("TRIBUTARY_API", addresses.api.clone()),
        ("TRIBUTARY_API_ADMIN", addresses.api_admin.to_string()),
        ("TRIBUTARY_SETUP_FILE", path(&installation.layout.setup())),
        ("TRIBUTARY_JOBS_DATABASE_URL", installation.role_url(Role::Jobs)?.into()),
    ]);
    if std::env::var_os("TRIBUTARY_URL").is_none() {
        environment.push(("TRIBUTARY_URL", format!("http://{}", addresses.api)));
    }
    if ["TRIBUTARY_SMTP_URL", "TRIBUTARY_MAIL_FOLDER"]
        .iter()
        .all(|name| std::env::var_os(name).is_none())
    {
        environment.push(("TRIBUTARY_MAIL_FOLDER", path(&installation.layout.mail())));
    }
    if std::env::var_os("TRIBUTARY_TRUSTED_PROXIES").is_none() {
        environment.push(("TRIBUTARY_TRUSTED_PROXIES", LOOPBACK.to_owned()));
    }
    if installation.is_demo {
        environment.push(("TRIBUTARY_DEMO", "true".to_owned()));
    }
    if std::env::var_os("TRIBUTARY_TRACKING_URL").is_none() {
        environment.push(("TRIBUTARY_TRACKING_URL", format!("http://{}", addresses.collector)));
    }
    Ok(environment)
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

/// The URL of a database of the private PostgreSQL as its owner, while it runs.
///
/// # Errors
/// When it does not run.
pub fn postgres_url(
    layout: &Layout,
    passwords: &Passwords,
    database: &str,
) -> anyhow::Result<String> {
    let port = layout.postgres_port().with_context(|| {
        format!("postgresql does not run: no {}", layout.postgres_ready().display())
    })?;
    let password = passwords.get("postgres");
    Ok(format!("postgres://postgres:{password}@127.0.0.1:{port}/{database}"))
}

/// The engine's URL for one of its users.
#[must_use]
pub fn engine_url(listen: SocketAddr, passwords: &Passwords, user: &str) -> String {
    format!("http://{user}:{}@{}/", passwords.get(user), connectable(listen))
}

/// Where this machine reaches what listens on `address`: one that listens everywhere is reached on loopback, which is
/// the name it answers to.
#[must_use]
pub fn connectable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, address.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => (Ipv6Addr::LOCALHOST, address.port()).into(),
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_listens_everywhere_is_reached_on_loopback() {
        let check = |listen: &str, reached: &str| {
            assert_eq!(connectable(listen.parse().unwrap()), reached.parse().unwrap(), "{listen}");
        };
        check("0.0.0.0:8123", "127.0.0.1:8123");
        check("[::]:8123", "[::1]:8123");
        check("192.0.2.7:8123", "192.0.2.7:8123");
    }
}
