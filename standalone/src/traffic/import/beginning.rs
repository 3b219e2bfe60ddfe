//! What an import decided when it began, kept beside its journal so that every later try writes the
//! same.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use journal::JournalId;
use serde::{Deserialize, Serialize};

use super::{Options, Places, SLOT, Survey};
use crate::traffic::{Error, Result};

/// The version of this file's shape.
const VERSION: u32 = 1;

/// The file `<journals>/import/<journal>.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Beginning {
    version: u32,
    pub(super) journal: u64,
    /// Added to every time.
    pub(super) shift_ms: i64,
    pub(super) partitions: u16,
    /// The key that signs the clicks' ids.
    pub(super) key_version: u8,
    pub(super) places: Places,
}

impl Beginning {
    /// The one kept, or a new one, kept before anything else is written.
    pub(super) fn of(
        options: &Options,
        journal: JournalId,
        survey: &Survey,
        places: Places,
    ) -> Result<Self> {
        let folder = options.journals.join(SLOT);
        let path = folder.join(format!("{journal}.json"));
        match fs::read(&path) {
            Ok(bytes) => {
                let kept: Self = serde_json::from_slice(&bytes).map_err(io::Error::from)?;
                return if kept.version == VERSION {
                    Ok(kept)
                } else {
                    Err(Error::Beginning(path))
                };
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        let new = Self {
            version: VERSION,
            journal: journal.0,
            shift_ms: options.now_ms as i64 - survey.latest_ms as i64,
            partitions: options.partitions,
            key_version: options.keys.click_ids().signer().version(),
            places,
        };
        new.keep(&folder, &path)?;
        Ok(new)
    }

    /// Whether the import was written to its end: known also when its journal, read and old, is gone.
    pub(super) fn is_done(&self, options: &Options) -> bool {
        self.done(options).is_file()
    }

    /// Notes that it was.
    pub(super) fn note_done(&self, options: &Options) -> io::Result<()> {
        let folder = options.journals.join(SLOT);
        File::create(self.done(options))?.sync_all()?;
        File::open(folder)?.sync_all()
    }

    /// The file `<journals>/import/<journal>.done`.
    fn done(&self, options: &Options) -> PathBuf {
        options.journals.join(SLOT).join(format!("{}.done", JournalId(self.journal)))
    }

    /// Whole or not at all, and durable before the first record that relies on it.
    fn keep(&self, folder: &Path, path: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let draft = path.with_extension("draft");
        let mut file = File::create(&draft)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        File::open(folder)?.sync_all()
    }
}
