//! Every number is a link, and every link leads to a page.

use std::collections::{BTreeSet, VecDeque};

use super::{SPAN, assert_page};
use crate::world::World;

/// Links of a page to pages of ours, as a browser reads them.
fn links(html: &str) -> Vec<String> {
    let targets =
        html.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap_or_default());
    let ours = targets.filter(|target| target.starts_with('/') && !target.starts_with("/static/"));
    ours.map(|target| target.replace("&#38;", "&").replace("&amp;", "&").replace("&#39;", "'"))
        .collect()
}

/// The shape of an address: its path and what it asks beside the span: nothing, one thing (by name; a
/// dimension grouped by with its value), or so many. One of each shape is visited.
fn shape(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let span = |pair: &&str| ["from=", "to="].iter().any(|key| pair.starts_with(key));
    let asked: BTreeSet<&str> = pairs.filter(|pair| !span(pair)).collect();
    match asked.iter().collect::<Vec<_>>().as_slice() {
        [] => path.to_owned(),
        [one] if one.starts_with("group_by=") && !one.contains([',', '%']) => {
            format!("{path}?{one}")
        }
        [one] => format!("{path}?{}", one.split('=').next().unwrap_or_default()),
        several => format!("{path}?{} things", several.len()),
    }
}

#[tokio::test]
async fn every_link_leads_to_a_page() {
    let world = World::new().await.with_a_little().await;
    let start = format!("/dashboard/?{SPAN}");
    let (mut seen, mut waiting) = (BTreeSet::from([shape(&start)]), VecDeque::from([start]));
    let mut visited = 0;
    while let Some(path) = waiting.pop_front() {
        visited += 1;
        assert!(visited < 400, "the pages do not end: {path}");
        let answer = world.page(&path, "en").await;
        if answer.status.is_redirection() || path.contains("export") {
            assert!(answer.status.is_success() || answer.status.is_redirection(), "{path}");
            continue;
        }
        assert_page(&path, "en", &answer);
        for link in links(&answer.text) {
            let link = link.split('#').next().unwrap_or_default().to_owned();
            if seen.insert(shape(&link)) {
                waiting.push_back(link);
            }
        }
    }
    assert!(visited > 80, "only {visited} pages were found");
}
