//! What is refused leaves a line in the log: of whom, from where, of what, and no secret (ASVS 16.2.5, 16.3.2, 16.3.3).

use axum::{body::Body, http::header};
use serde_json::Value;
use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use crate::{
    browser::form,
    world::{PASSWORD, TOKEN, World, request},
};

/// What was logged.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// As `TRIBUTARY_LOG=json` writes them.
    fn keep(&self) -> tracing::subscriber::DefaultGuard {
        let lines = self.clone();
        let to = tracing_subscriber::fmt().json().with_writer(move || lines.clone());
        tracing::subscriber::set_default(to.finish())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The refusals: code, route, user.
    fn refused(&self) -> Vec<(String, String, Value)> {
        let lines: Vec<Value> =
            self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let refused = lines.iter().filter(|line| line["fields"]["message"] == "refused");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        refused
            .map(|line| {
                let fields = &line["fields"];
                assert!(text(&fields["id"]).starts_with("req_"), "{line}");
                (text(&fields["code"]), text(&fields["route"]), fields["user"].clone())
            })
            .collect()
    }
}

#[tokio::test]
async fn a_refusal_says_who_from_where_and_what_and_no_secret() {
    let world = World::new().await;
    world.user(2, "ben", (1, "affiliate")).await;
    let ben = world.session(2, ("localhost", 1)).await;
    let lines = Lines::default();
    let _kept = lines.keep();
    world.open_as(&ben, "/affiliate/affiliates/?q=canary-in-an-address").await;
    let forged = format!("Bearer {}x", &TOKEN[..46]);
    let asked = request("GET", "/api/v1/affiliate/links/lnk_1/").header("authorization", &forged);
    world.send(asked.body(Body::empty()).unwrap()).await;
    let asked = axum::http::Request::get("/health").header(header::HOST, "evil.example");
    world.send(asked.body(Body::empty()).unwrap()).await;
    let asked = request("POST", "/accounts/login/")
        .header("sec-fetch-site", "cross-site")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let fields = form(&[("login", "ben"), ("password", PASSWORD)]);
    world.send(asked.body(Body::from(fields)).unwrap()).await;
    let refused = lines.refused();
    let refused: Vec<(&str, &str, &Value)> =
        refused.iter().map(|(code, route, user)| (&**code, &**route, user)).collect();
    assert_eq!(refused[0], ("forbidden", "/affiliate/affiliates/", &Value::from(2)));
    assert_eq!(refused[1], ("invalid_token", "/api/v1/affiliate/links/{id}/", &Value::Null));
    assert_eq!(refused[2].0, "misdirected");
    assert_eq!(refused[3].0, "cross_site");
    assert_eq!(refused.len(), 4, "{refused:?}");
    let text = lines.text();
    assert!(text.contains("\"network\":\"0.0.0.0/24\""), "{text}");
    let secret = ben.split_once('=').unwrap().1;
    for never in ["canary", &TOKEN[4..46], secret, PASSWORD, "plum+kettle", "evil.example"] {
        assert!(!text.contains(never), "{never}: {text}");
    }
}

#[tokio::test]
async fn a_line_break_in_an_error_begins_no_line() {
    let lines = Lines::default();
    let _kept = lines.keep();
    let words = "one\nlevel=ERROR message=\"made up\"\r\n\u{1b}[2J";
    tracing::warn!(error = words, "what somebody sent");
    assert_eq!(lines.text().lines().count(), 1);
    let line: Value = serde_json::from_str(&lines.text()).unwrap();
    assert_eq!(line["fields"]["error"], words);
}
