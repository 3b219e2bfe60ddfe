//! One picture of all links and what belongs to them, and how the next one is made of it.

use schemas::{
    ids::{AffiliateId, LinkId, PLATFORM, ProgramId, SiteId},
    keys::Keys,
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{
    desk::{Desk, Host, Program, Site},
    rows::{LinkRow, ProgramRow, SiteRow},
    shelf::{BUCKETS, Destination, Filling, IdShelf, Link, Shelf, bucket_of, hash, shelf_of},
};
use crate::target;

/// Rows to take over; what is the same already is passed over.
#[derive(Debug, Default)]
pub struct Changes {
    /// All sites.
    pub sites: Vec<SiteRow>,
    /// Programs that may have changed.
    pub programs: Vec<ProgramRow>,
    /// Affiliates that may have changed, and whether they are active.
    pub affiliates: Vec<(AffiliateId, bool)>,
    /// Links that may have changed.
    pub links: Vec<LinkRow>,
}

/// Buckets that changed before all links are put side by side again: what they replaced takes memory until then.
const MOST_CHANGED: usize = BUCKETS / 2;

/// All links, readable by every core at once. Cloning shares everything but two lists of
/// pointers.
#[derive(Debug, Clone)]
pub struct Links {
    seed: u64,
    all: Arc<Shelf>,
    /// Buckets that changed since `all` was made.
    changed: Box<[Option<Arc<Shelf>>]>,
    ids: Box<[IdShelf]>,
    desk: Arc<Desk>,
    count: usize,
}

impl Links {
    /// None yet.
    pub fn empty(seed: u64) -> Self {
        Builder::new(seed).finish()
    }

    /// What this process hashes codes with.
    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// What a host name (lower case, without port) means; an unknown one is the platform's own.
    pub fn host(&self, name: &str) -> Host {
        self.desk.host(name).unwrap_or(Host { site: PLATFORM, scope: 0, is_tracking: false })
    }

    /// The link of a code.
    pub fn find(&self, scope: u32, code: &str) -> Option<Link<'_>> {
        let hash = hash(self.seed, scope, code.as_bytes());
        let bucket = bucket_of(hash);
        let (shelf, bucket) = self.shelf(bucket);
        shelf.find(bucket, hash, scope, code)
    }

    /// What this picture knows a code of a scope by.
    pub fn hash(&self, scope: u32, code: &[u8]) -> u64 {
        hash(self.seed, scope, code)
    }

    /// Reads, for nothing but the processor's caches, what `find` will read for codes of these hashes. The
    /// reads do not wait for one another, as those of `find` do.
    pub fn warm(&self, hashes: &[u64]) {
        let touch = |of: fn(&Shelf, usize, u64) -> u64| -> u64 {
            let one = |hash: &u64| {
                let (shelf, bucket) = self.shelf(bucket_of(*hash));
                of(shelf, bucket, *hash)
            };
            hashes.iter().map(one).fold(0, |all, one| all ^ one)
        };
        std::hint::black_box(touch(Shelf::touch_index) ^ touch(Shelf::touch_record));
    }

    /// The shelf of a bucket, and which of its buckets that is.
    fn shelf(&self, bucket: usize) -> (&Shelf, usize) {
        match &self.changed[bucket] {
            Some(changed) => (changed, 0),
            None => (&self.all, bucket),
        }
    }

    fn bucket(&self, bucket: usize) -> impl Iterator<Item = Link<'_>> {
        let (shelf, bucket) = self.shelf(bucket);
        shelf.iter(bucket)
    }

    /// A link by its id.
    pub fn get(&self, id: LinkId) -> Option<Link<'_>> {
        let shelf = &self.ids[shelf_of(id)];
        let at = shelf.binary_search_by_key(&id.get(), |(id, _)| *id).ok()?;
        self.bucket(shelf[at].1.into()).find(|link| link.id == id)
    }

    /// The site a link belongs to.
    pub fn site_of(&self, link: &Link<'_>) -> SiteId {
        self.desk.scopes.get(link.scope as usize).map_or(PLATFORM, |(site, _)| *site)
    }

    /// A site by its id.
    pub fn site(&self, id: SiteId) -> Option<&Site> {
        self.desk.sites.get(&id.get())
    }

    /// A program by its id.
    pub fn program(&self, id: ProgramId) -> Option<&Program> {
        self.desk.programs.get(&id.get()).map(Arc::as_ref)
    }

    /// A program by its slug in a site.
    pub fn program_by_slug(&self, site: SiteId, slug: &str) -> Option<&Program> {
        self.desk.by_slug(site, slug).map(Arc::as_ref)
    }

    /// Whether an affiliate is switched off.
    pub fn is_inactive(&self, affiliate: AffiliateId) -> bool {
        !self.desk.inactive.is_empty() && self.desk.inactive.contains(&affiliate)
    }

    /// Takes over changed rows; false where nothing was new. Readers of clones see nothing of it.
    pub fn apply(&mut self, changes: Changes, keys: &Keys) -> bool {
        let desk_changed = self.put_small(&changes, keys);
        let fresh: BTreeMap<u32, Draft> = changes
            .links
            .into_iter()
            .map(|row| (row.id, Draft::new(row, &self.desk)))
            .filter(|(id, draft)| self.get(LinkId(*id)) != Some(draft.link()))
            .collect();
        if fresh.is_empty() {
            return desk_changed;
        }
        self.put_links(&fresh);
        true
    }

    /// The small tables are copied once, and only where something is new.
    fn put_small(&mut self, changes: &Changes, keys: &Keys) -> bool {
        let mut changed = false;
        for row in changes.sites.iter() {
            if !self.desk.has_site(row) {
                changed = true;
                Arc::make_mut(&mut self.desk).put_site(row.clone());
            }
        }
        for row in changes.programs.iter() {
            if !self.desk.has_program(row) {
                changed = true;
                Arc::make_mut(&mut self.desk).put_program(row.clone(), keys);
            }
        }
        for (id, is_active) in changes.affiliates.iter() {
            if self.desk.inactive.contains(id) == *is_active {
                changed = true;
                Arc::make_mut(&mut self.desk).put_affiliate(*id, *is_active);
            }
        }
        for row in changes.links.iter() {
            if self.desk.known_scope(SiteId(row.site), &row.domain).is_none() {
                changed = true;
                Arc::make_mut(&mut self.desk).scope(SiteId(row.site), &row.domain);
            }
        }
        changed
    }

    fn put_links(&mut self, fresh: &BTreeMap<u32, Draft>) {
        let mut touched: HashMap<usize, Vec<&Draft>> = HashMap::new();
        let mut shelves: HashMap<usize, BTreeMap<u32, u16>> = HashMap::new();
        for (id, draft) in fresh {
            let bucket = bucket_of(hash(self.seed, draft.scope, draft.row.code.as_bytes()));
            touched.entry(bucket).or_default().push(draft);
            let shelf = shelf_of(LinkId(*id));
            let ids =
                shelves.entry(shelf).or_insert_with(|| self.ids[shelf].iter().copied().collect());
            // A code that changed leaves another bucket.
            match ids.insert(*id, bucket as u16) {
                Some(old) => drop(touched.entry(old.into()).or_default()),
                None => self.count += 1,
            }
        }
        for (shelf, ids) in shelves {
            self.ids[shelf] = ids.into_iter().collect();
        }
        for (bucket, drafts) in touched {
            let mut next = Filling::default();
            for link in self.bucket(bucket).filter(|link| !fresh.contains_key(&link.id.get())) {
                next.push(hash(self.seed, link.scope, link.code.as_bytes()), &link);
            }
            for draft in drafts {
                next.push(hash(self.seed, draft.scope, draft.row.code.as_bytes()), &draft.link());
            }
            self.changed[bucket] = Some(Arc::new(next.one()));
        }
        if self.changed.iter().flatten().count() > MOST_CHANGED {
            self.tidy();
        }
    }

    /// Puts all links side by side again.
    fn tidy(&mut self) {
        let mut all = Filling::default();
        for link in (0..BUCKETS).flat_map(|bucket| self.bucket(bucket)) {
            all.push(hash(self.seed, link.scope, link.code.as_bytes()), &link);
        }
        self.all = Arc::new(all.all());
        self.changed.fill(None);
    }

    /// Every link as a row again, for the copy on disk.
    pub(super) fn link_rows(&self) -> impl Iterator<Item = LinkRow> {
        (0..BUCKETS).flat_map(|bucket| self.bucket(bucket)).map(|link| {
            let (site, domain) = &self.desk.scopes[link.scope as usize];
            LinkRow {
                id: link.id.get(),
                site: site.get(),
                domain: domain.to_string(),
                code: link.code.to_owned(),
                affiliate: link.affiliate.get(),
                program: link.program.get(),
                destination: match link.destination {
                    Destination::Programs => String::new(),
                    Destination::Own(template) => target::Template::source(template),
                    Destination::Broken => "broken:".to_owned(),
                },
                is_active: link.is_active,
                expires_ms: link.expires_ms,
                version: link.version.into(),
            }
        })
    }

    pub(super) fn small_rows(&self) -> (Vec<SiteRow>, Vec<ProgramRow>, Vec<AffiliateId>) {
        let sites = self.desk.sites.values().map(|site| site.row.clone()).collect();
        let programs = self.desk.programs.values().map(|program| program.row.clone()).collect();
        (sites, programs, self.desk.inactive.iter().copied().collect())
    }
}

/// A row with its destination made ready.
struct Draft {
    row: LinkRow,
    scope: u32,
    template: Option<target::Template>,
}

impl Draft {
    fn new(row: LinkRow, desk: &Desk) -> Self {
        let scope = desk.known_scope(SiteId(row.site), &row.domain).unwrap_or(0);
        let template = target::compile(&row.destination).ok().map(|(template, _)| template);
        Self { row, scope, template }
    }

    fn link(&self) -> Link<'_> {
        let row = &self.row;
        Link {
            id: LinkId(row.id),
            program: ProgramId(row.program),
            affiliate: AffiliateId(row.affiliate),
            scope: self.scope,
            is_active: row.is_active,
            expires_ms: row.expires_ms,
            version: u32::try_from(row.version).unwrap_or(u32::MAX),
            code: &row.code,
            destination: match &self.template {
                _ if row.destination.is_empty() => Destination::Programs,
                Some(template) => Destination::Own(template.as_bytes()),
                None => Destination::Broken,
            },
        }
    }
}

/// Makes a picture of all rows, one by one, without holding them twice.
#[derive(Debug)]
pub struct Builder {
    seed: u64,
    all: Filling,
    ids: Vec<Vec<(u32, u16)>>,
    desk: Desk,
    count: usize,
}

impl Builder {
    /// Empty.
    pub fn new(seed: u64) -> Self {
        let (all, ids) = (Filling::default(), vec![Vec::new(); BUCKETS]);
        Self { seed, all, ids, desk: Desk::new(), count: 0 }
    }

    /// A site.
    pub fn site(&mut self, row: SiteRow) {
        self.desk.put_site(row);
    }

    /// A program.
    pub fn program(&mut self, row: ProgramRow, keys: &Keys) {
        self.desk.put_program(row, keys);
    }

    /// An affiliate switched off.
    pub fn inactive(&mut self, id: AffiliateId) {
        self.desk.put_affiliate(id, false);
    }

    /// A link; each id once.
    pub fn link(&mut self, row: LinkRow) {
        self.desk.scope(SiteId(row.site), &row.domain);
        let draft = Draft::new(row, &self.desk);
        let hash = hash(self.seed, draft.scope, draft.row.code.as_bytes());
        let bucket = bucket_of(hash);
        self.all.push(hash, &draft.link());
        self.ids[shelf_of(LinkId(draft.row.id))].push((draft.row.id, bucket as u16));
        self.count += 1;
    }

    /// The picture.
    pub fn finish(self) -> Links {
        let sorted = |mut ids: Vec<(u32, u16)>| {
            ids.sort_unstable();
            IdShelf::from(ids)
        };
        Links {
            seed: self.seed,
            all: Arc::new(self.all.all()),
            changed: vec![None; BUCKETS].into(),
            ids: self.ids.into_iter().map(sorted).collect(),
            desk: Arc::new(self.desk),
            count: self.count,
        }
    }
}

impl std::fmt::Display for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let programs = self.desk.programs.len();
        write!(f, "{} links of {programs} programs", self.count)
    }
}

#[cfg(test)]
mod tests;
