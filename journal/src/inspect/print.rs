//! Inspections as text for a terminal: fixed columns, UTC times, no colours.

use std::fmt::{self, Display, Formatter};

use chrono::{DateTime, SecondsFormat};

use super::{Inspection, RecordInfo, Verification};
use crate::header::JournalKind;

/// Milliseconds since 1970 as UTC text; numbers no calendar has as they are.
struct Utc(u64);

impl Display for Utc {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match i64::try_from(self.0).ok().and_then(DateTime::from_timestamp_millis) {
            Some(time) => f.write_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true)),
            None => write!(f, "{} ms", self.0),
        }
    }
}

/// Bytes in the unit that reads best.
struct Size(u64);

impl Display for Size {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes @ 0..1024 => write!(f, "{bytes} B"),
            bytes @ 1024..0x10_0000 => {
                write!(f, "{}.{} KiB", bytes >> 10, ((bytes & 0x3ff) * 10) >> 10)
            }
            bytes => write!(f, "{}.{} MiB", bytes >> 20, ((bytes & 0xf_ffff) * 10) >> 20),
        }
    }
}

impl Display for Inspection {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let kind = match self.header.kind {
            JournalKind::Live => "live",
            JournalKind::Import => "import",
        };
        let held = if self.held { "held here" } else { "a copy, not adopted" };
        let genuine = if self.genuine { "genuine" } else { "NOT made with this key" };
        writeln!(f, "journal     {} in slot {} ({kind})", self.header.journal, self.header.slot)?;
        writeln!(f, "folder      {}", self.place.dir().display())?;
        writeln!(f, "header      {genuine}, {held}, {} partitions", self.header.partitions)?;
        writeln!(f, "started     {}", Utc(self.header.start_ms))?;
        self.print_end(f)?;
        self.print_heartbeats(f)?;
        self.print_segments(f)?;
        self.print_streams(f)
    }
}

impl Inspection {
    fn print_end(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.end {
            None => writeln!(f, "ended       no"),
            Some(end) => {
                write!(f, "ended       {}", Utc(end.time_ms))?;
                if let Some((journal, start_ms)) = end.successor {
                    write!(f, ", then {journal} from {}", Utc(start_ms))?;
                }
                if !end.reason.is_empty() {
                    write!(f, ", retired: {}", end.reason.escape_debug())?;
                }
                writeln!(f)
            }
        }
    }

    fn print_heartbeats(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let beats = &self.heartbeats;
        if beats.count == 0 {
            return writeln!(f, "heartbeats  none");
        }
        let (first, last) = (Utc(beats.first_ms), Utc(beats.last_ms));
        writeln!(
            f,
            "heartbeats  {} from {first} to {last}, at most {} ms apart",
            beats.count, beats.longest_ms
        )
    }

    fn print_segments(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let bytes = self.segments.iter().map(|s| s.bytes).sum();
        writeln!(
            f,
            "size        {} in {} segments, read to {}",
            Size(bytes),
            self.segments.len(),
            self.position
        )?;
        match self.checkpoint {
            Some(position) => writeln!(f, "checkpoint  {position}")?,
            None => writeln!(f, "checkpoint  none")?,
        }
        if self.tail_bytes > 0 {
            writeln!(f, "tail        {} behind the last whole batch", Size(self.tail_bytes))?;
        }
        if self.damaged > 0 || self.aside_files > 0 {
            writeln!(
                f,
                "damage      {} stretches, {} files kept aside",
                self.damaged, self.aside_files
            )?;
        }
        writeln!(f, "\n{:>8}  {:>10}  begun", "segment", "size")?;
        for segment in &self.segments {
            write!(f, "{:>8}  {:>10}  ", segment.number, Size(segment.bytes).to_string())?;
            match segment.begun_ms {
                Some(ms) => writeln!(f, "{}", Utc(ms))?,
                None => writeln!(f, "not in use")?,
            }
        }
        Ok(())
    }

    fn print_streams(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n{:>5} {:>9} {:>12} {:>12} {:>12} {:>10} {:>12} {:>9} {:>11}",
            "topic",
            "partition",
            "first seq",
            "last seq",
            "records",
            "skipped",
            "announced",
            "missing",
            "payload"
        )?;
        for s in &self.streams {
            writeln!(
                f,
                "{:>5} {:>9} {:>12} {:>12} {:>12} {:>10} {:>12} {:>9} {:>11}",
                s.topic.0,
                s.partition.0,
                s.first,
                s.last,
                s.records,
                s.skipped,
                s.announced,
                s.missing,
                Size(s.payload_bytes).to_string()
            )?;
        }
        Ok(())
    }
}

impl Display for Verification {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (journal, slot) = (self.inspection.header.journal, &self.inspection.header.slot);
        let records: u64 = self.inspection.streams.iter().map(|s| s.records).sum();
        if self.is_sound() {
            return writeln!(f, "journal {journal} in slot {slot}: sound, {records} records");
        }
        writeln!(
            f,
            "journal {journal} in slot {slot}: {} problems, {records} records",
            self.problems.len()
        )?;
        self.problems.iter().try_for_each(|problem| writeln!(f, "  {problem}"))
    }
}

impl Display for RecordInfo {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { at, topic, partition, seq, payload_bytes } = self;
        let at = at.to_string();
        write!(
            f,
            "{at:>16}  topic {} partition {:>4} seq {seq:>12}  {payload_bytes:>7} B",
            topic.0, partition.0
        )
    }
}
