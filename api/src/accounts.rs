//! Accounts: how a person proves who they are, and what that lets them do.
//!
//! Rules and mechanisms alone: no SQL (`queries::accounts`), no words on a screen (`pages::accounts`).

pub mod secret;
pub mod seal;
pub mod rotation;
pub mod password;
pub mod hashing;
pub mod jwt;
pub mod totp;
pub mod passkey;
pub mod avatar;
pub mod providers;
pub mod role;
pub mod session;
pub mod flows;
