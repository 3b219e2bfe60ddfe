//! What the pages in `docs/` say, held against the code: a number that is changed in one of them alone fails.

use api::{
    accounts::{
        password::{LEAST, MOST_BYTES, OURS, Weak},
        session::{IDLE, IDLE_ADMIN, WHOLE, WHOLE_ADMIN},
    },
    limits::RULES,
};
use chrono::TimeDelta;
use std::collections::BTreeSet;

use crate::promises::sources;

fn read(path: &str) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    std::fs::read_to_string(format!("{root}/{path}")).unwrap()
}

/// As people write it: `1 minute`, `12 hours`, `14 days`.
fn time(delta: TimeDelta) -> String {
    let (count, unit) = match (delta.num_days(), delta.num_hours(), delta.num_minutes()) {
        (days @ 2.., ..) => (days, "day"),
        (_, hours @ 1.., _) => (hours, "hour"),
        (.., minutes) => (minutes, "minute"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[test]
fn the_page_names_every_limit_as_it_is() {
    let page = read("docs/accounts.md");
    for rule in RULES {
        let per = time(TimeDelta::milliseconds(rule.per_ms));
        let line = format!("| `{}` | {} in {per} |", rule.name, rule.burst);
        assert!(page.contains(&line), "{line}");
    }
    assert!(page.contains("TRIBUTARY_LIMITS") && page.contains("Nobody is locked out"));
}

#[test]
fn the_page_names_every_word_that_is_no_password() {
    let page = read("docs/accounts.md");
    for word in OURS {
        assert!(page.contains(&format!("`{word}`")), "{word}");
    }
    assert!(LEAST == 12 && page.contains("Twelve characters"));
    assert!(page.contains(&format!("{MOST_BYTES} bytes")));
}

/// The addresses in the body of a function of the sources.
fn addresses(path: &str, function: &str) -> Vec<String> {
    let text = read(path);
    let body =
        text.split(&format!("fn {function}(")).nth(1).unwrap().split("\n}\n").next().unwrap();
    let found =
        body.split(".route(").skip(1).map(|part| part.split('"').nth(1).unwrap().to_owned());
    found.collect()
}

#[test]
fn every_way_in_stands_on_the_page() {
    let page = read("docs/accounts.md");
    let mut open = addresses("api/src/pages/accounts.rs", "open_routes");
    let programs = addresses("api/src/routes.rs", "auth_api").into_iter();
    // What asks for somebody who is in already lets nobody in.
    let own = ["logout", "user", "sessions"].map(|name| format!("/api/v1/auth/{name}/"));
    open.extend(programs.filter(|path| !own.iter().any(|own| path.starts_with(own.as_str()))));
    assert!(open.len() > 15, "{open:?}");
    for path in open {
        assert!(page.contains(&format!("`{path}`")), "{path}");
    }
    assert!(page.contains("**Why not everybody** (ASVS 6.3.3)"));
}

#[test]
fn the_page_names_how_long_sessions_last() {
    let page = read("docs/accounts.md");
    for (who, idle, whole) in [("admin", IDLE_ADMIN, WHOLE_ADMIN), ("everybody else", IDLE, WHOLE)]
    {
        let line = format!("| {who} | {} | {} |", time(idle), time(whole));
        assert!(page.contains(&line), "{line}");
    }
    for says in ["as many sessions as they like", "no single sign-out", "NIST SP 800-63B-4"] {
        assert!(page.contains(says), "{says}");
    }
}

/// The words of errors at fields, as the sources write them.
fn codes_of_fields() -> BTreeSet<String> {
    let weak = [Weak::Short, Weak::Long, Weak::Nul, Weak::Guessable];
    let mut found: BTreeSet<String> = weak.map(|weak| weak.code().to_owned()).into();
    for (_, text) in sources("api/src") {
        let ours = text.split("#[cfg(test)]").next().unwrap();
        for begins in ["Field::new(", "Error::field(", "errors.add(", "Wrong::one(", "wrong(\""] {
            for part in ours.split(begins).skip(1) {
                // The second thing that is given, where it stands as a word.
                let second = part.split_once(',').and_then(|(_, rest)| {
                    rest.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next())
                });
                let is_word =
                    |text: &&str| text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
                found.extend(second.filter(is_word).map(str::to_owned));
            }
        }
    }
    found
}

#[test]
fn every_code_of_a_field_is_explained() {
    let page = read("docs/fields.md");
    let codes = codes_of_fields();
    assert!(codes.len() > 30, "{codes:?}");
    for code in codes {
        assert!(page.contains(&format!("| `{code}` |")), "{code}");
    }
}

/// What is used for secrets, hashes and sums, by us or by what we might take next.
const CRYPTOGRAPHY: [&str; 46] = [
    "aead",
    "aes",
    "aes-gcm",
    "aes-gcm-siv",
    "aes-siv",
    "argon2",
    "aws-lc-rs",
    "bcrypt",
    "blake2",
    "blake3",
    "bloomfilter",
    "cbc",
    "chacha20",
    "chacha20poly1305",
    "cityhash-rs",
    "crc32c",
    "crc32fast",
    "ctr",
    "des",
    "ecb",
    "ed25519-dalek",
    "getrandom",
    "hkdf",
    "hmac",
    "jsonwebtoken",
    "lettre",
    "md-5",
    "md5",
    "openidconnect",
    "openssl",
    "pbkdf2",
    "rand",
    "rc4",
    "rdkafka",
    "reqwest",
    "ring",
    "rsa",
    "rustls",
    "scrypt",
    "sha1",
    "sha2",
    "siphasher",
    "subtle",
    "totp-rs",
    "webauthn-rs",
    "xxhash-rust",
];

/// Of what a crate of ours is made, tests aside.
fn dependencies(folder: &str) -> Vec<String> {
    let manifest = read(&format!("{folder}/Cargo.toml"));
    let ours = manifest.split("\n[dependencies]\n").nth(1).unwrap_or_default();
    let ours = ours.split("\n[").next().unwrap().lines();
    ours.filter_map(|line| Some(line.split(['.', ' ', '=']).next()?.to_owned())).collect()
}

#[test]
fn only_listed_algorithms_are_used() {
    let page = read("docs/crypto.md");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let is_listed = |name: &str| {
        let name = format!("`{name}`");
        rows.iter().any(|row| row.split('|').nth(1).is_some_and(|cell| cell.contains(&name)))
    };
    let services = ["api", "collector", "processor", "journal", "schemas", "kafka"];
    for folder in services.into_iter().chain(["migrations", "standalone"]) {
        for name in dependencies(folder) {
            let may = !CRYPTOGRAPHY.contains(&name.as_str()) || is_listed(&name);
            assert!(may, "{folder} uses {name}, which docs/crypto.md does not name");
        }
        // No mode and no padding that ASVS 11.3.1 names; and AES in one place alone.
        for (path, text) in sources(&format!("{folder}/src")) {
            for never in ["ecb::", "cbc::", "Pkcs1v15Encrypt", "NoPadding"] {
                assert!(!text.contains(never), "{}: {never}", path.display());
            }
            let is_click_id = path.ends_with("schemas/src/click_id.rs");
            assert!(is_click_id || !text.contains("use aes::"), "{}", path.display());
        }
    }
    assert!(dependencies("schemas").contains(&"aes".to_owned()));
}

#[test]
fn security_says_by_when_libraries_are_mended() {
    let page = read("SECURITY.md");
    for says in ["## Libraries", "within 3 days", "within 14 days", "within 90 days"] {
        assert!(page.contains(says), "{says}");
    }
}
