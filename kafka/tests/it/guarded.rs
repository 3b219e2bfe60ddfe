//! Getting in: a real broker that takes nothing but TLS and a password.

use clap::Parser;
use kafka::{
    Config, Error, Layout, check, create,
    local::{guard::Guard, jars},
};
use std::{fs, path::Path, time::Duration};

const LIMIT: Duration = Duration::from_secs(30);
/// For those that do not get in: their client goes on trying until then.
const SHORT: Duration = Duration::from_secs(3);
const LAYOUT: Layout = Layout { partitions: 2, copies: None, keep_hours: 1 };

#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    kafka: Config,
}

/// As whoever starts a process says it: the file of options is `text`.
fn config(folder: &Path, servers: &str, text: &str, more: &[&str]) -> Config {
    let file = folder.join("options");
    fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    let base = ["program", "--kafka", servers, "--kafka-options", file];
    Arguments::try_parse_from([&base, more].concat()).unwrap().kafka
}

fn lines(settings: &[(&str, String)]) -> String {
    settings.iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}

#[tokio::test]
async fn the_right_password_and_authority_get_in_and_others_are_told_what_to_look_at() {
    let folder = tempfile::tempdir().unwrap();
    let guard = Guard::make(folder.path(), "tributary", "right-one").unwrap();
    let cluster = guard.start(&jars(), folder.path()).unwrap();
    let servers = cluster.config().servers.join(",");
    let right = lines(&guard.settings());
    let asked = |text: &str, more: &[&str], limit| {
        check(&config(folder.path(), &servers, text, more), LAYOUT.partitions, limit)
    };

    // By the admin client too.
    create(&config(folder.path(), &servers, &right, &[]), LAYOUT, LIMIT).await.unwrap();
    asked(&right, &[], LIMIT).unwrap();
    let plain = right.replace("SCRAM-SHA-512", "PLAIN");
    asked(&plain, &[], LIMIT).unwrap();

    let stranger = folder.path().join("stranger");
    fs::create_dir(&stranger).unwrap();
    let stranger = Guard::make(&stranger, "x", "x").unwrap().authority;
    let own = guard.authority.to_str().unwrap();
    for (text, why) in [
        (right.replace("right-one", "wrong-one"), "Authentication failed"),
        (plain.replace("right-one", "wrong-one"), "Authentication failed"),
        (right.replace("=tributary", "=nobody"), "Authentication failed"),
        (right.replace(own, stranger.to_str().unwrap()), "certificate verify failed"),
    ] {
        let said = asked(&text, &[], SHORT).unwrap_err();
        assert!(matches!(said, Error::Refused { .. }), "{said}");
        let said = said.to_string();
        for words in [why, &servers, "TRIBUTARY_KAFKA_OPTIONS"] {
            assert!(said.contains(words), "{words}: {said}");
        }
        assert!(!said.contains("wrong-one") && !said.contains("right-one"), "{said}");
    }

    // Without TLS nobody answers; what the client says about it is not lost.
    let said = asked("", &[], SHORT).unwrap_err();
    assert!(matches!(said, Error::Away { .. }), "{said}");
    assert!(said.to_string().contains("security.protocol"), "{said}");
}

#[test]
fn options_that_librdkafka_does_not_know_or_cannot_use_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let asked =
        |text: &str| check(&config(folder.path(), "127.0.0.1:1", text, &[]), 1, SHORT).unwrap_err();
    let said = asked("sasl.pasword=hunter2\n");
    assert!(matches!(&said, Error::Option { name, .. } if name == "sasl.pasword"), "{said}");
    assert!(!said.to_string().contains("hunter2"), "{said}");
    let said = asked("security.protocol=carrier-pigeon\n");
    assert!(matches!(&said, Error::Option { name, .. } if name == "security.protocol"), "{said}");
    let said = asked("security.protocol=ssl\nssl.ca.location=/nowhere.pem\n");
    assert!(matches!(&said, Error::Unfit(why) if why.contains("ssl.ca.location")), "{said}");
    let said = asked("security.protocol=sasl_ssl\nsasl.mechanism=GSSAPI\n");
    assert!(matches!(&said, Error::Unfit(why) if why.contains("GSSAPI")), "{said}");
    let said = asked("acks=0\n").to_string();
    assert!(said.contains("acks") && said.contains("must not be lost"), "{said}");
}
