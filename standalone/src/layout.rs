//! The data folder: what lies where.
//!
//! ```text
//! version      the layout's number; a folder of another version is refused
//! lock         held by the one `tributary` that runs the folder   children  held by each of its children
//! keys         click id keys, `VERSION HEX64` a line          passwords   of the private stores
//! setup        the secret of the one-time link that makes the first admin
//! mail/        letters, where no mail server is named
//! postgres/    the private PostgreSQL cluster                 clickhouse/ the engine's data
//! postgres.id  which cluster is this folder's: it may lie outside
//! journal/     the collector's journals, one folder a slot     collector/  its copy of the links
//! ```

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// The layout this binary reads and writes.
const VERSION: &str = "1";

/// How long the children of a killed tributary may take to end; the kernel told them when it died.
const ORPHANS_LIMIT: Duration = Duration::from_secs(90);

/// A data folder that this binary may use.
#[derive(Debug, Clone)]
pub struct Layout {
    root: PathBuf,
}

/// Why a data folder can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No permission, no disk, not a folder.
    #[error(
        "the data folder {0} can't be used ({1}): choose another with --data or TRIBUTARY_DATA"
    )]
    Unusable(PathBuf, io::Error),
    /// Nothing of ours is in it.
    #[error(
        "{0} is not a data folder of tributary: give the one you started it with by --data or TRIBUTARY_DATA"
    )]
    NoInstallation(PathBuf),
    /// Another process runs it.
    #[error(
        "the data folder {0} is in use by process {1}: stop that tributary, or choose another folder with --data"
    )]
    InUse(PathBuf, String),
    /// A killed tributary's children still run.
    #[error(
        "processes of a tributary that was killed still work in {0}: end what `ps` shows as `tributary run-…`"
    )]
    Orphans(PathBuf),
    /// Written by another version.
    #[error(
        "the data folder {0} is of layout version {1}, this tributary reads version {VERSION}: use the tributary \
         that made it, or choose another folder with --data"
    )]
    OtherVersion(PathBuf, String),
}

/// Keeps the folder ours; let go when dropped or when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Layout {
    /// Takes the folder for this process, and waits until the children of one that was killed have ended.
    ///
    /// # Errors
    /// When another process has it, or old children do not end.
    pub fn lock(&self) -> Result<Lock, Error> {
        let unusable = |error: io::Error| Error::Unusable(self.root.clone(), error);
        let mut file = self.lock_file("lock")?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder).map_err(unusable)?;
                return Err(Error::InUse(self.root.clone(), holder.trim().to_owned()));
            }
            Err(error) => return Err(unusable(error.into())),
        }
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(unusable)?;
        let children = self.lock_file("children")?;
        let limit = Instant::now() + ORPHANS_LIMIT;
        while let Err(error) = flock(&children, FlockOperation::NonBlockingLockExclusive) {
            if error != Errno::WOULDBLOCK {
                return Err(unusable(error.into()));
            }
            if Instant::now() > limit {
                return Err(Error::Orphans(self.root.clone()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Lock { _file: file })
    }

    /// Says, as long as the value lives, that a child of the folder's tributary is at work.
    ///
    /// # Errors
    /// When the folder can't be used.
    pub fn join_children(&self) -> Result<Lock, Error> {
        let file = self.lock_file("children")?;
        let locked = flock(&file, FlockOperation::LockShared);
        locked.map_err(|error| Error::Unusable(self.root.clone(), error.into()))?;
        Ok(Lock { _file: file })
    }

    fn lock_file(&self, name: &str) -> Result<File, Error> {
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(self.root.join(name));
        file.map_err(|error| Error::Unusable(self.root.clone(), error))
    }

    /// Opens the folder of an installation that exists.
    ///
    /// # Errors
    /// When there is none in it, or one of another version.
    pub fn existing(root: &Path) -> Result<Self, Error> {
        match root.join("version").exists() {
            true => Self::open(root),
            false => Err(Error::NoInstallation(root.to_owned())),
        }
    }

    /// Opens the folder, making it when it is not there.
    ///
    /// # Errors
    /// When it can't be written, or is of another version.
    pub fn open(root: &Path) -> Result<Self, Error> {
        let unusable = |error| Error::Unusable(root.to_owned(), error);
        let root = std::path::absolute(root).map_err(unusable)?;
        fs::DirBuilder::new().recursive(true).mode(0o711).create(&root).map_err(unusable)?;
        let version = root.join("version");
        match fs::read_to_string(&version) {
            Ok(found) if found.trim() == VERSION => {}
            Ok(found) => return Err(Error::OtherVersion(root, found.trim().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::write(&version, format!("{VERSION}\n")).map_err(unusable)?;
            }
            Err(error) => return Err(unusable(error)),
        }
        let layout = Self { root };
        for private in [layout.clickhouse(), layout.journals(), layout.collector()] {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(private).map_err(unusable)?;
        }
        Ok(layout)
    }

    /// The folder itself, absolute.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The engine's data.
    #[must_use]
    pub fn clickhouse(&self) -> PathBuf {
        self.root.join("clickhouse")
    }

    /// The private PostgreSQL's own folder: cluster, socket and log.
    #[must_use]
    pub fn postgres(&self) -> PathBuf {
        self.root.join("postgres")
    }

    /// Holds the port of the private PostgreSQL while it answers.
    #[must_use]
    pub fn postgres_ready(&self) -> PathBuf {
        self.root.join("postgres.ready")
    }

    /// The port of the private PostgreSQL, while it answers.
    #[must_use]
    pub fn postgres_port(&self) -> Option<u16> {
        fs::read_to_string(self.postgres_ready()).ok()?.trim().parse().ok()
    }

    /// The collector's journals, imports included.
    #[must_use]
    pub fn journals(&self) -> PathBuf {
        self.root.join("journal")
    }

    /// What the collector keeps for itself.
    #[must_use]
    pub fn collector(&self) -> PathBuf {
        self.root.join("collector")
    }

    /// Where uniqueness claims go that do not fit in memory.
    #[must_use]
    pub fn claims(&self) -> PathBuf {
        self.root.join("claims")
    }

    /// Click id keys.
    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// Passwords of the private stores.
    #[must_use]
    pub fn passwords(&self) -> PathBuf {
        self.root.join("passwords")
    }

    /// Where everything listened at the last start.
    #[must_use]
    pub fn addresses(&self) -> PathBuf {
        self.root.join("addresses")
    }

    /// The log that `demo` imports.
    #[must_use]
    pub fn demo_log(&self) -> PathBuf {
        self.root.join("demo.log.gz")
    }

    /// All that is ever made in the folder, the lock excepted; the version last, so that an interrupted removal is
    /// still known for what it is.
    #[must_use]
    pub fn everything(&self) -> Vec<PathBuf> {
        vec![
            self.clickhouse(),
            self.postgres(),
            self.postgres_ready(),
            self.postgres().with_extension("id"),
            self.journals(),
            self.collector(),
            self.claims(),
            self.addresses(),
            self.demo_log(),
            self.setup(),
            self.mail(),
            self.keys(),
            self.passwords(),
            self.root.join("version"),
        ]
    }

    /// Letters, where no mail server is named.
    #[must_use]
    pub fn mail(&self) -> PathBuf {
        self.root.join("mail")
    }

    /// The secret of the link that makes the first admin.
    #[must_use]
    pub fn setup(&self) -> PathBuf {
        self.root.join("setup")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_of_another_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        Layout::open(folder.path()).unwrap();
        Layout::open(folder.path()).unwrap();
        let layout = Layout::open(folder.path()).unwrap();
        let _lock = layout.lock().unwrap();
        assert!(matches!(layout.lock(), Err(Error::InUse(..))));
        fs::write(folder.path().join("version"), "7\n").unwrap();
        assert!(
            matches!(Layout::open(folder.path()), Err(Error::OtherVersion(_, version)) if version == "7")
        );
    }
}
