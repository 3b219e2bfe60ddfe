//! A letter: a few sentences, perhaps a button or a code; as text and as HTML that old mail programs show.

use askama::Template;

use crate::{error::Error, i18n::Text};

/// A letter to one person.
#[derive(Debug, Clone)]
pub struct Letter {
    /// What it is, as in the table.
    pub kind: &'static str,
    /// To whom.
    pub address: String,
    /// The voice it is written in.
    pub t: Text,
    /// One line.
    pub subject: String,
    /// What it says.
    pub paragraphs: Vec<String>,
    /// Something to press: its words and where it leads.
    pub button: Option<(String, String)>,
    /// A code to type.
    pub code: Option<String>,
    /// Why it was sent, in small letters.
    pub footer: String,
}

/// A letter as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// For those who read text.
    pub text: String,
    /// For the others.
    pub html: String,
}

#[derive(Template)]
#[template(path = "emails/letter.html")]
struct Html<'a> {
    letter: &'a Letter,
}

impl Letter {
    /// For those who read text: its parts with an empty line between them.
    fn text(&self) -> String {
        let mut parts = vec![self.subject.clone()];
        parts.extend(self.paragraphs.iter().cloned());
        parts.extend(self.button.iter().map(|(label, url)| format!("{label}: {url}")));
        parts.extend(self.code.iter().map(|code| format!("    {code}")));
        parts.push(format!("-- \n{}", self.footer));
        parts.join("\n\n") + "\n"
    }

    /// As it is sent.
    ///
    /// # Errors
    /// `Invalid` where a line of its head is none: a name with a line break would begin another header.
    pub fn render(&self) -> Result<Rendered, Error> {
        let line = |text: &str| !text.chars().any(char::is_control);
        if !line(&self.subject) || !line(&self.address) {
            return Err(Error::field(
                "name",
                "control_character",
                "only characters that can be seen",
            ));
        }
        Ok(Rendered {
            subject: self.subject.clone(),
            text: self.text(),
            html: Html { letter: self }.render()?,
        })
    }
}
