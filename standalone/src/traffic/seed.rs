//! Gives a log its programs, affiliates and links, so that its traffic has somewhere to go.
//!
//! Repeating it changes nothing: what is there stays as people left it. Refuses to make up links for
//! codes that hardly anybody asked for: those stay orphans on purpose.

use std::{collections::BTreeMap, io};

use schemas::{
    ids::{AffiliateId, ProgramId, SiteId},
    keys::Keys,
};
use sqlx::PgConnection;

use super::{
    Error, Result,
    log::{self, AFFILIATES, CURRENCY, EVENT, Event, LINK_CLICKS, PROGRAMS, Request},
    play::Program,
};

/// The longest code a link can have.
const LONGEST_CODE: usize = 128;

/// A tenth of the download's value, in parts per million.
const PERCENT_PPM: i64 = 100_000;
/// What a download of presentations pays instead: 25 cents in units of 1/10,000 cent.
const FLAT_UNITS: i64 = 250_000;
const FLAT_PROGRAM: &str = "presentations";

/// By place in `log::PROGRAMS`.
const PROGRAM_NAMES: [&str; 5] =
    ["Geekery Blog", "Open Source Projects", "Conference Talks", "Sysadmin Articles", "Main Site"];

/// By number: a link belongs to CRC-32(code) mod 12.
const AFFILIATE_NAMES: [(&str, &str); AFFILIATES as usize] = [
    ("Harbour Reviews", "partners@harbour-reviews.example"),
    ("Marta Lindqvist", "marta@lindqvist.example"),
    ("Daily Shell", "hello@dailyshell.example"),
    ("Nordwind Media", "affiliate@nordwind-media.example"),
    ("Okafor & Sons", "team@okafor.example"),
    ("The Patch Notes", "editor@patchnotes.example"),
    ("Lucie Fontaine", "lucie@fontaine.example"),
    ("Kernel Weekly", "ads@kernelweekly.example"),
    ("Tanaka Digital", "ops@tanaka-digital.example"),
    ("Cheap Racks", "deals@cheapracks.example"),
    ("Ana Ribeiro", "ana@ribeiro.example"),
    ("Quiet Terminal", "post@quietterminal.example"),
];

/// A link the log asks for often enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What stands in its URL.
    pub code: String,
    /// Place in `log::PROGRAMS`.
    pub program: usize,
}

/// What a seeded site has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeded {
    /// By place in `log::PROGRAMS`.
    pub programs: Vec<ProgramId>,
    /// By number.
    pub affiliates: Vec<AffiliateId>,
    /// Links that were not there before.
    pub new_links: u64,
}

/// The links a log wants: its codes with at least twenty clicks, in order of their code.
///
/// # Errors
/// When the log can't be read.
pub fn wanted(
    lines: impl Iterator<Item = io::Result<(u64, Option<Request>)>>,
) -> io::Result<Vec<Wanted>> {
    let mut codes: BTreeMap<String, (usize, u64)> = BTreeMap::new();
    for line in lines {
        let (_, Some(request)) = line? else { continue };
        let Event::Click { code, program } = request.event() else { continue };
        codes.entry(code).or_insert((program, 0)).1 += 1;
    }
    let often = codes
        .into_iter()
        .filter(|(code, (_, clicks))| *clicks >= LINK_CLICKS && code.len() <= LONGEST_CODE);
    Ok(often.map(|(code, (program, _))| Wanted { code, program }).collect())
}

/// Adds what is missing, in one transaction of the tables' owner.
///
/// # Errors
/// When PostgreSQL does not take it.
pub async fn seed(connection: &mut PgConnection, site: SiteId, links: &[Wanted]) -> Result<Seeded> {
    let mut tx = sqlx::Connection::begin(connection).await?;
    // Two seeders at once would both find an affiliate missing.
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('tributary seed'))")
        .fetch_one(&mut *tx)
        .await?;
    let programs = put_programs(&mut tx, site).await?;
    let affiliates = put_affiliates(&mut tx, site).await?;
    let mut new_links = 0;
    for link in links {
        let affiliate = affiliates[log::affiliate(&link.code) as usize];
        new_links +=
            put_link(&mut tx, site, (&link.code, programs[link.program], affiliate)).await?;
    }
    tx.commit().await?;
    Ok(Seeded { programs, affiliates, new_links })
}

/// The site's programs by place in `log::PROGRAMS`, with the tokens their postbacks carry.
///
/// # Errors
/// When PostgreSQL does not answer, or one of them is missing.
pub async fn programs(
    connection: &mut PgConnection,
    site: SiteId,
    keys: &Keys,
) -> Result<Vec<Program>> {
    let slugs = PROGRAMS.map(str::to_owned);
    let rows = sqlx::query!(
        "SELECT slug, id, token_version FROM affiliate_program WHERE site_id = $1 AND slug = ANY($2)",
        site.to_sql(),
        &slugs,
    )
    .fetch_all(connection)
    .await?;
    let program = |slug: &&str| {
        let row = rows.iter().find(|row| row.slug == *slug)?;
        let (id, version) = (ProgramId::from_sql(row.id)?, u32::try_from(row.token_version).ok()?);
        Some(Program { id, token: keys.postback_token(site, id, version) })
    };
    PROGRAMS.iter().map(program).collect::<Option<_>>().ok_or(Error::Programs)
}

async fn put_programs(tx: &mut PgConnection, site: SiteId) -> Result<Vec<ProgramId>> {
    let mut ids = Vec::new();
    for (slug, name) in PROGRAMS.iter().zip(PROGRAM_NAMES) {
        sqlx::query!(
            "INSERT INTO affiliate_program (site_id, slug, name, destination, currency)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (site_id, slug) DO NOTHING",
            site.to_sql(),
            slug,
            name,
            destination(slug),
            CURRENCY,
        )
        .execute(&mut *tx)
        .await?;
        let id = sqlx::query_scalar!(
            "SELECT id FROM affiliate_program WHERE site_id = $1 AND slug = $2",
            site.to_sql(),
            slug,
        )
        .fetch_one(&mut *tx)
        .await?;
        put_plan(tx, site, (id, slug)).await?;
        ids.extend(ProgramId::from_sql(id));
    }
    Ok(ids)
}

/// Where a program's visitors are sent: to hosts that nobody has, with what an advertiser asks for.
fn destination(slug: &str) -> String {
    format!(
        "https://{slug}.example/welcome?click_id={{click_id}}&affiliate={{affiliate_id}}\
         &utm_source=tributary&utm_campaign={{link}}"
    )
}

async fn put_plan(tx: &mut PgConnection, site: SiteId, program: (i64, &str)) -> Result<()> {
    let (id, slug) = program;
    let (kind, units, ppm) =
        if slug == FLAT_PROGRAM { ("flat", FLAT_UNITS, 0) } else { ("percent", 0, PERCENT_PPM) };
    sqlx::query!(
        "INSERT INTO affiliate_plan (site_id, program_id, event, kind, amount_units, rate_ppm, currency)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (site_id, program_id, event, valid_from) DO NOTHING",
        site.to_sql(),
        id,
        EVENT,
        kind,
        units,
        ppm,
        CURRENCY,
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn put_affiliates(tx: &mut PgConnection, site: SiteId) -> Result<Vec<AffiliateId>> {
    let mut ids = Vec::new();
    for (name, email) in AFFILIATE_NAMES {
        let known = sqlx::query_scalar!(
            "SELECT id FROM affiliate_affiliate WHERE site_id = $1 AND email = $2 ORDER BY id LIMIT 1",
            site.to_sql(),
            email,
        )
        .fetch_optional(&mut *tx)
        .await?;
        let id = match known {
            Some(id) => id,
            None => {
                sqlx::query_scalar!(
                    "INSERT INTO affiliate_affiliate (site_id, name, email) VALUES ($1, $2, $3) RETURNING id",
                    site.to_sql(),
                    name,
                    email,
                )
                .fetch_one(&mut *tx)
                .await?
            }
        };
        ids.extend(AffiliateId::from_sql(id));
    }
    Ok(ids)
}

/// Gives how many links were added: 0 where the code is taken.
async fn put_link(
    tx: &mut PgConnection,
    site: SiteId,
    link: (&str, ProgramId, AffiliateId),
) -> Result<u64> {
    let (code, program, affiliate) = link;
    let done = sqlx::query!(
        "INSERT INTO affiliate_affiliatelink (site_id, code, program_id, affiliate_id)
         VALUES ($1, $2, $3, $4) ON CONFLICT (site_id, domain, code) DO NOTHING",
        site.to_sql(),
        code,
        program.to_sql(),
        affiliate.to_sql(),
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

#[cfg(test)]
mod tests;
