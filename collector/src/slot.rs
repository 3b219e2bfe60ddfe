//! A core's slot among the journals: how its writer comes to be, and how earlier incarnations are sealed.
//!
//! A disk without room ends no collector: its core answers as on any full disk, and both are tried
//! again until they are done. Refuses to go on where waiting heals nothing.

use journal::{JournalId, Recovered, Sealer, Writer, WriterConfig};
use schemas::keys::Keys;
use std::{cell::RefCell, io, rc::Rc, sync::Arc, time::Duration};
use tokio::time::{MissedTickBehavior, interval};

use crate::{clock, config::Config, core::Core, error::Result, metrics::Metrics};

/// Seconds between tries to seal: it reads what there is to seal.
const SEAL_EVERY_S: u32 = 10;

/// See the module.
pub(crate) struct Slot {
    settings: WriterConfig,
    journal: JournalId,
    /// Earlier journals wait to be sealed.
    sealer: RefCell<Option<Sealer>>,
}

impl Slot {
    /// Core `n`'s.
    pub(crate) fn new(config: &Config, n: usize, keys: &Keys) -> Result<Self> {
        let (root, partitions) = (&config.journal.root, config.journal.partitions);
        let settings = WriterConfig::new(root, &config.slot(n), partitions, keys.journal());
        let mut id = [0; 8];
        getrandom::fill(&mut id)?;
        let journal = JournalId(u64::from_le_bytes(id));
        Ok(Self { settings, journal, sealer: RefCell::default() })
    }

    /// The id of its journal, begun or not.
    pub(crate) fn journal(&self) -> u64 {
        self.journal.0
    }

    /// Partitions of its journal.
    pub(crate) fn partitions(&self) -> u16 {
        self.settings.partitions
    }

    /// Begins its journal; `None` while the disk has no room for it.
    ///
    /// # Errors
    /// What waiting does not heal.
    pub(crate) fn open(&self) -> Result<Option<Writer>> {
        match Writer::create(self.settings.clone(), clock::now_ms(), self.journal) {
            Ok(writer) => {
                self.sealer.replace(Some(writer.sealer()));
                Ok(Some(writer))
            }
            Err(error) if lacks_room(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Seals what earlier incarnations left.
    ///
    /// # Errors
    /// What keeps the slot from being looked at; a journal refused is told and left.
    pub(crate) fn seal(&self, metrics: &Metrics) -> Result<()> {
        let Some(sealer) = self.sealer.take() else { return Ok(()) };
        if !seal(&sealer, metrics)? {
            self.sealer.replace(Some(sealer));
        }
        Ok(())
    }
}

/// Whether the disk is full, or this process may write no more of it.
fn lacks_room(error: &journal::Error) -> bool {
    let over = |source: &io::Error| source.kind() == io::ErrorKind::FileTooLarge;
    error.is_disk_full() || matches!(error, journal::Error::Io { source, .. } if over(source))
}

/// Seals once and tells what came of it; false where room was lacking.
fn seal(sealer: &Sealer, metrics: &Metrics) -> Result<bool> {
    let recovered = match sealer.seal() {
        Err(error) if lacks_room(&error) => return Ok(false),
        recovered => recovered?,
    };
    let done = !recovered.refused.iter().any(|(_, why)| lacks_room(why));
    tell(&recovered, metrics);
    Ok(done)
}

fn tell(recovered: &Recovered, metrics: &Metrics) {
    for sealed in &recovered.sealed {
        let (journal, repair) = (sealed.place.dir(), sealed.repair);
        metrics.journal.sealed(&repair);
        if repair.corrupt > 0 {
            tracing::error!(
                journal = %journal.display(), corrupt = repair.corrupt,
                corrupt_bytes = repair.corrupt_bytes, torn_bytes = repair.torn_bytes,
                "an earlier journal was damaged: what could not be read is kept in its folder `aside`"
            );
        } else {
            tracing::info!(
                journal = %journal.display(), torn_bytes = repair.torn_bytes,
                "an earlier journal was ended"
            );
        }
    }
    for (journal, why) in &recovered.refused {
        metrics.journal.refused();
        tracing::error!(journal = %journal.dir().display(), error = %why, "an earlier journal could not be ended");
    }
}

/// Tries once a second what the start could not do, and ends when all of it is done.
pub(crate) async fn mend(core: Rc<Core>, metrics: Arc<Metrics>) {
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut since_s, mut told) = (0, String::new());
    if !core.batch.has_writer() {
        tracing::error!("no room for a journal on the disk: answering 503 until there is");
    }
    while !core.batch.has_writer() || core.slot.sealer.borrow().is_some() {
        seconds.tick().await;
        since_s += 1;
        if !core.batch.has_writer() {
            match core.slot.open() {
                Ok(Some(writer)) => {
                    core.clock.raise(writer.stamp_ms());
                    core.batch.begin(writer);
                    since_s = SEAL_EVERY_S;
                }
                Ok(None) => {}
                // Once for each reason, not each second.
                Err(error) if error.to_string() != told => {
                    told = error.to_string();
                    tracing::error!(%error, "no journal can be begun");
                }
                Err(_) => {}
            }
        }
        if since_s < SEAL_EVERY_S || !core.batch.has_writer() {
            continue;
        }
        since_s = 0;
        let Some(sealer) = core.slot.sealer.take() else { continue };
        let (again, metrics) = (sealer.clone(), metrics.clone());
        // Reading a long journal must not keep visitors waiting.
        let sealed = tokio::task::spawn_blocking(move || seal(&sealer, &metrics)).await;
        match sealed {
            Ok(Ok(true)) => {}
            Ok(Err(error)) => tracing::error!(%error, "earlier journals could not be looked at"),
            Ok(Ok(false)) | Err(_) => drop(core.slot.sealer.replace(Some(again))),
        }
    }
}
