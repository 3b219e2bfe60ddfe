//! Every column that is sealed at rest, on one screen, for the day its keys are rotated. Asked as the owner of the tables:
//! no service reads all of them.

use sqlx::PgConnection;

/// A value that another key than this one sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Its row.
    pub id: i64,
    /// What it belongs to (`Seal::seal`).
    pub whose: String,
    /// As it lies there.
    pub sealed: Vec<u8>,
}

/// The columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// `accounts_totp.secret`
    Totp,
    /// `mail_message.sealed`, of letters that wait.
    Mail,
}

impl Column {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Totp, Self::Mail];

    /// As a person reads it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Totp => "secrets of apps",
            Self::Mail => "letters that wait",
        }
    }
}

/// At most so many of a column that are not of this key's version.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn others(
    owner: &mut PgConnection,
    column: Column,
    version: u8,
    limit: i64,
) -> Result<Vec<Sealed>, sqlx::Error> {
    let version = i32::from(version);
    match column {
        Column::Totp => {
            sqlx::query_as!(
                Sealed,
                r#"SELECT user_id AS id, 'accounts_totp.secret/' || user_id AS "whose!", secret AS sealed
                   FROM accounts_totp WHERE get_byte(secret, 0) <> $1 ORDER BY user_id LIMIT $2"#,
                version,
                limit
            )
            .fetch_all(owner)
            .await
        }
        Column::Mail => {
            sqlx::query_as!(
                Sealed,
                r#"SELECT id, 'mail_message/' || kind || '/' || address AS "whose!", sealed FROM mail_message
                   WHERE length(sealed) > 0 AND get_byte(sealed, 0) <> $1 AND sent_at IS NULL ORDER BY id LIMIT $2"#,
                version,
                limit
            )
            .fetch_all(owner)
            .await
        }
    }
}

/// Puts a value in the place of one; `false` where that has changed or gone meanwhile.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn put(
    owner: &mut PgConnection,
    column: Column,
    before: &Sealed,
    sealed: &[u8],
) -> Result<bool, sqlx::Error> {
    let done = match column {
        Column::Totp => {
            sqlx::query!(
                "UPDATE accounts_totp SET secret = $3 WHERE user_id = $1 AND secret = $2",
                before.id,
                before.sealed,
                sealed
            )
            .execute(owner)
            .await?
        }
        Column::Mail => {
            sqlx::query!(
                "UPDATE mail_message SET sealed = $3 WHERE id = $1 AND sealed = $2",
                before.id,
                before.sealed,
                sealed
            )
            .execute(owner)
            .await?
        }
    };
    Ok(done.rows_affected() == 1)
}
