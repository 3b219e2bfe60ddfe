//! Where a link leads, as it is saved and as it is filled: the one parser of both sides.
//!
//! The api saves what `normalise` gives, the collector fills what `compile` makes of it: literal parts
//! checked and encoded once, macros as two bytes. Refuses a destination that is not `http(s)://host…`,
//! names a user, has a macro before its path, or is longer than 4096 bytes once it is encoded. An
//! unknown macro is left empty and named, so that whoever saves it can warn.

use url::{Position, Url};

/// Longest destination taken, encoded as a browser would send it, macros as they are written.
pub const MOST_BYTES: usize = 4096;

/// Begins a macro; the next byte is the macro's number and its function.
pub const MACRO: u8 = 0x01;
/// Stands before the `?` that begins the query.
pub const QUERY: u8 = 0x02;
/// Stands before the `#` that begins the fragment.
pub const FRAGMENT: u8 = 0x03;
/// Function `:raw`, in a macro's second byte.
pub const RAW: u8 = 0x40;
/// Function `:hash`, in a macro's second byte.
pub const HASH: u8 = 0x80;

macro_rules! macros {
    ($($(#[$doc:meta])* $name:ident = $code:literal $text:literal,)+) => {
        /// What can stand in a destination.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Macro { $($(#[$doc])* $name = $code,)+ }

        impl Macro {
            /// All but the sub-ids.
            const NAMED: &'static [(&'static str, Self)] = &[$(($text, Self::$name),)+];
        }
    };
}

macros!(
    /// The signed click id.
    ClickId = 16 "click_id",
    /// `lnk_…`
    Link = 17 "link",
    /// `aff_…`
    AffiliateId = 18 "affiliate_id",
    /// `prg_…`
    ProgramId = 19 "program_id",
    /// As the visitor's URL said.
    Source = 20 "source",
    /// ISO 3166 alpha-2.
    Country = 21 "country",
    /// First subdivision.
    Region = 22 "region",
    /// City.
    City = 23 "city",
    /// desktop, mobile, …
    Device = 24 "device",
    /// Operating system.
    Os = 25 "os",
    /// Browser.
    Browser = 26 "browser",
    /// Primary subtag of the preferred language.
    Lang = 27 "lang",
    /// The referrer as sent.
    Referrer = 28 "referrer",
    /// Seconds since 1970.
    Ts = 29 "ts",
    /// A random number of 64 bits.
    Random = 30 "random",
);

/// What a macro's byte stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// sub1 to sub10, from 0.
    Sub(usize),
    /// Any other.
    Named(Macro),
}

impl Item {
    fn from_name(name: &str) -> Option<Self> {
        if let Some(n) = name.strip_prefix("sub") {
            let n: usize = n.parse().ok().filter(|n| (1..=10).contains(n))?;
            return (name == format!("sub{n}")).then_some(Self::Sub(n - 1));
        }
        Macro::NAMED.iter().find(|(text, _)| *text == name).map(|(_, named)| Self::Named(*named))
    }

    /// What a macro's second byte names; its function's bits are passed over.
    pub fn from_code(code: u8) -> Option<Self> {
        match code & 0x3f {
            n @ 1..=10 => Some(Self::Sub(usize::from(n) - 1)),
            n => Macro::NAMED
                .iter()
                .map(|(_, named)| *named)
                .find(|named| *named as u8 == n)
                .map(Self::Named),
        }
    }

    fn code(self) -> u8 {
        match self {
            Self::Sub(n) => n as u8 + 1,
            Self::Named(named) => named as u8,
        }
    }

    fn name(self) -> String {
        match self {
            Self::Sub(n) => format!("sub{}", n + 1),
            Self::Named(named) => {
                let found = Macro::NAMED.iter().find(|(_, other)| *other == named);
                found.map(|(text, _)| (*text).to_owned()).unwrap_or_default()
            }
        }
    }

    /// Whether the visitor, or a machine on the way, chose its value.
    pub const fn is_visitors(self) -> bool {
        matches!(self, Self::Sub(_) | Self::Named(Macro::Source | Macro::Lang | Macro::Referrer))
    }
}

/// Why a text is no destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDestination {
    /// Not an absolute http or https URL with a host.
    #[error("a destination is an absolute URL, http or https, with a host")]
    Url,
    /// `https://user:password@host`.
    #[error("a destination names no user")]
    User,
    /// A macro in scheme or authority.
    #[error("no macro may stand in the scheme or the host of a destination")]
    EarlyMacro,
    /// Over 4096 bytes.
    #[error("a destination has at most 4096 bytes, counted as encoded")]
    Long,
}

/// Highest bit of the origin's length: some macro asks for what `Visit` holds.
const VISIT: u16 = 0x8000;

/// A destination made ready, in the bytes it is kept in: origin length, origin, then literals and macros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Box<[u8]>);

impl Template {
    /// The bytes, for a store that keeps many side by side; `fill` reads them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The destination as text again; compiling that gives the same template.
    pub fn source(bytes: &[u8]) -> String {
        let Some((origin, rest)) = split(bytes) else { return String::new() };
        let mut text = String::from_utf8_lossy(origin).into_owned();
        let mut bytes = rest.iter();
        while let Some(&byte) = bytes.next() {
            match byte {
                MACRO => text.push_str(&macro_source(bytes.next().copied().unwrap_or(0))),
                QUERY | FRAGMENT => {}
                literal => text.push(char::from(literal)),
            }
        }
        text
    }
}

/// Origin (`https://host:port`) and the rest of a template's bytes.
pub fn split(template: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = template.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_le_bytes(*length) & !VISIT))
}

/// Whether filling a template's bytes needs what `Visit` holds.
pub fn asks_for_visit(template: &[u8]) -> bool {
    template.first_chunk::<2>().is_some_and(|length| u16::from_le_bytes(*length) & VISIT != 0)
}

/// Checks a destination and makes it ready; beside it the names of macros that are none.
///
/// # Errors
/// `InvalidDestination` says what no destination may be.
pub fn compile(text: &str) -> Result<(Template, Vec<String>), InvalidDestination> {
    let (origin, rest) = parts(text)?;
    let mut bytes = Vec::with_capacity(text.len() + 8);
    bytes.extend_from_slice(&(origin.len() as u16).to_le_bytes());
    bytes.extend_from_slice(origin.as_bytes());
    let (mut unknown, mut asks, mut length) = (Vec::new(), false, origin.len());
    for piece in Pieces::of(rest) {
        let start = bytes.len();
        match piece {
            Piece::Macro(inner, code) => {
                asks |= (Macro::Country as u8..=Macro::Browser as u8).contains(&(code & 0x3f));
                bytes.extend_from_slice(&[MACRO, code]);
                length += inner.len() + 2;
            }
            Piece::Unknown(inner) => {
                unknown.push(inner.to_owned());
                length += inner.len() + 2;
            }
            Piece::Query => bytes.push(QUERY),
            Piece::Fragment => bytes.push(FRAGMENT),
            Piece::Literal(literal) => {
                put_literal(&mut bytes, literal);
                length += bytes.len() - start;
            }
        }
        if length > MOST_BYTES {
            return Err(InvalidDestination::Long);
        }
    }
    if asks {
        let length = origin.len() as u16 | VISIT;
        bytes[..2].copy_from_slice(&length.to_le_bytes());
    }
    Ok((Template(bytes.into()), unknown))
}

/// The form a destination is saved in: ASCII, encoded, macros as they were written, the unknown ones
/// too; beside it the names of those. Compiling it gives what compiling `text` gives.
///
/// # Errors
/// As `compile`.
pub fn normalise(text: &str) -> Result<(String, Vec<String>), InvalidDestination> {
    let (_, unknown) = compile(text)?;
    let (origin, rest) = parts(text)?;
    let mut normal = origin.into_bytes();
    for piece in Pieces::of(rest) {
        match piece {
            Piece::Macro(inner, _) | Piece::Unknown(inner) => {
                normal.push(b'{');
                normal.extend_from_slice(inner.as_bytes());
                normal.push(b'}');
            }
            Piece::Query | Piece::Fragment => {}
            Piece::Literal(literal) => put_literal(&mut normal, literal),
        }
    }
    Ok((String::from_utf8_lossy(&normal).into_owned(), unknown))
}

/// The origin, checked and normalised, and what stands behind it.
fn parts(text: &str) -> Result<(String, &str), InvalidDestination> {
    let text = text.trim();
    let authority = text.find("://").map(|at| at + 3).ok_or(InvalidDestination::Url)?;
    let end = text[authority..].find(['/', '?', '#', '\\']).map_or(text.len(), |at| authority + at);
    let origin = origin(&text[..end])?;
    if origin.len() >= MOST_BYTES {
        return Err(InvalidDestination::Long);
    }
    Ok((origin, &text[end..]))
}

fn origin(head: &str) -> Result<String, InvalidDestination> {
    if head.contains(['{', '}']) {
        return Err(InvalidDestination::EarlyMacro);
    }
    if head.contains('@') {
        return Err(InvalidDestination::User);
    }
    let url = Url::parse(head).map_err(|_| InvalidDestination::Url)?;
    let web = matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some_and(|host| !host.is_empty());
    if web { Ok(url[..Position::BeforePath].to_owned()) } else { Err(InvalidDestination::Url) }
}

/// What stands behind the origin, one by one.
enum Piece<'a> {
    /// What stands in the braces, and its second byte.
    Macro(&'a str, u8),
    /// What stands in the braces and is no macro.
    Unknown(&'a str),
    /// The query begins with the literal that follows.
    Query,
    /// The fragment begins with the literal that follows.
    Fragment,
    Literal(char),
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Before,
    Path,
    Query,
    Fragment,
}

struct Pieces<'a> {
    rest: &'a str,
    part: Part,
    /// A part was announced; its first literal comes next.
    announced: bool,
}

impl<'a> Pieces<'a> {
    fn of(rest: &'a str) -> Self {
        Self { rest, part: Part::Before, announced: false }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if self.part == Part::Before {
            self.part = Part::Path;
            // `https://host?x` is `https://host/?x`.
            if !self.rest.starts_with(['/', '\\']) {
                return Some(Piece::Literal('/'));
            }
        }
        if let Some((inner, after)) = braced(self.rest) {
            self.rest = after;
            let known = parse_macro(inner).map(|code| Piece::Macro(inner, code));
            return Some(known.unwrap_or(Piece::Unknown(inner)));
        }
        let next = self.rest.chars().next()?;
        let begins = match next {
            '?' if self.part < Part::Query => Some((Part::Query, Piece::Query)),
            '#' if self.part < Part::Fragment => Some((Part::Fragment, Piece::Fragment)),
            _ => None,
        };
        if let Some((part, piece)) = begins.filter(|_| !self.announced) {
            (self.part, self.announced) = (part, true);
            return Some(piece);
        }
        self.announced = false;
        self.rest = &self.rest[next.len_utf8()..];
        // A backslash means a slash to browsers; outside the path it is data.
        let literal = if next == '\\' && self.part == Part::Path { '/' } else { next };
        Some(Piece::Literal(literal))
    }
}

fn braced(text: &str) -> Option<(&str, &str)> {
    let (inner, after) = text.strip_prefix('{')?.split_once('}')?;
    let name = |byte: u8| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b':');
    (!inner.is_empty() && inner.bytes().all(name)).then_some((inner, after))
}

fn parse_macro(inner: &str) -> Option<u8> {
    let (name, function) = inner.split_once(':').unwrap_or((inner, ""));
    let function = match function {
        "" if !inner.contains(':') => 0,
        "raw" => RAW,
        "hash" => HASH,
        _ => return None,
    };
    Item::from_name(name).map(|item| item.code() | function)
}

fn macro_source(code: u8) -> String {
    let function = match code & (RAW | HASH) {
        RAW => ":raw",
        HASH => ":hash",
        _ => "",
    };
    Item::from_code(code).map(|item| format!("{{{}{function}}}", item.name())).unwrap_or_default()
}

/// Printable ASCII that means nothing to a browser's URL parser stays; the rest is encoded.
fn put_literal(bytes: &mut Vec<u8>, literal: char) {
    let mut buffer = [0; 4];
    for &byte in literal.encode_utf8(&mut buffer).as_bytes() {
        match byte {
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => put_code(bytes, byte),
            0x21..=0x7e => bytes.push(byte),
            _ => put_code(bytes, byte),
        }
    }
}

/// `%XX`.
pub fn put_code(bytes: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    bytes.extend_from_slice(&[b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
}

#[cfg(test)]
mod tests;
