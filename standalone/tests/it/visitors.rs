//! `tributary visitor forget` as a person calls it on an installation that runs.

use std::path::Path;
use std::process::Output;

use crate::harness::{folder, free_addresses, until};
use crate::serve::{Serve, command};

const LOG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../load-tests/data/access.log.gz");

/// The API's answer, to who may read everything.
fn asked(serve: &Serve, token: &str, path: &str) -> serde_json::Value {
    let answer = serve.asked_as(token, path);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    serde_json::from_str(&body[body.find('{').unwrap()..=body.rfind('}').unwrap()]).unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_visitor_is_forgotten_by_a_click_id_of_the_api_and_no_number_changes() {
    let folder = folder();
    let data: &Path = folder.path();
    let serve = Serve::start_as(data, free_addresses(), &["serve"]);
    let addresses = serve.addresses;
    let token = serve.token(data);
    let run = |arguments: &[&str]| command(data, &addresses).args(arguments).output().unwrap();
    assert!(run(&["import", "access-log", LOG, "--create-links"]).status.success());
    until("everything is decided", || {
        let status = text(&run(&["status"]));
        let lag = status.lines().find(|line| line.starts_with("lag ")).unwrap_or_default();
        lag.contains(" 0 blocks") && run(&["audit"]).status.success()
    });
    let stats = "/api/v1/affiliate/stats/?group_by=country,outcome";
    let before = asked(&serve, &token, stats);
    let click = asked(&serve, &token, "/api/v1/affiliate/clicks/?limit=1");
    let id = click["data"][0]["id"].as_str().unwrap_or_else(|| panic!("{click}"));

    let forget = |more: &[&str]| run(&[&["visitor", "forget"], more].concat());
    let unsaid = forget(&[id]);
    assert!(!unsaid.status.success() && text(&unsaid).contains("--why"), "{}", text(&unsaid));
    let dry = text(&forget(&[id, "--dry-run"]));
    assert!(dry.contains("rows would be emptied: visitor, address"), "{dry}");
    let other = forget(&[id, "--site", "site_2", "--dry-run"]);
    assert!(text(&other).contains("not one of site_2"), "{}", text(&other));
    let foreign = forget(&[&"A".repeat(36), "--why", "request 1"]);
    assert!(!foreign.status.success(), "{}", text(&foreign));
    assert!(text(&foreign).contains("nothing was changed"), "{}", text(&foreign));

    let done = forget(&[id, "--why", "request 1", "--json"]);
    let done: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    let clicks = done["emptied"].as_array().unwrap().iter().find(|one| one["table"] == "clicks");
    assert!(clicks.unwrap()["rows"].as_u64().unwrap() > 0, "{done}");
    let again = forget(&[id, "--why", "request 1"]);
    assert!(text(&again).contains("nothing is left"), "{}", text(&again));
    let mut after = asked(&serve, &token, stats);
    after["as_of"] = before["as_of"].clone();
    assert_eq!(after["data"], before["data"]);
    assert!(run(&["audit"]).status.success());
    serve.stop();
    let stopped = forget(&[id, "--why", "request 1"]);
    assert!(!stopped.status.success(), "{}", text(&stopped));
    assert!(text(&stopped).contains("tributary serve"), "{}", text(&stopped));
}
