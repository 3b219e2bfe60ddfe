//! A small disk of memory for a collector's journals, that can be filled to its last byte.
//!
//! Refuses to be there without the right to mount: then journals lie on the machine's own disk, which
//! nobody fills.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};
use rustix::fs::{FallocateFlags, fallocate, statvfs};
use tokio::time::sleep;

/// Room for the journals of one run, and little more.
const SIZE: &str = "size=1g";

/// See the module.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
    is_mounted: bool,
}

impl Disk {
    /// Mounts one, if that is allowed.
    ///
    /// # Errors
    /// No folder.
    pub fn mount(folder: PathBuf) -> Result<Self> {
        fs::create_dir_all(&folder)?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", SIZE, "tributary-faults"]).arg(&folder);
        let is_mounted = mount.output().is_ok_and(|done| done.status.success());
        Ok(Self { folder, is_mounted })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether it can be filled.
    pub const fn is_small(&self) -> bool {
        self.is_mounted
    }

    /// Fills it to its last byte, for so long.
    ///
    /// # Errors
    /// When it cannot be filled.
    pub fn fill(&self, length: Duration) -> Result<()> {
        if !self.is_mounted {
            return Ok(());
        }
        let path = self.folder.join("filler");
        let mut filler = File::create(&path)?;
        let free = statvfs(&self.folder)?;
        let bytes = free.f_bavail * free.f_frsize;
        if bytes > 0 {
            // Somebody else may take the rest at the same time.
            let _ = fallocate(&filler, FallocateFlags::empty(), 0, bytes);
        }
        let page = [0; 4096];
        while filler.write_all(&page).is_ok() {}
        tokio::spawn(async move {
            sleep(length).await;
            let _ = fs::remove_file(path);
        });
        Ok(())
    }

    /// Takes away what fills it.
    pub fn heal(&self) {
        // Gone already, or never there.
        let _ = fs::remove_file(self.folder.join("filler"));
    }

    /// A fresh folder on it for a run; what runs before left goes.
    ///
    /// # Errors
    /// The disk's.
    pub fn fresh(&self, name: &str) -> Result<PathBuf> {
        for entry in fs::read_dir(&self.folder)? {
            fs::remove_dir_all(entry?.path()).context("what a run before left")?;
        }
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.is_mounted {
            // Whoever still has a file there is about to end.
            let _ = Command::new("umount").arg("-l").arg(&self.folder).output();
        }
    }
}
