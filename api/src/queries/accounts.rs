//! People and how they come in. These tables belong to no site, so that their statements name the person.

pub mod users;
pub mod sessions;
pub mod tokens;
pub mod codes;
pub mod emails;
pub mod own;
pub mod avatars;
pub mod identities;
pub mod memberships;
pub mod events;
pub mod factors;
pub mod passkeys;
pub mod pending;
pub mod refresh;
pub mod people;
