//! Rows as PostgreSQL and the copy on disk hold them: Protocol Buffers of the copy's format.

use prost::Message;

/// A site.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct SiteRow {
    /// `whitelabel_whitelabelsite.id`.
    #[prost(uint32, tag = "1")]
    pub id: u32,
    /// Lower case.
    #[prost(string, tag = "2")]
    pub domain: String,
    /// Where visitors of dead links go; empty: a 404 page.
    #[prost(string, tag = "3")]
    pub fallback_url: String,
}

/// A program with the events its plans know.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ProgramRow {
    /// `affiliate_program.id`.
    #[prost(uint32, tag = "1")]
    pub id: u32,
    /// Its site.
    #[prost(uint32, tag = "2")]
    pub site: u32,
    /// Unique in its site.
    #[prost(string, tag = "3")]
    pub slug: String,
    /// Where its links lead that say nothing themselves.
    #[prost(string, tag = "4")]
    pub destination: String,
    /// ISO 4217.
    #[prost(string, tag = "5")]
    pub currency: String,
    /// Not paused.
    #[prost(bool, tag = "6")]
    pub is_active: bool,
    /// Which postback token is in force.
    #[prost(uint32, tag = "7")]
    pub token_version: u32,
    /// CIDR; empty: any address.
    #[prost(string, repeated, tag = "8")]
    pub networks: Vec<String>,
    /// Distinct events of its plans.
    #[prost(string, repeated, tag = "9")]
    pub events: Vec<String>,
}

/// A link.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct LinkRow {
    /// `affiliate_affiliatelink.id`.
    #[prost(uint32, tag = "1")]
    pub id: u32,
    /// Its site.
    #[prost(uint32, tag = "2")]
    pub site: u32,
    /// Tracking domain; empty: the site's own.
    #[prost(string, tag = "3")]
    pub domain: String,
    /// Unique per site and domain.
    #[prost(string, tag = "4")]
    pub code: String,
    /// Who promotes.
    #[prost(uint32, tag = "5")]
    pub affiliate: u32,
    /// What is promoted.
    #[prost(uint32, tag = "6")]
    pub program: u32,
    /// Empty: the program's.
    #[prost(string, tag = "7")]
    pub destination: String,
    /// Not switched off.
    #[prost(bool, tag = "8")]
    pub is_active: bool,
    /// Milliseconds since 1970; 0: never.
    #[prost(uint64, tag = "9")]
    pub expires_ms: u64,
    /// Raised with every change.
    #[prost(uint64, tag = "10")]
    pub version: u64,
}

/// Up to where PostgreSQL's changes are in a picture.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Position {
    /// The cluster's system identifier: another cluster's numbers mean nothing.
    #[prost(uint64, tag = "1")]
    pub system: u64,
    /// Every transaction below this one is in.
    #[prost(uint64, tag = "2")]
    pub xmin: u64,
}
