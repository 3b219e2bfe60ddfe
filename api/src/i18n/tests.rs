//! The two languages say the same things, and write numbers as their readers do.

use super::*;
use chrono::{DateTime, NaiveDate};
use fluent_bundle::FluentResource;
use std::collections::{BTreeMap, BTreeSet};

/// Keys of a file, each with the variables its message uses.
fn messages(source: &str) -> BTreeMap<String, BTreeSet<String>> {
    let resource = FluentResource::try_new(source.to_owned()).map_err(|(_, errors)| errors);
    assert!(resource.is_ok(), "a message cannot be read: {:?}", resource.err());
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut key = String::new();
    for line in source.lines() {
        if let Some((name, _)) =
            line.split_once(" =").filter(|_| line.starts_with(char::is_alphabetic))
        {
            key = name.to_owned();
            assert!(found.insert(key.clone(), BTreeSet::new()).is_none(), "{key} stands twice");
        }
        for part in line.split('$').skip(1) {
            let name: String =
                part.chars().take_while(|c| c.is_alphanumeric() || *c == '-').collect();
            found.entry(key.clone()).or_default().insert(name);
        }
    }
    found
}

#[test]
fn both_languages_have_the_same_keys_with_the_same_variables() {
    let (en, fr) = (messages(EN), messages(FR));
    let keys = |map: &BTreeMap<String, _>| map.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(keys(&messages(COUNTRIES_EN)), keys(&messages(COUNTRIES_FR)));
    let (en_keys, fr_keys) = (keys(&en), keys(&fr));
    assert_eq!(
        en_keys.difference(&fr_keys).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "not in fr"
    );
    assert_eq!(
        fr_keys.difference(&en_keys).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "not in en"
    );
    for (key, variables) in &en {
        assert_eq!(variables, &fr[key], "{key}");
    }
}

/// French sets a narrow no-break space before `; ! ?` and `%`, a no-break space before `:` and `»`.
#[test]
fn french_punctuation_has_its_spaces() {
    for line in FR.lines().filter(|line| !line.starts_with('#')) {
        let text = line.split_once(" = ").map_or(line, |(_, text)| text);
        // An address keeps its own marks.
        let words = text.split(' ').filter(|word| !word.starts_with("http"));
        let words = words.collect::<Vec<_>>().join(" ");
        for mark in [" :", " ;", " !", " ?", " %", " »", "« "] {
            assert!(!words.contains(mark), "a plain space can break before `{mark}`: {line}");
        }
        let letters: Vec<char> = words.chars().collect();
        for pair in letters.windows(2).filter(|pair| ":;!?".contains(pair[1])) {
            assert!("\u{a0}\u{202f}&".contains(pair[0]), "no space before {}: {line}", pair[1]);
        }
    }
}

#[test]
fn numbers_are_written_as_their_readers_write_them() {
    let (en, fr) = (Text::new(Lang::En), Text::new(Lang::Fr));
    assert_eq!(en.number(1_234_567), "1,234,567");
    assert_eq!(fr.number(-1_234_567), "−1\u{202f}234\u{202f}567");
    assert_eq!(en.money(1_234_560_000, "EUR").to_string(), "€1,234.56");
    assert_eq!(fr.money(1_234_560_000, "EUR").to_string(), "1\u{202f}234,56\u{a0}€");
    assert_eq!(en.money(-12_340_000, "CHF").to_string(), "−12.34\u{a0}CHF");
    assert_eq!(en.money(-12_340_000, "EUR").to_string(), "−€12.34");
    assert_eq!(en.money(1_250_000, "JPY").to_string(), "¥125");
    assert_eq!(en.share(1, 8), "12.5%");
    assert_eq!(fr.share(1, 8), "12,5\u{202f}%");
    assert_eq!(fr.share(1, 0), "–");
    assert_eq!(en.duration(7_384_000), "2\u{a0}h 3\u{a0}min");
    assert_eq!(fr.duration(2 * 86_400_000), "2\u{a0}j");
    assert_eq!(en.duration(820), "820\u{a0}ms");
}

#[test]
fn days_are_written_as_their_readers_write_them() {
    let (en, fr) = (Text::new(Lang::En), Text::new(Lang::Fr));
    let day = NaiveDate::from_ymd_opt(2026, 2, 1).unwrap();
    assert_eq!(en.day(day), "1\u{a0}Feb\u{a0}2026");
    assert_eq!(fr.day(day), "1er\u{a0}févr.\u{a0}2026");
    assert_eq!(fr.short_day(day), "1er\u{a0}févr.");
    let at = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
    let zone = chrono_tz::Europe::Paris;
    assert_eq!(fr.moment(at, zone), "18\u{a0}nov.\u{a0}2026 à\u{a0}12:06");
    // Until when: the hour, or the whole day where it is another one.
    let next_day = at + chrono::TimeDelta::hours(12);
    assert_eq!(en.until(at, at, zone), "12:06:40");
    assert_eq!(fr.until(at, at, zone), "à\u{a0}12:06:40");
    assert_eq!(en.until(at, next_day, zone), "18\u{a0}Nov\u{a0}2026, 12:06");
    assert_eq!(fr.until(at, next_day, zone), "au\u{a0}18\u{a0}nov.\u{a0}2026 à\u{a0}12:06");
}

#[test]
fn french_counts_zero_as_one() {
    let fr = Text::new(Lang::Fr);
    assert_eq!(fr.plural("clicks-counted", 0), "0 clic");
    assert_eq!(fr.plural("clicks-counted", 2), "2 clics");
    assert_eq!(Text::new(Lang::En).plural("clicks-counted", 0), "0 clicks");
}

/// Every key a template or a page says is written, and every key written is said.
#[test]
fn every_key_said_is_written() {
    let sources = crate::pages::sources();
    let keys = messages(EN);
    let mut said = BTreeSet::new();
    for (path, source) in &sources {
        for part in source.split(['"', '\n']) {
            if keys.contains_key(part) {
                said.insert(part.to_owned());
            }
        }
        for call in ["say(\"", "say1(\"", "say_all(\"", "plural(\""] {
            for part in source.split(call).skip(1) {
                let key = part.split('"').next().unwrap_or_default();
                assert!(keys.contains_key(key), "{path} says `{key}`, which is not written");
            }
        }
    }
    // Families are said by a stored word; every word of a closed list has its own.
    let mut worded = BTreeSet::new();
    for (family, words) in families() {
        for word in words {
            let key = format!("{family}-{}", word.replace('_', "-"));
            assert!(keys.contains_key(&key), "no words for {key}");
            worded.insert(key);
        }
    }
    // Devices come from a library, codes of errors from many places, acts from the pages' addresses.
    let open = ["device-", "problem-", "done-", "start-", "told-", "state-", "provider-"];
    let unsaid: Vec<_> = keys
        .keys()
        .filter(|key| !said.contains(*key) && !worded.contains(*key))
        .filter(|key| !open.iter().any(|family| key.starts_with(family)))
        .collect();
    assert!(unsaid.is_empty(), "written and never said: {unsaid:?}");
}

/// The closed lists, each under the family of its words.
fn families() -> Vec<(&'static str, Vec<String>)> {
    use crate::{
        accounts::role::Role,
        mail::letters,
        params::range::NAMES,
        queries::{accounts::events, commissions, conversions, stats::Dimension},
    };
    use schemas::{
        reason::{Invalid, Refusal},
        status::Via,
    };
    let plain = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    vec![
        ("admission", plain(&["open", "approval", "invitation"])),
        ("join", plain(&["open", "approval", "invitation"])),
        ("joined", plain(&["pending", "approved", "rejected"])),
        ("month", (1..=12).map(|n| n.to_string()).collect()),
        ("reason", Invalid::ALL.iter().map(|it| it.name().to_owned()).collect()),
        ("refusal", Refusal::ALL.iter().map(|it| it.name().to_owned()).collect()),
        ("dim", Dimension::all().map(|it| it.name().to_owned()).collect()),
        ("via", (1..).map_while(Via::from_code).map(|it| it.name().to_owned()).collect()),
        ("state", plain(&conversions::STATUSES)),
        ("state", plain(&commissions::STATUSES)),
        ("preset", plain(&NAMES)),
        ("compare", plain(&["previous", "year", "none"])),
        ("mail", letters::KEYS.iter().map(|key| format!("{key}-subject")).collect()),
        ("mail", letters::KEYS.iter().map(|key| format!("{key}-text")).collect()),
        ("audit", plain(&["insert", "update", "delete"])),
        (
            "thing",
            plain(&[
                "affiliate_affiliate",
                "affiliate_program",
                "affiliate_plan",
                "affiliate_affiliatelink",
                "whitelabel_whitelabelsite",
                "accounts_membership",
                "accounts_invitation",
            ]),
        ),
        ("event", plain(&events::KINDS)),
        ("role", Role::ALL.iter().map(|it| it.name().to_owned()).collect()),
        ("pays", plain(&["percent", "flat", "none"])),
    ]
}
