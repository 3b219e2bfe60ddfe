//! Who the private PostgreSQL runs as, and where its folder may lie so that they can reach it.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use super::Error;

/// Where the cluster goes when the data folder lies where only root can go.
const SYSTEM_FOLDER: &str = "/var/lib/tributary";

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

    /// Makes `command` run as this user. Supplementary groups are dropped with the user id.
    pub(super) fn apply(self, command: &mut Command) {
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
    }

    /// Makes a folder only this user can enter.
    pub(super) fn make_folder(self, path: &Path) -> Result<(), Error> {
        let fail = |error| Error::Folder(path.to_owned(), error);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(fail)?;
        self.give(path)
    }

    /// Hands a file or folder over to this user.
    pub(super) fn give(self, path: &Path) -> Result<(), Error> {
        match self.0 {
            Some((user, group)) => chown(path, Some(user), Some(group))
                .map_err(|error| Error::Folder(path.to_owned(), error)),
            None => Ok(()),
        }
    }

    /// `wanted`, or a folder of the system's where this user can't get to `wanted`.
    pub(super) fn reachable_folder(self, wanted: PathBuf) -> PathBuf {
        let Some(ids) = self.0 else { return wanted };
        if wanted.ancestors().skip(1).all(|folder| can_enter(folder, ids)) {
            return wanted;
        }
        let name = Sha256::digest(wanted.as_os_str().as_encoded_bytes());
        let name = data_encoding::HEXLOWER.encode(&name[..8]);
        Path::new(SYSTEM_FOLDER).join(name)
    }
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
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn folder_behind_a_closed_door_is_moved() {
        let door = tempfile::tempdir().unwrap();
        fs::set_permissions(door.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let wanted = door.path().join("data/postgres");
        let stranger = Owner(Some((54_321, 54_321)));
        let moved = stranger.reachable_folder(wanted.clone());
        assert!(moved.starts_with(SYSTEM_FOLDER), "{}", moved.display());
        assert_eq!(
            moved,
            stranger.reachable_folder(wanted.clone()),
            "the place must stay the same"
        );
        assert_eq!(Owner(None).reachable_folder(wanted.clone()), wanted);
    }
}
