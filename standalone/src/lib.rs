//! Tributary on one machine: private stores, the services as supervised children, and the commands around them.

pub mod accounts;
mod clock;
pub mod commands;
pub mod config;
pub mod demo;
pub mod engine;
pub mod health;
pub mod installation;
pub mod layout;
pub mod operator;
pub mod passwords;
pub mod postgres;
pub mod process;
pub mod progress;
pub mod reset;
pub mod serve;
pub mod services;
pub mod settings;
pub mod status;
pub mod supervisor;
pub mod traffic;
pub mod vendor;
