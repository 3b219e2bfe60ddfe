//! What a browser does with answers and letters: forms, cookies, links, codes.

use axum::{
    body::Body,
    http::{Request, header},
};

use crate::world::{Answer, World, request};

/// A page as a browser with a session's cookie asks for it.
pub(crate) fn asks(cookie: &str, path: &str) -> Request<Body> {
    let asked =
        request("GET", path).header(header::COOKIE, cookie).header(header::ACCEPT, "text/html");
    asked.body(Body::empty()).unwrap()
}

/// A form as a browser sends it from one of our own pages.
pub(crate) fn sends(cookie: &str, path: &str, form: &str) -> Request<Body> {
    let asked = request("POST", path)
        .header(header::COOKIE, cookie)
        .header(header::ACCEPT, "text/html")
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    asked.body(Body::from(form.to_owned())).unwrap()
}

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
