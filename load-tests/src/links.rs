//! Links by the thousand, as an installation has them that never was.

use anyhow::Result;
use sqlx::PgPool;

/// Programs; link n belongs to program n mod 20, …
pub const PROGRAMS: u32 = 20;
/// … and to affiliate n mod 500.
pub const AFFILIATES: u32 = 500;

/// Programs, affiliates and links. Every second link has a destination of its own.
///
/// # Errors
/// When PostgreSQL does not take them.
pub async fn seed(db: &PgPool, links: u32) -> Result<()> {
    let statements = format!(
        "INSERT INTO affiliate_affiliate (id, site_id, name)
             SELECT n, 1, 'affiliate ' || n FROM generate_series(1, {AFFILIATES}) n;
         INSERT INTO affiliate_program (id, site_id, slug, name, destination)
             SELECT n, 1, 'p' || n, 'program ' || n, 'https://shop.example/' FROM generate_series(1, {PROGRAMS}) n;
         INSERT INTO affiliate_plan (site_id, program_id, event, kind, rate_ppm, currency)
             SELECT 1, n, 'sale', 'percent', 100000, 'EUR' FROM generate_series(1, {PROGRAMS}) n;
         INSERT INTO affiliate_affiliatelink (id, code, site_id, affiliate_id, program_id, destination)
             SELECT n, 'l' || n, 1, n % {AFFILIATES} + 1, n % {PROGRAMS} + 1,
                    CASE n % 2 WHEN 0 THEN '' ELSE 'https://shop.example/products/' || n || '?click={{click_id}}' END
             FROM generate_series(1, {links}) n;"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(statements)).execute(db).await?;
    Ok(())
}
