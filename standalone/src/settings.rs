//! What an operator may set in the environment of `serve`, kept so that commands asked later know it too.

/// Partitions of both topics: a visitor's events meet in one; more only pay with more cores.
const PARTITIONS: u16 = 4;
/// See [`Settings::journal_keep_hours`].
const JOURNAL_KEEP_HOURS: u64 = 24;

/// The settings of one start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Partitions of both topics (`TRIBUTARY_PARTITIONS`).
    pub partitions: u16,
    /// Cores that answer visitors, and so journals (`TRIBUTARY_CORES`): one on a small machine, where the stores need
    /// the rest.
    pub cores: usize,
    /// Hours a journal's segment stays after everything in it was committed (`TRIBUTARY_JOURNAL_KEEP_HOURS`): it must
    /// outlive a PostgreSQL that is restored from a backup.
    pub journal_keep_hours: u64,
}

impl Settings {
    /// What the environment says, and what fits this machine where it says nothing.
    #[must_use]
    pub fn from_environment() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            partitions: given("TRIBUTARY_PARTITIONS").unwrap_or(PARTITIONS),
            cores: given("TRIBUTARY_CORES").unwrap_or(cores / 4).max(1),
            journal_keep_hours: given("TRIBUTARY_JOURNAL_KEEP_HOURS").unwrap_or(JOURNAL_KEEP_HOURS),
        }
    }

    /// One `NAME VALUE` a line.
    #[must_use]
    pub fn to_lines(&self) -> String {
        let Self { partitions, cores, journal_keep_hours } = self;
        format!("partitions {partitions}\ncores {cores}\njournal-keep-hours {journal_keep_hours}\n")
    }

    /// Reads [`to_lines`](Self::to_lines) among other lines; `None` when one is missing or damaged.
    #[must_use]
    pub fn from_lines(text: &str) -> Option<Self> {
        let find =
            |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Some(Self {
            partitions: find("partitions")?.parse().ok()?,
            cores: find("cores")?.parse().ok()?,
            journal_keep_hours: find("journal-keep-hours")?.parse().ok()?,
        })
    }
}

fn given<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_their_file() {
        let settings = Settings { partitions: 8, cores: 3, journal_keep_hours: 7 };
        let text = format!("api localhost:1\n{}postgresql private\n", settings.to_lines());
        assert_eq!(Settings::from_lines(&text), Some(settings));
        assert_eq!(Settings::from_lines("partitions 8\n"), None);
    }
}
