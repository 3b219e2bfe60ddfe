//! What a processor owns: everything, where it reads the journals themselves, or partitions of Kafka's topics.

/// Which partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All, whoever has them: the journals of this machine are read directly.
    Everything,
    /// These, of both topics.
    Partitions(Vec<u16>),
}

/// The row of `pipeline_partition` that stands for the journals.
const JOURNALS: i32 = -1;

impl Scope {
    /// Whether a partition is ours.
    pub(crate) fn owns(&self, partition: u16) -> bool {
        match self {
            Self::Everything => true,
            Self::Partitions(owned) => owned.contains(&partition),
        }
    }

    /// The rows of `pipeline_partition` to hold.
    pub(crate) fn rows(&self) -> Vec<i32> {
        self.partitions().unwrap_or_else(|| vec![JOURNALS])
    }

    /// The partitions, to ask a store for; `None` for all.
    pub(crate) fn partitions(&self) -> Option<Vec<i32>> {
        match self {
            Self::Everything => None,
            Self::Partitions(owned) => {
                Some(owned.iter().map(|partition| (*partition).into()).collect())
            }
        }
    }

    /// As a multirange of PostgreSQL's.
    pub(crate) fn to_multirange(&self) -> String {
        match self {
            Self::Everything => "{[0,4096)}".to_owned(),
            Self::Partitions(owned) => {
                let ranges: Vec<String> = owned.iter().map(|n| format!("[{n},{n}]")).collect();
                format!("{{{}}}", ranges.join(","))
            }
        }
    }
}
