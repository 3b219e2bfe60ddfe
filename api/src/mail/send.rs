//! Letters on their way out: by a mail server, or into a folder where they can be looked at.
//!
//! A letter may come twice where a server took it and the answer was lost; never not at all.

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, MultiPart},
};
use serde::Deserialize;
use sqlx::PgPool;
use std::path::{Path, PathBuf};
use url::Url;

use super::whose;
use crate::{
    app::App,
    clock,
    config::Mail,
    queries::jobs::{self, Due, TRIES},
};

/// Letters sent one after another before anything else is looked at.
const AT_ONCE: usize = 100;

/// The way out.
#[derive(Debug, Clone)]
pub enum Out {
    /// A mail server.
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    /// A folder: one `.eml` each.
    Folder(PathBuf),
}

impl Out {
    /// What the settings say; `None` where they say nothing.
    ///
    /// # Errors
    /// An address that is none, or a folder that cannot be made.
    pub fn of(config: &Mail) -> anyhow::Result<Option<Self>> {
        if let Some(url) = &config.smtp_url {
            return Ok(Some(Self::Smtp(smtp(url)?)));
        }
        let Some(folder) = &config.folder else { return Ok(None) };
        std::fs::create_dir_all(folder)
            .with_context(|| format!("the folder of mail cannot be made: {}", folder.display()))?;
        Ok(Some(Self::Folder(folder.clone())))
    }
}

fn smtp(url: &str) -> anyhow::Result<AsyncSmtpTransport<Tokio1Executor>> {
    let wrong = "TRIBUTARY_SMTP_URL is not of the form smtps://user:password@host or smtp://host:587?tls=required";
    let read = Url::parse(url).context(wrong)?;
    let host = read.host_str().context(wrong)?;
    let asks_for_tls = read.scheme() == "smtps"
        || read.query_pairs().any(|(key, value)| key == "tls" && value == "required");
    let here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    if !asks_for_tls && !here {
        bail!(
            "TRIBUTARY_SMTP_URL would send mail unencrypted to {host}: use smtps://, or add ?tls=required"
        );
    }
    Ok(AsyncSmtpTransport::<Tokio1Executor>::from_url(url).context(wrong)?.build())
}

/// What was sealed.
#[derive(Deserialize)]
struct Body {
    from: String,
    subject: String,
    text: String,
    html: String,
}

/// Sends what is due.
#[derive(Debug, Clone)]
pub struct Sender {
    app: App,
    db: PgPool,
    out: Out,
}

impl Sender {
    /// With the role of jobs.
    pub const fn new(app: App, db: PgPool, out: Out) -> Self {
        Self { app, db, out }
    }

    /// Everything that is due now.
    ///
    /// # Errors
    /// When PostgreSQL does not answer. A letter that cannot be sent is none: it is tried again.
    pub async fn send_due(&self) -> anyhow::Result<()> {
        for _ in 0..AT_ONCE {
            if !self.send_next(clock::now()).await? {
                break;
            }
        }
        Ok(())
    }

    /// The next one; `false` when none is due.
    ///
    /// # Errors
    /// As [`send_due`](Self::send_due).
    pub async fn send_next(&self, now: DateTime<Utc>) -> anyhow::Result<bool> {
        let Some(due) = jobs::take_letter(&self.db, now).await? else { return Ok(false) };
        match self.send(&due, now).await {
            Ok(()) => {
                jobs::letter_sent(&self.db, due.id, now).await?;
                self.app.metrics.mails.with_label_values(&["sent"]).inc();
            }
            Err(error) => {
                let gives_up = due.tries >= TRIES;
                let became = if gives_up { "given_up" } else { "retried" };
                self.app.metrics.mails.with_label_values(&[became]).inc();
                // The server's words may name the address.
                tracing::warn!(
                    mail.id = due.id,
                    tries = due.tries,
                    gives_up,
                    "a letter could not be sent"
                );
                let told = (format!("{error:#}"), gives_up);
                jobs::letter_failed(&self.db, due.id, (&told.0, told.1), now).await?;
            }
        }
        Ok(true)
    }

    async fn send(&self, due: &Due, now: DateTime<Utc>) -> anyhow::Result<()> {
        let message = self.message(due)?;
        match &self.out {
            Out::Smtp(server) => {
                server.send(message).await?;
            }
            Out::Folder(folder) => {
                let name = format!("{}-{}.eml", now.timestamp_millis(), due.id);
                write_whole(folder, &name, &message.formatted()).await?;
            }
        }
        Ok(())
    }

    fn message(&self, due: &Due) -> anyhow::Result<Message> {
        let body = self.app.seal.open(&whose(&due.kind, &due.address), &due.sealed)?;
        let body: Body = serde_json::from_slice(&body)?;
        let from: Address = self.app.mail_from.parse()?;
        let id = format!("<{}.{}@{}>", due.id, due.site_id, from.domain());
        let parts = MultiPart::alternative_plain_html(body.text, body.html);
        let message = Message::builder()
            .from(Mailbox::new(Some(body.from), from))
            .to(Mailbox::new(None, due.address.parse()?))
            .subject(body.subject)
            .message_id(Some(id))
            .header(SiteHeader(due.site_id.to_string()))
            .multipart(parts)?;
        Ok(message)
    }
}

/// Whose letter a file in the folder is.
#[derive(Debug, Clone)]
struct SiteHeader(String);

/// The header's name.
pub(crate) const SITE_HEADER: &str = "X-Tributary-Site";

impl lettre::message::header::Header for SiteHeader {
    fn name() -> lettre::message::header::HeaderName {
        lettre::message::header::HeaderName::new_from_ascii_str(SITE_HEADER)
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.to_owned()))
    }

    fn display(&self) -> lettre::message::header::HeaderValue {
        lettre::message::header::HeaderValue::new(Self::name(), self.0.clone())
    }
}

/// A file that is there whole or not at all.
async fn write_whole(folder: &Path, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let beside = folder.join(format!("{name}.new"));
    tokio::fs::write(&beside, bytes).await?;
    tokio::fs::rename(beside, folder.join(name)).await?;
    Ok(())
}
