//! What can be set when everything runs on one machine: the folder and the addresses, by flag or environment.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::PathBuf;

use migrations::clickhouse::Keep;

/// The folder and the addresses.
#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    #[command(flatten)]
    pub folder: Folder,
    #[command(flatten)]
    pub addresses: Addresses,
    /// An existing PostgreSQL to use instead of the private one; its role must own the database.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// How long ClickHouse keeps what.
    #[command(flatten)]
    pub keep: Keep,
}

/// Where the data lies.
#[derive(Debug, Clone, clap::Args)]
pub struct Folder {
    /// The data folder; made at the first start.
    #[arg(
        long,
        global = true,
        env = "TRIBUTARY_DATA",
        default_value = "./data",
        value_name = "FOLDER"
    )]
    pub data: PathBuf,
}

/// Who listens where. All of it is loopback until somebody says otherwise.
#[derive(Debug, Clone, clap::Args)]
pub struct Addresses {
    /// Pages and JSON API.
    #[arg(long, env = "TRIBUTARY_API", default_value = "localhost:8080", value_name = "HOST:PORT")]
    pub api: String,
    /// Clicks, postbacks and pixels.
    #[arg(
        long,
        env = "TRIBUTARY_COLLECTOR",
        default_value = "127.0.0.1:8081",
        value_name = "ADDRESS:PORT"
    )]
    pub collector: SocketAddr,
    /// The collector's health and metrics.
    #[arg(
        long,
        env = "TRIBUTARY_ADMIN",
        default_value = "127.0.0.1:8082",
        value_name = "ADDRESS:PORT"
    )]
    pub admin: SocketAddr,
    /// The processor's health and metrics.
    #[arg(
        long,
        env = "TRIBUTARY_PROCESSOR",
        default_value = "127.0.0.1:8083",
        value_name = "ADDRESS:PORT"
    )]
    pub processor: SocketAddr,
    /// The embedded ClickHouse.
    #[arg(
        long,
        env = "TRIBUTARY_CLICKHOUSE",
        default_value = "127.0.0.1:8123",
        value_name = "ADDRESS:PORT"
    )]
    pub clickhouse: SocketAddr,
    /// The api's health and metrics.
    #[arg(
        long,
        env = "TRIBUTARY_API_ADMIN",
        default_value = "127.0.0.1:8084",
        value_name = "ADDRESS:PORT"
    )]
    pub api_admin: SocketAddr,
}

/// An address that can't be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such name.
    #[error("{0} is not an address of this machine: give --{1} ({variable}) as HOST:PORT", variable = variable(.1))]
    Unknown(String, &'static str),
    /// Somebody listens there, or may not.
    #[error("{0} can't be listened on ({2}): stop what uses it, or choose another with --{1} ({variable})", variable = variable(.1))]
    Taken(SocketAddr, &'static str, std::io::Error),
}

/// The variable that says the same as a flag.
fn variable(flag: &str) -> String {
    format!("TRIBUTARY_{}", flag.to_uppercase().replace('-', "_"))
}

impl Default for Addresses {
    fn default() -> Self {
        let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self {
            api: "localhost:8080".to_owned(),
            collector: loopback(8081),
            admin: loopback(8082),
            processor: loopback(8083),
            clickhouse: loopback(8123),
            api_admin: loopback(8084),
        }
    }
}

impl Addresses {
    /// One `NAME ADDRESS` a line.
    #[must_use]
    pub fn to_lines(&self) -> String {
        let Self { api, collector, admin, processor, clickhouse, api_admin } = self;
        format!(
            "api {api}\ncollector {collector}\nadmin {admin}\nprocessor {processor}\nclickhouse {clickhouse}\napi_admin {api_admin}\n"
        )
    }

    /// Reads [`to_lines`](Self::to_lines); `None` when a line is missing or damaged.
    #[must_use]
    pub fn from_lines(text: &str) -> Option<Self> {
        let find =
            |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Some(Self {
            api: find("api")?.to_owned(),
            collector: find("collector")?.parse().ok()?,
            admin: find("admin")?.parse().ok()?,
            processor: find("processor")?.parse().ok()?,
            clickhouse: find("clickhouse")?.parse().ok()?,
            // One that was started by a version without it is not asked there.
            api_admin: match find("api_admin") {
                Some(address) => address.parse().ok()?,
                None => Self::default().api_admin,
            },
        })
    }

    /// The API's address: the first of its name, IPv4 before IPv6.
    ///
    /// # Errors
    /// When the name is not known.
    pub fn api_address(&self) -> Result<SocketAddr, Error> {
        let found = self.api.to_socket_addrs().map(Iterator::collect::<Vec<_>>).unwrap_or_default();
        let first = found.iter().find(|address| address.is_ipv4()).or_else(|| found.first());
        first.copied().ok_or_else(|| Error::Unknown(self.api.clone(), "api"))
    }

    /// Tries every address, so that one sentence says what is wrong before anything is started.
    ///
    /// # Errors
    /// For the first address that can't be listened on.
    pub fn check_free(&self) -> Result<(), Error> {
        let all = [
            (self.api_address()?, "api"),
            (self.collector, "collector"),
            (self.admin, "admin"),
            (self.processor, "processor"),
            (self.clickhouse, "clickhouse"),
            (self.api_admin, "api-admin"),
        ];
        for (address, flag) in all {
            drop(TcpListener::bind(address).map_err(|error| Error::Taken(address, flag, error))?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_their_file() {
        let addresses = Addresses { api: "example.test:1".to_owned(), ..Addresses::default() };
        let read = Addresses::from_lines(&addresses.to_lines()).unwrap();
        assert_eq!(read.to_lines(), addresses.to_lines());
        assert!(Addresses::from_lines("api x\n").is_none());
        let older = addresses.to_lines().replace("api_admin 127.0.0.1:8084\n", "");
        assert_eq!(Addresses::from_lines(&older).unwrap().to_lines(), addresses.to_lines());
    }

    #[test]
    fn address_in_use_is_named_with_its_flag() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let free = "127.0.0.1:0".parse().unwrap();
        let addresses = Addresses {
            api: "localhost:0".to_owned(),
            collector: free,
            admin: taken.local_addr().unwrap(),
            processor: free,
            clickhouse: free,
            api_admin: free,
        };
        let said = addresses.check_free().unwrap_err().to_string();
        assert!(said.contains("--admin (TRIBUTARY_ADMIN)") && said.contains("in use"), "{said}");
        let addresses = Addresses { admin: free, api_admin: addresses.admin, ..addresses };
        let said = addresses.check_free().unwrap_err().to_string();
        assert!(said.contains("--api-admin (TRIBUTARY_API_ADMIN)"), "{said}");
        let unknown = Addresses { api: "no such host".to_owned(), ..addresses };
        assert!(unknown.check_free().unwrap_err().to_string().contains("TRIBUTARY_API"));
    }
}
