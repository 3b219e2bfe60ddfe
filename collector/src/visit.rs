//! Where a visitor is and with what, for the few destinations that ask (`{country}`, `{device}`, …).
//!
//! Called for those only: it costs a microsecond. Refuses to decide anything by it; the processor
//! looks these up again, with its own databases, for the statistics.

use maxminddb::{Reader, geoip2};
use std::{net::IpAddr, path::Path};
use woothee::parser::Parser;

use crate::{
    error::{Error, Result},
    target::Visit,
};

/// The databases.
#[derive(Default)]
pub struct Visits {
    geo: Option<Reader<Vec<u8>>>,
    agents: Parser,
}

impl std::fmt::Debug for Visits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Visits").field("geo", &self.geo.is_some()).finish_non_exhaustive()
    }
}

impl Visits {
    /// With a country (or city) database in MaxMind's format, where there is one.
    ///
    /// # Errors
    /// `Error::Geo` when the file can't be read.
    pub fn open(geo: Option<&Path>) -> Result<Self> {
        let geo = geo
            .map(|path| {
                Reader::open_readfile(path)
                    .map_err(|source| Error::Geo { path: path.to_owned(), source })
            })
            .transpose()?;
        Ok(Self { geo, agents: Parser::new() })
    }

    /// Of one visitor.
    pub fn of(&self, address: IpAddr, user_agent: &[u8]) -> Visit {
        let mut visit = Visit::default();
        if let Some(geo) = &self.geo {
            put_place(&mut visit, geo, address);
        }
        let agent = std::str::from_utf8(user_agent).unwrap_or_default();
        if let Some(agent) = self.agents.parse(agent) {
            visit.device = device(agent.category, agent.os);
            visit.os = known(agent.os);
            visit.browser = known(agent.name);
        }
        visit
    }
}

fn put_place(visit: &mut Visit, geo: &Reader<Vec<u8>>, address: IpAddr) {
    let Ok(found) = geo.lookup(address) else { return };
    let Ok(Some(place)) = found.decode::<geoip2::City<'_>>() else { return };
    let text = |name: Option<&str>| name.unwrap_or_default().to_owned();
    visit.country = text(place.country.iso_code);
    visit.region = text(place.subdivisions.first().and_then(|region| region.names.english));
    visit.city = text(place.city.names.english);
}

/// The words of the statistics.
fn device(category: &str, os: &str) -> &'static str {
    match category {
        _ if os == "iPad" => "tablet",
        "pc" => "desktop",
        "smartphone" | "mobilephone" => "mobile",
        "appliance" => "console",
        "crawler" => "bot",
        _ => "",
    }
}

fn known(word: &str) -> String {
    if word == "UNKNOWN" { String::new() } else { word.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_says_device_system_and_browser() {
        let agent = b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36";
        let visit = Visits::default().of("192.0.2.1".parse().unwrap(), agent);
        assert_eq!((visit.device, visit.browser.as_str()), ("desktop", "Chrome"));
        assert_eq!(visit.country, "");
    }

    #[test]
    fn nonsense_says_nothing() {
        for agent in [&b""[..], b"\xff\xfe", b"{}"] {
            let visit = Visits::default().of("::1".parse().unwrap(), agent);
            assert_eq!((visit.os.as_str(), visit.city.as_str()), ("", ""));
        }
    }
}
