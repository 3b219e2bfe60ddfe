//! Personal tokens: made, shown once, made worthless.

use chrono::TimeDelta;
use serde_json::json;

use super::Visit;
use crate::{
    accounts::secret::Secret,
    app::App,
    auth::{TOKEN_PREFIX, Viewer},
    error::{Error, Field},
    queries::accounts::tokens,
    tenant::Db,
};

/// How long a token may live: one of these.
pub const DAYS: [u16; 5] = [7, 30, 90, 180, 365];
/// Tokens somebody may have on a site.
const MOST: usize = 100;

/// A token as somebody wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    name: String,
    writes: bool,
    days: u16,
}

impl Wish {
    /// From what somebody typed.
    ///
    /// # Errors
    /// `Invalid` with every field that is wrong.
    pub fn read(name: &str, writes: bool, days: &str) -> Result<Self, Error> {
        let name = name.trim();
        let mut wrong = Vec::new();
        if name.is_empty() {
            wrong.push(Field::new("name", "required", "what it is for"));
        } else if name.chars().count() > 100 || name.chars().any(char::is_control) {
            wrong.push(Field::new("name", "too_long", "at most 100 characters that can be seen"));
        }
        let days = days.parse().ok().filter(|days| DAYS.contains(days));
        if days.is_none() {
            wrong.push(Field::new("days", "unknown", "7, 30, 90, 180 or 365"));
        }
        match (wrong.is_empty(), days) {
            (true, Some(days)) => Ok(Self { name: name.to_owned(), writes, days }),
            _ => Err(Error::Invalid(wrong)),
        }
    }
}

/// Makes one and gives its text: it is not kept.
///
/// # Errors
/// `Forbidden` for who is nothing on the site, `Invalid` for who has enough, or a store that does not answer.
pub async fn make(app: &App, visit: &Visit, viewer: &Viewer, wish: &Wish) -> Result<String, Error> {
    viewer.role.ok_or(Error::Forbidden)?;
    let db = Db::new(app.db.clone(), viewer.site, &viewer.reach);
    if tokens::list(&db, viewer.user).await?.len() >= MOST {
        return Err(Error::field("name", "too_many", "revoke one first: 100 are enough"));
    }
    let secret = Secret::new()?;
    let text = format!("{TOKEN_PREFIX}{}", secret.text());
    let scopes: &[String] = match wish.writes {
        true => &["read".to_owned(), "write".to_owned()],
        false => &["read".to_owned()],
    };
    let new = tokens::New {
        user: viewer.user,
        name: &wish.name,
        prefix: &text[..8],
        scopes,
        level: viewer.level,
        expires_at: visit.now + TimeDelta::days(wish.days.into()),
    };
    db.write(async |tx| tokens::insert(tx, &secret.hash(), &new).await).await?;
    let details = json!({ "name": wish.name, "writes": wish.writes });
    visit.tell(&app.db, Some(viewer.user), "token_made", details).await?;
    Ok(text)
}

/// Makes one of somebody's own worthless at once.
///
/// # Errors
/// `NotFound` for one that is none of theirs, or a store that does not answer.
pub async fn revoke(app: &App, visit: &Visit, viewer: &Viewer, id: i64) -> Result<(), Error> {
    let db = Db::new(app.db.clone(), viewer.site, &viewer.reach);
    db.write(async |tx| tokens::revoke(tx, viewer.user, id).await).await?;
    Ok(visit.note(app, viewer.user, "token_revoked").await?)
}
