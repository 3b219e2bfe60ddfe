//! User agents: device, operating system and browser (by `woothee`), and whether it is a robot (by
//! the kept list of `bots`).
//!
//! Both answers are kept by the agent: some ten nanoseconds met again, some microseconds new. By the
//! whole text, not by a hash alone, so that nobody can have a browser taken for his robot.

use quick_cache::unsync::Cache;
use woothee::parser::{Parser, WootheeResult};

use super::{
    bots::Bots,
    words::{Word, Words},
};

/// Agents kept; the log of a busy site has some ten thousand.
const KEPT: usize = 1 << 16;
/// Longer ones are read each time: no browser sends such, and memory has its bound.
const LONGEST: usize = 1 << 10;

/// What a user agent says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Agent {
    /// `desktop`, `mobile`, `tablet`, `tv`, `console` or `bot`; empty when unknown.
    pub device: Word,
    /// Operating system, without version.
    pub os: Word,
    /// Browser, without version.
    pub browser: Word,
    /// A robot by the list, or no agent at all.
    pub bot: bool,
}

/// Agents met before.
pub(crate) struct Agents {
    seen: Cache<Box<str>, Agent>,
    bots: Bots,
    parser: Parser,
}

impl Agents {
    pub(crate) fn new() -> Self {
        Self { seen: Cache::new(KEPT), bots: Bots::new(), parser: Parser::new() }
    }

    /// What an agent says.
    pub(crate) fn of(&mut self, agent: &str, words: &mut Words) -> Agent {
        if let Some(known) = self.seen.get(agent) {
            return *known;
        }
        let read = self.read(agent, words);
        if agent.len() <= LONGEST {
            self.seen.insert(agent.into(), read);
        }
        read
    }

    /// Forgets all, since words got other numbers.
    pub(crate) fn forget(&mut self) {
        self.seen.clear();
    }

    fn read(&self, agent: &str, words: &mut Words) -> Agent {
        let bot = self.bots.knows(agent);
        let read = self.parser.parse(agent).unwrap_or_default();
        Agent {
            device: words.intern(device(bot, &read, agent)),
            os: words.intern(os(read.os)),
            browser: words.intern(known(read.name)),
            bot,
        }
    }
}

fn device(bot: bool, read: &WootheeResult<'_>, agent: &str) -> &'static str {
    // Android says `Mobile` on phones only.
    let tablet = read.os == "iPad" || (read.os == "Android" && !agent.contains("Mobile"));
    match read.category {
        _ if bot => "bot",
        "crawler" => "bot",
        "pc" => "desktop",
        "smartphone" if tablet => "tablet",
        "smartphone" | "mobilephone" => "mobile",
        "appliance" if read.os == "InternetTVBrowser" || read.name == "InternetTVBrowser" => "tv",
        "appliance" => "console",
        _ => "",
    }
}

fn os(name: &str) -> &str {
    match name {
        "Windows Phone OS" => "Windows Phone",
        windows if windows.starts_with("Windows") => "Windows",
        "Mac OSX" => "macOS",
        "iPhone" | "iPad" | "iPod" => "iOS",
        other => known(other),
    }
}

fn known(name: &str) -> &str {
    if name == "UNKNOWN" { "" } else { name }
}

#[cfg(test)]
pub(crate) mod tests;
