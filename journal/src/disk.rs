//! The few things a journal asks of a file system, and the seam where tests put a simulated one that loses
//! power. An enum and not a trait: there are exactly these two, and in a release only one.

use std::io;
use std::path::Path;

pub(crate) mod real;
#[cfg(test)]
pub(crate) mod sim;

#[derive(Clone)]
pub(crate) enum Disk {
    Real,
    #[cfg(test)]
    Sim(sim::Sim),
}

pub(crate) enum DiskFile {
    Real(std::fs::File),
    #[cfg(test)]
    Sim(sim::SimFile),
}

/// Held until dropped; the kernel lets go of it when the process dies.
pub(crate) enum Lock {
    #[expect(dead_code, reason = "held for its drop")]
    Real(std::fs::File),
    #[cfg(test)]
    Sim(#[expect(dead_code, reason = "held for its drop")] sim::SimLock),
}

macro_rules! on {
    ($self:ident, $real:path, $name:ident ( $($arg:expr),* )) => {
        match $self {
            Self::Real => $real($($arg),*),
            #[cfg(test)]
            Self::Sim(sim) => sim.$name($($arg),*),
        }
    };
}

impl Disk {
    /// Makes the folder and what is missing above it, each made durable in its parent.
    pub(crate) fn create_dirs(&self, path: &Path) -> io::Result<()> {
        on!(self, real::create_dirs, create_dirs(path))
    }

    /// Names in a folder, unordered; none if the folder does not exist.
    pub(crate) fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        on!(self, real::list, list(path))
    }

    /// A new file to write and read. Fails if it exists.
    pub(crate) fn create_new(&self, path: &Path) -> io::Result<DiskFile> {
        on!(self, real::create_new, create_new(path))
    }

    pub(crate) fn open(&self, path: &Path) -> io::Result<DiskFile> {
        on!(self, real::open, open(path))
    }

    pub(crate) fn open_write(&self, path: &Path) -> io::Result<DiskFile> {
        on!(self, real::open_write, open_write(path))
    }

    pub(crate) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        on!(self, real::rename, rename(from, to))
    }

    pub(crate) fn remove_file(&self, path: &Path) -> io::Result<()> {
        on!(self, real::remove_file, remove_file(path))
    }

    pub(crate) fn remove_dir(&self, path: &Path) -> io::Result<()> {
        on!(self, real::remove_dir, remove_dir(path))
    }

    /// Makes what was created, renamed or removed in the folder durable.
    pub(crate) fn sync_dir(&self, path: &Path) -> io::Result<()> {
        on!(self, real::sync_dir, sync_dir(path))
    }

    /// Takes the folder for this process alone; `None` if another has it.
    pub(crate) fn lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        on!(self, real::lock, lock(path))
    }
}

macro_rules! on_file {
    ($self:ident, $real:path, $name:ident ( $($arg:expr),* )) => {
        match $self {
            Self::Real(file) => $real(file, $($arg),*),
            #[cfg(test)]
            Self::Sim(file) => file.$name($($arg),*),
        }
    };
}

impl DiskFile {
    /// One read; fewer bytes than asked for only at the end of the file.
    pub(crate) fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        on_file!(self, real::read_at, read_at(buf, offset))
    }

    /// One write, which may take fewer bytes than given.
    pub(crate) fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        on_file!(self, real::write_at, write_at(bytes, offset))
    }

    pub(crate) fn len(&self) -> io::Result<u64> {
        on_file!(self, real::len, len())
    }

    pub(crate) fn set_len(&self, len: u64) -> io::Result<()> {
        on_file!(self, real::set_len, set_len(len))
    }

    /// Keeps room for `len` bytes at `offset` without changing the file's length.
    pub(crate) fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        on_file!(self, real::allocate, allocate(offset, len))
    }

    /// Data, and as much of the metadata as is needed to read it again.
    pub(crate) fn sync_data(&self) -> io::Result<()> {
        on_file!(self, real::sync_data, sync_data())
    }

    pub(crate) fn sync_all(&self) -> io::Result<()> {
        on_file!(self, real::sync_all, sync_all())
    }

    /// Device and inode.
    pub(crate) fn identity(&self) -> io::Result<(u64, u64)> {
        on_file!(self, real::identity, identity())
    }

    pub(crate) fn write_all_at(&self, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write_at(bytes, offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => {
                    bytes = &bytes[n..];
                    offset += n as u64;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Reads until `buf` is full or the file ends; gives the number of bytes read.
    pub(crate) fn read_full_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < buf.len() {
            match self.read_at(&mut buf[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(done)
    }
}
