//! Real files. Only what `disk.rs` names; no policy.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::{DiskFile, Lock};

/// Events hold what visitors sent: nobody but the owner reads them.
const MODE: u32 = 0o600;

pub(super) fn create_dirs(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(Path::new(""));
    create_dirs(parent)?;
    match std::fs::create_dir(path) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    sync_dir(parent)
}

pub(super) fn list(path: &Path) -> io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(path) {
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        entries => entries?,
    };
    // What is not UTF-8 was not made by a journal.
    entries.filter_map(|e| e.map(|e| e.file_name().into_string().ok()).transpose()).collect()
}

pub(super) fn create_new(path: &Path) -> io::Result<DiskFile> {
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(MODE).open(path)?;
    Ok(DiskFile::Real(file))
}

pub(super) fn open(path: &Path) -> io::Result<DiskFile> {
    File::open(path).map(DiskFile::Real)
}

pub(super) fn open_write(path: &Path) -> io::Result<DiskFile> {
    OpenOptions::new().read(true).write(true).open(path).map(DiskFile::Real)
}

pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)
}

pub(super) fn remove_file(path: &Path) -> io::Result<()> {
    std::fs::remove_file(path)
}

pub(super) fn remove_dir(path: &Path) -> io::Result<()> {
    std::fs::remove_dir(path)
}

pub(super) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

pub(super) fn lock(path: &Path) -> io::Result<Option<Lock>> {
    let folder = File::open(path)?;
    match folder.try_lock() {
        Ok(()) => Ok(Some(Lock::Real(folder))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(e)) => Err(e),
    }
}

pub(super) fn read_at(file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    file.read_at(buf, offset)
}

pub(super) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    file.write_at(bytes, offset)
}

pub(super) fn len(file: &File) -> io::Result<u64> {
    Ok(file.metadata()?.len())
}

pub(super) fn set_len(file: &File, len: u64) -> io::Result<()> {
    file.set_len(len)
}

pub(super) fn allocate(file: &File, offset: u64, len: u64) -> io::Result<()> {
    Ok(rustix::fs::fallocate(file, rustix::fs::FallocateFlags::KEEP_SIZE, offset, len)?)
}

pub(super) fn sync_data(file: &File) -> io::Result<()> {
    file.sync_data()
}

pub(super) fn sync_all(file: &File) -> io::Result<()> {
    file.sync_all()
}

pub(super) fn identity(file: &File) -> io::Result<(u64, u64)> {
    let meta = file.metadata()?;
    Ok((meta.dev(), meta.ino()))
}
