//! Conversions, refused ones too, each with its whole life.

mod counted;
mod life;

pub use counted::counted;
pub use life::{Life, Moment, Posting, life};

use chrono::{DateTime, Utc};
use schemas::{
    click_id::ClickId,
    ids::{AffiliateId, ConversionId, LinkId, ProgramId, SiteId},
    keys::Keys,
};
use serde_json::Value;

use super::{Cursor, Page, bits, clicks, narrow, wide};
use crate::{app::App, error::Error};

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
    /// Of an affiliate.
    pub affiliate: Option<AffiliateId>,
    /// Of a program.
    pub program: Option<ProgramId>,
    /// Of a link.
    pub link: Option<LinkId>,
    /// In a state.
    pub status: Option<String>,
    /// Refused for this reason.
    pub reason: Option<String>,
    /// Of this event.
    pub event: Option<String>,
    /// With this transaction.
    pub txn_id: Option<String>,
    /// Naming this click (proven ours).
    pub click: Option<ClickId>,
    /// Of this receipt (proven ours).
    pub receipt: Option<ClickId>,
    /// From then on …
    pub from: Option<DateTime<Utc>>,
    /// … and before then.
    pub to: Option<DateTime<Utc>>,
}

/// Newest first.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn list(
    app: &App,
    site: SiteId,
    find: &Find,
    cursor: Cursor,
) -> Result<Page<Conversion>, sqlx::Error> {
    let click = find.click.as_ref();
    let receipt = find.receipt.as_ref();
    let rows = sqlx::query_file!(
        "src/queries/conversions.list.sql",
        site.to_sql(),
        cursor.starting_after,
        cursor.ending_before,
        cursor.limit_sql(),
        find.id.map(ConversionId::to_sql),
        find.affiliate.map(AffiliateId::to_sql),
        find.program.map(ProgramId::to_sql),
        find.link.map(LinkId::to_sql),
        find.status,
        find.reason,
        find.event,
        find.txn_id,
        click.map(|click| i64::from(click.journal)),
        click.map(|click| i32::from(click.shard)),
        click.map(|click| click.seq.cast_signed()),
        receipt.map(|receipt| i64::from(receipt.journal)),
        receipt.map(|receipt| i32::from(receipt.shard)),
        receipt.map(|receipt| receipt.seq.cast_signed()),
        find.from,
        find.to,
        find.ids.as_deref(),
    )
    .map(|row| {
        let click = row.click_at.zip(row.click_journal).map(|(at, journal)| ClickId {
            key_version: u8::try_from(row.click_key_version.unwrap_or_default())
                .unwrap_or_default(),
            time_ms: wide(at.timestamp_millis()),
            shard: u16::try_from(row.click_shard.unwrap_or_default()).unwrap_or_default(),
            journal: (bits(journal) & clicks::JOURNAL_BITS) as u32,
            seq: wide(row.click_seq.unwrap_or_default()),
            link: narrow(row.link_id),
        });
        let record = (row.journal, row.shard, row.seq);
        Conversion {
            id: ConversionId(wide(row.id)),
            receipt: receipt_id(&app.keys, row.occurred_at, record),
            program: ProgramId(narrow(row.program_id)),
            program_name: row.program_name,
            affiliate: AffiliateId(narrow(row.affiliate_id)),
            affiliate_name: row.affiliate_name,
            link: LinkId(narrow(row.link_id)),
            code: row.code,
            event: row.event,
            txn_id: row.txn_id,
            status: row.status,
            reason: row.reason,
            amount_units: row.amount_units,
            currency: row.currency,
            commission_units: row.commission_units,
            commission_currency: row.commission_currency,
            occurred_at: row.occurred_at,
            via: row.via,
            trusted: row.trusted,
            click_id: click.map(|click| clicks::print(&app.keys, &click)),
            click,
            decided_at: row.created_at,
            trace: row.trace,
        }
    })
    .fetch_all(&app.db)
    .await?;
    Ok(cursor.page(rows))
}

/// One of them.
///
/// # Errors
/// `NotFound`, also for another site's; `Sql`.
pub async fn get(app: &App, site: SiteId, id: ConversionId) -> Result<Conversion, Error> {
    let find = Find { id: Some(id), ..Find::default() };
    let page = list(app, site, &find, Cursor::default()).await?;
    page.rows.into_iter().next().ok_or(Error::NotFound("conversion"))
}

/// The receipt of a record, signed again by the key that signs now.
fn receipt_id(keys: &Keys, at: DateTime<Utc>, (journal, shard, seq): (i64, i32, i64)) -> String {
    let id = ClickId {
        key_version: keys.click_ids().signer().version(),
        time_ms: wide(at.timestamp_millis()),
        shard: u16::try_from(shard).unwrap_or_default(),
        journal: (bits(journal) & clicks::JOURNAL_BITS) as u32,
        seq: wide(seq),
        link: 0,
    };
    format!("evt_{}", clicks::print(keys, &id))
}
