//! The folder of letters, looked at: in a demonstration, where nobody has a mail server.

use mailparse::{MailHeaderMap, ParsedMail, parse_mail};
use schemas::ids::SiteId;
use std::path::Path;

use super::send::SITE_HEADER;

/// Letters shown at most.
const MOST: usize = 50;
/// A letter of ours is smaller.
const LARGEST: u64 = 256 * 1024;

/// A letter in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The file's name.
    pub name: String,
    /// To whom.
    pub to: String,
    /// Its line.
    pub subject: String,
    /// When it was written, in milliseconds since 1970.
    pub at_ms: i64,
    /// What it says.
    pub text: String,
}

/// The newest letters of a site, newest first.
///
/// # Errors
/// When the folder cannot be read.
pub fn list(folder: &Path, site: SiteId) -> std::io::Result<Vec<Found>> {
    let mut names: Vec<String> = std::fs::read_dir(folder)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| time(name).is_some())
        .collect();
    names.sort_by_key(|name| std::cmp::Reverse(time(name)));
    Ok(names.iter().filter_map(|name| read(folder, name, site)).take(MOST).collect())
}

/// One of them, of the site asked and no other.
pub fn read(folder: &Path, name: &str, site: SiteId) -> Option<Found> {
    let at_ms = time(name)?;
    let path = folder.join(name);
    let is_small =
        path.symlink_metadata().is_ok_and(|file| file.is_file() && file.len() <= LARGEST);
    let bytes = is_small.then(|| std::fs::read(path))?.ok()?;
    let mail = parse_mail(&bytes).ok()?;
    let header = |name: &str| mail.headers.get_first_value(name).unwrap_or_default();
    (header(SITE_HEADER) == site.get().to_string()).then(|| Found {
        name: name.to_owned(),
        to: header("To"),
        subject: header("Subject"),
        at_ms,
        text: text(&mail).unwrap_or_default(),
    })
}

/// Of a name as we give them, `MILLISECONDS-NUMBER.eml`; anything else is no letter.
fn time(name: &str) -> Option<i64> {
    let (at, number) = name.strip_suffix(".eml")?.split_once('-')?;
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (plain(at) && plain(number)).then(|| at.parse().ok())?
}

fn text(mail: &ParsedMail<'_>) -> Option<String> {
    match mail.subparts.as_slice() {
        [] => (mail.ctype.mimetype == "text/plain").then(|| mail.get_body().ok())?,
        parts => parts.iter().find_map(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_ours_are_read() {
        assert_eq!(time("1795168800000-7.eml"), Some(1_795_168_800_000));
        for name in
            ["../1-2.eml", "1-2.eml.new", "a-1.eml", "1-.eml", "-1.eml", "1-2", "1-2-3.eml", ""]
        {
            assert_eq!(time(name), None, "{name}");
        }
    }
}
