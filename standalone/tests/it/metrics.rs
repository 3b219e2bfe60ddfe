//! `docs/metrics.md` is what a running installation serves: every name, type and label, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use crate::harness::{folder, free_addresses, until};
use crate::serve::{Serve, get};

const DOCUMENT: &str = include_str!("../../../docs/metrics.md");

/// Metrics by name: their type and labels.
type Metrics = BTreeMap<String, (String, BTreeSet<String>)>;

/// The rows of the tables whose first cell is a metric.
fn documented() -> Metrics {
    let mut found = Metrics::new();
    for line in DOCUMENT.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, name, kind, labels, _unit, meaning, ..] = cells[..] else { continue };
        let Some(name) = name.strip_prefix('`').and_then(|name| name.strip_suffix('`')) else {
            continue;
        };
        if !["counter", "gauge", "histogram"].contains(&kind) {
            continue;
        }
        assert!(!meaning.is_empty() || name == "process_threads", "{name} means nothing");
        let words = labels.split(',').map(|label| label.trim().trim_matches('`').to_owned());
        let labels = words.filter(|label| !label.is_empty()).collect();
        let before = found.insert(name.to_owned(), (kind.to_owned(), labels));
        assert!(before.is_none(), "{name} stands twice");
    }
    found
}

/// What the text of a scrape says.
fn served(text: &str) -> Metrics {
    let mut found = Metrics::new();
    for line in text.lines() {
        if let Some((name, kind)) =
            line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' '))
        {
            found.insert(name.to_owned(), (kind.to_owned(), BTreeSet::new()));
        } else if let Some((series, labels)) = line.split_once('{') {
            let histogram =
                ["_bucket", "_sum", "_count"].iter().find_map(|end| series.strip_suffix(end));
            let name = histogram.filter(|name| found.contains_key(*name)).unwrap_or(series);
            let labels = labels.rsplit_once('}').unwrap().0;
            // No value of ours has a comma or a quote in it.
            let names = labels.split(',').map(|pair| pair.split_once('=').unwrap().0);
            let own = names.filter(|label| *label != "le").map(str::to_owned);
            found.get_mut(name).unwrap().1.extend(own);
        }
    }
    found
}

fn scrape(address: SocketAddr) -> Metrics {
    let answer = get(address, "/metrics");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    served(answer.split_once("\r\n\r\n").unwrap().1)
}

/// Of one process, by the beginning of its names, with what every process has.
fn of<'a>(metrics: &'a Metrics, process: &'a str) -> Metrics {
    let ours = move |name: &str| name.starts_with(process) || name.starts_with("process_");
    metrics.iter().filter(|(name, _)| ours(name)).map(|(n, m)| (n.clone(), m.clone())).collect()
}

#[test]
fn every_metric_is_documented_and_every_documented_one_is_served() {
    let documented = documented();
    let folder = folder();
    let serve = Serve::start_as(folder.path(), free_addresses(), &["serve"]);
    let [api, _, collector, processor, _, api_admin] = serve.addresses;
    // What is counted by route is there once something was asked.
    get(api, "/health");
    for (process, address) in [
        ("tributary_collector_", collector),
        ("tributary_processor_", processor),
        ("tributary_api_", api_admin),
    ] {
        let expected = of(&documented, process);
        assert!(expected.len() > 10, "{process}: {}", expected.len());
        // The loss ledger is read some seconds after the start.
        until(process, || scrape(address).len() >= expected.len());
        let found = scrape(address);
        assert_eq!(found, expected, "{process}");
        assert_eq!(of(&found, process), found, "a name of another kind");
    }
    serve.stop();
}

#[test]
fn names_say_their_unit_as_prometheus_does() {
    for (name, (kind, labels)) in documented() {
        assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
        assert!(kind != "histogram" || name.ends_with("_seconds"), "{name}");
        for unit in ["_ms", "_millis", "_minutes", "_kb", "_mb", "_percent"] {
            assert!(!name.contains(unit), "{name}: seconds, bytes, ratios");
        }
        for made in ["le", "quantile", "job", "instance"] {
            assert!(!labels.contains(made), "{name}: {made} is prometheus' own");
        }
    }
}
