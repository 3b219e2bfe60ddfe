//! The form that adds a filter, in two steps that need no script: what to filter by, then its value,
//! chosen from a list where there is one. Its three fields become one filter of the URL; a value that
//! cannot be stays where it was typed, with what is wrong.

use crate::{
    error::Error,
    i18n::Text,
    pages::{
        address::Address,
        parts::{Choice, Field, Pick},
        typed::Wrong,
        words,
    },
    params::filters,
    queries::{Cursor, affiliates, conversions, links, programs, stats::Dimension},
    tenant::TenantCtx,
};
use schemas::{
    reason::{Invalid, Refusal},
    status::Via,
};

/// Keys of the URL that are the form's own.
pub(super) const FIELDS: [&str; 3] = ["filter_by", "filter_is", "filter_value"];

/// The form as the page shows it.
pub(super) struct Form {
    /// Where it leads.
    pub path: String,
    /// What stays of the URL.
    pub kept: Vec<(String, String)>,
    /// What can be filtered by; each leads to the second step.
    pub dimensions: Vec<Pick>,
    /// The second step, where it is reached.
    pub fields: Vec<Field>,
}

/// What the form of a page's URL became.
pub(super) enum Asked {
    /// There is none, or not all of it yet.
    Page(Wrong),
    /// A filter: the page with it.
    Added(Address),
}

impl Form {
    /// # Errors
    /// PostgreSQL does not answer.
    pub(super) async fn of(
        ctx: &TenantCtx,
        t: Text,
        address: &Address,
        wrong: &Wrong,
    ) -> Result<Self, Error> {
        let bare = address.without(&FIELDS);
        let chosen = chosen(address);
        let dimensions = Dimension::all().filter(|by| !by.is_time()).map(|by| Pick {
            label: words::dimension(t, by),
            href: bare.with("filter_by", by.name()).to_string(),
            chosen: chosen == Some(by),
        });
        let mut kept: Vec<(String, String)> =
            bare.pairs().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let fields = match chosen {
            Some(by) => {
                kept.push(("filter_by".to_owned(), by.name().to_owned()));
                fields(ctx, t, address, (by, wrong)).await?
            }
            None => Vec::new(),
        };
        let path = address.path().to_owned();
        Ok(Self { path, kept, dimensions: dimensions.collect(), fields })
    }
}

async fn fields(
    ctx: &TenantCtx,
    t: Text,
    address: &Address,
    (by, wrong): (Dimension, &Wrong),
) -> Result<Vec<Field>, Error> {
    let is = [("is", "filter-is"), ("not", "filter-not")];
    let is = is.map(|(value, key)| Choice { value: value.to_owned(), label: t.say(key) });
    let typed = address.get("filter_value");
    let value = match choices(ctx, t, by).await? {
        Some(list) => Field::select("filter_value", t.say("filter-value"), typed, list),
        None => Field::line("filter_value", t.say("filter-value"), typed).required(),
    };
    Ok(vec![
        Field::select("filter_is", words::dimension(t, by), address.get("filter_is"), is.into()),
        value.error(wrong.say(t, "filter_value")),
    ])
}

/// Every value a filter can have, where that is a list one can choose from.
async fn choices(ctx: &TenantCtx, t: Text, by: Dimension) -> Result<Option<Vec<Choice>>, Error> {
    let many = Cursor { limit: 500, ..Cursor::default() };
    let stored = |family: &str, names: Vec<&str>| -> Vec<(String, String)> {
        names.into_iter().map(|name| (name.to_owned(), t.word(family, name))).collect()
    };
    let mut list: Vec<(String, String)> = match by {
        Dimension::Program => {
            let page = programs::list(&ctx.db, &Default::default(), many).await?;
            page.rows.into_iter().map(|one| (one.id.to_string(), one.name)).collect()
        }
        Dimension::Affiliate => {
            let page = affiliates::list(&ctx.db, &Default::default(), many).await?;
            page.rows.into_iter().map(|one| (one.id.to_string(), one.name)).collect()
        }
        Dimension::Link => {
            let page = links::list(&ctx.db, &Default::default(), many).await?;
            page.rows.into_iter().map(|one| (one.id.to_string(), one.code)).collect()
        }
        Dimension::Country => t.countries(),
        Dimension::Reason => stored("reason", Invalid::ALL.iter().map(|it| it.name()).collect()),
        Dimension::Refusal => stored("refusal", Refusal::ALL.iter().map(|it| it.name()).collect()),
        Dimension::Outcome => stored("state", vec!["unique", "duplicate", "invalid"]),
        Dimension::Status => stored("state", conversions::STATUSES.to_vec()),
        Dimension::Via => stored("via", (1..).map_while(Via::from_code).map(Via::name).collect()),
        _ => return Ok(None),
    };
    list.sort_by_key(|(_, label)| label.to_lowercase());
    // States have no "none"; everything else may be unknown.
    if !matches!(by, Dimension::Outcome | Dimension::Status | Dimension::Via) {
        list.push(("(none)".to_owned(), words::none(t, by)));
    }
    Ok(Some(list.into_iter().map(|(value, label)| Choice { value, label }).collect()))
}

fn chosen(address: &Address) -> Option<Dimension> {
    Dimension::from_name(address.get("filter_by")).filter(|by| !by.is_time())
}

/// What the form of the URL became.
pub(super) fn read(address: &Address) -> Asked {
    if FIELDS.iter().all(|field| address.get(field).is_empty()) {
        return Asked::Page(Wrong::default());
    }
    let rest = address.without(&FIELDS);
    let Some(by) = chosen(address) else { return Asked::Added(rest) };
    let value = address.get("filter_value").trim();
    if value.is_empty() {
        return Asked::Page(Wrong::default());
    }
    // A country is its two letters, as people write them.
    let value = if by == Dimension::Country { value.to_uppercase() } else { value.to_owned() };
    let value = if value == "(NONE)" { "(none)".to_owned() } else { value };
    if by.store_value(&value).is_none() {
        return Asked::Page(Wrong::one("filter_value", "unknown"));
    }
    let written = filters::write(&[&value], address.get("filter_is") == "not");
    let known = rest.get(by.name());
    let whole = if known.is_empty() { written } else { format!("{known},{written}") };
    Asked::Added(rest.with(by.name(), &whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(query: &str) -> Option<String> {
        match read(&Address::read("/x/", query)) {
            Asked::Added(page) => Some(page.to_string()),
            Asked::Page(_) => None,
        }
    }

    #[test]
    fn a_filter_of_the_form_becomes_one_of_the_url() {
        for (query, page) in [
            ("range=7d", None),
            (
                "range=7d&filter_by=country&filter_is=not&filter_value=fr",
                Some("/x/?range=7d&country=-FR"),
            ),
            ("country=FR&filter_by=country&filter_value=DE", Some("/x/?country=FR,DE")),
            ("filter_by=country&filter_value=(none)", Some("/x/?country=(none)")),
            ("filter_by=day&filter_value=x", Some("/x/")),
            // The second step, and a value that is none: the form stays.
            ("filter_by=country&filter_is=is", None),
            ("filter_by=program&filter_value=Shop", None),
            ("filter_by=reason&filter_value=robot", None),
        ] {
            let expected = page.map(|page| page.replace('(', "%28").replace(')', "%29"));
            assert_eq!(added(query), expected, "{query}");
        }
    }
}
