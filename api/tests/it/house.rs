//! Another house that says who somebody is: an OpenID Connect issuer and a GitHub server, on this machine.

use axum::{
    Form, Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

/// A key of Ed25519, its half that is told, and one that is another's.
const SEED: [u8; 32] = [7; 32];
const OTHER: [u8; 32] = [8; 32];

/// What was asked for, and what shall be said of it.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    pub(crate) redirect_uri: String,
    pub(crate) challenge: String,
    pub(crate) claims: Value,
    /// Signed by a key that is not told.
    pub(crate) is_forged: bool,
}

#[derive(Clone)]
pub(crate) struct House {
    pub(crate) url: String,
    codes: Arc<Mutex<HashMap<String, Visit>>>,
}

impl House {
    pub(crate) async fn open() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let house = Self { url, codes: Arc::default() };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(configuration))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .route("/login/oauth/access_token", post(github_token))
            .route("/api/v3/user", get(github_user))
            .route("/api/v3/user/emails", get(github_addresses))
            .with_state(house.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        house
    }

    /// Somebody agreed: the code that goes back.
    pub(crate) fn agree(&self, code: &str, visit: Visit) {
        self.codes.lock().unwrap().insert(code.to_owned(), visit);
    }

    /// Good once, for who asked: PKCE and the address it goes back to are looked at.
    fn take(&self, fields: &HashMap<String, String>) -> Option<Visit> {
        let visit = self.codes.lock().unwrap().remove(fields.get("code")?)?;
        let shown =
            BASE64URL_NOPAD.encode(&Sha256::digest(fields.get("code_verifier")?.as_bytes()));
        let same =
            shown == visit.challenge && fields.get("redirect_uri") == Some(&visit.redirect_uri);
        same.then_some(visit)
    }
}

async fn configuration(State(house): State<House>) -> Json<Value> {
    let url = &house.url;
    Json(json!({
        "issuer": url, "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"), "jwks_uri": format!("{url}/keys"),
        "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA"],
    }))
}

async fn keys() -> Json<Value> {
    let pair = aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(&SEED).unwrap();
    let public = aws_lc_rs::signature::KeyPair::public_key(&pair).as_ref().to_owned();
    Json(json!({ "keys": [{
        "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "one",
        "x": BASE64URL_NOPAD.encode(&public),
    }] }))
}

fn sign(seed: [u8; 32], claims: &Value) -> String {
    if claims["alg"] == "none" {
        let part = |value: Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        return format!("{}.{}.", part(json!({ "alg": "none" })), part(claims.clone()));
    }
    let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::EdDSA) };
    // PKCS #8, version 1, of Ed25519 (RFC 8410, 7).
    let mut der = vec![
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04,
        0x20,
    ];
    der.extend_from_slice(&seed);
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_ed_der(&der)).unwrap()
}

async fn token(
    State(house): State<House>,
    headers: HeaderMap,
    Form(fields): Form<HashMap<String, String>>,
) -> Response {
    let basic = data_encoding::BASE64.encode(b"client:hush");
    let known =
        headers.get("authorization").is_some_and(|value| value == &format!("Basic {basic}"));
    let Some(visit) = house.take(&fields).filter(|_| known) else {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" })))
            .into_response();
    };
    let id_token = sign(if visit.is_forged { OTHER } else { SEED }, &visit.claims);
    Json(json!({ "access_token": "x", "token_type": "Bearer", "id_token": id_token }))
        .into_response()
}

async fn github_token(
    State(house): State<House>,
    Form(fields): Form<HashMap<String, String>>,
) -> Response {
    let known = fields.get("client_secret").is_some_and(|secret| secret == "hush");
    match house.take(&fields).filter(|_| known) {
        Some(_) => Json(json!({ "access_token": "ghx", "token_type": "bearer" })).into_response(),
        // As GitHub says it: with 200.
        None => Json(json!({ "error": "bad_verification_code" })).into_response(),
    }
}

fn is_asked_with_token(headers: &HeaderMap) -> bool {
    headers.get("authorization").is_some_and(|value| value == "Bearer ghx")
}

async fn github_user(headers: HeaderMap) -> Response {
    match is_asked_with_token(&headers) {
        true => Json(json!({ "id": 583231, "login": "octo", "name": "Octo Cat", "plan": {} }))
            .into_response(),
        false => StatusCode::UNAUTHORIZED.into_response(),
    }
}

async fn github_addresses() -> Json<Value> {
    Json(json!([
        { "email": "other@example.org", "primary": false, "verified": true },
        { "email": "octo@example.org", "primary": true, "verified": true },
    ]))
}
