//! Where the cluster of a data folder lies, and that it is this data folder's.
//!
//! Beside or outside: where PostgreSQL's user can't get into the data folder, its cluster lies in a folder of the
//! system's and so does not come and go with the data folder. An id in both says that they belong together. A data
//! folder whose cluster is missing gets no new, empty one; a cluster whose data folder was removed is moved aside.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Error;
use super::owner::{Owner, open_ours};

/// Where the cluster goes when the data folder lies where only root can go.
const SYSTEM_FOLDER: &str = "/var/lib/tributary";
/// In the cluster's folder: the id, and the data folder it was last used with.
const BELONGS: &str = "belongs-to";

/// The cluster's folder and what ties it to the data folder.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The folder around the cluster.
    pub(super) folder: PathBuf,
    /// `wanted`, in the data folder.
    wanted: PathBuf,
    system: PathBuf,
}

/// What must be done before a cluster can be used at its place.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// It is there and ours, or there is none yet.
    Nothing,
    /// The data folder was moved: its cluster comes along.
    Bring(PathBuf),
    /// The data folder is new, and what lies here is an earlier one's.
    SetAside(String),
}

impl Place {
    /// The cluster's folder for a data folder's `wanted` one. Nothing is changed.
    pub(super) fn of(owner: Owner, wanted: PathBuf) -> Self {
        Self::within(owner, wanted, Path::new(SYSTEM_FOLDER))
    }

    fn within(owner: Owner, wanted: PathBuf, system: &Path) -> Self {
        let system = system.to_owned();
        if owner.can_reach(&wanted) {
            return Self { folder: wanted.clone(), wanted, system };
        }
        let name = Sha256::digest(wanted.as_os_str().as_encoded_bytes());
        let folder = system.join(data_encoding::HEXLOWER.encode(&name[..8]));
        Self { folder, wanted, system }
    }

    /// True when it lies in the data folder itself.
    fn is_inside(&self) -> bool {
        self.folder == self.wanted
    }

    /// True when the cluster here is this data folder's, or there is no knowing because it lies inside.
    pub(super) fn is_ours(&self) -> bool {
        self.is_inside()
            || (self.id().is_some() && self.id() == belongs(&self.folder).map(|(id, _)| id))
    }

    /// Sees to it that what lies at the place is this data folder's, or nothing.
    ///
    /// # Errors
    /// When this data folder had a cluster and it is gone.
    pub(super) fn prepare(&self, owner: Owner) -> Result<(), Error> {
        if !self.is_inside() {
            make_parent(&self.system)?;
        }
        let fail = |error| Error::Folder(self.folder.clone(), error);
        match self.step()? {
            Step::Nothing => {}
            Step::Bring(from) => {
                self.set_aside("other").map_err(fail)?;
                fs::rename(&from, &self.folder).map_err(fail)?;
                tracing::warn!(from = %from.display(), to = %self.folder.display(), "the data folder was moved: its PostgreSQL comes along");
            }
            Step::SetAside(id) => {
                let aside = self.set_aside(&id).map_err(fail)?;
                tracing::warn!(
                    "the data folder is new: the PostgreSQL of an earlier one at the same place lies in {} now, remove it \
                     when nobody needs it",
                    aside.display()
                );
            }
        }
        if !self.is_inside() && !has_cluster(&self.folder) {
            tracing::warn!(
                "PostgreSQL, which does not run as root, can't get into the data folder: its files go to {}",
                self.folder.display()
            );
        }
        owner.make_outer(&self.folder)
    }

    fn step(&self) -> Result<Step, Error> {
        let here = has_cluster(&self.folder);
        let Some(id) = self.id() else {
            // Inside, it came with the folder: one whose id was not written yet.
            let other = here && !self.is_inside();
            let name = belongs(&self.folder).map_or_else(|| "unnamed".to_owned(), |(id, _)| id);
            return Ok(if other { Step::SetAside(name) } else { Step::Nothing });
        };
        let known = belongs(&self.folder).map(|(id, _)| id);
        if here && (known.as_deref() == Some(&*id) || (self.is_inside() && known.is_none())) {
            return Ok(Step::Nothing);
        }
        let found = self.elsewhere(&id);
        match found {
            Some((folder, data)) if !data.exists() || data == self.data_folder() => {
                Ok(Step::Bring(folder))
            }
            Some((folder, data)) => Err(Error::Copied { folder, data }),
            None => Err(Error::Gone { folder: self.folder.clone(), data: self.data_folder() }),
        }
    }

    /// Another folder of the system's with the cluster of this id, and the data folder it was used with.
    fn elsewhere(&self, id: &str) -> Option<(PathBuf, PathBuf)> {
        let folders = fs::read_dir(&self.system).into_iter().flatten().flatten();
        let mut folders = folders.map(|entry| entry.path()).filter(|path| *path != self.folder);
        folders.find_map(|folder| {
            let (found, data) = belongs(&folder)?;
            (found == id && has_cluster(&folder)).then_some((folder, data))
        })
    }

    fn set_aside(&self, id: &str) -> io::Result<PathBuf> {
        let name = self.folder.file_name().unwrap_or_default().to_string_lossy();
        let mut aside = self.folder.with_file_name(format!("{name}.left-{id}"));
        let mut number = 1;
        while aside.exists() {
            number += 1;
            aside = self.folder.with_file_name(format!("{name}.left-{id}-{number}"));
        }
        match fs::rename(&self.folder, &aside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(aside),
        }
    }

    /// Writes down on both sides that they belong together, once there is a cluster.
    ///
    /// # Errors
    /// When a folder can't be written.
    pub(super) fn tie(&self) -> Result<(), Error> {
        let new = || Ok(data_encoding::HEXLOWER.encode(&crate::passwords::random_bytes::<8>()?));
        let known = self.id().or_else(|| belongs(&self.folder).map(|(id, _)| id));
        let fail = |error| Error::Folder(self.folder.clone(), error);
        let id = known.map_or_else(new, io::Result::Ok).map_err(fail)?;
        let text = format!("{id} {}\n", self.data_folder().display());
        write(&self.folder.join(BELONGS), &text)?;
        match self.id().is_some() {
            true => Ok(()),
            false => write(&self.id_file(), &format!("{id}\n")),
        }
    }

    fn data_folder(&self) -> PathBuf {
        self.wanted.parent().unwrap_or(&self.wanted).to_owned()
    }

    fn id_file(&self) -> PathBuf {
        self.wanted.with_extension("id")
    }

    /// Of the data folder; written when its cluster was made.
    fn id(&self) -> Option<String> {
        let text = fs::read_to_string(self.id_file()).ok()?;
        Some(text.trim().to_owned()).filter(|id| is_id(id))
    }
}

/// The id in a cluster's folder, and the data folder it was used with.
fn belongs(folder: &Path) -> Option<(String, PathBuf)> {
    let text = fs::read_to_string(folder.join(BELONGS)).ok()?;
    let (id, data) = text.trim_end_matches('\n').split_once(' ')?;
    is_id(id).then(|| (id.to_owned(), PathBuf::from(data)))
}

fn is_id(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn has_cluster(folder: &Path) -> bool {
    folder.join("cluster/PG_VERSION").exists()
}

/// Whole or not at all.
fn write(path: &Path, text: &str) -> Result<(), Error> {
    use io::Write;
    let written = || {
        let beside = path.with_extension("new");
        let mut file = open_ours(&beside, fs::File::options().write(true).truncate(true))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(beside, path)
    };
    written().map_err(|error| Error::Folder(path.to_owned(), error))
}

fn make_parent(parent: &Path) -> Result<(), Error> {
    use std::os::unix::fs::DirBuilderExt;
    let made = fs::DirBuilder::new().recursive(true).mode(0o711).create(parent);
    made.map_err(|error| Error::Folder(parent.to_owned(), error))
}

#[cfg(test)]
mod tests;
