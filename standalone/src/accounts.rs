//! Accounts that the machine's own people make: tokens for programs, and those of the demonstration.
//!
//! Works as the owner of the tables, which whoever has the data folder is. Refuses to make a person an admin: the
//! one-time link of the first start does.

use anyhow::Context;
use api::{
    accounts::{hashing::Hashing, role::Role, secret::Secret},
    queries::accounts::{factors, passkeys, sessions, users},
};
use schemas::ids::{PLATFORM, SiteId};
use sqlx::{Connection, PgConnection};

/// The account behind tokens that belong to the machine: nobody signs in with it.
const OPERATOR: &str = "operator";
/// What every account of the demonstration has, and shows on its sign-in page.
pub const DEMO_PASSWORD: &str = api::config::DEMO_PASSWORD;
/// The second site of the demonstration.
const DEMO_HOST: &str = "partner.localhost";

/// Makes a token for programs of this machine, and gives its text: it is not kept.
///
/// # Errors
/// When PostgreSQL does not take it.
pub async fn make_token(
    owner: &mut PgConnection,
    (name, writes, days): (&str, bool, i32),
) -> anyhow::Result<String> {
    let secret = Secret::new().context("no randomness")?;
    let text = format!("{}{}", api::auth::TOKEN_PREFIX, secret.text());
    let scopes: &[String] =
        if writes { &["read".to_owned(), "write".to_owned()] } else { &["read".to_owned()] };
    let mut tx = owner.begin().await?;
    let user = sqlx::query_scalar!(
        "INSERT INTO accounts_user (username, email) VALUES ($1, $1 || '@localhost')
         ON CONFLICT (username) DO UPDATE SET username = excluded.username RETURNING id",
        OPERATOR
    )
    .fetch_one(&mut *tx)
    .await?;
    put_member(&mut tx, (PLATFORM, user), Role::Admin, (None, None)).await?;
    sqlx::query!(
        "INSERT INTO accounts_token (site_id, user_id, name, token_hash, prefix, scopes, level, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, 2, now() + make_interval(days => $7))",
        PLATFORM.to_sql(),
        user,
        name,
        &secret.hash()[..],
        &text[..8],
        scopes,
        days,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(text)
}

/// Takes away the second factors of an account, ends its sessions, and gives its name.
///
/// # Errors
/// When there is no such account, or PostgreSQL does not take it.
pub async fn reset_factors(owner: &mut PgConnection, name: &str) -> anyhow::Result<String> {
    let mut tx = owner.begin().await?;
    let user = users::find(&mut *tx, name).await?;
    let user = user.with_context(|| format!("no account has the name or address {name}"))?;
    factors::delete_totp(&mut *tx, user.id).await?;
    factors::put_recovery_codes(&mut tx, user.id, &[]).await?;
    passkeys::delete_all(&mut *tx, user.id).await?;
    sessions::delete_others(&mut *tx, user.id, None).await?;
    let details = serde_json::json!({ "by": "whoever runs the machine" });
    sqlx::query!(
        "INSERT INTO accounts_securityevent (user_id, at, kind, host, network, agent, details)
         VALUES ($1, now(), 'factors_reset', '', '', 'tributary account', $2)",
        user.id,
        details
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(user.username)
}

/// Whether somebody runs the platform's own site already.
///
/// # Errors
/// When PostgreSQL does not answer.
pub async fn has_admin(owner: &mut PgConnection) -> anyhow::Result<bool> {
    let has = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id
             WHERE m.site_id = $1 AND m.role = 'admin' AND u.password <> '!') AS "has!""#,
        PLATFORM.to_sql()
    );
    Ok(has.fetch_one(owner).await?)
}

/// An account of each role on the platform's site, and a second site with its own people; what is there stays.
///
/// # Errors
/// When PostgreSQL does not take them.
pub async fn seed_demo(owner: &mut PgConnection) -> anyhow::Result<()> {
    let mut tx = owner.begin().await?;
    let other = second_site(&mut tx).await?;
    let missing = sqlx::query_scalar!(
        r#"SELECT NOT EXISTS (SELECT FROM accounts_user WHERE username = 'admin') AS "missing!""#
    )
    .fetch_one(&mut *tx)
    .await?;
    if missing {
        let hash = Hashing::start()?.hash(DEMO_PASSWORD.to_owned()).await??;
        for role in Role::ALL {
            let user = put_user(&mut tx, (role.name(), role.name()), &hash).await?;
            let reach = reach(&mut tx, PLATFORM, role).await?;
            put_member(&mut tx, (PLATFORM, user), role, reach).await?;
        }
        for role in [Role::Manager, Role::Affiliate] {
            let name = format!("partner-{}", role.name());
            let user = put_user(&mut tx, (&name, &name), &hash).await?;
            let reach = reach(&mut tx, other, role).await?;
            put_member(&mut tx, (other, user), role, reach).await?;
        }
        // Everybody shall look around without a second device at hand.
        sqlx::query!(
            r#"UPDATE whitelabel_whitelabelsite SET settings = settings || '{"second_factor": "optional"}'"#
        )
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn second_site(tx: &mut PgConnection) -> anyhow::Result<SiteId> {
    let made = sqlx::query_scalar!(
        "INSERT INTO whitelabel_whitelabelsite (domain, name, time_zone) VALUES ($1, 'Partner Place', 'Europe/Paris')
         ON CONFLICT (domain) DO NOTHING RETURNING id",
        DEMO_HOST
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(id) = made else {
        let id = sqlx::query_scalar!(
            "SELECT id FROM whitelabel_whitelabelsite WHERE domain = $1",
            DEMO_HOST
        );
        return Ok(SiteId(u32::try_from(id.fetch_one(tx).await?)?));
    };
    sqlx::query!(
        "WITH program AS (
             INSERT INTO affiliate_program (site_id, slug, name, destination)
             VALUES ($1, 'garden', 'Garden Tools', 'https://garden.example/') RETURNING id),
         plan AS (
             INSERT INTO affiliate_plan (site_id, program_id, event, kind, rate_ppm, currency)
             SELECT $1, id, 'sale', 'percent', 80000, 'EUR' FROM program),
         person AS (
             INSERT INTO affiliate_affiliate (site_id, name, email)
             VALUES ($1, 'Green Thumb', 'hello@green-thumb.example') RETURNING id)
         INSERT INTO affiliate_affiliatelink (site_id, affiliate_id, program_id, code, domain)
         SELECT $1, person.id, program.id, 'garden', $2 FROM person, program",
        id,
        DEMO_HOST
    )
    .execute(tx)
    .await?;
    Ok(SiteId(u32::try_from(id)?))
}

type Limits = (Option<Vec<i64>>, Option<Vec<i64>>);

/// The first program for an advertiser, the affiliate with most links for an affiliate.
async fn reach(tx: &mut PgConnection, site: SiteId, role: Role) -> anyhow::Result<Limits> {
    Ok(match role {
        Role::Advertiser => {
            let first = sqlx::query_scalar!(
                "SELECT id FROM affiliate_program WHERE site_id = $1 ORDER BY id LIMIT 1",
                site.to_sql()
            );
            (Some(first.fetch_all(tx).await?), None)
        }
        Role::Affiliate => {
            let first = sqlx::query_scalar!(
                "SELECT a.id FROM affiliate_affiliate a WHERE a.site_id = $1 ORDER BY (SELECT count(*)
                     FROM affiliate_affiliatelink l WHERE l.site_id = $1 AND l.affiliate_id = a.id) DESC, a.id LIMIT 1",
                site.to_sql()
            );
            (None, Some(first.fetch_all(tx).await?))
        }
        _ => (None, None),
    })
}

async fn put_user(
    tx: &mut PgConnection,
    (username, name): (&str, &str),
    hash: &str,
) -> anyhow::Result<i64> {
    let id = sqlx::query_scalar!(
        "INSERT INTO accounts_user (username, email, name, password, email_verified_at)
         VALUES ($1, $1 || '@demo.example', initcap($2), $3, now()) RETURNING id",
        username,
        name,
        hash
    );
    Ok(id.fetch_one(tx).await?)
}

async fn put_member(
    tx: &mut PgConnection,
    (site, user): (SiteId, i64),
    role: Role,
    (programs, affiliates): Limits,
) -> anyhow::Result<()> {
    sqlx::query!(
        "INSERT INTO accounts_membership (site_id, user_id, role, programs, affiliates) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (site_id, user_id) DO NOTHING",
        site.to_sql(),
        user,
        role.name(),
        programs.as_deref(),
        affiliates.as_deref(),
    )
    .execute(tx)
    .await?;
    Ok(())
}
