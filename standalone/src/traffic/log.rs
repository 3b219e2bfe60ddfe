//! Reads Apache's combined log format and says what each line is to Tributary: a click, a conversion
//! or nothing (`load-tests/data/README.md` is the one reading).
//!
//! Refuses to guess: a line that is not of the format is broken, and counted, never repaired.

use std::{
    borrow::Cow,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    net::IpAddr,
    path::Path,
};

use chrono::DateTime;
use flate2::{Crc, bufread::MultiGzDecoder};
use sha2::{Digest, Sha256};

/// A longer line is broken: nothing that a web server writes comes near.
const MAX_LINE: usize = 64 * 1024;

const DOWNLOADS: [&str; 8] = [".pdf", ".gz", ".tgz", ".zip", ".deb", ".rpm", ".jar", ".gem"];
const ASSETS: [&str; 12] = [
    ".css", ".js", ".png", ".jpg", ".jpeg", ".gif", ".ico", ".svg", ".woff", ".ttf", ".eot", ".map",
];

/// Programs by the first segment of a path; `site` takes every other.
pub const PROGRAMS: [&str; 5] = ["blog", "projects", "presentations", "articles", "site"];
/// The event of every conversion of a log.
pub const EVENT: &str = "download";
/// The currency of every conversion of a log.
pub const CURRENCY: &str = "EUR";
/// Affiliates a log's links are shared among.
pub const AFFILIATES: u32 = 12;
/// A code with at least this many clicks has a link; every other is an orphan on purpose.
pub const LINK_CLICKS: u64 = 20;

/// One request as written in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Line number, from 1.
    pub line: u64,
    /// The visitor's address.
    pub address: IpAddr,
    /// Milliseconds since 1970.
    pub time_ms: u64,
    /// `GET`, `HEAD`, …
    pub method: String,
    /// The target without its query.
    pub path: String,
    /// The answer's status.
    pub status: u16,
    /// The answer's length in bytes; 0 for `-`.
    pub bytes: u64,
    /// As written, escapes kept; `-` when there was none.
    pub referrer: String,
    /// As written, escapes kept; `-` when there was none.
    pub user_agent: String,
}

/// What a request is to Tributary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A visitor following the link of `code`, of the program at this place of `PROGRAMS`.
    Click { code: String, program: usize },
    /// A download.
    Conversion {
        /// Of the request's own path, for a visitor who clicked nothing before: place in `PROGRAMS`.
        program: usize,
        /// Cents, at least 1.
        amount_minor: u64,
        /// Equal for the parts of one download.
        txn_id: String,
    },
    /// An asset, or a method that is no visit.
    Skipped,
}

impl Request {
    /// Reads one line; `None` when it is not of the combined format.
    pub fn parse(line: u64, text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let (address, rest) = text.split_once(' ')?;
        let (before, rest) = rest.split_once(" [")?;
        // Identity and user: two words that nobody fills in.
        before.split_once(' ').filter(|(_, user)| !user.contains(' '))?;
        let (time, rest) = rest.split_once("] ")?;
        let (request, rest) = quoted(rest)?;
        let (status, rest) = rest.strip_prefix(' ')?.split_once(' ')?;
        let (bytes, rest) = rest.split_once(' ')?;
        let (referrer, rest) = quoted(rest)?;
        let (user_agent, rest) = quoted(rest.strip_prefix(' ')?)?;
        let mut words = request.split(' ');
        let (method, target) = (words.next()?, words.next()?);
        words.next().filter(|version| version.starts_with("HTTP/"))?;
        if !rest.is_empty() || words.next().is_some() {
            return None;
        }
        Some(Self {
            line,
            address: address.parse().ok()?,
            time_ms: milliseconds(time)?,
            method: method.to_owned(),
            path: target.split('?').next()?.to_owned(),
            status: status.parse().ok()?,
            bytes: if bytes == "-" { 0 } else { bytes.parse().ok()? },
            referrer: referrer.to_owned(),
            user_agent: user_agent.to_owned(),
        })
    }

    /// What the request is.
    pub fn event(&self) -> Event {
        let ends = |endings: &[&str]| endings.iter().any(|ending| self.path.ends_with(ending));
        let download =
            ends(&DOWNLOADS) || (self.path.starts_with("/files/") && !self.path.ends_with('/'));
        if download && matches!(self.status, 200 | 206) {
            return Event::Conversion {
                program: program(&self.path),
                amount_minor: (self.bytes / 1024).max(1),
                txn_id: self.txn_id(),
            };
        }
        if matches!(self.method.as_str(), "GET" | "HEAD") && !ends(&ASSETS) {
            return Event::Click { code: code(&self.path), program: program(&self.path) };
        }
        Event::Skipped
    }

    /// The user agent as a browser sends it: empty where the log has none.
    pub fn sent_user_agent(&self) -> &str {
        sent(&self.user_agent)
    }

    /// The referrer as a browser sends it: empty where the log has none.
    pub fn sent_referrer(&self) -> &str {
        sent(&self.referrer)
    }

    fn txn_id(&self) -> String {
        let text = format!("{}\n{}\n{}", self.address, self.user_agent, self.path);
        let digest = Sha256::digest(text.as_bytes());
        data_encoding::HEXLOWER.encode(&digest[..8])
    }
}

/// The affiliate (0 to 11) whom the link of a code belongs to.
pub fn affiliate(code: &str) -> u32 {
    let mut crc = Crc::new();
    crc.update(code.as_bytes());
    crc.sum() % AFFILIATES
}

/// A log's lines in order: (line number, request); `None` for a broken line.
pub struct Lines<R> {
    input: R,
    line: u64,
    buffer: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// Over plain text.
    pub fn new(input: R) -> Self {
        Self { input, line: 0, buffer: Vec::new() }
    }
}

/// A log file, plain or gzip by its first bytes.
///
/// # Errors
/// When it can't be opened or read.
pub fn open(path: &Path) -> io::Result<Lines<Box<dyn BufRead + Send>>> {
    read(BufReader::new(File::open(path)?))
}

/// A log's bytes, plain or gzip by the first of them.
///
/// # Errors
/// When they can't be read.
pub fn read<'a>(
    mut input: impl BufRead + Send + 'a,
) -> io::Result<Lines<Box<dyn BufRead + Send + 'a>>> {
    let gzip = input.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    Ok(Lines::new(if gzip {
        Box::new(BufReader::new(MultiGzDecoder::new(input)))
    } else {
        Box::new(input)
    }))
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<(u64, Option<Request>)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.buffer.clear();
        let limit = MAX_LINE as u64;
        match self.input.by_ref().take(limit).read_until(b'\n', &mut self.buffer) {
            Ok(0) => return None,
            Ok(_) => self.line += 1,
            Err(error) => return Some(Err(error)),
        }
        if self.buffer.len() == MAX_LINE && !self.buffer.ends_with(b"\n") {
            return Some(self.input.skip_until(b'\n').map(|_| (self.line, None)));
        }
        let text = self.buffer.trim_ascii_end();
        Some(Ok((self.line, Request::parse(self.line, text))))
    }
}

/// What stands between a quote and the next one that is not escaped, and what follows.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('"')?;
    let mut escaped = false;
    let end = text.bytes().position(|byte| {
        let end = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        end
    })?;
    Some((&text[..end], &text[end + 1..]))
}

/// `17/May/2015:10:05:03 +0000` in milliseconds since 1970.
fn milliseconds(text: &str) -> Option<u64> {
    let time = DateTime::parse_from_str(text, "%d/%b/%Y:%H:%M:%S %z").ok()?;
    u64::try_from(time.timestamp_millis()).ok()
}

fn sent(field: &str) -> &str {
    if field == "-" { "" } else { field }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

fn code(path: &str) -> String {
    let joined = segments(path).take(2).collect::<Vec<_>>().join("-").to_lowercase();
    let plain = |c: char| if matches!(c, 'a'..='z' | '0'..='9' | '-') { c } else { '-' };
    let code: Cow<'_, str> = if joined.is_empty() { "home".into() } else { joined.into() };
    code.chars().map(plain).collect()
}

fn program(path: &str) -> usize {
    let first = segments(path).next().unwrap_or_default();
    let site = PROGRAMS.len() - 1;
    PROGRAMS[..site].iter().position(|name| *name == first).unwrap_or(site)
}

#[cfg(test)]
mod tests;
