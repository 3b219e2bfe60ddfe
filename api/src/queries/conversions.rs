//! Conversions, refused ones too, each with its whole life.

mod counted;
mod life;
mod row;

pub use counted::counted;
pub use life::{Life, Moment, Posting, life};

use row::Row;

use chrono::{DateTime, Utc};
use schemas::{
    click_id::ClickId,
    ids::{AffiliateId, ConversionId, LinkId, ProgramId},
};
use serde_json::Value;

use super::{
    Cursor, Page,
    among::Columns,
    stats::{Dimension, Filter},
    wide,
};
use crate::{error::Error, params::range::Range, tenant::TenantCtx};

/// The words of a conversion's state.
pub const STATUSES: [&str; 4] = ["pending", "approved", "rejected", "invalid"];

/// A conversion as people see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversion {
    /// Its id.
    pub id: ConversionId,
    /// What its sender was given: `evt_…`.
    pub receipt: String,
    /// Of which program; 0 where nothing says.
    pub program: ProgramId,
    /// The program's name; empty where none is known.
    pub program_name: String,
    /// Whose; 0 where nothing says.
    pub affiliate: AffiliateId,
    /// The affiliate's name; empty where none is known.
    pub affiliate_name: String,
    /// Through which link; 0 where nothing says.
    pub link: LinkId,
    /// The link's code; empty where none is known.
    pub code: String,
    /// Sale, lead, …
    pub event: String,
    /// The advertiser's transaction; may be empty.
    pub txn_id: String,
    /// One of [`STATUSES`].
    pub status: String,
    /// Why it is refused, else empty.
    pub reason: String,
    /// Value of the order, units of 1/10,000 minor.
    pub amount_units: i64,
    /// Of the amount; may be empty where none was sent.
    pub currency: String,
    /// The affiliate's commission; `None` where it earned none.
    pub commission_units: Option<i64>,
    /// Of the commission.
    pub commission_currency: Option<String>,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// `postback`, `pixel`, …
    pub via: String,
    /// Whether its sender proved to be the program's.
    pub trusted: bool,
    /// The click named, or attributed to.
    pub click: Option<ClickId>,
    /// The click's signed id.
    pub click_id: Option<String>,
    /// When it was decided.
    pub decided_at: DateTime<Utc>,
    /// Why: window, plan, signals, money lines, as the rules saw them.
    pub trace: Value,
}

/// Which ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Find {
    /// This one alone.
    pub id: Option<ConversionId>,
    /// These, as PostgreSQL numbers them.
    pub ids: Option<Vec<i64>>,
    /// Filters of a report, all of which must hold.
    pub filters: Vec<Filter>,
    /// With this transaction.
    pub txn_id: Option<String>,
    /// Naming this click (proven ours).
    pub click: Option<ClickId>,
    /// Of this receipt (proven ours).
    pub receipt: Option<ClickId>,
    /// Within this span.
    pub range: Option<Range>,
}

/// Whether PostgreSQL keeps a dimension with a conversion; the others are its click's.
pub const fn keeps(by: Dimension) -> bool {
    use Dimension::{Affiliate, Currency, Event, Link, Program, Refusal, Status, Via};
    matches!(by, Affiliate | Program | Link | Status | Refusal | Event | Via | Currency)
}

/// Newest first, by whichever store knows what is asked for.
///
/// # Errors
/// `NotFound` for a place in the list that is none; `Clickhouse` or `Sql` when a store does not answer.
pub async fn found(
    ctx: &TenantCtx,
    find: &Find,
    cursor: Cursor,
) -> Result<Page<Conversion>, Error> {
    let kept = find.filters.iter().all(|filter| keeps(filter.dimension));
    let range = match find.range.filter(|_| !kept) {
        Some(range) => range,
        None => return Ok(list(ctx, find, cursor).await?),
    };
    let after = cursor.starting_after.map(|id| ConversionId(wide(id)));
    counted(ctx, (range, &find.filters), after, cursor.limit).await
}

/// Newest first.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn list(
    ctx: &TenantCtx,
    find: &Find,
    cursor: Cursor,
) -> Result<Page<Conversion>, sqlx::Error> {
    let (click, receipt) = (find.click.as_ref(), find.receipt.as_ref());
    let by = Columns::of(&find.filters);
    let rows = sqlx::query_file_as!(
        Row,
        "src/queries/conversions.list.sql",
        ctx.site.to_sql(),
        cursor.starting_after,
        cursor.ending_before,
        cursor.limit_sql(),
        find.id.map(ConversionId::to_sql),
        by.affiliate.these.as_deref(),
        &by.affiliate.not,
        by.program.these.as_deref(),
        &by.program.not,
        by.link.these.as_deref(),
        &by.link.not,
        by.status.these.as_deref(),
        &by.status.not,
        by.reason.these.as_deref(),
        &by.reason.not,
        by.event.these.as_deref(),
        &by.event.not,
        by.via.these.as_deref(),
        &by.via.not,
        by.currency.these.as_deref(),
        &by.currency.not,
        find.txn_id,
        click.map(|click| i64::from(click.journal)),
        click.map(|click| i32::from(click.shard)),
        click.map(|click| click.seq.cast_signed()),
        receipt.map(|receipt| i64::from(receipt.journal)),
        receipt.map(|receipt| i32::from(receipt.shard)),
        receipt.map(|receipt| receipt.seq.cast_signed()),
        find.range.and_then(|range| DateTime::from_timestamp_millis(range.from_ms)),
        find.range.and_then(|range| DateTime::from_timestamp_millis(range.to_ms)),
        find.ids.as_deref(),
    )
    .fetch_all(&mut *ctx.db.begin().await?)
    .await?;
    let rows = rows.into_iter().map(|row| row.conversion(&ctx.keys)).collect();
    Ok(cursor.page(rows))
}

/// One of them.
///
/// # Errors
/// `NotFound`, also for another site's; `Sql`.
pub async fn get(ctx: &TenantCtx, id: ConversionId) -> Result<Conversion, Error> {
    let find = Find { id: Some(id), ..Find::default() };
    let page = list(ctx, &find, Cursor::default()).await?;
    page.rows.into_iter().next().ok_or(Error::NotFound("conversion"))
}
