//! Who the private PostgreSQL runs as, and what is theirs.
//!
//! Root hands over exactly one folder, the cluster. Everything else stays root's: PostgreSQL's user can't put a link
//! where root is about to write. No link is ever followed.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, fchown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::fs::{Mode, OFlags, fchmod};

use super::Error;

/// An unprivileged user to become; `None` inside when we are unprivileged ourselves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner(Option<(u32, u32)>);

impl Owner {
    pub(super) fn choose() -> Result<Self, Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self(None));
        }
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let find = |name: &str| {
            let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
            let mut fields = line.split(':').skip(2);
            Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
        };
        find("postgres").or_else(|| find("nobody")).map(|ids| Self(Some(ids))).ok_or(Error::NoUser)
    }

    #[cfg(test)]
    pub(super) const fn of(ids: Option<(u32, u32)>) -> Self {
        Self(ids)
    }

    /// Makes `command` run as this user. Supplementary groups are dropped with the user id.
    pub(super) fn apply(self, command: &mut Command) {
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
    }

    /// Makes the folder around the cluster: ours to write, and this user's to pass through.
    pub(super) fn make_outer(self, path: &Path) -> Result<(), Error> {
        let fail = |error: io::Error| Error::Folder(path.to_owned(), error);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(fail)?;
        if self.0.is_some() {
            let folder = open_folder(path).map_err(fail)?;
            fchown(&folder, Some(0), Some(0)).map_err(fail)?;
            fchmod(&folder, Mode::from_raw_mode(0o711)).map_err(|error| fail(error.into()))?;
        }
        Ok(())
    }

    /// Makes a folder, which must not be there, that only this user can enter.
    pub(super) fn make_inner(self, path: &Path) -> Result<(), Error> {
        let fail = |error: io::Error| Error::Folder(path.to_owned(), error);
        fs::DirBuilder::new().mode(0o700).create(path).map_err(fail)?;
        self.give(&open_folder(path).map_err(fail)?).map_err(fail)
    }

    /// Writes a file, which must not be there, that only this user can read.
    pub(super) fn write_secret(self, path: &Path, text: &str) -> Result<(), Error> {
        use io::Write;
        let fail = |error: io::Error| Error::Folder(path.to_owned(), error);
        let mut options = File::options();
        options.write(true).create_new(true).mode(0o600);
        let mut file = options.open(path).map_err(fail)?;
        file.write_all(text.as_bytes()).and_then(|()| self.give(&file)).map_err(fail)
    }

    /// Hands an open file or folder over to this user.
    fn give(self, file: &File) -> io::Result<()> {
        self.0.map_or(Ok(()), |(user, group)| fchown(file, Some(user), Some(group)))
    }

    /// Whether this user can get to a folder.
    pub(super) fn can_reach(self, folder: &Path) -> bool {
        self.0.is_none_or(|ids| folder.ancestors().skip(1).all(|above| can_enter(above, ids)))
    }
}

/// Opens a file of ours to write, made if it is not there; fails at a link.
pub(super) fn open_ours(path: &Path, options: &mut fs::OpenOptions) -> io::Result<File> {
    options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).create(true).open(path)
}

fn open_folder(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::DIRECTORY).bits().cast_signed();
    File::options().read(true).custom_flags(flags).open(path)
}

fn can_enter(folder: &Path, (user, group): (u32, u32)) -> bool {
    match fs::metadata(folder) {
        Ok(found) if found.uid() == user => found.mode() & 0o100 != 0,
        Ok(found) if found.gid() == group => found.mode() & 0o010 != 0,
        Ok(found) => found.mode() & 0o001 != 0,
        // What is not there yet is made by us.
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn link_is_never_followed() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, "theirs").unwrap();
        let link = folder.path().join("log");
        symlink(&elsewhere, &link).unwrap();
        assert!(open_ours(&link, File::options().append(true)).is_err());
        assert!(Owner(None).write_secret(&link, "x").is_err());
        let (door, inside) = (folder.path().join("door"), folder.path().join("inside"));
        fs::create_dir(&inside).unwrap();
        symlink(&inside, &door).unwrap();
        assert!(Owner(None).make_inner(&door).is_err());
        assert!(open_folder(&door).is_err());
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "theirs");
    }
}
