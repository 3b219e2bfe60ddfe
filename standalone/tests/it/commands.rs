//! Every command as a person calls it: its help, its answer on an installation that runs, and the demo from its first
//! start to its reset.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Output;

use crate::harness::{folder, free_addresses, until};
use crate::serve::{Serve, command};

const LOG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../load-tests/data/access.log.gz");

fn run(data: &Path, addresses: &[SocketAddr; 6], arguments: &[&str]) -> Output {
    command(data, addresses).args(arguments).output().unwrap()
}

/// Runs a command that must succeed; what it printed.
#[track_caller]
fn said(data: &Path, addresses: &[SocketAddr; 6], arguments: &[&str]) -> String {
    let output = run(data, addresses, arguments);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{arguments:?}: {text}{error}");
    text
}

#[expect(clippy::disallowed_methods, reason = "the imported log ends now")]
fn days_ago(days: u64) -> String {
    (chrono::Utc::now().date_naive() - chrono::Days::new(days)).to_string()
}

#[test]
fn every_command_has_help() {
    let folder = folder();
    let addresses = free_addresses();
    let commands: [&[&str]; 24] = [
        &[],
        &["serve"],
        &["demo"],
        &["status"],
        &["import"],
        &["import", "access-log"],
        &["journal"],
        &["journal", "inspect"],
        &["journal", "verify"],
        &["journal", "adopt"],
        &["journal", "retire"],
        &["audit"],
        &["dead-letters"],
        &["dead-letters", "list"],
        &["dead-letters", "show"],
        &["dead-letters", "resend"],
        &["repair"],
        &["repair", "rollup"],
        &["visitor"],
        &["visitor", "forget"],
        &["stores"],
        &["run-engine"],
        &["run-postgres"],
        &["run-collector"],
    ];
    for words in commands {
        let text = said(folder.path(), &addresses, &[words, &["--help"]].concat());
        assert!(text.contains("Usage: tributary") && text.lines().count() > 4, "{words:?}: {text}");
    }
    let none = run(folder.path(), &addresses, &["status"]);
    let error = String::from_utf8_lossy(&none.stderr).into_owned();
    assert!(!none.status.success() && error.contains("is not a data folder"), "{error}");
}

#[test]
fn every_command_answers_on_an_installation_that_runs() {
    let folder = folder();
    let addresses = free_addresses();
    let serve = Serve::start_as(folder.path(), addresses, &["serve"]);
    let ask = |arguments: &[&str]| said(folder.path(), &addresses, arguments);

    let refused = run(folder.path(), &addresses, &["import", "access-log", LOG]);
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && error.contains("--create-links"), "{error}");
    let imported = ask(&["import", "access-log", LOG, "--create-links"]);
    assert!(imported.starts_with("imported: 10000 lines"), "{imported}");
    until("everything is decided", || run(folder.path(), &addresses, &["audit"]).status.success());
    let repeated = ask(&["import", "access-log", LOG]);
    assert!(repeated.starts_with("was imported before"), "{repeated}");

    let audit: serde_json::Value = serde_json::from_str(&ask(&["audit", "--json"])).unwrap();
    assert!(audit.is_object(), "{audit}");
    // A heartbeat of the collector's may just have been appended.
    until("all is decided", || ask(&["status"]).contains("0 B of journal to decide"));
    let status = ask(&["status"]);
    assert!(!status.contains("DOWN"), "{status}");
    assert!(status.contains("segments 24 h"), "{status}");
    let inspected = ask(&["journal", "inspect"]);
    assert!(inspected.contains("import"), "{inspected}");
    ask(&["journal", "verify"]);
    let letters = ask(&["dead-letters", "list"]);
    assert!(!letters.contains("error"), "{letters}");
    // A day with rows and one without.
    for day in [days_ago(1), days_ago(99)] {
        let repaired = ask(&["repair", "rollup", &day]);
        assert!(repaired.contains("was right") && !repaired.contains("put right"), "{repaired}");
    }
    let expired = run(folder.path(), &addresses, &["repair", "rollup", "2001-01-01"]);
    let error = String::from_utf8_lossy(&expired.stderr).into_owned();
    assert!(!expired.status.success() && error.contains("have expired"), "{error}");
    serve.stop();

    // What it was started with is known when nobody says it again.
    let other = command(folder.path(), &addresses)
        .env("TRIBUTARY_JOURNAL_KEEP_HOURS", "7")
        .arg("status")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&other.stdout).into_owned();
    assert!(!other.status.success(), "nothing runs: {text}");
    assert!(text.contains("segments 24 h") && text.contains("DOWN"), "{text}");
}

#[test]
fn demo_goes_on_where_it_was_and_begins_anew_only_when_told() {
    let folder = folder();
    let addresses = free_addresses();
    // Almost nothing is played, so that what is imported is what is counted.
    let demo = ["demo", "--per-second", "0.001"];
    let clicks = || {
        // The audit is clean while an import is still read: what is left to read says when it is over.
        until("everything is decided", || {
            let status = said(folder.path(), &addresses, &["status"]);
            let lag = status.lines().find(|line| line.starts_with("lag ")).unwrap_or_default();
            lag.contains(" B of journal") && lag.contains(" 0 blocks")
        });
        until("the audit is clean", || run(folder.path(), &addresses, &["audit"]).status.success());
        let status = said(folder.path(), &addresses, &["status"]);
        let line = status.lines().find(|line| line.starts_with("clicks ")).unwrap().to_owned();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let journals = || {
        let text = said(folder.path(), &addresses, &["journal", "inspect"]);
        text.matches("import").count()
    };

    let first = Serve::start_as(folder.path(), addresses, &demo);
    let (counted, imports) = (clicks(), journals());
    assert!(counted > 4000, "{counted}");
    let token = first.token(folder.path());
    let knows =
        |serve: &Serve| serve.asked_as(&token, "/api/v1/auth/user/").starts_with("HTTP/1.1 200");
    assert!(knows(&first));
    first.stop();

    let second = Serve::start_as(folder.path(), addresses, &demo);
    assert!(knows(&second), "the same installation");
    let again = clicks();
    assert!(
        (counted..counted + 10).contains(&again),
        "{counted} clicks were imported, now {again}"
    );
    assert_eq!(journals(), imports);
    second.stop();

    let mut refused = command(folder.path(), &addresses);
    refused.args(["demo", "--reset"]).env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing");
    let refused = refused.output().unwrap();
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!((refused.status.code(), error.lines().count()), (Some(1), 1), "{error}");
    assert!(error.contains("--reset") && folder.path().join("keys").exists(), "{error}");

    let third =
        Serve::start_as(folder.path(), addresses, &["demo", "--reset", "--per-second", "0.001"]);
    assert!(!knows(&third), "an installation of its own");
    assert!(clicks() >= counted - 10);
    third.stop();
}
