//! What should not be, out of what was found. A tail that a running writer is at is not among it.

use std::fmt;

use super::{Inspection, inspect_on};
use crate::disk::Disk;
use crate::error::Result;
use crate::ids::{Key, Partition, Position, Seq, TopicId};
use crate::layout::JournalRef;
use crate::reader::Damage;

/// A journal and what is wrong with it. Its `Display` is what `tributary journal verify` prints.
#[derive(Debug)]
pub struct Verification {
    pub inspection: Inspection,
    pub problems: Vec<Problem>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// The header was not made with the collectors' key.
    Forged,
    /// Not the original files, and not adopted.
    Copy,
    /// So many stretches cannot be read.
    Damaged(u64),
    Damage {
        at: Position,
        bytes: u64,
        damage: Damage,
    },
    /// Seqs announced or passed over that are not there.
    Missing {
        topic: TopicId,
        partition: Partition,
        from: Seq,
        to: Seq,
    },
    Repeated {
        topic: TopicId,
        partition: Partition,
        count: u64,
    },
    /// Stamps that went back.
    StampsBackwards(u64),
    /// Something follows an END behind which nothing may.
    BytesAfterEnd(u64),
    /// The checkpoint lies behind the journal's end.
    CheckpointBeyondEnd(Position),
}

impl Verification {
    /// Whether nothing is wrong. A copy that is not adopted may be sound in itself, but is not drained.
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }
}

pub(crate) fn verify_on(disk: &Disk, place: &JournalRef, key: &Key) -> Result<Verification> {
    let inspection = inspect_on(disk, place, key)?;
    let problems = problems(&inspection);
    Ok(Verification { inspection, problems })
}

fn problems(found: &Inspection) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !found.genuine {
        problems.push(Problem::Forged);
    }
    if !found.held {
        problems.push(Problem::Copy);
    }
    for (at, corrupt) in &found.damage {
        problems.push(Problem::Damage { at: *at, bytes: corrupt.bytes, damage: corrupt.damage });
    }
    if found.damaged > found.damage.len() as u64 {
        problems.push(Problem::Damaged(found.damaged));
    }
    for stream in &found.streams {
        let (topic, partition) = (stream.topic, stream.partition);
        let gaps = stream.gaps.iter();
        problems.extend(gaps.map(|(from, to)| Problem::Missing {
            topic,
            partition,
            from: *from,
            to: *to,
        }));
        if stream.repeated > 0 {
            problems.push(Problem::Repeated { topic, partition, count: stream.repeated });
        }
    }
    if found.heartbeats.backwards > 0 {
        problems.push(Problem::StampsBackwards(found.heartbeats.backwards));
    }
    let last =
        found.end.as_ref().is_some_and(|end| end.successor.is_some() || !end.reason.is_empty());
    if last && found.tail_bytes > 0 {
        problems.push(Problem::BytesAfterEnd(found.tail_bytes));
    }
    if let Some(checkpoint) = found.checkpoint.filter(|position| *position > found.position) {
        problems.push(Problem::CheckpointBeyondEnd(checkpoint));
    }
    problems
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forged => write!(f, "the header was not made with the collectors' key"),
            Self::Copy => write!(f, "a copy: `journal adopt` it if its original is gone"),
            Self::Damaged(count) => write!(f, "{count} damaged stretches in all"),
            Self::Damage { at, bytes, damage } => match damage {
                Damage::Frames => write!(f, "{bytes} bytes at {at} are no valid records"),
                Damage::CutShort => {
                    write!(f, "{bytes} bytes are missing from {at} on: the file was cut short")
                }
                Damage::MissingSegments => write!(f, "segments are missing after {at}"),
                Damage::Header => write!(f, "the header of segment {} is unreadable", at.segment),
                Damage::Foreign => write!(f, "segment {} does not belong here", at.segment),
            },
            Self::Missing { topic, partition, from, to } => {
                write!(f, "topic {} partition {}: seq {from} to {to} missing", topic.0, partition.0)
            }
            Self::Repeated { topic, partition, count } => {
                write!(f, "topic {} partition {}: {count} seqs come again", topic.0, partition.0)
            }
            Self::StampsBackwards(count) => write!(f, "{count} heartbeats went back in time"),
            Self::BytesAfterEnd(bytes) => write!(f, "{bytes} bytes follow the end"),
            Self::CheckpointBeyondEnd(position) => {
                write!(
                    f,
                    "the checkpoint {position} lies behind the end: what was read there was lost with the power"
                )
            }
        }
    }
}
