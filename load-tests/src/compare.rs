//! The API's numbers against the independent count: what differs, in sentences.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use schemas::ids::{AffiliateId, LinkId, PLATFORM, ProgramId};
use sqlx::Row;
use standalone::traffic::{log::PROGRAMS, seed::Seeded};

use crate::{
    api::Api,
    reference::{Reference, Sums},
    system::System,
};

/// Names the API's ids as the reference does: slugs, codes, affiliates' numbers.
pub struct Names(BTreeMap<String, String>);

impl Names {
    /// Of a seeded system.
    ///
    /// # Errors
    /// When PostgreSQL does not answer.
    pub async fn of(system: &System, seeded: &Seeded) -> Result<Self> {
        let mut names = BTreeMap::new();
        let programs = seeded.programs.iter().zip(PROGRAMS);
        names.extend(programs.map(|(id, slug)| (ProgramId::to_string(id), slug.to_owned())));
        let affiliates = seeded.affiliates.iter().enumerate();
        names.extend(affiliates.map(|(n, id)| (AffiliateId::to_string(id), n.to_string())));
        let mut owner = system.owner().await?;
        let rows = sqlx::query("SELECT id, code FROM affiliate_affiliatelink WHERE site_id = $1")
            .bind(PLATFORM.to_sql())
            .fetch_all(&mut owner)
            .await?;
        for row in rows {
            let id: i64 = row.try_get("id")?;
            let link = LinkId::from_sql(id).unwrap_or_default();
            names.insert(link.to_string(), row.try_get("code")?);
        }
        Ok(Self(names))
    }

    fn rename(&self, sums: BTreeMap<String, Sums>) -> BTreeMap<String, Sums> {
        let name = |key: String| self.0.get(&key).cloned().unwrap_or(key);
        sums.into_iter().map(|(key, sums)| (name(key), sums)).collect()
    }
}

/// Everything that differs; empty when all is equal to the unit. `days` only where the reference
/// knows the events' times.
///
/// # Errors
/// When the API does not answer.
pub async fn differences(
    api: &Api,
    names: &Names,
    reference: &Reference,
    days: bool,
) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let total = api.totals().await?;
    compare_sums("total", &reference.total, &total, &mut found);
    for (dimension, expected) in [
        ("program", &reference.program),
        ("link", &reference.link),
        ("affiliate", &reference.affiliate),
        ("day", &reference.day),
    ] {
        if dimension != "day" || days {
            let got = names.rename(api.stats(&[dimension], "").await?);
            compare_groups(dimension, expected, &got, &mut found);
        }
    }
    let invalid = api.stats(&["reason"], "").await?;
    let invalid = invalid.into_iter().filter(|(reason, _)| !reason.is_empty());
    let invalid = invalid.map(|(reason, sums)| (reason, sums.invalid)).collect();
    compare("invalid by reason", &reference.total.invalid_by_reason, &invalid, &mut found);
    let refused = api.stats(&["refusal"], "").await?;
    let refused = refused.into_iter().filter(|(reason, _)| !reason.is_empty());
    let refused = refused.map(|(reason, sums)| (reason, sums.refused)).collect();
    compare("refused by reason", &reference.total.refused_by_reason, &refused, &mut found);
    Ok(found)
}

fn compare_groups(
    dimension: &str,
    expected: &BTreeMap<String, Sums>,
    got: &BTreeMap<String, Sums>,
    found: &mut Vec<String>,
) {
    let none = Sums::default();
    let keys: BTreeSet<&String> = expected.keys().chain(got.keys()).collect();
    for key in keys {
        let (expected, got) = (expected.get(key), got.get(key));
        let what = format!("{dimension} {key:?}");
        compare_sums(&what, expected.unwrap_or(&none), got.unwrap_or(&none), found);
    }
}

/// Everything but the reasons, which have a table of their own.
fn compare_sums(what: &str, expected: &Sums, got: &Sums, found: &mut Vec<String>) {
    for (name, figure) in FIGURES {
        compare(&format!("{what}: {name}"), &figure(expected), &figure(got), found);
    }
}

type Figure = fn(&Sums) -> i64;

const FIGURES: [(&str, Figure); 8] = [
    ("gross", |sums| sums.gross),
    ("unique", |sums| sums.unique),
    ("duplicate", |sums| sums.duplicate),
    ("invalid", |sums| sums.invalid),
    ("conversions", |sums| sums.conversions),
    ("refused", |sums| sums.refused),
    ("amount in cents", |sums| sums.amount_minor),
    ("commission in cents", |sums| sums.commission_minor),
];

fn compare<T: PartialEq + std::fmt::Debug>(
    what: &str,
    expected: &T,
    got: &T,
    found: &mut Vec<String>,
) {
    if expected != got {
        found.push(format!("{what}: counted {expected:?}, the API says {got:?}"));
    }
}
