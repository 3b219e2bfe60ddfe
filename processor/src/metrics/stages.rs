//! How long each stage of a batch takes.

use prometheus::{HistogramVec, Result};
use std::time::{Duration, Instant};

use super::make::Make;

/// A stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The log is read, decoded, and its clicks are decided: one pass.
    Read,
    /// Conversions: their clicks are asked for, and they are decided.
    Decide,
    /// The transaction in PostgreSQL.
    Commit,
    /// A block goes into ClickHouse.
    Insert,
}

impl Stage {
    const ALL: [Self; 4] = [Self::Read, Self::Decide, Self::Commit, Self::Insert];

    const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Decide => "decide",
            Self::Commit => "commit",
            Self::Insert => "insert",
        }
    }
}

/// See the module.
#[derive(Clone)]
pub(crate) struct Stages(HistogramVec);

impl Stages {
    pub(super) fn new(make: &Make<'_>) -> Result<Self> {
        let stages = make.seconds_by("stage_seconds", "Time of a stage", "stage")?;
        for stage in Stage::ALL {
            stages.with_label_values(&[stage.name()]);
        }
        Ok(Self(stages))
    }

    /// One stage took so long.
    pub(crate) fn took(&self, stage: Stage, time: Duration) {
        self.0.with_label_values(&[stage.name()]).observe(time.as_secs_f64());
    }

    /// What a batch's laps were.
    pub(crate) fn show(&self, laps: &Laps) {
        laps.taken.iter().for_each(|(stage, time)| self.took(*stage, *time));
    }
}

/// The times of one batch; one that turns out to be empty is nobody's figure.
pub(crate) struct Laps {
    begun: Instant,
    last: Instant,
    taken: Vec<(Stage, Duration)>,
}

impl Laps {
    /// Begins with the first stage.
    pub(crate) fn begin() -> Self {
        let now = Instant::now();
        Self { begun: now, last: now, taken: Vec::with_capacity(Stage::ALL.len()) }
    }

    /// A stage ends, and the next one begins.
    pub(crate) fn end(&mut self, stage: Stage) {
        let now = Instant::now();
        self.taken.push((stage, now.duration_since(self.last)));
        self.last = now;
    }

    /// From the beginning to the end of the last stage.
    pub(crate) fn whole(&self) -> Duration {
        self.last.duration_since(self.begun)
    }
}
