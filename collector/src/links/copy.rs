//! The picture on disk, so that a collector starts and serves while PostgreSQL is away.
//!
//! One file: a magic, length-delimited rows, a checksum over all of it. Written beside, synced, and
//! renamed over; a file that is cut or altered is refused whole.

use prost::Message;
use schemas::{ids::AffiliateId, keys::Keys};
use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use super::{
    rows::{LinkRow, Position, ProgramRow, SiteRow},
    snapshot::{Builder, Links},
};
use crate::error::{Error, Result};

const MAGIC: &[u8; 8] = b"TRIBLNK1";
/// Longest row: two destinations' worth.
const MOST_ROW_BYTES: usize = 64 * 1024;

/// One row of the file; exactly one field is set.
#[derive(Clone, PartialEq, Message)]
struct Row {
    #[prost(message, optional, tag = "1")]
    position: Option<Position>,
    #[prost(message, optional, tag = "2")]
    site: Option<SiteRow>,
    #[prost(message, optional, tag = "3")]
    program: Option<ProgramRow>,
    #[prost(uint32, tag = "4")]
    inactive: u32,
    #[prost(message, optional, tag = "5")]
    link: Option<LinkRow>,
    /// The last row: how many links there are.
    #[prost(uint64, optional, tag = "6")]
    end: Option<u64>,
}

/// Where the copy lies.
#[derive(Debug, Clone)]
pub struct Copy {
    path: PathBuf,
}

impl Copy {
    /// At a path; its folder must exist or be makeable.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Writes a picture. Blocking: some 100 ns a link.
    ///
    /// # Errors
    /// `Error::Copy` when the file can't be written; the one before stays.
    pub fn write(&self, links: &Links, position: Position) -> Result<()> {
        let beside = self.path.with_extension("tmp");
        let written = write_file(&beside, links, position).and_then(|()| {
            fs::rename(&beside, &self.path)?;
            // The name is durable with its folder.
            self.path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
        });
        written.map_err(|source| Error::Copy { path: self.path.clone(), source })
    }
}

fn write_file(path: &Path, links: &Links, position: Position) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut out = Summed { inner: BufWriter::with_capacity(1 << 16, File::create(path)?), sum: 0 };
    out.write_all(MAGIC)?;
    let mut buffer = Vec::new();
    let mut put = |row: &Row, out: &mut Summed<_>| {
        buffer.clear();
        row.encode_length_delimited(&mut buffer).map_err(io::Error::other)?;
        out.write_all(&buffer)
    };
    let (sites, programs, inactive) = links.small_rows();
    put(&Row { position: Some(position), ..Row::default() }, &mut out)?;
    for site in sites {
        put(&Row { site: Some(site), ..Row::default() }, &mut out)?;
    }
    for program in programs {
        put(&Row { program: Some(program), ..Row::default() }, &mut out)?;
    }
    for id in inactive {
        put(&Row { inactive: id.get(), ..Row::default() }, &mut out)?;
    }
    for link in links.link_rows() {
        put(&Row { link: Some(link), ..Row::default() }, &mut out)?;
    }
    put(&Row { end: Some(links.len() as u64), ..Row::default() }, &mut out)?;
    let sum = out.sum;
    out.inner.write_all(&sum.to_le_bytes())?;
    out.inner.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

/// Reads the copy; `None` where there is none.
///
/// # Errors
/// `Error::Copy` when it is cut, altered or of another version.
pub fn read(path: &Path, seed: u64, keys: &Keys) -> Result<Option<(Links, Position)>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::Copy { path: path.to_owned(), source }),
    };
    let read = read_file(BufReader::with_capacity(1 << 16, file), seed, keys);
    read.map(Some).map_err(|source| Error::Copy { path: path.to_owned(), source })
}

fn read_file(file: impl Read, seed: u64, keys: &Keys) -> io::Result<(Links, Position)> {
    let mut file = Summed { inner: file, sum: 0 };
    let mut magic = [0; MAGIC.len()];
    file.read_exact(&mut magic)?;
    if &magic != MAGIC {
        return Err(io::Error::other("another version wrote it"));
    }
    let mut builder = Builder::new(seed);
    let mut position = Position::default();
    let mut buffer = Vec::new();
    let count = loop {
        let row = read_row(&mut file, &mut buffer)?;
        match row {
            Row { position: Some(found), .. } => position = found,
            Row { site: Some(site), .. } => builder.site(site),
            Row { program: Some(program), .. } => builder.program(program, keys),
            Row { link: Some(link), .. } => builder.link(link),
            Row { end: Some(count), .. } => break count,
            Row { inactive, .. } => builder.inactive(AffiliateId(inactive)),
        }
    };
    let sum = file.sum;
    let mut kept = [0; 4];
    file.inner.read_exact(&mut kept)?;
    let links = builder.finish();
    if u32::from_le_bytes(kept) != sum || links.len() as u64 != count {
        return Err(io::Error::other("its checksum is wrong"));
    }
    Ok((links, position))
}

fn read_row(file: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<Row> {
    let mut length = 0;
    for shift in (0..28).step_by(7) {
        let mut byte = [0];
        file.read_exact(&mut byte)?;
        length |= usize::from(byte[0] & 0x7f) << shift;
        if byte[0] & 0x80 == 0 {
            break;
        }
    }
    if length > MOST_ROW_BYTES {
        return Err(io::Error::other("a row is too long"));
    }
    buffer.resize(length, 0);
    file.read_exact(buffer)?;
    Row::decode(buffer.as_slice()).map_err(io::Error::other)
}

/// Sums what passes through.
struct Summed<F> {
    inner: F,
    sum: u32,
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(bytes)?;
        self.sum = crc32c::crc32c_append(self.sum, &bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: Read> Read for Summed<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(bytes)?;
        self.sum = crc32c::crc32c_append(self.sum, &bytes[..n]);
        Ok(n)
    }
}

#[cfg(test)]
mod tests;
