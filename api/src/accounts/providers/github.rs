//! GitHub, which speaks OAuth 2 and says by its API who came.

use openidconnect::{
    ClientId, ClientSecret, CsrfToken, HttpRequest, PkceCodeChallenge,
    http::{Method, Request, header},
};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::{Begun, Claims, Http, failed};
use crate::error::Error;

/// A server: github.com, or one of a company.
#[derive(Debug)]
pub(super) struct GitHub {
    authorize: Url,
    token: Url,
    api: String,
    id: ClientId,
    secret: ClientSecret,
    http: Http,
}

#[derive(Debug, Deserialize)]
struct User {
    id: u64,
    login: String,
    name: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Address {
    email: String,
    primary: bool,
    verified: bool,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

impl GitHub {
    pub(super) fn new(
        server: &Url,
        (id, secret): (String, String),
        http: Http,
    ) -> anyhow::Result<Self> {
        let local = server.host_str().is_some_and(|host| matches!(host, "localhost" | "127.0.0.1"));
        anyhow::ensure!(server.scheme() == "https" || local, "`github` has to be an https address");
        let api = match server.host_str() {
            Some("github.com") => "https://api.github.com".to_owned(),
            _ => server.join("/api/v3")?.to_string(),
        };
        Ok(Self {
            authorize: server.join("/login/oauth/authorize")?,
            token: server.join("/login/oauth/access_token")?,
            api,
            id: ClientId::new(id),
            secret: ClientSecret::new(secret),
            http,
        })
    }

    pub(super) fn begin(&self, back: &str) -> Result<Begun, Error> {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let state = CsrfToken::new_random();
        let mut url = self.authorize.clone();
        url.query_pairs_mut()
            .append_pair("client_id", &self.id)
            .append_pair("redirect_uri", back)
            .append_pair("scope", "read:user user:email")
            .append_pair("state", state.secret())
            .append_pair("code_challenge", challenge.as_str())
            .append_pair("code_challenge_method", "S256");
        let kept = json!({ "verifier": verifier.secret() });
        Ok(Begun { url, state: state.secret().clone(), kept })
    }

    pub(super) async fn end(&self, back: &str, code: &str, kept: &Value) -> Result<Claims, Error> {
        let token =
            self.exchange(back, code, kept["verifier"].as_str().unwrap_or_default()).await?;
        let user: User = self.get("/user", &token).await?;
        let addresses: Vec<Address> = self.get("/user/emails", &token).await?;
        let first = addresses.into_iter().find(|one| one.primary && one.verified);
        Ok(Claims {
            subject: user.id.to_string(),
            email: first.map(|one| one.email),
            name: user.name.filter(|name| !name.is_empty()).unwrap_or(user.login),
        })
    }

    async fn exchange(&self, back: &str, code: &str, verifier: &str) -> Result<String, Error> {
        let fields = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", &self.id)
            .append_pair("client_secret", self.secret.secret())
            .append_pair("code", code)
            .append_pair("redirect_uri", back)
            .append_pair("code_verifier", verifier)
            .finish();
        let request = Request::builder()
            .method(Method::POST)
            .uri(self.token.as_str())
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(fields.into_bytes());
        let told: Token = self.ask(request).await?;
        Ok(told.access_token)
    }

    async fn get<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        token: &str,
    ) -> Result<T, Error> {
        let request = Request::builder()
            .uri(format!("{}{path}", self.api))
            .header(header::ACCEPT, "application/vnd.github+json")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Vec::new());
        self.ask(request).await
    }

    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        request: openidconnect::http::Result<HttpRequest>,
    ) -> Result<T, Error> {
        let request = request.map_err(|error| failed("a question that is none", error))?;
        let answer = self.http.ask(request).await.map_err(|error| failed("no answer", error))?;
        if !answer.status().is_success() {
            return Err(failed("it refused", answer.status()));
        }
        // What it said may hold a token: it is not logged.
        serde_json::from_slice(answer.body()).map_err(|_| failed("an answer that is none", ""))
    }
}
