//! Who may drain and end a journal: the holder of the original files, or of a copy a person has adopted.
//! A copied disk or a restored snapshot would otherwise end a journal that goes on elsewhere.

use std::fmt::Write as _;
use std::path::Path;

use hmac::Mac;

use crate::disk::Disk;
use crate::error::{Error, Result, at};
use crate::header::{HEADER_BYTES, Header, MachineId, mac};
use crate::ids::{JournalId, Key};
use crate::layout::{JournalRef, segment_path, segments};
use crate::marks::MAX_REASON;

const ADOPTED: &str = "adopted";

/// Passes for the holder of the original and of an adopted copy; [`Error::Copy`] for everyone else.
pub(crate) fn check(disk: &Disk, dir: &Path, key: &Key) -> Result<()> {
    let (header, file) = newest(disk, dir)?;
    if is_original(&header, file) {
        return Ok(());
    }
    let expected = statement(&header, file, None);
    let path = dir.join(ADOPTED);
    let Ok(opened) = disk.open(&path) else { return Err(Error::Copy(dir.to_path_buf())) };
    let mut bytes = vec![0; 4096];
    let got = opened.read_full_at(&mut bytes, 0).map_err(at("read", &path))?;
    let text = std::str::from_utf8(&bytes[..got]).unwrap_or_default();
    let genuine = text.rsplit_once("mac ").is_some_and(|(stated, tag)| {
        stated.starts_with(&expected)
            && tag.trim() == hex(&mac(key, stated.as_bytes()).finalize().into_bytes())
    });
    if genuine { Ok(()) } else { Err(Error::Copy(dir.to_path_buf())) }
}

/// Declares, for good and with a reason, that the files at hand are now the journal: its original is gone or will
/// never be drained. Refused for what is held already, and without a genuine header.
pub fn adopt(root: &Path, slot: &str, journal: JournalId, key: &Key, reason: &str) -> Result<()> {
    adopt_on(&Disk::Real, &JournalRef::new(root, slot, journal), key, reason)
}

pub(crate) fn adopt_on(disk: &Disk, place: &JournalRef, key: &Key, reason: &str) -> Result<()> {
    check_reason(reason)?;
    let dir = place.dir();
    let (header, file) = newest(disk, &dir)?;
    if !header.verify(key) {
        return Err(Error::Forged(dir));
    }
    if check(disk, &dir, key).is_ok() {
        return Err(Error::NothingToAdopt(dir));
    }
    let stated = statement(&header, file, Some(reason));
    let text =
        format!("{stated}mac {}\n", hex(&mac(key, stated.as_bytes()).finalize().into_bytes()));
    replace_file(disk, &dir, ADOPTED, text.as_bytes())
}

/// Why a person adopted or ended a journal: shown to everyone who asks, so it must say something.
pub(crate) fn check_reason(reason: &str) -> Result<()> {
    if !reason.trim().is_empty() && reason.len() <= MAX_REASON {
        return Ok(());
    }
    Err(Error::Reason)
}

/// Puts a small file in place of the old one, durably: at any moment either is there, whole.
pub(crate) fn replace_file(disk: &Disk, dir: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let (path, tmp) = (dir.join(name), dir.join(format!("{name}.tmp")));
    // Left by a crash; it was never in use.
    let _ = disk.remove_file(&tmp);
    let file = disk.create_new(&tmp).map_err(at("create", &tmp))?;
    file.write_all_at(bytes, 0).map_err(at("write", &tmp))?;
    file.sync_all().map_err(at("sync", &tmp))?;
    disk.rename(&tmp, &path).map_err(at("rename", &tmp))?;
    disk.sync_dir(dir).map_err(at("sync", dir))
}

/// Header of the newest segment that has a readable one of its own, with device and inode of its file as they are.
fn newest(disk: &Disk, dir: &Path) -> Result<(Header, (u64, u64))> {
    let numbers = segments(disk, dir)?;
    if numbers.is_empty() {
        return Err(Error::NotFound(dir.to_path_buf()));
    }
    for number in numbers.into_iter().rev() {
        let path = segment_path(dir, number);
        let file = disk.open(&path).map_err(at("open", &path))?;
        let mut bytes = [0; HEADER_BYTES];
        let got = file.read_full_at(&mut bytes, 0).map_err(at("read", &path))?;
        if let Some(header) =
            Header::from_bytes(&bytes[..got]).filter(|header| header.segment == number)
        {
            return Ok((header, file.identity().map_err(at("read", &path))?));
        }
    }
    Err(Error::BadHeader(dir.to_path_buf()))
}

fn is_original(header: &Header, file: (u64, u64)) -> bool {
    header.machine == MachineId::of_host() && (header.device, header.inode) == file
}

/// What an adoption states. Bound to this machine and file, so that a copy of the copy is refused again.
fn statement(header: &Header, (device, inode): (u64, u64), reason: Option<&str>) -> String {
    let machine = hex(&MachineId::of_host().0);
    let mut text = format!(
        "journal {} segment {}\nmachine {machine} device {device} inode {inode}\nreason ",
        header.journal, header.segment
    );
    if let Some(reason) = reason {
        text.push_str(&reason.replace(['\n', '\r'], " "));
        text.push('\n');
    }
    text
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
