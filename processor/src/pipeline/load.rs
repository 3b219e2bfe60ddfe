//! How a session begins: it takes over, and loads what was committed.

use sqlx::PgPool;
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

use super::{Context, Session};
use crate::{
    clock,
    decide::Decider,
    error::Result,
    facts::FactStore,
    journals::Journals,
    lookup::Lookups,
    ownership::Scope,
    sender::Sent,
    source::{Source, files::Files, group::Assignment, log::Log},
    stores::{
        claim_blobs,
        claims::{Claims, ClaimsConfig},
        journals as journal_rows, lost as lost_rows, owner, seqs, waiting as waiting_rows,
    },
    waiting::Waiting,
};

impl<'a> Session<'a> {
    /// Takes over, and loads what was committed.
    pub(super) async fn load(
        context: &'a Context,
        pool: PgPool,
        assignment: Option<Assignment>,
        committed: Arc<Notify>,
        sent: Arc<Sent>,
    ) -> Result<Self> {
        let config = &context.config;
        let mut db = pool.acquire().await?;
        journal_rows::declare(&mut db, &config.source.slots).await?;
        let scope = match &assignment {
            Some(assignment) => Scope::Partitions(assignment.partitions.clone()),
            None => Scope::Everything,
        };
        let owner = owner::take(&mut db, scope).await?;
        let of = owner.scope.partitions();
        let journals = Journals::new(
            owner.scope.clone(),
            journal_rows::all(&mut db).await?,
            seqs::load(&mut db, of.clone()).await?,
            &lost_rows::all(&mut db).await?,
        );
        let waiting = Waiting::new(waiting_rows::load(&mut db, of.as_deref()).await?)?;
        let (sets, layout) = match (&context.group, &owner.scope) {
            (Some(group), Scope::Partitions(partitions)) => {
                (partitions.clone(), tokio::task::block_in_place(|| group.partitions())?)
            }
            _ => (vec![0], 1),
        };
        let config_of_claims =
            ClaimsConfig { memory_bytes: config.rules.claims_bytes, spill: config.claims_dir() };
        let mut claims = Claims::with_layout(config_of_claims, layout);
        for set in sets {
            claims.open(set);
            claim_blobs::each(&mut db, set, layout, |bytes| claims.load(set, bytes)).await?;
        }
        let source = match (&context.group, assignment) {
            (Some(group), Some(assignment)) => {
                let offsets = owner::offsets(&mut db, &owner).await?;
                let key = context.journal_key;
                Source::Log(Log::new(Arc::clone(group), assignment, key, &offsets)?)
            }
            _ => {
                let positions = owner::positions(&mut db).await?;
                let root = config.source.journal.clone();
                Source::Files(Files::new(root, context.journal_key, positions))
            }
        };
        drop(db);
        let facts = FactStore::load(&pool, clock::now_ms()).await?;
        let lookups = Lookups::open(config.rules.geo.as_deref())?;
        tracing::info!(epoch = owner.epoch, commit = owner.commit, scope = ?owner.scope, "the pipeline is loaded");
        let decider = Decider::new(facts, lookups, claims);
        Ok(Self {
            context,
            pool,
            owner,
            source,
            journals,
            waiting,
            decider,
            committed,
            sent,
            inserting: Duration::ZERO,
            cleaned: None,
            told_holes: false,
            looked: None,
        })
    }
}
