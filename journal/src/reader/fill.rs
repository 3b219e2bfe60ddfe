//! Getting the next stretch of checked frames into the buffer, across torn tails, damage and segments.

use std::path::Path;

use super::{Corrupt, Current, Damage, Reader};
use crate::disk::{Disk, DiskFile};
use crate::error::{Error, Result, at};
use crate::frame::{self, Checked, Kind, MAX_FRAME, Seal};
use crate::header::{HEADER_BYTES, Header};
use crate::ids::{JournalId, Position};
use crate::layout::{segment_path, segments};
use crate::marks;
use crate::scan::{Found, Window, damage_end, next_valid, walk};
use crate::writer::MAX_BATCH;

/// A batch is handed out once its end is there; this much must fit for any batch.
const MOST: usize = MAX_BATCH + MAX_FRAME;

/// What a read found from the current position on.
struct Stretch {
    /// Bytes of frames that may be handed out.
    ready: usize,
    /// Bytes of valid frames, the last of which may belong to an unfinished batch.
    valid: usize,
    /// The buffer was filled, so more may follow.
    more: bool,
    /// Bytes there in all.
    got: usize,
}

/// What the end of the newest segment turned out to be.
enum Tail {
    /// A batch being written, or what a crash left: nothing to hand out yet.
    Wait,
    /// The writer was at it while we read: read again.
    Changed,
    /// Damage, or whole frames before it.
    Found,
}

#[derive(PartialEq, Eq)]
enum Verdict {
    Valid,
    NothingBehind,
    /// A valid frame begins there.
    Until(u64),
}

impl Reader {
    /// Fills `ready` or `damage`; `false`: there is nothing new.
    pub(super) fn fill(&mut self, want: usize) -> Result<bool> {
        let mut want = want;
        loop {
            let stretch = self.load(want)?;
            if stretch.ready > 0 {
                self.ready = 0..stretch.ready;
                return Ok(true);
            }
            if stretch.more && want < MOST {
                want = (want * 2).min(MOST);
                continue;
            }
            match self.current.end {
                Some(end) if self.position.offset >= end => {
                    if !self.go_on()? {
                        return Ok(false);
                    }
                    if self.damage.is_some() {
                        return Ok(true);
                    }
                }
                Some(end) => return self.damaged(end).map(|()| true),
                None => {
                    if self.find_end()? {
                        continue;
                    }
                    match self.judge_tail(&stretch)? {
                        Tail::Wait => return Ok(false),
                        Tail::Changed => {}
                        Tail::Found => return Ok(true),
                    }
                }
            }
        }
    }

    /// Reads at the position and checks frame by frame.
    fn load(&mut self, want: usize) -> Result<Stretch> {
        let offset = self.position.offset;
        let left = self.current.end.map_or(u64::MAX, |end| end.saturating_sub(offset));
        let size = left.min(want as u64) as usize;
        if self.buf.len() < size {
            self.buf = vec![0; size];
        }
        let got = self.read_full(size, offset)?;
        self.buf_at = offset;
        let (mut valid, mut whole) = (0, 0);
        let mut short = true;
        while valid < got {
            match frame::check(&self.buf[valid..got], self.current.seal) {
                Checked::Valid(frame) => {
                    valid += frame.size();
                    if frame.last_of_batch {
                        whole = valid;
                    }
                }
                other => {
                    short = matches!(other, Checked::Short);
                    break;
                }
            }
        }
        let ready = if self.current.end.is_some() { valid } else { whole };
        Ok(Stretch { ready, valid, more: short && got == size && size as u64 != left, got })
    }

    fn read_full(&mut self, size: usize, offset: u64) -> Result<usize> {
        let path = || segment_path(&self.dir, self.current.number);
        self.current
            .file
            .read_full_at(&mut self.buf[..size], offset)
            .map_err(|e| at("read", &path())(e))
    }

    /// The segment ends at `end`, and at the position stands no valid frame.
    fn damaged(&mut self, end: u64) -> Result<()> {
        let path = segment_path(&self.dir, self.current.number);
        let there = self.current.file.len().map_err(at("read", &path))?;
        let offset = self.position.offset;
        let (to, damage) = if offset >= there {
            (end, Damage::CutShort)
        } else {
            let mut window = Window::new(&self.current.file, end.min(there));
            let valid =
                damage_end(&mut window, offset, self.current.seal).map_err(at("read", &path))?;
            (valid.unwrap_or(end.min(there)), Damage::Frames)
        };
        self.damage = Some((
            Position { segment: self.current.number, offset: to },
            Corrupt { bytes: to - offset, damage },
        ));
        Ok(())
    }

    /// The newest segment, and no whole batch at the position: nothing there, a batch being written, the tail of a
    /// crash, or damage with something valid behind it.
    fn judge_tail(&mut self, stretch: &Stretch) -> Result<Tail> {
        if stretch.valid == stretch.got {
            return Ok(Tail::Wait);
        }
        let path = segment_path(&self.dir, self.current.number);
        let there = self.current.file.len().map_err(at("read", &path))?;
        let bad = self.position.offset + stretch.valid as u64;
        if self.current.hopeless == Some((bad, there)) {
            return Ok(Tail::Wait);
        }
        let verdict = self.damage_at(bad, there).map_err(at("read", &path))?;
        // Believe in damage only if it is still there at a second look.
        if verdict != self.damage_at(bad, there).map_err(at("read", &path))? {
            return Ok(Tail::Changed);
        }
        match verdict {
            Verdict::Valid => return Ok(Tail::Changed),
            Verdict::NothingBehind => {
                self.current.hopeless = Some((bad, there));
                return Ok(Tail::Wait);
            }
            Verdict::Until(_) if stretch.valid > 0 => self.ready = 0..stretch.valid,
            Verdict::Until(valid) => {
                let next = Position { segment: self.current.number, offset: valid };
                self.damage = Some((next, Corrupt { bytes: valid - bad, damage: Damage::Frames }));
            }
        }
        Ok(Tail::Found)
    }

    /// Looks afresh, with all that the file holds by now, at a place where no valid frame was.
    fn damage_at(&self, bad: u64, there: u64) -> std::io::Result<Verdict> {
        let mut window = Window::new(&self.current.file, there);
        if matches!(frame::check(window.from(bad)?, self.current.seal), Checked::Valid(_)) {
            return Ok(Verdict::Valid);
        }
        let valid = damage_end(&mut window, bad, self.current.seal)?;
        Ok(valid.map_or(Verdict::NothingBehind, Verdict::Until))
    }

    /// Looks for a later segment in use; if there is one, this one's end is known.
    fn find_end(&mut self) -> Result<bool> {
        let Some((_, previous)) = self.next_used()? else { return Ok(false) };
        let path = segment_path(&self.dir, self.current.number);
        let there = self.current.file.len().map_err(at("read", &path))?;
        self.current.end = Some(match previous {
            Some(end) if end.segment == self.current.number => end.offset,
            // Behind the journal's end as recovery found it: nothing here counts.
            Some(end) if end.segment < self.current.number => self.position.offset,
            _ => there,
        });
        Ok(true)
    }

    /// The next segment to read, and what its base says about the one before.
    fn next_used(&self) -> Result<Option<(u32, Option<Position>)>> {
        let later =
            segments(&self.disk, &self.dir)?.into_iter().filter(|n| *n > self.current.number);
        let mut damaged = None;
        for number in later {
            match self.look_at(number)? {
                Use::Unused => {}
                Use::Damaged => damaged = damaged.or(Some(number)),
                // What lies between was never part of the journal: a crash at its creation.
                Use::Used(Some(end)) if end.segment <= self.current.number => {
                    return Ok(Some((number, Some(end))));
                }
                Use::Used(previous) => {
                    return Ok(Some(damaged.map_or((number, previous), |damaged| (damaged, None))));
                }
            }
        }
        Ok(None)
    }

    fn look_at(&self, number: u32) -> Result<Use> {
        let path = segment_path(&self.dir, number);
        let file = match self.disk.open(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Use::Unused),
            file => file.map_err(at("open", &path))?,
        };
        usage(&file, Seal::new(self.header.journal, number, self.header.partitions))
            .map_err(at("read", &path))
    }

    /// Opens the next segment. Says so if segments between were lost.
    fn go_on(&mut self) -> Result<bool> {
        let Some((number, previous)) = self.next_used()? else { return Ok(false) };
        let lost = previous.is_some_and(|end| end.segment > self.current.number);
        let path = segment_path(&self.dir, number);
        let file = self.disk.open(&path).map_err(at("open", &path))?;
        let seal = Seal::new(self.header.journal, number, self.header.partitions);
        let from = self.position;
        self.current = Current { number, file, seal, end: None, hopeless: None };
        self.position = Position { segment: number, offset: 0 };
        self.enter(0)?;
        if lost && self.damage.is_none() {
            let next = std::mem::replace(&mut self.position, from);
            self.damage = Some((next, Corrupt { bytes: 0, damage: Damage::MissingSegments }));
        }
        Ok(true)
    }

    /// Passes the header of the segment just opened.
    pub(super) fn enter(&mut self, offset: u64) -> Result<()> {
        let path = segment_path(&self.dir, self.current.number);
        let number = self.current.number;
        let first = HEADER_BYTES as u64;
        self.position = Position { segment: number, offset: offset.max(first) };
        let mut bytes = [0; HEADER_BYTES];
        let got = self.current.file.read_full_at(&mut bytes, 0).map_err(at("read", &path))?;
        let header = Header::from_bytes(&bytes[..got]);
        let foreign = match &header {
            Some(h) => {
                !h.same_journal(&self.header)
                    || h.segment != number
                    || h.verify(&self.key) != self.header.verify(&self.key)
            }
            None => false,
        };
        if foreign {
            let there = self.current.file.len().map_err(at("read", &path))?;
            self.current.end = Some(there);
            self.report(there, Corrupt { bytes: there, damage: Damage::Foreign });
        } else if header.is_none() && got == HEADER_BYTES && offset < first {
            self.report(first, Corrupt { bytes: first, damage: Damage::Header });
        }
        Ok(())
    }

    /// A reader opened behind a final END knows that nothing follows.
    pub(super) fn look_back(&mut self) -> Result<()> {
        let path = segment_path(&self.dir, self.current.number);
        let there = self.current.file.len().map_err(at("read", &path))?;
        if self.position.offset != there || self.damage.is_some() {
            return Ok(());
        }
        let mut window = Window::new(&self.current.file, there);
        let mut ended = false;
        walk(&mut window, HEADER_BYTES as u64, self.current.seal, |_, found| {
            ended = matches!(found, Found::Frame(frame) if self.ends(&frame));
        })
        .map_err(at("read", &path))?;
        self.ended = ended;
        Ok(())
    }

    fn report(&mut self, next: u64, corrupt: Corrupt) {
        let segment = self.current.number;
        self.position = Position { segment, offset: 0 };
        self.damage = Some((Position { segment, offset: next }, corrupt));
    }
}

/// How far a segment file has come.
pub(crate) enum Use {
    /// Created, and nothing was committed to it.
    Unused,
    /// Longer than a header, with nothing valid in it.
    Damaged,
    /// In use; the previous segment and where it ended, where its base is readable.
    Used(Option<Position>),
}

/// Looks at a segment's base, or, where that is damaged, for anything valid.
pub(crate) fn usage(file: &DiskFile, seal: Seal) -> std::io::Result<Use> {
    let first = HEADER_BYTES as u64;
    let there = file.len()?;
    if there <= first {
        return Ok(Use::Unused);
    }
    if let Some(previous) = with_base(file, seal, |base| base.previous)? {
        return Ok(Use::Used(Some(previous)));
    }
    Ok(match next_valid(&mut Window::new(file, there), first, seal)? {
        Some(_) => Use::Used(None),
        None => Use::Damaged,
    })
}

/// What `take` makes of a segment's base; `None` if there is none, or none that is whole.
pub(crate) fn with_base<T>(
    file: &DiskFile,
    seal: Seal,
    take: impl FnOnce(marks::Base<'_>) -> T,
) -> std::io::Result<Option<T>> {
    let there = file.len()?;
    // Most bases are short, and some callers look at many.
    let end = there.min(HEADER_BYTES as u64 + 4096);
    let mut window = Window::new(file, end);
    let mut checked = frame::check(window.from(HEADER_BYTES as u64)?, seal);
    let mut whole = Window::new(file, there);
    if matches!(checked, Checked::Short) && end < there {
        checked = frame::check(whole.from(HEADER_BYTES as u64)?, seal);
    }
    Ok(match checked {
        Checked::Valid(frame) if frame.kind == Kind::Base => {
            marks::parse_base(frame.payload).map(take)
        }
        _ => None,
    })
}

/// The first readable header of the journal.
pub(crate) fn any_header(
    disk: &Disk,
    dir: &Path,
    numbers: &[u32],
    journal: JournalId,
) -> Result<Header> {
    for number in numbers {
        let path = segment_path(dir, *number);
        let file = match disk.open(&path) {
            // Trimmed since it was listed.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
            file => file.map_err(at("open", &path))?,
        };
        let mut bytes = [0; HEADER_BYTES];
        let got = file.read_full_at(&mut bytes, 0).map_err(at("read", &path))?;
        if let Some(header) = Header::from_bytes(&bytes[..got]).filter(|h| h.journal == journal) {
            return Ok(header);
        }
    }
    Err(Error::BadHeader(dir.to_path_buf()))
}
