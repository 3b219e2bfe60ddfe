//! `docs/asvs.csv`: what OWASP ASVS 5.0.0 asks at level 1 and 2, and which tests prove it. Held against the sources, so
//! that no row outlives its test.

use std::path::PathBuf;

/// The workspace.
pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// Authentication, sessions, authorisation, tokens: nothing stays open there, nor at level 1.
const STRICT: [u32; 4] = [6, 7, 8, 9];
/// But these: open, and told under "Deviations" in SECURITY.md.
const DEVIATIONS: [[u32; 3]; 4] = [[11, 3, 2], [11, 4, 1], [14, 2, 1], [15, 2, 1]];

struct Row {
    /// Chapter, section, number.
    id: [u32; 3],
    level: String,
    status: String,
    tests: Vec<String>,
}

impl Row {
    fn read(line: &str) -> Self {
        let wrong = |what: &str| -> ! { panic!("{what}: {line}") };
        let Ok([id, level, status, tests, why]) = <[String; 5]>::try_from(cells(line)) else {
            wrong("not five cells")
        };
        if !["met", "open", "n/a"].contains(&status.as_str()) || why.trim().is_empty() {
            wrong("no status, or no why")
        }
        let id: Vec<u32> = id.split('.').filter_map(|part| part.parse().ok()).collect();
        let id = id.try_into().unwrap_or_else(|_| wrong("no id"));
        let tests = tests.split_whitespace().map(str::to_owned).collect();
        Self { id, level, status, tests }
    }
}

fn rows() -> Vec<Row> {
    let text = std::fs::read_to_string(format!("{ROOT}/docs/asvs.csv")).unwrap();
    let (header, lines) = text.split_once('\n').unwrap();
    assert_eq!(header, "id,level,status,test,why");
    lines.lines().map(Row::read).collect()
}

/// The cells of a line. Two quotes inside a quoted cell are one; no cell goes over a line.
pub(crate) fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut is_quoted) = (vec![String::new()], false);
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if is_quoted && letters.next_if_eq(&'"').is_some() => {
                cells.last_mut().unwrap().push('"')
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => cells.push(String::new()),
            letter => cells.last_mut().unwrap().push(letter),
        }
    }
    cells
}

/// Where a test may stand: `api::it::auth::x` in api/tests/it/auth.rs, `api::hosts::tests::x` in api/src/hosts.rs or in
/// api/src/hosts/tests.rs.
fn files(modules: &[&str]) -> Vec<PathBuf> {
    let file = |folder: &str, path: &[&str]| {
        PathBuf::from(format!("{ROOT}/{}/{folder}/{}.rs", modules[0], path.join("/")))
    };
    match &modules[1..] {
        ["it", path @ ..] => vec![file("tests/it", path)],
        [path @ .., "tests"] => vec![file("src", path), file("src", &modules[1..])],
        path => vec![file("src", path)],
    }
}

/// Whether a function of this name stands under the attribute of a test; those of `proptest!` do as well.
fn has_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let is_it = |line: &str| {
        let function = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
        function.and_then(|rest| rest.strip_prefix(name)).is_some_and(|rest| rest.starts_with('('))
    };
    let is_above = |line: &&&str| line.starts_with("#[") || line.starts_with("//");
    let is_test = |line: &&str| *line == "#[test]" || line.starts_with("#[tokio::test");
    let mut found = (0..lines.len()).filter(|&n| is_it(lines[n]));
    found.any(|n| lines[..n].iter().rev().take_while(is_above).any(is_test))
}

pub(crate) fn exists(test: &str) -> bool {
    let path: Vec<&str> = test.split("::").collect();
    let (name, modules) = path.split_last().unwrap();
    let has = |file| std::fs::read_to_string(file).is_ok_and(|text| has_test(&text, name));
    files(modules).into_iter().any(has)
}

#[test]
fn every_row_names_a_test_that_exists() {
    let tests = rows().into_iter().flat_map(|row| row.tests);
    let gone: Vec<String> = tests.filter(|test| !exists(test)).collect();
    assert!(gone.is_empty(), "no such tests: {gone:#?}");
    // A helper is no test, and a module that is not there has none.
    for test in ["api::it::auth::sign_in", "api::it::auth::nothing", "api::it::nothing::x"] {
        assert!(!exists(test), "{test}");
    }
}

#[test]
fn every_requirement_of_both_levels_stands_here_once_and_in_order() {
    let rows = rows();
    assert!(rows.windows(2).all(|pair| pair[0].id < pair[1].id), "not in order, or twice");
    // As many as the standard has.
    let many = |level: &str| rows.iter().filter(|row| row.level == level).count();
    assert_eq!((many("1"), many("2"), rows.len()), (70, 183, 253));
}

#[test]
fn nothing_of_level_1_nor_of_who_may_come_in_is_open_or_unproved_but_what_is_told() {
    let strict = |row: &Row| row.level == "1" || STRICT.contains(&row.id[0]);
    let proved = |row: &Row| row.status == "n/a" || (row.status == "met" && !row.tests.is_empty());
    let open = rows().into_iter().filter(|row| strict(row) && !proved(row));
    let open: Vec<[u32; 3]> = open.map(|row| row.id).collect();
    assert_eq!(open, DEVIATIONS);
    let page = std::fs::read_to_string(format!("{ROOT}/SECURITY.md")).unwrap();
    let told = page.split_once("### Deviations").unwrap().1;
    for [chapter, section, number] in DEVIATIONS {
        let id = format!("{chapter}.{section}.{number}");
        assert!(told.contains(&id), "{id} is told nowhere");
    }
}
