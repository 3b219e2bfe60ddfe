//! `docs/threats.csv`: what an attacker could try, and which tests hold against it. Held against the
//! sources as `docs/asvs.csv` is.

use crate::asvs::{ROOT, cells, exists};

/// As many as the design counts.
const THREATS: u32 = 44;

struct Row {
    id: String,
    is_met: bool,
    tests: Vec<String>,
}

fn rows() -> Vec<Row> {
    let text = std::fs::read_to_string(format!("{ROOT}/docs/threats.csv")).unwrap();
    let (header, lines) = text.split_once('\n').unwrap();
    assert_eq!(header, "id,status,test,why");
    let row = |line: &str| {
        let Ok([id, status, tests, why]) = <[String; 4]>::try_from(cells(line)) else {
            panic!("not four cells: {line}")
        };
        assert!(["met", "later"].contains(&status.as_str()), "no status: {line}");
        assert!(!why.trim().is_empty(), "no why: {line}");
        // What is not there yet says what it waits for.
        assert!(status == "met" || why.starts_with("Waits for "), "{line}");
        let tests = tests.split_whitespace().map(str::to_owned).collect();
        Row { id, is_met: status == "met", tests }
    };
    lines.lines().map(row).collect()
}

#[test]
fn every_threat_stands_here_once_and_in_order() {
    let ids: Vec<String> = rows().into_iter().map(|row| row.id).collect();
    assert_eq!(ids, (1..=THREATS).map(|id| id.to_string()).collect::<Vec<_>>());
}

#[test]
fn what_is_met_names_a_test_and_every_test_named_exists() {
    let rows = rows();
    let unproved = rows.iter().filter(|row| row.is_met && row.tests.is_empty());
    let unproved: Vec<&str> = unproved.map(|row| row.id.as_str()).collect();
    assert!(unproved.is_empty(), "nothing proves {unproved:?}");
    let tests = rows.iter().flat_map(|row| &row.tests);
    let gone: Vec<&String> = tests.filter(|test| !exists(test)).collect();
    assert!(gone.is_empty(), "no such tests: {gone:#?}");
}
