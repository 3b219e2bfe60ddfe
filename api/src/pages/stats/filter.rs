//! The form that adds a filter: without a script it comes back as three fields, which become one
//! filter of the URL.

use crate::{
    i18n::Text,
    pages::{address::Address, parts::Choice, words},
    params::filters,
    queries::stats::Dimension,
};

const FIELDS: [&str; 3] = ["filter_by", "filter_is", "filter_value"];

/// The form as the page shows it.
pub(super) struct Form {
    /// Where it leads.
    pub path: String,
    /// What stays of the URL.
    pub kept: Vec<(String, String)>,
    /// What can be filtered by.
    pub dimensions: Vec<Choice>,
}

impl Form {
    pub(super) fn of(t: Text, address: &Address) -> Self {
        let dimensions = Dimension::all().filter(|by| !by.is_time());
        let kept = address.without(&FIELDS);
        Self {
            path: address.path().to_owned(),
            kept: kept.pairs().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            dimensions: dimensions
                .map(|by| Choice { value: by.name().to_owned(), label: words::dimension(t, by) })
                .collect(),
        }
    }
}

/// The page with the filter that the form added, where it did.
pub(super) fn added(address: &Address) -> Option<Address> {
    if FIELDS.iter().all(|field| address.get(field).is_empty()) {
        return None;
    }
    let rest = address.without(&FIELDS);
    let value = address.get("filter_value").trim().to_owned();
    let by = Dimension::from_name(address.get("filter_by")).filter(|by| !by.is_time());
    let (Some(by), false) = (by, value.is_empty()) else { return Some(rest) };
    // A country is its two letters, as people write them.
    let value = if by == Dimension::Country { value.to_uppercase() } else { value };
    let written = filters::write(&[&value], address.get("filter_is") == "not");
    let known = rest.get(by.name());
    let whole = if known.is_empty() { written } else { format!("{known},{written}") };
    Some(rest.with(by.name(), &whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_of_the_form_becomes_one_of_the_url() {
        let page = |query| added(&Address::read("/x/", query)).map(|page| page.to_string());
        assert_eq!(page("range=7d"), None);
        let added = page("range=7d&filter_by=country&filter_is=not&filter_value=fr");
        assert_eq!(added.as_deref(), Some("/x/?range=7d&country=-FR"));
        let joined = page("country=FR&filter_by=country&filter_is=is&filter_value=DE");
        assert_eq!(joined.as_deref(), Some("/x/?country=FR,DE"));
        assert_eq!(page("filter_by=day&filter_value=x").as_deref(), Some("/x/"));
        assert_eq!(page("filter_by=country&filter_is=is").as_deref(), Some("/x/"));
    }
}
