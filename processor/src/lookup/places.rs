//! Places: country, and region and city where the database has them (MaxMind's format, with the
//! fields of GeoIP2 or the flat ones of ip-location-db).
//!
//! Answers are kept by address, and by the record an address leads to, since thousands of networks
//! share one. An address the database does not know has no country; nothing is guessed.

use std::{net::IpAddr, path::Path};

use hashbrown::HashMap;
use maxminddb::{LookupResult, PathElement, Reader, path};
use quick_cache::unsync::Cache;

use super::words::{Word, Words};
use crate::error::{Error, Result};

/// Addresses kept.
const KEPT: usize = 1 << 17;

/// Where an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Place {
    pub(crate) country: Word,
    pub(crate) region: Word,
    pub(crate) city: Word,
}

/// A database and what was read of it.
pub(crate) struct Places {
    reader: Reader<Vec<u8>>,
    seen: Cache<IpAddr, Place>,
    records: HashMap<usize, Place>,
}

impl Places {
    /// Reads a database into memory.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let refuse = |what: String| Error::Geography { path: path.to_owned(), what };
        let reader = Reader::open_readfile(path).map_err(|error| refuse(error.to_string()))?;
        let kind = reader.metadata().database_type.to_ascii_lowercase();
        if !["country", "city", "enterprise"].iter().any(|known| kind.contains(known)) {
            return Err(refuse(format!("a database of {kind} holds no countries")));
        }
        Ok(Self { reader, seen: Cache::new(KEPT), records: HashMap::new() })
    }

    /// Where an address is.
    pub(crate) fn of(&mut self, address: IpAddr, words: &mut Words) -> Place {
        if let Some(known) = self.seen.get(&address) {
            return *known;
        }
        let place = self.read(address, words).unwrap_or_default();
        self.seen.insert(address, place);
        place
    }

    /// Forgets all, since words got other numbers.
    pub(crate) fn forget(&mut self) {
        self.seen.clear();
        self.records.clear();
    }

    fn read(&mut self, address: IpAddr, words: &mut Words) -> Option<Place> {
        let found = self.reader.lookup(address).ok()?;
        let record = found.offset()?;
        if let Some(known) = self.records.get(&record) {
            return Some(*known);
        }
        let place = read(&found, words);
        self.records.insert(record, place);
        Some(place)
    }
}

fn read(found: &LookupResult<'_, Vec<u8>>, words: &mut Words) -> Place {
    let mut word = |paths: [&[PathElement<'_>]; 2]| {
        let text = paths.iter().find_map(|path| found.decode_path::<&str>(path).ok().flatten());
        words.intern(text.unwrap_or_default())
    };
    Place {
        country: word([&path!["country", "iso_code"], &path!["country_code"]]),
        region: word([&path!["subdivisions", 0, "names", "en"], &path!["state1"]]),
        city: word([&path!["city", "names", "en"], &path!["city"]]),
    }
}

#[cfg(test)]
mod tests;
