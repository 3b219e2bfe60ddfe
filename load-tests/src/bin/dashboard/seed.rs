//! Affiliates, programs and links, as many as a large installation has.

use anyhow::Result;
use schemas::ids::PLATFORM;
use sqlx::PgPool;

/// Links, by popularity; their ids are their ranks, from 1.
pub(crate) const LINKS: u32 = 50_000;
/// Affiliates that own them.
pub(crate) const AFFILIATES: u32 = 5_000;
/// Programs that they promote.
pub(crate) const PROGRAMS: u32 = 20;
/// What happens after a click, with the id of its plan beyond twice the program's.
pub(crate) const EVENTS: [&str; 2] = ["sale", "lead"];

/// Puts them into PostgreSQL. A link's owner and program follow from its id alone (Knuth's multiplier spreads them), so
/// that popular links are anybody's.
pub(crate) async fn seed(owner: &PgPool) -> Result<()> {
    let site = PLATFORM.to_sql();
    let statements = format!(
        "INSERT INTO affiliate_affiliate (id, site_id, name, email)
             SELECT n, {site}, 'affiliate ' || n, 'affiliate' || n || '@example.com' FROM generate_series(1, {AFFILIATES}) n;
         INSERT INTO affiliate_program (id, site_id, slug, name, destination)
             SELECT n, {site}, 'p' || n, 'program ' || n, 'https://shop.example/' FROM generate_series(1, {PROGRAMS}) n;
         INSERT INTO affiliate_plan (id, site_id, program_id, event, kind, rate_ppm, amount_units, currency)
             SELECT 2 * n, {site}, n, 'sale', 'percent', 80000, 0, 'EUR' FROM generate_series(1, {PROGRAMS}) n
             UNION ALL SELECT 2 * n + 1, {site}, n, 'lead', 'flat', 0, 2500000, 'EUR' FROM generate_series(1, {PROGRAMS}) n;
         INSERT INTO affiliate_affiliatelink (id, code, site_id, affiliate_id, program_id, destination)
             SELECT n, 'l' || n, {site}, n::bigint * 2654435761 % 4294967296 % {AFFILIATES} + 1,
                 n::bigint * 2654435761 % 4294967296 / {AFFILIATES} % {PROGRAMS} + 1,
                 CASE n % 2 WHEN 0 THEN '' ELSE 'https://shop.example/products/' || n END
             FROM generate_series(1, {LINKS}) n;
         ANALYZE;"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(statements)).execute(owner).await?;
    Ok(())
}
