//! Access tokens of the API: five minutes long, signed with EdDSA, each of a session that is asked about all the same.
//!
//! For programs alone, never for browsers. Everything a token says beside its session's number is checked, and
//! nothing of it is believed without the session: logging out counts at once. Refuses every other algorithm, and to
//! fetch a key from where a token says.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use chrono::{DateTime, Utc};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode,
};
use schemas::keys::Keys;
use serde::{Deserialize, Serialize};
use std::fmt;

use super::secret::Hash;

/// How long a token is good, in seconds.
pub const LIFE_S: i64 = 300;
/// How far clocks may differ, in seconds.
const LEEWAY_S: u64 = 5;
/// RFC 9068.
const TYPE: &str = "at+jwt";
const LONGEST: usize = 2048;

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Where it was made: the site's origin.
    pub iss: String,
    /// Where it is good: the site's host.
    pub aud: String,
    /// Whose: `usr_12`.
    pub sub: String,
    /// Of which session: its hash, which opens nothing by itself.
    pub sid: String,
    /// Of which site: `site_1`.
    pub tenant: String,
    /// Its own number.
    pub jti: String,
    /// Made, good from, good until: seconds since 1970.
    pub iat: i64,
    /// See `iat`.
    pub nbf: i64,
    /// See `iat`.
    pub exp: i64,
}

impl Claims {
    /// The session's hash.
    pub fn session(&self) -> Option<Hash> {
        BASE64URL_NOPAD.decode(self.sid.as_bytes()).ok()?.try_into().ok()
    }
}

/// The keys. The last one signs, all are believed.
#[derive(Clone)]
pub struct Jwt {
    keys: Vec<(String, EncodingKey, DecodingKey)>,
}

impl fmt::Debug for Jwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Jwt")
    }
}

impl Jwt {
    /// With the keys of an installation.
    ///
    /// # Errors
    /// When the library takes no such key.
    pub fn new(keys: &Keys) -> anyhow::Result<Self> {
        let keys = keys.signing().into_iter().map(|(version, seed)| {
            let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(anyhow::Error::msg)?;
            let private = pair.to_pkcs8().map_err(anyhow::Error::msg)?;
            let public = DecodingKey::from_ed_der(pair.public_key().as_ref());
            Ok((version.to_string(), EncodingKey::from_ed_der(private.as_ref()), public))
        });
        Ok(Self { keys: keys.collect::<anyhow::Result<_>>()? })
    }

    /// A token of a session.
    ///
    /// # Errors
    /// A fault of ours.
    pub fn sign(
        &self,
        (issuer, host): (&str, &str),
        (user, site): (i64, u32),
        session: &Hash,
        now: DateTime<Utc>,
    ) -> anyhow::Result<String> {
        let (version, key, _) = self.keys.last().ok_or_else(|| anyhow::anyhow!("no key"))?;
        let mut number = [0; 12];
        getrandom::fill(&mut number)?;
        let now_s = now.timestamp();
        let claims = Claims {
            iss: issuer.to_owned(),
            aud: host.to_owned(),
            sub: format!("usr_{user}"),
            sid: BASE64URL_NOPAD.encode(session),
            tenant: format!("site_{site}"),
            jti: BASE64URL_NOPAD.encode(&number),
            iat: now_s,
            nbf: now_s,
            exp: now_s + LIFE_S,
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(version.clone());
        Ok(encode(&header, &claims, key)?)
    }

    /// What a token says, if it is one of ours for this place and of now. Its times are looked at by our own clock.
    pub fn verify(
        &self,
        token: &str,
        (issuer, host): (&str, &str),
        now: DateTime<Utc>,
    ) -> Option<Claims> {
        if token.len() > LONGEST {
            return None;
        }
        let header = decode_header(token).ok()?;
        let is_ours = header.alg == Algorithm::EdDSA
            && header.typ.as_deref() == Some(TYPE)
            && header.jku.is_none()
            && header.jwk.is_none()
            && header.x5u.is_none();
        let kid = header.kid.filter(|_| is_ours)?;
        let (_, _, key) = self.keys.iter().find(|(version, ..)| *version == kid)?;
        let mut wanted = Validation::new(Algorithm::EdDSA);
        wanted.set_issuer(&[issuer]);
        wanted.set_audience(&[host]);
        wanted.set_required_spec_claims(&["iss", "aud", "sub", "exp", "nbf"]);
        wanted.validate_nbf = true;
        wanted.leeway = LEEWAY_S;
        // The library's clock is the system's; ours comes in.
        wanted.validate_exp = false;
        wanted.validate_nbf = false;
        let claims = decode::<Claims>(token, key, &wanted).ok()?.claims;
        let (now_s, leeway) = (now.timestamp(), LEEWAY_S.cast_signed());
        let is_of_now = claims.nbf <= now_s + leeway && now_s < claims.exp + leeway;
        is_of_now.then_some(claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use serde_json::{Value, json};

    const HERE: (&str, &str) = ("https://aff.example", "aff.example");

    fn jwt(text: &str) -> Jwt {
        Jwt::new(&Keys::parse(text).unwrap()).unwrap()
    }

    fn one() -> String {
        format!("1 {}", "11".repeat(32))
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_168_800, 0).unwrap() + TimeDelta::seconds(seconds)
    }

    fn token(jwt: &Jwt) -> String {
        jwt.sign(HERE, (12, 1), &[7; 32], at(0)).unwrap()
    }

    /// A token with other parts, signed with our key all the same.
    fn forged(header: &Value, change: impl FnOnce(&mut Value)) -> String {
        let jwt = jwt(&one());
        let claims = token(&jwt).split('.').nth(1).unwrap().to_owned();
        let mut claims: Value =
            serde_json::from_slice(&BASE64URL_NOPAD.decode(claims.as_bytes()).unwrap()).unwrap();
        change(&mut claims);
        let encode = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", encode(header), encode(&claims));
        let seed = Keys::parse(&one()).unwrap().signing()[0].1;
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        format!("{signed}.{}", BASE64URL_NOPAD.encode(pair.sign(signed.as_bytes()).as_ref()))
    }

    fn usual() -> Value {
        json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": "1" })
    }

    #[test]
    fn a_token_is_good_for_five_minutes_at_its_own_place() {
        let jwt = jwt(&one());
        let token = token(&jwt);
        let claims = jwt.verify(&token, HERE, at(0)).unwrap();
        assert_eq!(
            (claims.session(), claims.sub.as_str(), claims.tenant.as_str()),
            (Some([7; 32]), "usr_12", "site_1")
        );
        for (second, good) in
            [(-6, false), (-5, true), (299, true), (304, true), (305, false), (306, false)]
        {
            assert_eq!(jwt.verify(&token, HERE, at(second)).is_some(), good, "{second}");
        }
        assert_eq!(jwt.verify(&token, ("https://other.example", "aff.example"), at(0)), None);
        assert_eq!(jwt.verify(&token, ("https://aff.example", "other.example"), at(0)), None);
    }

    #[test]
    fn whatever_is_not_ours_is_refused_and_breaks_nothing() {
        let jwt = jwt(&one());
        assert!(jwt.verify(&forged(&usual(), |_| {}), HERE, at(0)).is_some());
        let header = |key: &str, value: Value| {
            let mut header = usual();
            header[key] = value;
            header
        };
        for header in [
            header("alg", json!("none")),
            header("alg", json!("HS256")),
            header("alg", json!("RS256")),
            header("alg", json!("ES256")),
            header("typ", json!("JWT")),
            header("kid", json!("2")),
            header("kid", json!("../../etc/passwd")),
            header("jku", json!("https://evil.example/keys")),
            header("x5u", json!("https://evil.example/key")),
            header(
                "jwk",
                json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }),
            ),
            json!({ "alg": "EdDSA" }),
            json!({}),
            json!([]),
        ] {
            assert_eq!(jwt.verify(&forged(&header, |_| {}), HERE, at(0)), None, "{header}");
        }
        for (key, value) in [
            ("nbf", json!(1_795_168_900)),
            ("exp", json!(1_795_168_000)),
            ("aud", json!(["aff.example", "other"])),
            ("iss", json!("https://evil.example")),
            ("exp", json!("soon")),
            ("admin", json!(true)),
        ] {
            let token = forged(&usual(), |claims| claims[key] = value.clone());
            let read = jwt.verify(&token, HERE, at(0));
            assert_eq!(read, None, "{key} {value}");
        }
        for key in ["iss", "aud", "sub", "exp", "nbf", "sid"] {
            let token =
                forged(&usual(), |claims| drop(claims.as_object_mut().unwrap().remove(key)));
            assert_eq!(jwt.verify(&token, HERE, at(0)), None, "{key}");
        }
        for text in ["", ".", "..", "a.b.c", "é.é.é", &"a".repeat(100_000)] {
            assert_eq!(jwt.verify(text, HERE, at(0)), None);
        }
    }

    #[test]
    fn a_token_signed_with_the_public_key_as_a_password_is_refused() {
        let seed = Keys::parse(&one()).unwrap().signing()[0].1;
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        let header = Header {
            kid: Some("1".to_owned()),
            typ: Some(TYPE.to_owned()),
            ..Header::new(Algorithm::HS256)
        };
        let jwt = jwt(&one());
        let claims = jwt.verify(&token(&jwt), HERE, at(0)).unwrap();
        let secret = EncodingKey::from_secret(pair.public_key().as_ref());
        let token = encode(&header, &claims, &secret).unwrap();
        assert_eq!(jwt.verify(&token, HERE, at(0)), None);
    }

    #[test]
    fn a_token_that_was_altered_anywhere_is_refused() {
        let jwt = jwt(&one());
        let token = token(&jwt);
        assert!(jwt.verify(&token, HERE, at(0)).is_some());
        for n in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[n] = if altered[n] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert_eq!(jwt.verify(&altered, HERE, at(0)), None, "{n}");
        }
        let (head, _) = token.rsplit_once('.').unwrap();
        assert_eq!(jwt.verify(&format!("{head}."), HERE, at(0)), None, "unsigned");
    }

    #[test]
    fn a_new_key_signs_and_the_old_one_is_still_believed() {
        let (old, new) = (jwt(&one()), jwt(&format!("{}\n2 {}", one(), "22".repeat(32))));
        assert!(new.verify(&token(&old), HERE, at(0)).is_some());
        assert_eq!(old.verify(&token(&new), HERE, at(0)), None);
    }
}
