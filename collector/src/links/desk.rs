//! The small tables beside the links: sites and hosts, programs, affiliates switched off.
//!
//! Copied whole when something in them changes, which is seldom; never while a visitor waits.

use ipnet::IpNet;
use schemas::{
    ids::{AffiliateId, PLATFORM, ProgramId, SiteId},
    keys::Keys,
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    net::IpAddr,
    sync::Arc,
};

use super::rows::{ProgramRow, SiteRow};
use crate::target::{self, Template};

/// A site.
#[derive(Debug, Clone)]
pub struct Site {
    pub(super) row: SiteRow,
    /// Where visitors of dead links go; `None`: a 404 page.
    pub fallback: Option<Template>,
}

/// A program, its token and destination made ready.
#[derive(Debug, Clone)]
pub struct Program {
    pub(super) row: ProgramRow,
    /// Its id.
    pub id: ProgramId,
    /// Its site.
    pub site: SiteId,
    /// Where its links lead that say nothing themselves; `None` where that is no destination.
    pub destination: Option<Template>,
    /// What its server sends to prove itself.
    pub token: String,
    networks: Vec<IpNet>,
}

impl Program {
    fn new(row: ProgramRow, keys: &Keys) -> Self {
        let (id, site) = (ProgramId(row.id), SiteId(row.site));
        Self {
            id,
            site,
            destination: target::compile(&row.destination).ok().map(|(template, _)| template),
            token: keys.postback_token(site, id, row.token_version),
            networks: row.networks.iter().filter_map(|text| network(text)).collect(),
            row,
        }
    }

    /// Not paused.
    pub fn is_active(&self) -> bool {
        self.row.is_active
    }

    /// ISO 4217.
    pub fn currency(&self) -> &str {
        &self.row.currency
    }

    /// Its event, where it has exactly one.
    pub fn only_event(&self) -> Option<&str> {
        match self.row.events.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Whether postbacks from an address are taken. A list none of whose lines can be read lets nobody in.
    pub fn admits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.row.networks.is_empty()
            || self.networks.iter().any(|network| network.contains(&address))
    }
}

fn network(text: &str) -> Option<IpNet> {
    let text = text.trim();
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// What a host name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Host {
    /// Whose it is.
    pub site: SiteId,
    /// Which codes it knows.
    pub scope: u32,
    /// A link's own domain: codes stand at its root too.
    pub is_tracking: bool,
}

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Desk {
    pub(super) sites: BTreeMap<u32, Site>,
    pub(super) programs: BTreeMap<u32, Arc<Program>>,
    pub(super) inactive: HashSet<AffiliateId>,
    /// By scope number: site and domain ('' is the site's own).
    pub(super) scopes: Vec<(SiteId, Box<str>)>,
    numbers: HashMap<(SiteId, Box<str>), u32>,
    /// Looked up for every click: few names are compared sooner than hashed.
    hosts: BTreeMap<Box<str>, Host>,
    slugs: HashMap<(SiteId, Box<str>), ProgramId>,
}

impl Desk {
    pub(super) fn new() -> Self {
        let mut desk = Self {
            sites: BTreeMap::new(),
            programs: BTreeMap::new(),
            inactive: HashSet::new(),
            scopes: Vec::new(),
            numbers: HashMap::new(),
            hosts: BTreeMap::new(),
            slugs: HashMap::new(),
        };
        // Scope 0, which every unknown host falls to.
        desk.scope(PLATFORM, "");
        desk
    }

    /// The number of a scope, if there is one.
    pub(super) fn known_scope(&self, site: SiteId, domain: &str) -> Option<u32> {
        self.numbers.get(&(site, domain.into())).copied()
    }

    /// The number of a scope, made where there was none.
    pub(super) fn scope(&mut self, site: SiteId, domain: &str) -> u32 {
        if let Some(known) = self.known_scope(site, domain) {
            return known;
        }
        let number = self.scopes.len() as u32;
        self.scopes.push((site, domain.into()));
        self.numbers.insert((site, domain.into()), number);
        if !domain.is_empty() {
            // Should two sites claim a domain, the earlier keeps it: a latecomer takes nothing over.
            self.hosts.entry(domain.into()).or_insert(Host {
                site,
                scope: number,
                is_tracking: true,
            });
        }
        number
    }

    pub(super) fn has_site(&self, row: &SiteRow) -> bool {
        self.sites.get(&row.id).is_some_and(|site| site.row == *row)
    }

    pub(super) fn has_program(&self, row: &ProgramRow) -> bool {
        self.programs.get(&row.id).is_some_and(|program| program.row == *row)
    }

    /// Takes over a site's row.
    pub(super) fn put_site(&mut self, row: SiteRow) {
        let site = SiteId(row.id);
        let scope = self.scope(site, "");
        if let Some(before) = self.sites.get(&row.id) {
            let old = before.row.domain.clone();
            self.hosts.retain(|host, meant| **host != *old || meant.is_tracking);
        }
        let host = Host { site, scope, is_tracking: false };
        self.hosts.entry(row.domain.as_str().into()).or_insert(host);
        let fallback = target::compile(&row.fallback_url).ok().map(|(template, _)| template);
        self.sites.insert(row.id, Site { row, fallback });
    }

    /// Takes over a program's row.
    pub(super) fn put_program(&mut self, row: ProgramRow, keys: &Keys) {
        if let Some(before) = self.programs.get(&row.id) {
            self.slugs.remove(&(before.site, before.row.slug.as_str().into()));
        }
        let program = Program::new(row, keys);
        self.slugs.insert((program.site, program.row.slug.as_str().into()), program.id);
        self.programs.insert(program.id.get(), Arc::new(program));
    }

    /// Takes over an affiliate's state.
    pub(super) fn put_affiliate(&mut self, id: AffiliateId, is_active: bool) {
        let _ = if is_active { self.inactive.remove(&id) } else { self.inactive.insert(id) };
    }

    pub(super) fn host(&self, name: &str) -> Option<Host> {
        self.hosts.get(name).copied()
    }

    pub(super) fn by_slug(&self, site: SiteId, slug: &str) -> Option<&Arc<Program>> {
        let id = self.slugs.get(&(site, slug.into()))?;
        self.programs.get(&id.get())
    }
}
