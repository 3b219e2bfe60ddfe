//! Tables of what is taken, refused, and never said.

use super::*;
use clap::Parser;

#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    options: Options,
}

fn parse(arguments: &[&str]) -> std::result::Result<Options, String> {
    let parsed = Arguments::try_parse_from([&["program"], arguments].concat());
    parsed.map(|arguments| arguments.options).map_err(|error| error.to_string())
}

fn file(text: &str) -> (tempfile::TempDir, Options) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("options");
    fs::write(&path, text).unwrap();
    (folder, Options { kafka_options: Some(path), ..Options::default() })
}

#[test]
fn settings_come_from_the_file_and_then_from_the_command_line() {
    let text = "# ours\n\n security.protocol = SASL_SSL\nsasl.password=a=b#c \nlinger.ms=1\n";
    let (_folder, mut options) = file(text);
    let more = parse(&["--kafka-option", "linger.ms=7", "--kafka-option", "client.rack=eu"]);
    options.kafka_option = more.unwrap().kafka_option;
    let all = options.all().unwrap();
    let all: Vec<(&str, &str)> =
        all.iter().map(|one| (one.name.as_str(), one.value.as_str())).collect();
    let expected = [
        ("security.protocol", "SASL_SSL"),
        ("sasl.password", "a=b#c"),
        ("linger.ms", "1"),
        ("linger.ms", "7"),
        ("client.rack", "eu"),
    ];
    assert_eq!(all, expected);
}

#[test]
fn what_correctness_depends_on_is_refused_by_name_with_a_reason() {
    for (why, names) in OURS {
        for name in names {
            let said = parse(&["--kafka-option", &format!("{name}=1")]).unwrap_err();
            assert!(said.contains(name) && said.contains(why), "{said}");
            let (_folder, options) = file(&format!("linger.ms=1\n{name}=1\n"));
            let said = options.all().unwrap_err().to_string();
            assert!(said.contains("line 2") && said.contains(name), "{said}");
        }
    }
}

#[test]
fn a_secret_on_the_command_line_is_refused_and_not_repeated() {
    for name in [
        "sasl.password",
        "ssl.key.password",
        "ssl.keystore.password",
        "ssl.key.pem",
        "sasl.oauthbearer.config",
        "sasl.oauthbearer.client.secret",
    ] {
        let setting = name.parse::<String>().unwrap() + "=hunter2";
        let said = not_secret(&setting).unwrap_err().to_string();
        assert!(said.contains(name) && said.contains("TRIBUTARY_KAFKA_OPTIONS"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
        assert!(setting.parse::<Setting>().is_ok(), "in a file it may stand");
        let told = unfit(name.to_owned(), "Invalid value \"hunter2\"".to_owned()).to_string();
        assert!(told.contains(name) && !told.contains("hunter2"), "{told}");
    }
    let setting: Setting = "sasl.password=hunter2".parse().unwrap();
    assert!(!format!("{setting:?}").contains("hunter2"));
}

#[test]
fn nonsense_is_told_by_its_line_and_not_repeated() {
    for text in ["hunter2", "=hunter2", "Sasl Password=hunter2", "sasl.password:hunter2"] {
        let (folder, options) = file(&format!("\n{text}\n"));
        let said = options.all().unwrap_err().to_string();
        assert!(said.contains("line 2") && !said.contains("hunter2"), "{said}");
        assert!(said.contains(folder.path().to_str().unwrap()), "{said}");
    }
    let nowhere = Options { kafka_options: Some("/nowhere/at/all".into()), ..Options::default() };
    assert!(nowhere.all().unwrap_err().to_string().contains("/nowhere/at/all"));
}
