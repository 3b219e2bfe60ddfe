//! The server's log: bounded, and read for its last words when a start fails.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::Error;
use super::owner::open_ours;

/// At this size the log moves to `log.1`, and what lay there goes.
const MOST: u64 = 16 << 20;
/// What is read of its end.
const TAIL: u64 = 16 << 10;

/// What some causes want done.
const ADVICE: [(&str, &str); 5] = [
    ("No space left on device", "the disk is full: free some space, then start again"),
    ("Address already in use", "another program has its port: stop that one, then start again"),
    (
        "Permission denied",
        "give its folder back to the user it runs as, or start tributary as the user who made it",
    ),
    ("has group or world access", "close its folder to others (chmod 700)"),
    ("could not create shared memory", "the machine has no shared memory left: end what uses it"),
];

/// The log of one cluster.
#[derive(Debug, Clone)]
pub(super) struct Log(PathBuf);

impl Log {
    pub(super) fn of(folder: &Path) -> Self {
        Self(folder.join("log"))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Opens it for a server to write to; gives also where that server's lines begin.
    pub(super) fn open(&self) -> Result<(File, u64), Error> {
        let opened = || {
            if fs::metadata(&self.0).is_ok_and(|found| found.len() > MOST) {
                fs::rename(&self.0, self.older())?;
            }
            let file = open_ours(&self.0, File::options().append(true))?;
            let length = file.metadata()?.len();
            io::Result::Ok((file, length))
        };
        opened().map_err(|error| Error::Folder(self.0.clone(), error))
    }

    /// Copies a log that has grown large away and empties it under the running server, which appends.
    ///
    /// # Errors
    /// When the disk does not take the copy.
    pub(super) fn bound(&self) -> io::Result<()> {
        if fs::metadata(&self.0)?.len() > MOST {
            fs::copy(&self.0, self.older())?;
            open_ours(&self.0, File::options().write(true).truncate(true))?;
        }
        Ok(())
    }

    /// The reason in the lines behind `from`, with what to do where that is known; else what else is known.
    pub(super) fn last_words(&self, from: u64, otherwise: &str) -> String {
        let said = self.read(from).unwrap_or_default();
        let telling =
            said.lines().rev().find(|line| line.contains("FATAL:") || line.contains("PANIC:"));
        let reason = telling.unwrap_or(otherwise);
        let known =
            ADVICE.iter().find(|(cause, _)| said.contains(cause) || otherwise.contains(cause));
        let advice = known.map(|(_, advice)| format!(": {advice}")).unwrap_or_default();
        format!("{reason}{advice} (log: {})", self.0.display())
    }

    fn read(&self, from: u64) -> io::Result<String> {
        let mut file = File::open(&self.0)?;
        let length = file.metadata()?.len();
        // One that was emptied meanwhile has only new lines.
        let from = if length < from { 0 } else { from };
        file.seek(SeekFrom::Start(from.max(length.saturating_sub(TAIL))))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn older(&self) -> PathBuf {
        self.0.with_extension("1")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_fatal_is_not_this_starts_reason_and_a_known_one_has_advice() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::of(folder.path());
        fs::write(log.path(), "FATAL:  an old story\n").unwrap();
        let (_, from) = log.open().unwrap();
        assert!(log.last_words(from, "exit status: 1").starts_with("exit status: 1 (log"));
        let more = "LOG: \u{fffd}\nFATAL:  could not write: No space left on device\nLOG: bye\n";
        fs::write(log.path(), format!("FATAL:  an old story\n{more}")).unwrap();
        let said = log.last_words(from, "exit status: 1");
        assert!(
            said.starts_with("FATAL:  could not write") && said.contains("disk is full"),
            "{said}"
        );
    }

    #[test]
    fn log_stays_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::of(folder.path());
        File::create(log.path()).unwrap().set_len(MOST + 1).unwrap();
        log.bound().unwrap();
        assert_eq!(fs::metadata(log.path()).unwrap().len(), 0);
        File::create(log.path()).unwrap().set_len(MOST + 1).unwrap();
        assert_eq!(log.open().unwrap().1, 0);
        assert_eq!(fs::metadata(folder.path().join("log.1")).unwrap().len(), MOST + 1);
    }
}
