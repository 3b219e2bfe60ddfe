//! What a browser does with answers and letters: forms, cookies, links, codes.

use axum::http::header;

use crate::world::{Answer, World};

/// Fields as a form sends them.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// A cookie that an answer sets, as `name=value`; `None` where it sets none or takes it away.
pub(crate) fn cookie(answer: &Answer, name: &str) -> Option<String> {
    let set =
        answer.headers.get_all(header::SET_COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut values =
        set.filter_map(|line| line.split(';').next()?.strip_prefix(name)?.strip_prefix('='));
    values.find(|value| !value.is_empty()).map(|value| format!("{name}={value}"))
}

/// The path of the link in a letter.
pub(crate) fn link(letter: &str) -> String {
    let url = letter
        .split_whitespace()
        .find(|word| word.starts_with("http://localhost:8080/accounts/"))
        .unwrap();
    url.strip_prefix("http://localhost:8080").unwrap().to_owned()
}

/// The secret in a letter's link.
pub(crate) fn token(letter: &str) -> String {
    link(letter).split("token=").nth(1).unwrap().to_owned()
}

/// The code to type in a letter.
pub(crate) fn code(letter: &str) -> String {
    letter
        .lines()
        .map(str::trim)
        .find(|line| line.len() == 9 && line.as_bytes()[4] == b'-')
        .unwrap()
        .to_owned()
}

/// Limits of mail are by the minute.
pub(crate) fn later(world: &World) {
    world.app.limits.forget();
}
