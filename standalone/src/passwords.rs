//! Passwords of the private stores: random, made at the first start, readable by their owner alone.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// ClickHouse's `owner` and `reader`; PostgreSQL's `postgres` (the cluster's owner, for migrations) and its services.
const NAMES: [&str; 7] = [
    "owner",
    "reader",
    "postgres",
    "tributary_collector",
    "tributary_processor",
    "tributary_api",
    "tributary_jobs",
];

/// One password for each name.
pub struct Passwords {
    by_name: BTreeMap<String, String>,
}

/// A file of secrets could not be read or made.
#[derive(Debug, thiserror::Error)]
#[error("{0} can't be read or made ({1}): it must belong to you and be readable by you alone")]
pub struct Error(PathBuf, io::Error);

impl Passwords {
    /// Reads `path` (`NAME PASSWORD` a line); adds what is missing.
    ///
    /// # Errors
    /// When the file can't be read or written.
    pub fn load_or_create(path: &Path) -> Result<Self, Error> {
        let fail = |error| Error(path.to_owned(), error);
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(fail(error)),
        };
        let lines = text.lines().filter_map(|line| line.split_once(' '));
        let mut by_name: BTreeMap<String, String> =
            lines.map(|(name, password)| (name.to_owned(), password.trim().to_owned())).collect();
        let missing: Vec<&str> =
            NAMES.into_iter().filter(|name| !by_name.contains_key(*name)).collect();
        if !missing.is_empty() {
            for name in missing {
                by_name.insert(name.to_owned(), random_password().map_err(fail)?);
            }
            let text: String =
                by_name.iter().map(|(name, password)| format!("{name} {password}\n")).collect();
            write_secret(path, &text).map_err(fail)?;
        }
        Ok(Self { by_name })
    }

    /// The password of one of the names above; empty for any other.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.by_name.get(name).map(String::as_str).unwrap_or_default()
    }
}

/// Random bytes for a secret.
///
/// # Errors
/// When the machine has no randomness.
pub fn random_bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut random = [0_u8; N];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    Ok(random)
}

/// A password: 48 hexadecimal digits of randomness.
///
/// # Errors
/// When the machine has no randomness.
pub fn random_password() -> io::Result<String> {
    Ok(data_encoding::HEXLOWER.encode(&random_bytes::<24>()?))
}

/// Writes a file only its owner can read, whole or not at all.
///
/// # Errors
/// When the disk or the folder refuses.
pub fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(beside, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn passwords_stay_and_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passwords");
        fs::write(&path, "owner mine\n").unwrap();
        let first = Passwords::load_or_create(&path).unwrap();
        assert_eq!(first.get("owner"), "mine");
        assert_eq!(first.get("reader").len(), 48);
        let second = Passwords::load_or_create(&path).unwrap();
        assert_eq!(first.get("reader"), second.get("reader"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
