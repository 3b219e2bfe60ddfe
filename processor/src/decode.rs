//! Protocol Buffers to events, into values that are used again. What cannot be read, or lies where
//! it cannot belong, is a dead letter with its reason; nothing is guessed.

use schemas::{
    event::{Click, Conversion, Message},
    topic::SHARDS,
};

/// Reads a click into `event`, whose buffers it uses again.
///
/// # Errors
/// Why it is a dead letter.
pub(crate) fn click(
    bytes: &[u8],
    event: &mut Click,
    partition: u16,
    partitions: u16,
) -> Result<(), String> {
    event.clear();
    event.merge(bytes).map_err(|error| error.to_string())?;
    check_shard(event.shard, partition, partitions)
}

/// Reads a conversion.
///
/// # Errors
/// Why it is a dead letter.
pub(crate) fn conversion(
    bytes: &[u8],
    partition: u16,
    partitions: u16,
) -> Result<Conversion, String> {
    let event = Conversion::decode(bytes).map_err(|error| error.to_string())?;
    check_shard(event.shard, partition, partitions)?;
    Ok(event)
}

/// A visitor's events meet in one partition; one elsewhere was written by a fault.
fn check_shard(shard: u32, partition: u16, partitions: u16) -> Result<(), String> {
    if shard >= u32::from(SHARDS) {
        return Err(format!("shard {shard} is out of range"));
    }
    if shard % u32::from(partitions) != u32::from(partition) {
        return Err(format!(
            "shard {shard} does not belong to partition {partition} of {partitions}"
        ));
    }
    Ok(())
}
