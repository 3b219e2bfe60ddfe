//! The person behind a request, as far as we know them.

use axum::{extract::FromRequestParts, http::request::Parts};
use chrono::{DateTime, TimeDelta, Utc};
use schemas::ids::{AffiliateId, ProgramId, SiteId};

use crate::{
    accounts::role::{Permission, Role},
    error::Error,
    queries::accounts::{sessions, tokens},
    tenant::Reach,
};

/// How they proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// A browser's session.
    Session {
        /// Its number.
        id: i64,
        /// When factors were last shown.
        proved_at: DateTime<Utc>,
        /// Somebody of the site's people looks through this user's eyes.
        impersonator: Option<i64>,
        /// Outlives the browser.
        is_remembered: bool,
    },
    /// A personal token.
    Token {
        /// Its number.
        id: i64,
        /// May change something.
        writes: bool,
    },
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// The person.
    pub user: i64,
    /// Their unique name.
    pub username: String,
    /// As they call themselves; may be empty.
    pub name: String,
    /// The address mails go to.
    pub email: String,
    /// The site asked.
    pub site: SiteId,
    /// What they are there; `None` for nothing (yet).
    pub role: Option<Role>,
    /// What of the site they may see.
    pub reach: Reach,
    /// Factors shown: 1 or 2.
    pub level: i16,
    /// Their site wants two factors of roles that can change most.
    pub wants_two_factors: bool,
    /// How they proved it.
    pub by: By,
    /// `en`, `fr`; empty for what the browser asks for.
    pub language: String,
    /// An IANA name; empty for the site's.
    pub time_zone: String,
    /// `light`, `dark`; empty for the system's.
    pub theme: String,
}

impl Viewer {
    pub(super) fn of_session(found: &sessions::Found, site: SiteId) -> Self {
        Self {
            user: found.user_id,
            username: found.username.clone(),
            name: found.name.clone(),
            email: found.email.clone(),
            site,
            role: found.role.as_deref().and_then(Role::from_name),
            reach: reach(found.programs.as_deref(), found.affiliates.as_deref()),
            level: found.level,
            wants_two_factors: found.two_factors,
            by: By::Session {
                id: found.session_id,
                proved_at: found.proved_at,
                impersonator: found.impersonator_id,
                is_remembered: found.is_remembered,
            },
            language: found.language.clone(),
            time_zone: found.time_zone.clone(),
            theme: found.theme.clone(),
        }
    }

    pub(super) fn of_token(found: &tokens::Found, site: SiteId) -> Option<Self> {
        Some(Self {
            user: found.user_id,
            username: found.username.clone(),
            name: found.name.clone(),
            email: found.email.clone(),
            site,
            role: Some(Role::from_name(&found.role)?),
            reach: reach(found.programs.as_deref(), found.affiliates.as_deref()),
            level: found.level,
            wants_two_factors: found.two_factors,
            by: By::Token {
                id: found.token_id,
                writes: found.scopes.iter().any(|scope| scope == "write"),
            },
            language: found.language.clone(),
            time_zone: found.time_zone.clone(),
            theme: String::new(),
        })
    }

    /// As they are called.
    pub fn called(&self) -> &str {
        if self.name.is_empty() { &self.username } else { &self.name }
    }

    /// Their session's number, if they have one.
    pub const fn session(&self) -> Option<i64> {
        match self.by {
            By::Session { id, .. } => Some(id),
            By::Token { .. } => None,
        }
    }

    /// Somebody else looks through their eyes.
    pub const fn is_impersonated(&self) -> bool {
        matches!(self.by, By::Session { impersonator: Some(_), .. })
    }

    /// Their session outlives the browser.
    pub const fn is_remembered(&self) -> bool {
        matches!(self.by, By::Session { is_remembered: true, .. })
    }

    /// Whether they showed a factor within a time.
    pub fn proved_within(&self, time: TimeDelta, now: DateTime<Utc>) -> bool {
        matches!(self.by, By::Session { proved_at, .. } if now - proved_at <= time)
    }

    /// Whether they may do something on the site asked.
    ///
    /// # Errors
    /// `Forbidden`, or `StepUp` where a second factor would let them.
    pub fn may(&self, what: Permission) -> Result<(), Error> {
        let Some(role) = self.role.filter(|role| role.may(what)) else {
            return Err(Error::Forbidden);
        };
        let reads_only = match self.by {
            By::Session { impersonator, .. } => impersonator.is_some(),
            By::Token { writes, .. } => !writes,
        };
        if what.changes() && reads_only {
            return Err(Error::Forbidden);
        }
        match self.wants_two_factors && role.needs_two_factors() && self.level < 2 {
            true => Err(Error::StepUp),
            false => Ok(()),
        }
    }
}

fn reach(programs: Option<&[i64]>, affiliates: Option<&[i64]>) -> Reach {
    // The table holds ids of other tables: numbers of 32 bits.
    let narrow = |id: &i64| u32::try_from(*id).ok();
    Reach {
        programs: programs.map(|ids| ids.iter().filter_map(narrow).map(ProgramId).collect()),
        affiliates: affiliates.map(|ids| ids.iter().filter_map(narrow).map(AffiliateId).collect()),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Viewer {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get().cloned().ok_or(Error::Unauthorized)
    }
}
