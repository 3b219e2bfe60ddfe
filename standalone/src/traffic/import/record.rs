//! The events an import writes: what a collector would have written for the same request.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
};

use collector::{
    click::CODE_BYTES,
    request::text::{self, AGENT_BYTES, REFERRER_BYTES},
    visitor::{Marks, Salts},
};
use schemas::{
    event::{Click, ClickRef, Conversion, Flags},
    ids::SiteId,
    reason::Invalid,
    status::Via,
};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::{Options, beginning::Beginning};
use crate::traffic::{
    Error, Result,
    log::{CURRENCY, EVENT, PROGRAMS, Request},
};

/// The link of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its number.
    pub link: u32,
    /// Its program's.
    pub program: u32,
    /// Its affiliate's.
    pub affiliate: u32,
    /// Its version.
    pub version: u64,
}

/// Where a log's events go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Places {
    /// By place in `log::PROGRAMS`.
    pub programs: Vec<u32>,
    /// By code.
    pub links: BTreeMap<String, Link>,
}

/// The places of a site: `seed` makes them.
///
/// # Errors
/// When PostgreSQL does not answer, or the site lacks one of the log's programs.
pub async fn places(connection: &mut PgConnection, site: SiteId) -> Result<Places> {
    let slugs = PROGRAMS.map(str::to_owned);
    let rows = sqlx::query!(
        "SELECT slug, id FROM affiliate_program WHERE site_id = $1 AND slug = ANY($2)",
        site.to_sql(),
        &slugs,
    )
    .fetch_all(&mut *connection)
    .await?;
    let by_slug: HashMap<String, i64> = rows.into_iter().map(|row| (row.slug, row.id)).collect();
    let programs = PROGRAMS.iter().map(|slug| by_slug.get(*slug).and_then(|id| number(*id)));
    let programs = programs.collect::<Option<Vec<u32>>>().ok_or(Error::Programs)?;
    let rows = sqlx::query!(
        "SELECT code, id, program_id, affiliate_id, version FROM affiliate_affiliatelink
         WHERE site_id = $1 AND domain = ''",
        site.to_sql(),
    )
    .fetch_all(connection)
    .await?;
    let link = |link, program, affiliate, version: i64| {
        let (link, program, affiliate) = (number(link)?, number(program)?, number(affiliate)?);
        Some(Link { link, program, affiliate, version: version.unsigned_abs() })
    };
    let links = rows.into_iter().filter_map(|row| {
        Some((row.code, link(row.id, row.program_id, row.affiliate_id, row.version)?))
    });
    Ok(Places { programs, links: links.collect() })
}

fn number(id: i64) -> Option<u32> {
    u32::try_from(id).ok()
}

/// What a conversion says of itself.
pub(super) struct Sale {
    pub(super) program: usize,
    pub(super) amount_minor: u64,
    pub(super) txn_id: String,
}

/// Makes the events.
pub(super) struct Records {
    site: SiteId,
    salts: Salts,
    journal: u32,
    beginning: Beginning,
}

impl Records {
    pub(super) fn new(options: &Options, beginning: Beginning) -> Self {
        Self {
            site: options.site,
            salts: Salts::new(options.keys.clone()),
            journal: (beginning.journal & 0xF_FFFF) as u32,
            beginning,
        }
    }

    pub(super) fn click(&self, request: &Request, code: &str, time_ms: u64) -> Click {
        let link = self.beginning.places.links.get(code).copied();
        let visitor = self.visitor(request, time_ms);
        Click {
            site: self.site.get(),
            link: link.map_or(0, |link| link.link),
            program: link.map_or(0, |link| link.program),
            affiliate: link.map_or(0, |link| link.affiliate),
            link_version: link.map_or(0, |link| link.version),
            time_ms,
            shard: visitor.shard.get().into(),
            verdict: if link.is_none() { Invalid::Orphan.code().into() } else { 0 },
            flags: if request.method == "HEAD" { Flags::Head as u32 } else { 0 },
            visitor_network: visitor.network,
            visitor_network_previous: visitor.network_previous,
            address: bytes(visitor.address),
            user_agent: clean(request.sent_user_agent(), AGENT_BYTES),
            referrer: clean(request.sent_referrer(), REFERRER_BYTES),
            code: if link.is_none() { clean(code, CODE_BYTES) } else { String::new() },
            sub: line(request),
            key_version: self.beginning.key_version.into(),
            ..Click::default()
        }
    }

    /// How a conversion names a click of this import.
    pub(super) fn reference(&self, click: &Click, line: u64) -> ClickRef {
        ClickRef {
            key_version: self.beginning.key_version.into(),
            time_ms: click.time_ms,
            shard: click.shard,
            journal: self.journal,
            seq: line,
            link: click.link,
        }
    }

    /// In its click's shard, so that they meet; without one by its transaction, as a postback.
    pub(super) fn conversion(
        &self,
        request: &Request,
        time_ms: u64,
        sale: Sale,
        click: Option<ClickRef>,
    ) -> Conversion {
        let by_transaction = || self.salts.shard_of(self.site, sale.txn_id.as_bytes()).get().into();
        Conversion {
            site: self.site.get(),
            program: self.beginning.places.programs[sale.program],
            time_ms,
            shard: click.map_or_else(by_transaction, |click| click.shard),
            via: Via::Import as u32,
            flags: Flags::Trusted as u32,
            event: EVENT.to_owned(),
            amount: format!("{}.{:02}", sale.amount_minor / 100, sale.amount_minor % 100),
            txn_id: sale.txn_id,
            currency: CURRENCY.to_owned(),
            click,
            sub: line(request),
            ..Conversion::default()
        }
    }

    fn visitor(&self, request: &Request, time_ms: u64) -> collector::visitor::Visitor {
        let marks = Marks {
            address: request.address,
            user_agent: request.sent_user_agent().as_bytes(),
            cookie: None,
            private: false,
        };
        self.salts.visitor(self.site, &marks, time_ms)
    }
}

/// As a collector keeps it.
fn clean(text: &str, most: usize) -> String {
    let kept = text::clean(text.as_bytes().into(), most);
    String::from_utf8_lossy(AsRef::<[u8]>::as_ref(&*kept)).into_owned()
}

fn bytes(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

/// The line's number in `sub10`.
fn line(request: &Request) -> Vec<String> {
    let mut sub = vec![String::new(); 10];
    sub[9] = request.line.to_string();
    sub
}
