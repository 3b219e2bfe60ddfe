//! Which host is which site's, in memory: the first thing asked of a request.
//!
//! Read whole from PostgreSQL and again whenever a site changes; while PostgreSQL is away the last reading
//! stands. Refuses to guess: a host nobody has is nobody's.

use arc_swap::ArcSwap;
use schemas::ids::{PLATFORM, SiteId};
use sqlx::{PgPool, postgres::PgListener};
use std::{collections::HashMap, sync::Arc, time::Duration};

use crate::queries::sites;

/// Where a change of a site is told (migrations/postgres/0023).
const CHANNEL: &str = "tributary_sites";
/// How often it is read though nobody told anything, and how soon again after a fault.
const PERIOD: Duration = Duration::from_secs(30);
const AGAIN: Duration = Duration::from_secs(1);

/// What is known of a site before anything else: its number, and what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The site.
    pub site: SiteId,
    /// As its pages are headed.
    pub name: Arc<str>,
}

/// The map. Cheap to clone; all clones are the same map.
#[derive(Debug, Clone)]
pub struct Hosts {
    known: Arc<ArcSwap<HashMap<String, Known>>>,
    /// The platform's own host, whatever its row says.
    own: Arc<str>,
}

impl Hosts {
    /// Knows the platform's own host and no other yet.
    pub fn new(own: &str) -> Self {
        let own: Arc<str> = own.to_ascii_lowercase().into();
        let platform = Known { site: PLATFORM, name: "Tributary".into() };
        let known = HashMap::from([(own.to_string(), platform)]);
        Self { known: Arc::new(ArcSwap::from_pointee(known)), own }
    }

    /// Whose a host is (lower case, without port). This machine's own addresses are whoever `localhost` is.
    pub fn find(&self, host: &str) -> Option<Known> {
        let known = self.known.load();
        known.get(host).or_else(|| is_loopback(host).then(|| known.get("localhost"))?).cloned()
    }

    /// Reads all of them.
    ///
    /// # Errors
    /// `sqlx::Error` when PostgreSQL does not answer; what was known stays.
    pub async fn load(&self, db: &PgPool) -> Result<(), sqlx::Error> {
        let mut known = sites::hosts(db).await?;
        if let Some(platform) = known.values().find(|known| known.site == PLATFORM).cloned() {
            known.insert(self.own.to_string(), platform);
        }
        self.known.store(Arc::new(known));
        Ok(())
    }

    /// Keeps it true for ever.
    pub async fn follow(self, db: PgPool) {
        loop {
            if let Err(error) = self.listen(&db).await {
                tracing::warn!(%error, "hosts of sites are not followed; those known stay");
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn listen(&self, db: &PgPool) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(db).await?;
        listener.listen(CHANNEL).await?;
        loop {
            self.load(db).await?;
            // A connection that is lost says so; one that is cut off says nothing, so that it is read all the same.
            if let Ok(told) = tokio::time::timeout(PERIOD, listener.recv()).await {
                told?;
            }
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let plain = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    plain.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The host of a `Host` header or an authority: lower case, without its port. `None` for what is none: empty,
/// with a user, a dot at its end, or bytes that no name has.
pub fn host_of(authority: &str) -> Option<String> {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => host,
        Some(_) if !authority.ends_with(']') => return None,
        _ => authority,
    };
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_name = match bracketed {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            host.len() <= 253
                && host.split('.').all(|label| {
                    (1..=63).contains(&label.len())
                        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                })
        }
    };
    is_name.then(|| host.to_ascii_lowercase())
}

/// Whether a browser takes a page of this host as safe without TLS: it never leaves this machine.
pub fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost") || is_loopback(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_host_is_read_without_its_port_and_anything_else_is_none() {
        let cases = [
            ("localhost:8080", Some("localhost")),
            ("LocalHost", Some("localhost")),
            ("partner.localhost:1", Some("partner.localhost")),
            ("127.0.0.1:8080", Some("127.0.0.1")),
            ("[::1]:8080", Some("[::1]")),
            ("[::1]", Some("[::1]")),
            ("a.example.:80", None),
            ("", None),
            (":80", None),
            ("localhost:", None),
            ("localhost:80@evil", None),
            ("user@localhost", None),
            ("local host", None),
            ("[::1", None),
            ("[evil]", None),
            ("..", None),
            ("a..b", None),
        ];
        for (authority, host) in cases {
            assert_eq!(host_of(authority).as_deref(), host, "{authority}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_sent_a_host_is_a_plain_name(text in "\\PC{0,80}") {
            if let Some(host) = host_of(&text) {
                prop_assert!(!host.contains(['@', '/', '\\', '?', '#', ' ', '%']));
                prop_assert_eq!(host_of(&host), Some(host.clone()));
            }
        }

        #[test]
        fn a_port_changes_no_host(name in "[a-z0-9-]{1,20}(\\.[a-z0-9-]{1,20}){0,3}", port in 0_u16..) {
            prop_assert_eq!(host_of(&format!("{name}:{port}")), Some(name));
        }
    }

    #[test]
    fn this_machines_addresses_are_the_site_of_localhost() {
        let hosts = Hosts::new("localhost");
        for host in ["localhost", "127.0.0.1", "127.1.2.3", "[::1]"] {
            assert_eq!(hosts.find(host).map(|known| known.site), Some(PLATFORM), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example", "10.0.0.1", ""] {
            assert_eq!(hosts.find(host), None, "{host}");
        }
        assert_eq!(Hosts::new("aff.example").find("127.0.0.1"), None);
    }
}
