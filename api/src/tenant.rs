//! Whose rows a request is about: one site, and within it all or some programs and affiliates.
//!
//! A query gets its connection from here alone, inside a transaction that has told PostgreSQL the site and
//! the reach: what a statement forgets to say, row-level security says (migrations/postgres/0023). ClickHouse
//! has no such net, so that every question to it takes the whole context.

use axum::{extract::FromRequestParts, http::request::Parts};
use schemas::ids::{AffiliateId, ProgramId, SiteId};
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Transaction};
use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use crate::{
    accounts::role::Permission,
    app::App,
    auth::Viewer,
    error::Error,
    place::Place,
    queries::stats::{Dimension, Filter},
};

/// What of a site may be seen. Both limits hold at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Reach {
    /// These programs alone; `None` for all.
    pub programs: Option<Arc<[ProgramId]>>,
    /// These affiliates alone; `None` for all.
    pub affiliates: Option<Arc<[AffiliateId]>>,
}

/// Stands in a list that is empty, and is no row's id.
const NOBODY: u32 = u32::MAX;

impl Reach {
    /// Everything of the site.
    pub const ALL: Self = Self { programs: None, affiliates: None };

    /// As filters of a report.
    pub(crate) fn filters(&self) -> Vec<Filter> {
        let filter = |dimension, ids: Vec<u32>| {
            let ids = if ids.is_empty() { vec![NOBODY] } else { ids };
            let values = ids.iter().map(u32::to_string).collect();
            Filter { dimension, values, exclude: false }
        };
        let programs = self.programs.as_ref().map(|ids| ids.iter().map(|id| id.get()).collect());
        let affiliates =
            self.affiliates.as_ref().map(|ids| ids.iter().map(|id| id.get()).collect());
        let programs = programs.map(|ids| filter(Dimension::Program, ids));
        programs
            .into_iter()
            .chain(affiliates.map(|ids| filter(Dimension::Affiliate, ids)))
            .collect()
    }

    /// As PostgreSQL is told it: numbers by comma, empty for no limit.
    fn settings(&self) -> (String, String) {
        let list = |ids: Vec<u32>| {
            let ids = if ids.is_empty() { vec![NOBODY] } else { ids };
            ids.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
        };
        let programs =
            self.programs.as_ref().map(|ids| list(ids.iter().map(|id| id.get()).collect()));
        let affiliates =
            self.affiliates.as_ref().map(|ids| list(ids.iter().map(|id| id.get()).collect()));
        (programs.unwrap_or_default(), affiliates.unwrap_or_default())
    }
}

/// A site's rows in PostgreSQL, as far as the viewer reaches. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    pool: PgPool,
    begin: Arc<str>,
    /// The site.
    pub site: SiteId,
}

impl Db {
    /// The rows of a site within a reach.
    pub fn new(pool: PgPool, site: SiteId, reach: &Reach) -> Self {
        let (programs, affiliates) = reach.settings();
        // Numbers and commas only. One message instead of two, and over with the transaction.
        let begin = format!(
            "BEGIN; SET LOCAL app.site = '{site}'; SET LOCAL app.programs = '{programs}'; \
             SET LOCAL app.affiliates = '{affiliates}'",
            site = site.get()
        );
        Self { pool, begin: begin.into(), site }
    }

    /// The same, with who does it and from where, for the audit log. `network` and `request` are of our own making.
    #[must_use]
    pub fn acting(self, user: i64, network: &str, request: &str) -> Self {
        let plain = |text: &str| {
            text.bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b':' | b'/' | b'_'))
        };
        let (network, request) =
            (if plain(network) { network } else { "" }, if plain(request) { request } else { "" });
        let begin = format!(
            "{}; SET LOCAL app.actor = '{user}'; SET LOCAL app.network = '{network}'; \
             SET LOCAL app.request = '{request}'",
            self.begin
        );
        Self { begin: begin.into(), ..self }
    }

    /// A transaction among these rows. Dropped without `commit` it has changed nothing.
    ///
    /// # Errors
    /// `sqlx::Error` when PostgreSQL does not answer.
    pub async fn begin(&self) -> Result<Tx, sqlx::Error> {
        let begin = AssertSqlSafe(self.begin.to_string());
        Ok(Tx { tx: self.pool.begin_with(begin).await?, site: self.site })
    }

    /// Does some work and makes it stay, all of it or nothing.
    ///
    /// # Errors
    /// The work's own, or `sqlx::Error` when PostgreSQL does not answer.
    pub async fn write<T, E: From<sqlx::Error>>(
        &self,
        work: impl AsyncFnOnce(&mut Tx) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut tx = self.begin().await?;
        let done = work(&mut tx).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// For tables that belong to no site.
    pub(crate) const fn of_no_site(&self) -> &PgPool {
        &self.pool
    }
}

/// A connection that sees one site, until it is committed or dropped.
#[derive(Debug)]
pub struct Tx {
    tx: Transaction<'static, Postgres>,
    /// The site.
    pub site: SiteId,
}

impl Tx {
    /// Makes what was written stay.
    ///
    /// # Errors
    /// `sqlx::Error` when PostgreSQL refuses or does not answer: nothing has stayed then, as far as is known.
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        self.tx.commit().await
    }
}

impl Deref for Tx {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.tx
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.tx
    }
}

/// What a handler of a site works with: the service, and whose rows it may ask for.
#[derive(Debug, Clone)]
pub struct TenantCtx {
    app: App,
    /// PostgreSQL.
    pub db: Db,
    /// The site asked.
    pub site: SiteId,
    /// What of it may be seen.
    pub reach: Reach,
    /// Who works with it; nobody is the service itself.
    viewer: Option<Arc<Viewer>>,
}

impl TenantCtx {
    /// A site as somebody with this reach sees it.
    pub fn new(app: App, site: SiteId, reach: Reach) -> Self {
        let db = Db::new(app.db.clone(), site, &reach);
        Self { app, db, site, reach, viewer: None }
    }

    /// The same, for somebody known.
    pub fn of(app: App, viewer: &Viewer, place: &Place, request: &str) -> Self {
        let db = Db::new(app.db.clone(), viewer.site, &viewer.reach);
        let db = db.acting(viewer.user, &place.network(), request);
        let (site, reach) = (viewer.site, viewer.reach.clone());
        Self { app, db, site, reach, viewer: Some(Arc::new(viewer.clone())) }
    }

    /// Whether whoever asks may do something.
    pub(crate) fn may(&self, what: Permission) -> bool {
        self.viewer.as_ref().is_none_or(|viewer| viewer.may(what).is_ok())
    }

    /// Who asks, if anybody.
    pub(crate) fn user(&self) -> Option<i64> {
        self.viewer.as_ref().map(|viewer| viewer.user)
    }

    /// Filters of a report, and what the viewer may see at all.
    pub(crate) fn within(&self, filters: &[Filter]) -> Vec<Filter> {
        let mut all = filters.to_vec();
        all.extend(self.reach.filters());
        all
    }
}

impl Deref for TenantCtx {
    type Target = App;

    fn deref(&self) -> &App {
        &self.app
    }
}

/// Put there by `auth::may`: a route without it has none, and refuses.
impl<S: Send + Sync> FromRequestParts<S> for TenantCtx {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get().cloned().ok_or(Error::Unauthorized)
    }
}
