//! Enrolments: which affiliate promotes which program, and who asks to.

use chrono::{DateTime, Utc};
use schemas::ids::{AffiliateId, EnrolmentId, ProgramId};

use super::{Cursor, Page, narrow, wide};
use crate::{
    error::Error,
    tenant::{Db, Tx},
};

/// An enrolment as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// Its id.
    pub id: EnrolmentId,
    /// What is promoted.
    pub program: ProgramId,
    /// The program's name.
    pub program_name: String,
    /// Who promotes it.
    pub affiliate: AffiliateId,
    /// The affiliate's name.
    pub affiliate_name: String,
    /// `pending`, `approved`, `rejected`.
    pub status: String,
    /// What the affiliate wrote.
    pub message: String,
    /// What they were told.
    pub answer: String,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When somebody, or the program's rule, decided.
    pub decided_at: Option<DateTime<Utc>>,
}

/// Which ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Find {
    /// This one alone.
    pub id: Option<EnrolmentId>,
    /// In this state.
    pub status: Option<String>,
    /// Of a program.
    pub program: Option<ProgramId>,
    /// Of an affiliate.
    pub affiliate: Option<AffiliateId>,
}

/// Newest first.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn list(db: &Db, find: &Find, cursor: Cursor) -> Result<Page<Enrolment>, sqlx::Error> {
    let rows = sqlx::query_file!(
        "src/queries/enrolments.list.sql",
        db.site.to_sql(),
        cursor.starting_after,
        cursor.ending_before,
        cursor.limit_sql(),
        find.id.map(EnrolmentId::to_sql),
        find.status,
        find.program.map(ProgramId::to_sql),
        find.affiliate.map(AffiliateId::to_sql),
    )
    .map(|row| Enrolment {
        id: EnrolmentId(wide(row.id)),
        program: ProgramId(narrow(row.program_id)),
        program_name: row.program_name,
        affiliate: AffiliateId(narrow(row.affiliate_id)),
        affiliate_name: row.affiliate_name,
        status: row.status,
        message: row.message,
        answer: row.answer,
        created_at: row.created_at,
        decided_at: row.decided_at,
    })
    .fetch_all(&mut *db.begin().await?)
    .await?;
    Ok(cursor.page(rows))
}

/// One of them.
///
/// # Errors
/// `NotFound`, also for another site's; `Sql`.
pub async fn get(db: &Db, id: EnrolmentId) -> Result<Enrolment, Error> {
    let find = Find { id: Some(id), ..Find::default() };
    let page = list(db, &find, Cursor::default()).await?;
    page.rows.into_iter().next().ok_or(Error::NotFound("enrolment"))
}

/// How many wait for somebody.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn waiting(db: &Db) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "n!" FROM affiliate_enrolment WHERE site_id = $1 AND status = 'pending'"#,
        db.site.to_sql()
    )
    .fetch_one(&mut *db.begin().await?)
    .await
}

/// How a program takes affiliates, and how it stands with one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// `open`, `approval`, `invitation`.
    pub admission: String,
    /// The enrolment there is, and its state.
    pub enrolment: Option<(EnrolmentId, String)>,
}

/// How an affiliate stands with a program; holds the program until the transaction ends, so that two who ask at once
/// are one after the other.
///
/// # Errors
/// `NotFound` for a program that is none of the site's, `Sql`.
pub async fn standing(
    tx: &mut Tx,
    program: ProgramId,
    affiliate: AffiliateId,
) -> Result<Standing, Error> {
    let found = sqlx::query!(
        r#"SELECT p.admission, e.id AS "id?", e.status AS "status?" FROM affiliate_program p
           LEFT JOIN affiliate_enrolment e ON e.site_id = p.site_id AND e.program_id = p.id AND e.affiliate_id = $3
           WHERE p.site_id = $1 AND p.id = $2 FOR NO KEY UPDATE OF p"#,
        tx.site.to_sql(),
        program.to_sql(),
        affiliate.to_sql(),
    )
    .fetch_optional(&mut **tx)
    .await?
    .ok_or(Error::NotFound("program"))?;
    let enrolment = found.id.zip(found.status).map(|(id, status)| (EnrolmentId(wide(id)), status));
    Ok(Standing { admission: found.admission, enrolment })
}

/// An enrolment to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEnrolment<'a> {
    /// What is promoted.
    pub program: ProgramId,
    /// Who promotes it.
    pub affiliate: AffiliateId,
    /// `pending` or `approved`.
    pub status: &'a str,
    /// What the affiliate wrote.
    pub message: &'a str,
    /// Who approved it; `None` for the program's rule.
    pub decided_by: Option<i64>,
    /// Now.
    pub now: DateTime<Utc>,
}

/// Keeps one; one that is there becomes this.
///
/// # Errors
/// `NotFound` for an affiliate that is none of the site's, `Sql`.
pub async fn put(tx: &mut Tx, new: &NewEnrolment<'_>) -> Result<EnrolmentId, Error> {
    let put = sqlx::query_scalar!(
        "INSERT INTO affiliate_enrolment (site_id, program_id, affiliate_id, status, message, created_at, decided_at, decided_by)
         VALUES ($1, $2, $3, $4, $5, $6::timestamptz, CASE $4::text WHEN 'approved' THEN $6::timestamptz END, $7)
         ON CONFLICT (site_id, program_id, affiliate_id) DO UPDATE SET status = excluded.status,
             message = CASE excluded.message WHEN '' THEN affiliate_enrolment.message ELSE excluded.message END,
             decided_at = excluded.decided_at, decided_by = excluded.decided_by
         RETURNING id",
        tx.site.to_sql(),
        new.program.to_sql(),
        new.affiliate.to_sql(),
        new.status,
        new.message,
        new.now,
        new.decided_by,
    )
    .fetch_one(&mut **tx)
    .await;
    put.map(|id| EnrolmentId(wide(id))).map_err(|error| {
        let constraint = error.as_database_error().and_then(|error| error.constraint());
        match constraint {
            Some("affiliate_enrolment_site_id_affiliate_id_fkey") => Error::NotFound("affiliate"),
            _ => Error::Sql(error),
        }
    })
}

/// Says how it was decided.
///
/// # Errors
/// `NotFound`, also for another site's; `Sql`.
pub async fn decide(
    tx: &mut Tx,
    id: EnrolmentId,
    (status, answer): (&str, &str),
    (by, now): (i64, DateTime<Utc>),
) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE affiliate_enrolment SET status = $3, answer = $4, decided_by = $5, decided_at = $6
         WHERE site_id = $1 AND id = $2",
        tx.site.to_sql(),
        id.to_sql(),
        status,
        answer,
        by,
        now,
    )
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 0 { Err(Error::NotFound("enrolment")) } else { Ok(()) }
}

/// The account behind an affiliate, if it has one.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn account_of(tx: &mut Tx, affiliate: AffiliateId) -> Result<Option<i64>, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "SELECT user_id FROM affiliate_affiliate WHERE site_id = $1 AND id = $2",
        tx.site.to_sql(),
        affiliate.to_sql(),
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found.flatten())
}
