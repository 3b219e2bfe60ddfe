//! A conversion as PostgreSQL gives it, made one that people see.

use chrono::{DateTime, Utc};
use schemas::{
    click_id::ClickId,
    ids::{AffiliateId, ConversionId, LinkId, ProgramId},
    keys::Keys,
};
use serde_json::Value;

use super::Conversion;
use crate::queries::{bits, clicks, narrow, wide};

/// A row of `conversions.list.sql`.
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) program_id: i64,
    pub(super) program_name: String,
    pub(super) affiliate_id: i64,
    pub(super) affiliate_name: String,
    pub(super) link_id: i64,
    pub(super) code: String,
    pub(super) event: String,
    pub(super) txn_id: String,
    pub(super) status: String,
    pub(super) reason: String,
    pub(super) amount_units: i64,
    pub(super) currency: String,
    pub(super) commission_units: Option<i64>,
    pub(super) commission_currency: Option<String>,
    pub(super) occurred_at: DateTime<Utc>,
    pub(super) journal: i64,
    pub(super) shard: i32,
    pub(super) seq: i64,
    pub(super) via: String,
    pub(super) trusted: bool,
    pub(super) click_at: Option<DateTime<Utc>>,
    pub(super) click_journal: Option<i64>,
    pub(super) click_shard: Option<i32>,
    pub(super) click_seq: Option<i64>,
    pub(super) click_key_version: Option<i16>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) trace: Value,
}

impl Row {
    pub(super) fn conversion(self, keys: &Keys) -> Conversion {
        let click = self.click();
        Conversion {
            id: ConversionId(wide(self.id)),
            receipt: receipt(keys, self.occurred_at, (self.journal, self.shard, self.seq)),
            program: ProgramId(narrow(self.program_id)),
            program_name: self.program_name,
            affiliate: AffiliateId(narrow(self.affiliate_id)),
            affiliate_name: self.affiliate_name,
            link: LinkId(narrow(self.link_id)),
            code: self.code,
            event: self.event,
            txn_id: self.txn_id,
            status: self.status,
            reason: self.reason,
            amount_units: self.amount_units,
            currency: self.currency,
            commission_units: self.commission_units,
            commission_currency: self.commission_currency,
            occurred_at: self.occurred_at,
            via: self.via,
            trusted: self.trusted,
            click_id: click.map(|click| clicks::print(keys, &click)),
            click,
            decided_at: self.created_at,
            trace: self.trace,
        }
    }

    fn click(&self) -> Option<ClickId> {
        self.click_at.zip(self.click_journal).map(|(at, journal)| ClickId {
            key_version: u8::try_from(self.click_key_version.unwrap_or_default())
                .unwrap_or_default(),
            time_ms: wide(at.timestamp_millis()),
            shard: u16::try_from(self.click_shard.unwrap_or_default()).unwrap_or_default(),
            journal: (bits(journal) & clicks::JOURNAL_BITS) as u32,
            seq: wide(self.click_seq.unwrap_or_default()),
            link: narrow(self.link_id),
        })
    }
}

/// The receipt of a record, signed again by the key that signs now.
fn receipt(keys: &Keys, at: DateTime<Utc>, (journal, shard, seq): (i64, i32, i64)) -> String {
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
