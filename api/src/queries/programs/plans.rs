//! Plans: the events a program knows, and what each pays. A change of terms is a further row.

use chrono::{DateTime, Utc};
use schemas::ids::ProgramId;

use crate::{
    error::{Error, Field},
    tenant::{Db, Tx},
};

/// What a plan pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanKind {
    /// Units of 1/10,000 minor for each conversion.
    Flat(i64),
    /// Parts per million of the order's value.
    Percent(i64),
    /// The event is known and pays nothing.
    Nothing,
}

/// A line of the terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its number, shown in traces.
    pub id: i64,
    /// The event: sale, lead, …
    pub event: String,
    /// What it pays.
    pub kind: PlanKind,
    /// What it pays in.
    pub currency: String,
    /// From when; `None`: from the beginning.
    pub valid_from: Option<DateTime<Utc>>,
    /// Whether it is the one in force at the moment asked for.
    pub in_force: bool,
}

/// A line to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPlan {
    /// a-z 0-9 _ -, up to 64.
    pub event: String,
    /// What it pays.
    pub kind: PlanKind,
    /// From when; `None`: from the beginning for an event's first line, else from `now` on.
    pub valid_from: Option<DateTime<Utc>>,
}

/// All lines of a program's terms, by event, newest first; `now` says which are in force.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn plans(
    db: &Db,
    program: ProgramId,
    now: DateTime<Utc>,
) -> Result<Vec<Plan>, sqlx::Error> {
    // chrono has no infinity: it becomes NULL.
    sqlx::query!(
        r#"SELECT id, event, kind, amount_units, rate_ppm, currency,
             nullif(valid_from, '-infinity') AS valid_from,
             coalesce(valid_from = max(valid_from) FILTER (WHERE valid_from <= $3) OVER (PARTITION BY event), false) AS "in_force!"
         FROM affiliate_plan WHERE site_id = $1 AND program_id = $2
         ORDER BY event, affiliate_plan.valid_from DESC"#,
        db.site.to_sql(),
        program.to_sql(),
        now,
    )
    .map(|row| Plan {
        id: row.id,
        event: row.event,
        kind: match row.kind.as_str() {
            "flat" => PlanKind::Flat(row.amount_units),
            "percent" => PlanKind::Percent(row.rate_ppm),
            _ => PlanKind::Nothing,
        },
        currency: row.currency,
        valid_from: row.valid_from,
        in_force: row.in_force,
    })
    .fetch_all(&mut *db.begin().await?)
    .await
}

/// Adds a line, in the program's currency.
///
/// # Errors
/// `NotFound` for a program that is none of this site's, `Invalid` where the event has a line from
/// this very moment, `Sql`.
pub async fn put_plan(
    tx: &mut Tx,
    program: ProgramId,
    plan: &NewPlan,
    now: DateTime<Utc>,
) -> Result<i64, Error> {
    let (kind, amount_units, rate_ppm) = match plan.kind {
        PlanKind::Flat(units) => ("flat", units, 0),
        PlanKind::Percent(ppm) => ("percent", 0, ppm),
        PlanKind::Nothing => ("none", 0, 0),
    };
    let made = sqlx::query_scalar!(
        "INSERT INTO affiliate_plan
             (site_id, program_id, event, kind, amount_units, rate_ppm, currency, valid_from)
         SELECT p.site_id, p.id, $3, $4, $5, $6, p.currency, coalesce($7, CASE
                 WHEN EXISTS (SELECT FROM affiliate_plan
                              WHERE site_id = $1 AND program_id = $2 AND event = $3) THEN $8::timestamptz
                 ELSE '-infinity'::timestamptz END)
         FROM affiliate_program p WHERE p.site_id = $1 AND p.id = $2
         RETURNING id",
        tx.site.to_sql(),
        program.to_sql(),
        plan.event,
        kind,
        amount_units,
        rate_ppm,
        plan.valid_from,
        now,
    )
    .fetch_optional(&mut **tx)
    .await
    .map_err(|error| {
        let taken =
            Field::new("valid_from", "taken", "the event has terms from this moment already");
        let constraint = "affiliate_plan_site_id_program_id_event_valid_from_key";
        Error::on_constraint(error, constraint, taken)
    })?;
    made.ok_or(Error::NotFound("program"))
}
