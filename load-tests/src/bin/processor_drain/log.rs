//! The journal to drain: generated visits as the collector would have written them.

use std::{net::IpAddr, path::Path};

use anyhow::{Context, Result};
use journal::{JournalId, Partition, Position, Reader, TopicId, Writer, WriterConfig};
use load_tests::{
    generate::{Shape, Visit, Visits},
    links::{AFFILIATES, PROGRAMS},
};
use schemas::{
    event::{Click, ClickRef, Conversion, Flags, Message},
    ids::SiteId,
    keys::Keys,
    topic::Topic,
    visitor,
};

/// The keys of this journal.
pub(crate) const KEYS: &str = "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

const JOURNAL: JournalId = JournalId(0x0102_0304_0506_0708);
/// Records in one commit: what a busy collector's turn takes.
const TURN: u64 = 500;

/// Writes the journal of so many partitions; its size in bytes.
pub(crate) fn write(
    root: &Path,
    (clicks, conversions): (u64, u64),
    partitions: u16,
    shape: Shape,
) -> Result<u64> {
    let keys = Keys::parse(KEYS)?;
    let mut visits = Visits::new(shape);
    let config = WriterConfig::new(root.join("journal"), "c0", partitions, keys.journal());
    let mut writer = Writer::create(config, shape.start_ms, JOURNAL)?;
    let mut maker = Maker { shards: keys.shards(), keys, period: u64::MAX, salt: None };
    let mut beat = 0;
    for n in 1..=clicks {
        let visit = visits.next().context("visits have no end")?;
        let click = maker.click(&visit);
        let partition = Partition(click.shard as u16 % partitions);
        let seq = writer.stage_with(TopicId(Topic::Clicks.id()), partition, |_, to| {
            // A Vec takes everything.
            let _ = click.encode(to);
        })?;
        for txn in conversions * (n - 1) / clicks..conversions * n / clicks {
            let bytes = sale(&click, seq, txn).encode_to_vec();
            writer.stage(TopicId(Topic::Conversions.id()), partition, &bytes)?;
        }
        if visit.time_ms - beat >= 1000 {
            beat = visit.time_ms;
            writer.heartbeat(beat)?;
        }
        if n % TURN == 0 || n == clicks {
            writer.commit()?;
        }
    }
    let bytes = writer.stats().bytes;
    writer.end(None)?;
    Ok(bytes)
}

/// Reads the journal to its end; how many records it has.
pub(crate) fn read(root: &Path) -> Result<u64> {
    let key = Keys::parse(KEYS)?.journal();
    let mut reader = Reader::open(&root.join("journal"), "c0", JOURNAL, Position::START, &key)?;
    let mut records = 0;
    while let Some(entry) = reader.next()? {
        records += u64::from(matches!(entry.body, journal::Body::Record { .. }));
    }
    Ok(records)
}

/// A purchase right after a click.
fn sale(click: &Click, seq: u64, txn: u64) -> Conversion {
    let of = ClickRef {
        key_version: 1,
        time_ms: click.time_ms,
        shard: click.shard,
        journal: (JOURNAL.0 & 0xf_ffff) as u32,
        seq,
        link: click.link,
    };
    Conversion {
        site: click.site,
        program: click.program,
        time_ms: click.time_ms + 500,
        shard: click.shard,
        via: 1,
        flags: Flags::Trusted as u32,
        event: "sale".to_owned(),
        txn_id: format!("order-{txn}"),
        amount: "49.90".to_owned(),
        currency: "EUR".to_owned(),
        click: Some(of),
        ..Conversion::default()
    }
}

struct Maker {
    keys: Keys,
    shards: visitor::VisitorKey,
    period: u64,
    salt: Option<visitor::VisitorKey>,
}

impl Maker {
    fn click(&mut self, visit: &Visit) -> Click {
        let site = SiteId(1);
        let agent = visit.user_agent.as_bytes();
        let period = visitor::period(visit.time_ms);
        if self.period != period {
            self.period = period;
            self.salt = Some(self.keys.visitors(period));
        }
        let link = visit.link + 1;
        let network = visitor::Network::of(visit.address, agent);
        Click {
            site: 1,
            link,
            program: link % PROGRAMS + 1,
            affiliate: link % AFFILIATES + 1,
            time_ms: visit.time_ms,
            shard: self.shards.shard(site, network).get().into(),
            flags: if visit.head { Flags::Head as u32 } else { 0 },
            visitor_network: self.salt.map_or(0, |salt| salt.network(site, network)),
            address: match visit.address {
                IpAddr::V4(v4) => v4.octets().to_vec(),
                IpAddr::V6(v6) => v6.octets().to_vec(),
            },
            user_agent: visit.user_agent.to_owned(),
            referrer: visit.referrer.to_owned(),
            language: "en-US,en".to_owned(),
            host: "localhost".to_owned(),
            destination: "https://shop.example/".to_owned(),
            link_version: 1,
            key_version: 1,
            ..Click::default()
        }
    }
}
