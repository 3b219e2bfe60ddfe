//! An OpenID Connect house, by its issuer: code flow with PKCE, `state`, `nonce`, and a signed ID token
//! (OpenID Connect Core 1.0, 3.1; RFC 9700).

use anyhow::Context;
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, IssuerUrl, Nonce, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, Scope, TokenResponse,
    core::{
        CoreAuthPrompt, CoreAuthenticationFlow, CoreClient, CoreProviderMetadata, CoreTokenResponse,
    },
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

use super::{Begun, Claims, Http, failed};
use crate::error::Error;

/// How long what a house says of itself is believed.
const FRESH: Duration = Duration::from_secs(3600);

/// Its clock and ours may differ by so much.
const CLOCKS_S: i64 = 60;

/// A house.
#[derive(Debug)]
pub(super) struct OpenId {
    issuer: IssuerUrl,
    client: (ClientId, ClientSecret),
    http: Http,
    /// What it says of itself, and when it said so.
    known: Mutex<Option<(CoreProviderMetadata, Instant)>>,
}

impl OpenId {
    pub(super) fn new(
        issuer: &str,
        (id, secret): (String, String),
        http: Http,
    ) -> anyhow::Result<Self> {
        let issuer = IssuerUrl::new(issuer.to_owned()).context("the issuer is no address")?;
        let local =
            issuer.url().host_str().is_some_and(|host| matches!(host, "localhost" | "127.0.0.1"));
        anyhow::ensure!(
            issuer.url().scheme() == "https" || local,
            "the issuer has to be an https address"
        );
        let client = (ClientId::new(id), ClientSecret::new(secret));
        Ok(Self { issuer, client, http, known: Mutex::default() })
    }

    pub(super) fn issuer(&self) -> &str {
        self.issuer.as_str()
    }

    pub(super) async fn begin(&self, back: &str, proves_at: Option<i64>) -> Result<Begun, Error> {
        let metadata = self.metadata(false).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let back = redirect(back)?;
        let (id, secret) = self.client.clone();
        let client = CoreClient::from_provider_metadata(metadata, id, Some(secret));
        let client = client.set_redirect_uri(back);
        let asked = client.authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        );
        let scopes = ["email", "profile"].map(|scope| Scope::new(scope.to_owned()));
        let asked = asked.add_scopes(scopes).set_pkce_challenge(challenge);
        let asked = match proves_at {
            Some(_) => asked.add_prompt(CoreAuthPrompt::Login).set_max_age(Duration::ZERO),
            None => asked,
        };
        let (url, state, nonce) = asked.url();
        let kept = json!({
            "nonce": nonce.secret(),
            "verifier": verifier.secret(),
            "proves_at": proves_at,
        });
        Ok(Begun { url, state: state.secret().clone(), kept })
    }

    pub(super) async fn end(&self, back: &str, code: &str, kept: &Value) -> Result<Claims, Error> {
        let text = |key: &str| kept[key].as_str().unwrap_or_default().to_owned();
        let (id, secret) = self.client.clone();
        let client =
            CoreClient::from_provider_metadata(self.metadata(false).await?, id, Some(secret));
        let client = client.set_redirect_uri(redirect(back)?);
        let request = client.exchange_code(AuthorizationCode::new(code.to_owned()));
        let request = request.map_err(|error| failed("it has no place for codes", error))?;
        let request = request.set_pkce_verifier(PkceCodeVerifier::new(text("verifier")));
        let told = request.request_async(&self.http).await;
        let told = told.map_err(|error| failed("the code was not taken", error))?;
        let nonce = Nonce::new(text("nonce"));
        let proves_at = kept["proves_at"].as_i64();
        match self.judge(&told, (&nonce, proves_at), false).await {
            // It may have other keys since.
            Err(_) => self.judge(&told, (&nonce, proves_at), true).await,
            good => good,
        }
    }

    /// Signature, issuer, audience, time and nonce.
    async fn judge(
        &self,
        told: &CoreTokenResponse,
        (nonce, proves_at): (&Nonce, Option<i64>),
        anew: bool,
    ) -> Result<Claims, Error> {
        let (id, secret) = self.client.clone();
        let client =
            CoreClient::from_provider_metadata(self.metadata(anew).await?, id, Some(secret));
        let token = told.id_token().ok_or_else(|| failed("no ID token", ""))?;
        let claims = token.claims(&client.id_token_verifier(), nonce);
        let claims = claims.map_err(|error| failed("an ID token that is not right", error))?;
        // A session of before is no proof: it has to say that they signed in since it was asked for.
        if let Some(asked_at) = proves_at {
            let signed_in = claims.auth_time().map(|at| at.timestamp());
            if signed_in.is_none_or(|at| at < asked_at - CLOCKS_S) {
                return Err(failed("a sign-in of before", ""));
            }
        }
        let email = claims.email().filter(|_| claims.email_verified() == Some(true));
        let name = claims.name().and_then(|name| name.get(None)).map(|name| name.to_string());
        Ok(Claims {
            subject: claims.subject().to_string(),
            email: email.map(|email| email.to_string()),
            name: name.unwrap_or_default(),
        })
    }

    async fn metadata(&self, anew: bool) -> Result<CoreProviderMetadata, Error> {
        let mut known = self.known.lock().await;
        if let Some((metadata, at)) = known.as_ref().filter(|(_, at)| !anew && at.elapsed() < FRESH)
        {
            tracing::trace!(age_s = at.elapsed().as_secs(), "known");
            return Ok(metadata.clone());
        }
        let told = CoreProviderMetadata::discover_async(self.issuer.clone(), &self.http).await;
        let told = told.map_err(|error| failed("its configuration", error))?;
        *known = Some((told.clone(), Instant::now()));
        Ok(told)
    }
}

fn redirect(back: &str) -> Result<RedirectUrl, Error> {
    RedirectUrl::new(back.to_owned()).map_err(|error| Error::Fault(error.to_string()))
}
