//! Commissions: what affiliates earned, line by line and in sum.

use chrono::{DateTime, Utc};
use schemas::ids::{AffiliateId, CommissionId, ConversionId, LinkId, ProgramId};

use super::{
    Cursor, Page,
    among::Columns,
    narrow,
    stats::{Dimension, Filter},
    wide,
};
use crate::{error::Error, params::range::Range, tenant::Db};

/// The words of a commission's state, in the order of its life.
pub const STATUSES: [&str; 8] =
    ["pending", "hold", "processed", "paid", "refunded", "duplicate", "fraud", "canceled"];

/// A commission as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commission {
    /// Its id.
    pub id: CommissionId,
    /// What it was earned by.
    pub conversion: ConversionId,
    /// The conversion's event.
    pub event: String,
    /// The conversion's transaction; may be empty.
    pub txn_id: String,
    /// Who earned it.
    pub affiliate: AffiliateId,
    /// Their name.
    pub affiliate_name: String,
    /// Under which program.
    pub program: ProgramId,
    /// The program's name.
    pub program_name: String,
    /// Through which link.
    pub link: LinkId,
    /// The link's code.
    pub code: String,
    /// The line of the terms that paid it.
    pub plan: i64,
    /// Units of 1/10,000 minor.
    pub amount_units: i64,
    /// ISO 4217.
    pub currency: String,
    /// One of [`STATUSES`].
    pub status: String,
    /// When it was earned.
    pub occurred_at: DateTime<Utc>,
    /// It can be released after this.
    pub hold_until: DateTime<Utc>,
    /// When it was decided.
    pub created_at: DateTime<Utc>,
}

/// Which ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Find {
    /// This one alone.
    pub id: Option<CommissionId>,
    /// Of a conversion.
    pub conversion: Option<ConversionId>,
    /// Filters of a report, all of which must hold.
    pub filters: Vec<Filter>,
    /// Earned within this span.
    pub range: Option<Range>,
}

/// Whether a commission has a dimension of reports.
pub const fn has(by: Dimension) -> bool {
    use Dimension::{Affiliate, Currency, Link, Program, Status};
    matches!(by, Affiliate | Program | Link | Status | Currency)
}

impl Find {
    fn span(&self) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        let moment = |at_ms| DateTime::from_timestamp_millis(at_ms);
        (
            self.range.and_then(|range| moment(range.from_ms)),
            self.range.and_then(|range| moment(range.to_ms)),
        )
    }
}

/// A sum of commissions of one state and currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    /// One of [`STATUSES`].
    pub status: String,
    /// ISO 4217.
    pub currency: String,
    /// Units of 1/10,000 minor.
    pub amount_units: i64,
    /// How many.
    pub count: i64,
}

/// Newest first.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn list(db: &Db, find: &Find, cursor: Cursor) -> Result<Page<Commission>, sqlx::Error> {
    let (by, (from, to)) = (Columns::of(&find.filters), find.span());
    let rows = sqlx::query_file!(
        "src/queries/commissions.list.sql",
        db.site.to_sql(),
        cursor.starting_after,
        cursor.ending_before,
        cursor.limit_sql(),
        find.id.map(CommissionId::to_sql),
        find.conversion.map(ConversionId::to_sql),
        by.affiliate.these.as_deref(),
        &by.affiliate.not,
        by.program.these.as_deref(),
        &by.program.not,
        by.link.these.as_deref(),
        &by.link.not,
        by.status.these.as_deref(),
        &by.status.not,
        by.currency.these.as_deref(),
        &by.currency.not,
        from,
        to,
    )
    .map(|row| Commission {
        id: CommissionId(wide(row.id)),
        conversion: ConversionId(wide(row.conversion_id)),
        event: row.event,
        txn_id: row.txn_id,
        affiliate: AffiliateId(narrow(row.affiliate_id)),
        affiliate_name: row.affiliate_name,
        program: ProgramId(narrow(row.program_id)),
        program_name: row.program_name,
        link: LinkId(narrow(row.link_id)),
        code: row.code,
        plan: row.plan_id,
        amount_units: row.amount_units,
        currency: row.currency,
        status: row.status,
        occurred_at: row.occurred_at,
        hold_until: row.hold_until,
        created_at: row.created_at,
    })
    .fetch_all(&mut *db.begin().await?)
    .await?;
    Ok(cursor.page(rows))
}

/// One of them.
///
/// # Errors
/// `NotFound`, also for another site's; `Sql`.
pub async fn get(db: &Db, id: CommissionId) -> Result<Commission, Error> {
    let find = Find { id: Some(id), ..Find::default() };
    let page = list(db, &find, Cursor::default()).await?;
    page.rows.into_iter().next().ok_or(Error::NotFound("commission"))
}

/// Sums over everything `find` names, by state and currency.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn sums(db: &Db, find: &Find) -> Result<Vec<Sum>, sqlx::Error> {
    let (by, (from, to)) = (Columns::of(&find.filters), find.span());
    sqlx::query_file_as!(
        Sum,
        "src/queries/commissions.sums.sql",
        db.site.to_sql(),
        find.id.map(CommissionId::to_sql),
        find.conversion.map(ConversionId::to_sql),
        by.affiliate.these.as_deref(),
        &by.affiliate.not,
        by.program.these.as_deref(),
        &by.program.not,
        by.link.these.as_deref(),
        &by.link.not,
        by.status.these.as_deref(),
        &by.status.not,
        by.currency.these.as_deref(),
        &by.currency.not,
        from,
        to,
    )
    .fetch_all(&mut *db.begin().await?)
    .await
}
