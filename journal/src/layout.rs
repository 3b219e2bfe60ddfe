//! Where things lie: `<root>/<slot>/<journal>/<segment>.seg`, `checkpoint`, `adopted`, `aside/`.

use std::path::{Path, PathBuf};

use crate::disk::Disk;
use crate::error::{Result, at};
use crate::ids::JournalId;

/// A journal's place on the disk.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JournalRef {
    pub root: PathBuf,
    pub slot: String,
    pub journal: JournalId,
}

impl JournalRef {
    pub fn new(root: &Path, slot: &str, journal: JournalId) -> Self {
        Self { root: root.to_path_buf(), slot: slot.to_owned(), journal }
    }

    /// The journal's folder.
    pub fn dir(&self) -> PathBuf {
        self.root.join(&self.slot).join(self.journal.to_string())
    }
}

/// All journals below `root`, by slot and id. Empty if there is no such folder.
pub fn journals(root: &Path) -> Result<Vec<JournalRef>> {
    let mut all = Vec::new();
    for slot in Disk::Real.list(root).map_err(at("list", root))? {
        if crate::ids::check_slot(&slot).is_ok() {
            all.extend(journals_of(&Disk::Real, root, &slot)?);
        }
    }
    all.sort();
    Ok(all)
}

pub(crate) fn journals_of(disk: &Disk, root: &Path, slot: &str) -> Result<Vec<JournalRef>> {
    let dir = root.join(slot);
    let names = disk.list(&dir).map_err(at("list", &dir))?;
    Ok(names
        .iter()
        .filter_map(|n| JournalId::parse(n))
        .map(|id| JournalRef::new(root, slot, id))
        .collect())
}

pub(crate) fn segment_path(dir: &Path, segment: u32) -> PathBuf {
    dir.join(format!("{segment:08}.seg"))
}

pub(crate) fn aside_dir(dir: &Path) -> PathBuf {
    dir.join("aside")
}

/// Numbers of the segments in a journal's folder, ascending.
pub(crate) fn segments(disk: &Disk, dir: &Path) -> Result<Vec<u32>> {
    let names = disk.list(dir).map_err(at("list", dir))?;
    let mut numbers: Vec<u32> = names.iter().filter_map(|n| segment_number(n)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

fn segment_number(name: &str) -> Option<u32> {
    let digits = name.strip_suffix(".seg")?;
    let plain = digits.len() >= 8 && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten().filter(|n| *n > 0)
}
