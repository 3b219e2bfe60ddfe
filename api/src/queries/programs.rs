//! Programs: what is promoted, and under which terms.

mod plans;

pub use plans::{NewPlan, Plan, PlanKind, plans, put_plan};

use chrono::{DateTime, Utc};
use schemas::ids::ProgramId;

use super::{Cursor, Page, narrow};
use crate::{
    error::{Error, Field},
    tenant::{Db, Tx},
};

/// A program as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its id.
    pub id: ProgramId,
    /// Its word in texts and imports, unique in the site.
    pub slug: String,
    /// How it is called.
    pub name: String,
    /// Where links lead that have no destination of their own.
    pub destination: String,
    /// What it pays in.
    pub currency: String,
    /// `paused` takes no conversions of new clicks.
    pub is_active: bool,
    /// Of the postback token (`Keys::postback_token`).
    pub token_version: u32,
    /// Everything else it is set to.
    pub terms: Terms,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Goes up with every change.
    pub version: i64,
}

/// Windows and limits of a program, milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// A conversion counts up to this long after its click.
    pub click_window_ms: i64,
    /// A visitor is unique once in this time.
    pub unique_window_ms: i64,
    /// A commission can be released this long after its event.
    pub hold_ms: i64,
    /// Sooner after the click is refused; `None`: off.
    pub too_fast_ms: Option<i64>,
    /// More per visitor and hour is refused; `None`: off.
    pub velocity_per_hour: Option<i64>,
    /// Networks (CIDR) whose postbacks are taken; empty: any with the token.
    pub postback_networks: Vec<String>,
    /// Who may promote it: `open`, `approval`, `invitation`.
    pub admission: String,
}

impl Default for Terms {
    fn default() -> Self {
        const DAY_MS: i64 = 86_400_000;
        Self {
            click_window_ms: 30 * DAY_MS,
            unique_window_ms: DAY_MS,
            hold_ms: 30 * DAY_MS,
            too_fast_ms: None,
            velocity_per_hour: None,
            postback_networks: Vec::new(),
            admission: "open".to_owned(),
        }
    }
}

/// Which ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Find {
    /// This one alone.
    pub id: Option<ProgramId>,
    /// Active, or paused.
    pub is_active: Option<bool>,
    /// A part of the name or slug.
    pub q: Option<String>,
}

/// A program to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProgram {
    /// a-z 0-9 -, up to 63.
    pub slug: String,
    /// 1 to 200 characters.
    pub name: String,
    /// Where links lead.
    pub destination: String,
    /// ISO 4217.
    pub currency: String,
    /// Windows and limits.
    pub terms: Terms,
}

/// What changes; `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProgramChange {
    /// How it is called.
    pub name: Option<String>,
    /// Where links lead.
    pub destination: Option<String>,
    /// Active, or paused.
    pub is_active: Option<bool>,
    /// See [`Terms`].
    pub click_window_ms: Option<i64>,
    /// See [`Terms`].
    pub unique_window_ms: Option<i64>,
    /// See [`Terms`].
    pub hold_ms: Option<i64>,
    /// See [`Terms`]; `Some(None)` switches it off.
    pub too_fast_ms: Option<Option<i64>>,
    /// See [`Terms`]; `Some(None)` switches it off.
    pub velocity_per_hour: Option<Option<i64>>,
    /// See [`Terms`].
    pub postback_networks: Option<Vec<String>>,
    /// See [`Terms`].
    pub admission: Option<String>,
}

/// Newest first.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn list(db: &Db, find: &Find, cursor: Cursor) -> Result<Page<Program>, sqlx::Error> {
    let rows = sqlx::query_file!(
        "src/queries/programs.list.sql",
        db.site.to_sql(),
        cursor.starting_after,
        cursor.ending_before,
        cursor.limit_sql(),
        find.id.map(ProgramId::to_sql),
        find.is_active,
        find.q,
    )
    .map(|row| Program {
        id: ProgramId(narrow(row.id)),
        slug: row.slug,
        name: row.name,
        destination: row.destination,
        currency: row.currency,
        is_active: row.status == "active",
        token_version: narrow(row.token_version),
        terms: Terms {
            click_window_ms: row.click_window_ms,
            unique_window_ms: row.unique_window_ms,
            hold_ms: row.hold_ms,
            too_fast_ms: row.too_fast_ms,
            velocity_per_hour: row.velocity_per_hour,
            postback_networks: row.postback_networks,
            admission: row.admission,
        },
        created_at: row.created_at,
        version: row.version,
    })
    .fetch_all(&mut *db.begin().await?)
    .await?;
    Ok(cursor.page(rows))
}

/// One of them.
///
/// # Errors
/// `NotFound`, also for another site's; `Sql`.
pub async fn get(db: &Db, id: ProgramId) -> Result<Program, Error> {
    let find = Find { id: Some(id), ..Find::default() };
    let page = list(db, &find, Cursor::default()).await?;
    page.rows.into_iter().next().ok_or(Error::NotFound("program"))
}

/// Makes one, without events yet.
///
/// # Errors
/// `Invalid` where the slug is taken, `Sql`.
pub async fn insert(tx: &mut Tx, program: &NewProgram) -> Result<ProgramId, Error> {
    let terms = &program.terms;
    let made = sqlx::query_scalar!(
        "INSERT INTO affiliate_program (site_id, slug, name, destination, currency, click_window_ms,
             unique_window_ms, hold_ms, too_fast_ms, velocity_per_hour, postback_networks, admission)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id",
        tx.site.to_sql(),
        program.slug,
        program.name,
        program.destination,
        program.currency,
        terms.click_window_ms,
        terms.unique_window_ms,
        terms.hold_ms,
        terms.too_fast_ms,
        terms.velocity_per_hour,
        &terms.postback_networks,
        terms.admission,
    )
    .fetch_one(&mut **tx)
    .await;
    let taken = || Field::new("slug", "taken", "another program has this slug");
    made.map(|id| ProgramId(narrow(id)))
        .map_err(|error| Error::on_constraint(error, "affiliate_program_site_id_slug_key", taken()))
}

/// Changes one. Clicks and conversions already decided stay as they are.
///
/// # Errors
/// `NotFound`, also for another site's; `Sql`.
pub async fn update(tx: &mut Tx, id: ProgramId, change: &ProgramChange) -> Result<(), Error> {
    let status = change.is_active.map(|active| if active { "active" } else { "paused" });
    let done = sqlx::query!(
        "UPDATE affiliate_program SET
             name = coalesce($3, name), destination = coalesce($4, destination),
             status = coalesce($5, status), click_window_ms = coalesce($6, click_window_ms),
             unique_window_ms = coalesce($7, unique_window_ms), hold_ms = coalesce($8, hold_ms),
             too_fast_ms = CASE WHEN $9 THEN $10 ELSE too_fast_ms END,
             velocity_per_hour = CASE WHEN $11 THEN $12 ELSE velocity_per_hour END,
             postback_networks = coalesce($13, postback_networks), admission = coalesce($14, admission)
         WHERE site_id = $1 AND id = $2",
        tx.site.to_sql(),
        id.to_sql(),
        change.name,
        change.destination,
        status,
        change.click_window_ms,
        change.unique_window_ms,
        change.hold_ms,
        change.too_fast_ms.is_some(),
        change.too_fast_ms.flatten(),
        change.velocity_per_hour.is_some(),
        change.velocity_per_hour.flatten(),
        change.postback_networks.as_deref(),
        change.admission,
    )
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 0 { Err(Error::NotFound("program")) } else { Ok(()) }
}

/// Makes the program's postback token worthless and gives the version of the new one.
///
/// # Errors
/// `NotFound`, also for another site's; `Sql`.
pub async fn rotate_token(tx: &mut Tx, id: ProgramId) -> Result<u32, Error> {
    let version = sqlx::query_scalar!(
        "UPDATE affiliate_program SET token_version = token_version + 1
         WHERE site_id = $1 AND id = $2 RETURNING token_version",
        tx.site.to_sql(),
        id.to_sql(),
    )
    .fetch_optional(&mut **tx)
    .await?;
    version.map(narrow).ok_or(Error::NotFound("program"))
}
