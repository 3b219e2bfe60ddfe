//! Pictures of people, asked for by a name that nobody guesses.

use sqlx::{PgConnection, PgExecutor};

/// The name of somebody's picture; empty for none.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn name_of(db: impl PgExecutor<'_>, user: i64) -> Result<String, sqlx::Error> {
    let found = sqlx::query_scalar!("SELECT name FROM accounts_avatar WHERE user_id = $1", user);
    Ok(found.fetch_optional(db).await?.unwrap_or_default())
}

/// A picture by its name.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn find(db: impl PgExecutor<'_>, name: &str) -> Result<Option<Vec<u8>>, sqlx::Error> {
    sqlx::query_scalar!("SELECT image FROM accounts_avatar WHERE name = $1", name)
        .fetch_optional(db)
        .await
}

/// Keeps one in place of the one before.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn put(
    db: &mut PgConnection,
    user: i64,
    (name, image): (&str, &[u8]),
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO accounts_avatar (user_id, name, image) VALUES ($1, $2, $3)
         ON CONFLICT (user_id) DO UPDATE SET name = excluded.name, image = excluded.image",
        user,
        name,
        image
    )
    .execute(&mut *db)
    .await?;
    // The seed's column says which one it is.
    sqlx::query!(
        "INSERT INTO accounts_profile (user_id, avatar) VALUES ($1, $2)
         ON CONFLICT (user_id) DO UPDATE SET avatar = excluded.avatar",
        user,
        name
    )
    .execute(db)
    .await
    .map(drop)
}

/// Takes somebody's away.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn delete(db: &mut PgConnection, user: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM accounts_avatar WHERE user_id = $1", user).execute(&mut *db).await?;
    sqlx::query!("UPDATE accounts_profile SET avatar = '' WHERE user_id = $1", user)
        .execute(db)
        .await
        .map(drop)
}
