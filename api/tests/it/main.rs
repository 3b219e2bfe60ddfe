//! The whole service against real stores: what goes in and what comes out, by HTTP.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails right there")]

mod world;
mod browser;
mod attributed;
mod auth;
mod avatar;
mod bad_input;
mod conversions;
mod emails;
mod enrolments;
mod expired;
mod factors;
mod guarded;
mod guessed;
mod house;
mod hosts;
mod limits;
mod lists;
mod live;
mod mail;
mod matrix;
mod metrics;
mod outages;
mod own;
mod pages;
mod people;
mod programs_sign_in;
mod proofs;
mod providers;
mod rotation;
mod sign_up;
mod stats;
mod sums;
mod tenants;
mod wire;
