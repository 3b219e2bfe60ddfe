//! Other houses that say who somebody is: any OpenID Connect issuer (Google, …), and GitHub.
//!
//! Which ones, a file says that whoever runs the machine writes. Refuses redirects, long answers and slow ones: what
//! comes from there is believed only as far as it is signed or was asked for over TLS.

mod github;
mod openid;

use anyhow::Context;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::Value;
use std::{future::Future, path::Path, pin::Pin, sync::Arc, time::Duration};
use url::Url;

use crate::error::Error;

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// An answer has at most so many bytes.
const LONGEST: usize = 512 * 1024;

/// A house, as the file says.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    /// In URLs and in the table of identities: a-z, 0-9, -.
    name: String,
    /// As people read it.
    label: String,
    /// Of an OpenID Connect house: where its configuration is found.
    issuer: Option<String>,
    /// Of a GitHub (Enterprise) server: its address; `https://github.com`.
    github: Option<Url>,
    client_id: String,
    client_secret: String,
}

/// One of them.
#[derive(Debug, Clone)]
pub struct Provider {
    /// In URLs and in the table of identities.
    pub name: String,
    /// As people read it.
    pub label: String,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    OpenId(Arc<openid::OpenId>),
    GitHub(Arc<github::GitHub>),
}

/// What a house says of somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Who it is there, for ever.
    pub subject: String,
    /// Their address, where the house has confirmed it.
    pub email: Option<String>,
    /// As they call themselves; may be empty.
    pub name: String,
}

/// A sign-in that was begun there.
#[derive(Debug, Clone)]
pub struct Begun {
    /// Where the browser goes.
    pub url: Url,
    /// What has to come back with it.
    pub state: String,
    /// What is kept for the end of it.
    pub kept: Value,
}

/// The houses of this installation. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Providers(Arc<[Provider]>);

impl Providers {
    /// As a file says; none without one.
    ///
    /// # Errors
    /// A file that cannot be read, with what is wrong.
    pub fn load(file: Option<&Path>) -> anyhow::Result<Self> {
        let Some(file) = file else { return Ok(Self::default()) };
        let place = file.display().to_string();
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {place}"))?;
        Self::parse(&text).with_context(|| format!("{place} cannot be used"))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let told: Vec<Told> = serde_json::from_str(text)?;
        let http = Http::new()?;
        let mut all: Vec<Provider> = Vec::new();
        for one in told {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            let name = one.name.clone();
            anyhow::ensure!(
                (1..=40).contains(&name.len()) && name.bytes().all(plain),
                "the name `{name}` is not of a-z, 0-9 and -"
            );
            anyhow::ensure!(all.iter().all(|known| known.name != name), "`{name}` stands twice");
            let kind = match (&one.issuer, &one.github) {
                (Some(issuer), None) => {
                    let client = (one.client_id.clone(), one.client_secret.clone());
                    Kind::OpenId(Arc::new(openid::OpenId::new(issuer, client, http.clone())?))
                }
                (None, Some(server)) => {
                    let client = (one.client_id.clone(), one.client_secret.clone());
                    Kind::GitHub(Arc::new(github::GitHub::new(server, client, http.clone())?))
                }
                _ => anyhow::bail!("`{name}` needs either `issuer` or `github`"),
            };
            all.push(Provider { name, label: one.label, kind });
        }
        Ok(Self(all.into()))
    }

    /// All of them, in the file's order.
    pub fn all(&self) -> &[Provider] {
        &self.0
    }

    /// By name.
    pub fn find(&self, name: &str) -> Option<&Provider> {
        self.0.iter().find(|one| one.name == name)
    }
}

impl Provider {
    /// Begins a sign-in that comes back to `back`; one that proves something has to be of now (`now_s`).
    ///
    /// # Errors
    /// `Unreachable` when the house does not answer.
    pub async fn begin(&self, back: &str, proves_at: Option<i64>) -> Result<Begun, Error> {
        match &self.kind {
            Kind::OpenId(house) => house.begin(back, proves_at).await,
            Kind::GitHub(house) => house.begin(back),
        }
    }

    /// Whether it says when somebody signed in there: what it says else proves nothing of now.
    pub const fn proves(&self) -> bool {
        matches!(self.kind, Kind::OpenId(_))
    }

    /// Ends it: who came back with this code.
    ///
    /// # Errors
    /// `Unreachable` when the house does not answer, or says what cannot be believed.
    pub async fn end(&self, back: &str, code: &str, kept: &Value) -> Result<Claims, Error> {
        match &self.kind {
            Kind::OpenId(house) => house.end(back, code, kept).await,
            Kind::GitHub(house) => house.end(back, code, kept).await,
        }
    }

    /// What `iss` says where the house says it; another one is a mix-up (RFC 9207).
    pub fn is_issuer(&self, iss: &str) -> bool {
        match &self.kind {
            Kind::OpenId(house) => house.issuer() == iss,
            Kind::GitHub(_) => true,
        }
    }
}

/// What asks.
#[derive(Debug, Clone)]
struct Http(reqwest::Client);

/// Why there is no answer that can be used. Says nothing of what was sent.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("no answer: {0}")]
    Http(#[from] reqwest::Error),
    #[error("an answer that is too long")]
    TooLong,
    #[error("an answer that is none: {0}")]
    Answer(#[from] openidconnect::http::Error),
}

impl Http {
    fn new() -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            // A house that sends us elsewhere could send us into our own network.
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .user_agent("Tributary")
            .build()?;
        Ok(Self(client))
    }

    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, Failed> {
        let (parts, body) = request.into_parts();
        let asked = self.0.request(parts.method, parts.uri.to_string()).headers(parts.headers);
        let mut answer = asked.body(body).send().await?;
        let mut whole = openidconnect::http::Response::builder().status(answer.status());
        if let Some(headers) = whole.headers_mut() {
            *headers = answer.headers().clone();
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if bytes.len() + chunk.len() > LONGEST {
                return Err(Failed::TooLong);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(whole.body(bytes)?)
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = Failed;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Failed>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}

/// What went wrong there, for the log and for nobody else.
fn failed(what: &str, error: impl std::fmt::Display) -> Error {
    tracing::warn!(%error, "signing in elsewhere: {what}");
    Error::Unreachable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_houses_or_says_what_is_wrong() {
        let file = |rest: &str| {
            format!(
                r#"[{{"name": "one", "label": "One", "client_id": "a", "client_secret": "b"{rest}}}]"#
            )
        };
        for good in
            [r#", "issuer": "https://accounts.example""#, r#", "github": "https://github.com""#]
        {
            let providers = Providers::parse(&file(good)).unwrap();
            assert_eq!(providers.find("one").unwrap().label, "One");
            assert!(providers.find("two").is_none());
        }
        for (bad, says) in [
            ("", "needs either"),
            (r#", "issuer": "https://a.example", "github": "https://github.com""#, "needs either"),
            (r#", "issuer": "http://accounts.example""#, "https"),
            (r#", "issuer": "no address""#, "address"),
            (r#", "scopes": []"#, "unknown field"),
        ] {
            let error = format!("{:#}", Providers::parse(&file(bad)).unwrap_err());
            assert!(error.contains(says), "{bad}: {error}");
        }
        assert!(
            Providers::parse(
                &file(r#", "issuer": "https://a.example""#).replace("\"one\"", "\"One!\"")
            )
            .is_err()
        );
        assert!(Providers::load(None).unwrap().all().is_empty());
    }
}
