//! Passkeys (WebAuthn): made for one host, and good there alone.
//!
//! The library keeps the ceremony's state for us to store; it never leaves the server.

use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;
use webauthn_rs::{
    Webauthn, WebauthnBuilder,
    prelude::{
        DiscoverableAuthentication, Passkey, PasskeyAuthentication, PasskeyRegistration,
        PublicKeyCredential, RegisterPublicKeyCredential, WebauthnError,
    },
};

use super::secret::hash;

/// Why a passkey is not taken: for the log; its owner is told to try again.
#[derive(Debug, thiserror::Error)]
#[error("passkey: {0}")]
pub struct Refused(String);

impl From<WebauthnError> for Refused {
    fn from(error: WebauthnError) -> Self {
        Self(error.to_string())
    }
}

impl From<serde_json::Error> for Refused {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

/// What is asked of a browser, and what is kept until it answers.
pub struct Asked {
    /// For `navigator.credentials`.
    pub options: Value,
    /// Ours.
    pub state: Value,
}

/// Who answered, and with which of their passkeys, changed where its counter moved.
#[derive(Debug)]
pub struct Answered {
    /// The passkey's own id.
    pub credential_id: Vec<u8>,
    /// The passkey with its counter, if that moved.
    pub changed: Option<Value>,
}

/// A host as a place for passkeys.
pub struct Ceremony(Webauthn);

impl Ceremony {
    /// Of a host, at the origin a browser sees.
    ///
    /// # Errors
    /// For a host that can have none, such as an address.
    pub fn at(host: &str, origin: &str, site: &str) -> Result<Self, Refused> {
        let origin = Url::parse(origin).map_err(|error| Refused(error.to_string()))?;
        Ok(Self(WebauthnBuilder::new(host, &origin)?.rp_name(site).build()?))
    }

    /// Begins to make one; `known` are those the person has here already.
    ///
    /// # Errors
    /// A fault of ours.
    pub fn begin_new(
        &self,
        user: i64,
        (name, called): (&str, &str),
        known: &[Value],
    ) -> Result<Asked, Refused> {
        let known: Vec<Passkey> = read_all(known)?;
        let known = known.iter().map(|key| key.cred_id().clone()).collect();
        let (options, state) =
            self.0.start_passkey_registration(handle(user), name, called, Some(known))?;
        let mut options = serde_json::to_value(options)?;
        // So that it signs in without a name being typed, where the device can keep it.
        options["publicKey"]["authenticatorSelection"]["residentKey"] = json!("preferred");
        Ok(Asked { options, state: serde_json::to_value(state)? })
    }

    /// Takes a new one: its id, and all of it to keep.
    ///
    /// # Errors
    /// What is wrong with the browser's answer.
    pub fn end_new(&self, state: Value, answer: Value) -> Result<(Vec<u8>, Value), Refused> {
        let state: PasskeyRegistration = serde_json::from_value(state)?;
        let answer: RegisterPublicKeyCredential = serde_json::from_value(answer)?;
        let key = self.0.finish_passkey_registration(&answer, &state)?;
        Ok((key.cred_id().to_vec(), serde_json::to_value(key)?))
    }

    /// Asks for any passkey of this host, whoever's it is.
    ///
    /// # Errors
    /// A fault of ours.
    pub fn begin_any(&self) -> Result<Asked, Refused> {
        let (options, state) = self.0.start_discoverable_authentication()?;
        Ok(Asked { options: serde_json::to_value(options)?, state: serde_json::to_value(state)? })
    }

    /// Which passkey answered, before anything of it is believed.
    ///
    /// # Errors
    /// What is wrong with the browser's answer.
    pub fn named(&self, answer: &Value) -> Result<Vec<u8>, Refused> {
        let answer: PublicKeyCredential = serde_json::from_value(answer.clone())?;
        let (_, id) = self.0.identify_discoverable_authentication(&answer)?;
        Ok(id.to_vec())
    }

    /// Judges the answer of the one passkey that was named.
    ///
    /// # Errors
    /// What is wrong with the browser's answer.
    pub fn end_any(&self, state: Value, answer: Value, key: Value) -> Result<Answered, Refused> {
        let state: DiscoverableAuthentication = serde_json::from_value(state)?;
        let answer: PublicKeyCredential = serde_json::from_value(answer)?;
        let mut key: Passkey = serde_json::from_value(key)?;
        let result = self.0.finish_discoverable_authentication_v2(&answer, state, &key)?;
        let moved = key.update_credential(&result) == Some(true);
        let changed = moved.then(|| serde_json::to_value(&key)).transpose()?;
        Ok(Answered { credential_id: key.cred_id().to_vec(), changed })
    }

    /// Asks for one of somebody's passkeys, beside their password.
    ///
    /// # Errors
    /// A fault of ours, or none to ask for.
    pub fn begin_of(&self, keys: &[Value]) -> Result<Asked, Refused> {
        let keys: Vec<Passkey> = read_all(keys)?;
        let (options, state) = self.0.start_passkey_authentication(&keys)?;
        Ok(Asked { options: serde_json::to_value(options)?, state: serde_json::to_value(state)? })
    }

    /// Judges the answer.
    ///
    /// # Errors
    /// What is wrong with the browser's answer.
    pub fn end_of(&self, state: Value, answer: Value, keys: &[Value]) -> Result<Answered, Refused> {
        let state: PasskeyAuthentication = serde_json::from_value(state)?;
        let answer: PublicKeyCredential = serde_json::from_value(answer)?;
        let result = self.0.finish_passkey_authentication(&answer, &state)?;
        let keys: Vec<Passkey> = read_all(keys)?;
        let used = keys.into_iter().find(|key| key.cred_id() == result.cred_id());
        let mut used = used.ok_or_else(|| Refused("none of theirs".to_owned()))?;
        let moved = used.update_credential(&result) == Some(true);
        let changed = moved.then(|| serde_json::to_value(&used)).transpose()?;
        Ok(Answered { credential_id: used.cred_id().to_vec(), changed })
    }
}

fn read_all(keys: &[Value]) -> Result<Vec<Passkey>, Refused> {
    keys.iter().map(|key| Ok(serde_json::from_value(key.clone())?)).collect()
}

/// What a device knows a person by: says nothing about them.
fn handle(user: i64) -> Uuid {
    let hash = hash(&[b"passkey user", &user.to_be_bytes()]);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    Uuid::from_bytes(bytes)
}
