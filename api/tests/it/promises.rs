//! What no line of the sources may do, whatever the tests of behaviour see.

use std::path::{Path, PathBuf};

/// Every file of ours below a folder of the workspace.
pub(crate) fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty(), "nothing in it");
    found
}

#[test]
fn what_answers_requests_starts_no_process() {
    for folder in ["api/src", "collector/src", "processor/src", "journal/src", "schemas/src"] {
        for (path, text) in sources(folder) {
            let starts = text.contains("process::Command") || text.contains("Command::new(");
            assert!(!starts, "{}", path.display());
        }
    }
}

#[test]
fn secrets_come_from_the_systems_randomness_alone() {
    for (path, text) in [sources("api/src"), sources("schemas/src")].concat() {
        for other in [" rand::", "fastrand", "thread_rng", "Uuid::new_v4"] {
            assert!(!text.contains(other), "{}: {other}", path.display());
        }
    }
    for name in ["secret.rs", "totp.rs", "seal.rs", "hashing.rs"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/accounts").join(name);
        assert!(std::fs::read_to_string(path).unwrap().contains("getrandom::fill("), "{name}");
    }
}
