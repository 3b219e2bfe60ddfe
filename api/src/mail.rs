//! Mail: letters in both languages, put into a queue in the transaction of what they tell about.
//!
//! What a letter says is sealed until it is sent (links in it open accounts) and gone afterwards. Refuses to write to
//! somebody more often than they could bear, and more letters than the queue holds.

pub mod letter;
pub mod letters;
pub mod send;
pub mod folder;

pub use letter::Letter;

use serde_json::json;

use crate::{
    accounts::flows::Visit,
    app::App,
    error::Error,
    limits,
    queries::mail,
    tenant::{Db, Reach, Tx},
};

/// Whether one more letter may go to an address now; counted.
pub async fn may_send(app: &App, address: &str, now_ms: i64) -> bool {
    let address = address.to_lowercase();
    app.limits.take(limits::MAIL_MINUTE, &address, now_ms).await.is_ok()
        && app.limits.take(limits::MAIL_HOUR, &address, now_ms).await.is_ok()
}

/// Puts a letter into the queue of its site.
///
/// # Errors
/// `Busy` when the queue is full, `Sql`, or a fault of ours.
pub async fn enqueue(tx: &mut Tx, app: &App, visit: &Visit, letter: &Letter) -> Result<(), Error> {
    let rendered = letter.render()?;
    let body = json!({
        "from": visit.place.site_name.as_ref(),
        "subject": rendered.subject,
        "text": rendered.text,
        "html": rendered.html,
    });
    let whose = whose(letter.kind, &letter.address);
    let sealed = app.seal.seal(&whose, body.to_string().as_bytes())?;
    let queued = mail::insert(tx, (letter.kind, &letter.address), &sealed, visit.now).await?;
    if queued { Ok(()) } else { Err(Error::Busy) }
}

/// The same by itself, where nothing else has to stay with it.
///
/// # Errors
/// As [`enqueue`].
pub async fn send(app: &App, visit: &Visit, letter: &Letter) -> Result<(), Error> {
    let db = Db::new(app.db.clone(), visit.place.site, &Reach::ALL);
    let mut tx = db.begin().await?;
    enqueue(&mut tx, app, visit, letter).await?;
    Ok(tx.commit().await?)
}

/// What a sealed letter belongs to.
pub fn whose(kind: &str, address: &str) -> String {
    format!("mail_message/{kind}/{address}")
}
