//! What a stored word or id is called by people: countries, reasons, programs, and what is empty.

use super::{address::Address, parts::Chip};
use crate::{
    error::Error,
    i18n::Text,
    queries::{
        names::Labels,
        stats::{Dimension, Filter, Report},
    },
    tenant::TenantCtx,
};
use schemas::ids::{AffiliateId, LinkId, ProgramId};

/// Names of everything a page mentions.
pub(super) struct Words {
    t: Text,
    labels: Labels,
}

impl Words {
    /// Loads the names of all ids that reports and filters mention.
    ///
    /// # Errors
    /// PostgreSQL does not answer.
    pub(super) async fn load<'a>(
        ctx: &TenantCtx,
        t: Text,
        reports: impl Iterator<Item = (&'a [Dimension], &'a Report)>,
        filters: &[Filter],
    ) -> Result<Self, Error> {
        let mut ids = (Vec::new(), Vec::new(), Vec::new());
        let mut note = |by: Dimension, key: &str| {
            let list = match by {
                Dimension::Program => &mut ids.0,
                Dimension::Affiliate => &mut ids.1,
                Dimension::Link => &mut ids.2,
                _ => return,
            };
            let number = key.rsplit('_').next().and_then(|number| number.parse::<u32>().ok());
            if let Some(number) = number.filter(|number| !list.contains(number)) {
                list.push(number);
            }
        };
        for (by, report) in reports {
            for row in &report.rows {
                by.iter().zip(&row.keys).for_each(|(by, key)| note(*by, key));
            }
        }
        for filter in filters {
            filter.values.iter().for_each(|value| note(filter.dimension, value));
        }
        let labels = Labels::load(&ctx.db, (&ids.0, &ids.1, &ids.2)).await?;
        Ok(Self { t, labels })
    }

    /// A value of a dimension, as a person knows it.
    pub(super) fn value(&self, by: Dimension, key: &str) -> String {
        let t = self.t;
        match by {
            _ if key.is_empty() || (by.is_id() && key == "0") => none(t, by),
            Dimension::Country => t.word("country", key),
            Dimension::Device => t.word("device", key),
            Dimension::Reason => t.word("reason", key),
            Dimension::Refusal => t.word("refusal", key),
            Dimension::Outcome | Dimension::Status => t.word("state", key),
            Dimension::Via => t.word("via", key),
            Dimension::Program => named::<ProgramId>(key, |id| self.labels.programs.get(&id.get())),
            Dimension::Affiliate => {
                named::<AffiliateId>(key, |id| self.labels.affiliates.get(&id.get()))
            }
            Dimension::Link => named::<LinkId>(key, |id| self.labels.links.get(&id.get())),
            _ => key.to_owned(),
        }
    }

    /// The filters of a page, each with the page without it.
    pub(super) fn filters(&self, filters: &[Filter], address: &Address) -> Vec<Shown> {
        filters
            .iter()
            .map(|filter| {
                let by = filter.dimension;
                let values = filter.values.iter().map(|value| {
                    // Filters hold ids as the stores do, reports as the wire does.
                    let prefix = match by {
                        Dimension::Program => ProgramId::PREFIX,
                        Dimension::Affiliate => AffiliateId::PREFIX,
                        Dimension::Link => LinkId::PREFIX,
                        _ => "",
                    };
                    let bare = prefix.is_empty() || value == "0";
                    let key = if bare { value.clone() } else { format!("{prefix}{value}") };
                    self.value(by, &key)
                });
                Shown {
                    name: dimension(self.t, by),
                    is: self.t.say(if filter.exclude { "filter-not" } else { "filter-is" }),
                    value: values.collect::<Vec<_>>().join(", "),
                    without: address.without(&[by.name()]).to_string(),
                }
            })
            .collect()
    }
}

fn named<'a, Id: std::str::FromStr>(key: &str, find: impl Fn(Id) -> Option<&'a String>) -> String {
    key.parse().ok().and_then(find).cloned().unwrap_or_else(|| key.to_owned())
}

/// Where there is no value: ids are empty on the wire and 0 in filters.
pub(super) fn none(t: Text, by: Dimension) -> String {
    t.say(match by {
        Dimension::Reason | Dimension::Refusal => "none",
        Dimension::Referrer => "direct",
        Dimension::Link => "no-such-code",
        Dimension::Program | Dimension::Affiliate => "no-link",
        _ => "unknown",
    })
}

/// The name of a dimension.
pub(super) fn dimension(t: Text, by: Dimension) -> String {
    t.word("dim", by.name())
}

/// A filter as a page shows it.
pub(super) struct Shown {
    /// The dimension.
    pub name: String,
    /// `is` or `is not`.
    pub is: String,
    /// The value.
    pub value: String,
    /// The page without the filter.
    pub without: String,
}

/// The chip of a click or conversion, which names its reason where there is one.
pub(super) fn outcome_chip(t: Text, state: &str, family: &str, reason: &str) -> Chip {
    let chip = Chip::state(t, state);
    match reason {
        "" => chip,
        reason => Chip { text: t.word(family, reason), ..chip },
    }
}
