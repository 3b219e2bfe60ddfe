//! A conversion's whole life: the click, the decision, the commission, the ledger's lines.

use chrono::{DateTime, Utc};
use schemas::ids::ConversionId;

use super::{Conversion, get};
use crate::{
    error::Error,
    queries::{
        Cursor,
        clicks::{self, Click},
        commissions::{self, Commission},
    },
    tenant::{Db, TenantCtx},
};

/// All that is known of a conversion.
#[derive(Debug, Clone, PartialEq)]
pub struct Life {
    /// The conversion.
    pub conversion: Conversion,
    /// The click named, as it was decided; `None` where there is none or it cannot be asked for.
    pub click: Option<Click>,
    /// Whether the click could not be asked for now.
    pub is_click_delayed: bool,
    /// What it earned.
    pub commission: Option<Commission>,
    /// Its lines in the ledger.
    pub ledger: Vec<Posting>,
    /// What happened, in the order of time.
    pub moments: Vec<Moment>,
}

/// A line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// The transaction.
    pub tx: i64,
    /// `accrued`, `released`, …
    pub kind: String,
    /// `affiliate:12:pending`.
    pub account: String,
    /// ISO 4217.
    pub currency: String,
    /// Units of 1/10,000 minor; a debit is positive, a credit negative.
    pub amount_units: i64,
    /// When it was posted.
    pub at: DateTime<Utc>,
    /// Who or what posted it.
    pub actor: String,
    /// Why, where a person said so.
    pub reason: String,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: DateTime<Utc>,
    /// `click`, `received`, `decided`, `accrued`, …, `hold_ends`.
    pub kind: String,
}

/// The whole life of one.
///
/// # Errors
/// `NotFound`, also for another site's; `Sql`. ClickHouse being away is no error: the click is
/// then said to be delayed.
pub async fn life(ctx: &TenantCtx, id: ConversionId) -> Result<Life, Error> {
    let conversion = get(ctx, id).await?;
    let find = commissions::Find { conversion: Some(id), ..Default::default() };
    let commission = commissions::list(&ctx.db, &find, Cursor::default()).await?;
    let commission = commission.rows.into_iter().next();
    let ledger = postings(&ctx.db, id).await?;
    let (click, is_click_delayed) = match &conversion.click {
        None => (None, false),
        Some(click) => match clicks::find(ctx, click).await {
            Ok(click) => (click, false),
            Err(error) => {
                tracing::warn!(%error, "clickhouse did not answer");
                (None, true)
            }
        },
    };
    let moments = moments(&conversion, commission.as_ref(), &ledger);
    Ok(Life { conversion, click, is_click_delayed, commission, ledger, moments })
}

async fn postings(db: &Db, conversion: ConversionId) -> Result<Vec<Posting>, sqlx::Error> {
    // The keys that make a conversion's postings unrepeatable also find them.
    let keys: Vec<String> = ["accrued", "released", "rejected"]
        .iter()
        .map(|kind| format!("{kind}/{conversion}"))
        .collect();
    sqlx::query_as!(
        Posting,
        "SELECT t.id AS tx, t.kind, p.account, p.currency, p.amount AS amount_units,
             t.created_at AS at, t.actor, t.reason
         FROM ledger_tx t JOIN ledger_posting p ON p.tx_id = t.id
         WHERE t.site_id = $1 AND t.idem = ANY($2) ORDER BY t.id, p.n",
        db.site.to_sql(),
        &keys,
    )
    .fetch_all(&mut *db.begin().await?)
    .await
}

fn moments(
    conversion: &Conversion,
    commission: Option<&Commission>,
    ledger: &[Posting],
) -> Vec<Moment> {
    let moment = |at, kind: &str| Moment { at, kind: kind.to_owned() };
    let mut moments =
        vec![moment(conversion.occurred_at, "received"), moment(conversion.decided_at, "decided")];
    let click = conversion.click.as_ref().map(|click| i64::try_from(click.time_ms));
    if let Some(Ok(at_ms)) = click {
        moments.extend(DateTime::from_timestamp_millis(at_ms).map(|at| moment(at, "click")));
    }
    let mut posted = None;
    for line in ledger {
        if posted != Some(line.tx) {
            moments.push(moment(line.at, &line.kind));
        }
        posted = Some(line.tx);
    }
    moments.extend(commission.map(|commission| moment(commission.hold_until, "hold_ends")));
    moments.sort_by_key(|moment| moment.at);
    moments
}
