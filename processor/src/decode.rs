//! Protocol Buffers to events, into values that are used again. What cannot be read, or lies where
//! it cannot belong, is a dead letter with its reason; nothing is guessed.

use schemas::{
    event::{Click, Conversion, DecodeError, Message},
    topic::SHARDS,
};

use crate::stores::dead_letters::Flaw;

/// Why a record is a dead letter: in a word and in a sentence.
pub(crate) type Why = (Flaw, String);

/// Reads a click into `event`, whose buffers it uses again.
///
/// # Errors
/// Why it is a dead letter.
pub(crate) fn click(
    bytes: &[u8],
    event: &mut Click,
    partition: u16,
    partitions: u16,
) -> Result<(), Why> {
    event.clear();
    event.merge(bytes).map_err(undecodable)?;
    check_shard(event.shard, partition, partitions)
}

/// Reads a conversion.
///
/// # Errors
/// Why it is a dead letter.
pub(crate) fn conversion(bytes: &[u8], partition: u16, partitions: u16) -> Result<Conversion, Why> {
    let event = Conversion::decode(bytes).map_err(undecodable)?;
    check_shard(event.shard, partition, partitions)?;
    Ok(event)
}

/// A visitor's events meet in one partition; one elsewhere was written by a fault.
fn check_shard(shard: u32, partition: u16, partitions: u16) -> Result<(), Why> {
    if shard >= u32::from(SHARDS) {
        return Err((Flaw::Misplaced, format!("shard {shard} is out of range")));
    }
    if shard % u32::from(partitions) != u32::from(partition) {
        let why = format!("shard {shard} does not belong to partition {partition} of {partitions}");
        return Err((Flaw::Misplaced, why));
    }
    Ok(())
}

fn undecodable(error: DecodeError) -> Why {
    (Flaw::Undecodable, error.to_string())
}
