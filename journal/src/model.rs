//! The journal against a model of itself: random sequences of what a collector, a processor and bad luck do.
//!
//! What must hold, whatever happens: a batch that was committed is read exactly once, in order, unless the power
//! failed before it was durable; one that failed is never read and its seqs are given again; one that was reported
//! durable survives everything; nothing is read that was not staged; every journal but the newest comes to its END.

use proptest::prelude::*;

use run::{Model, PARTITIONS};

mod log;
mod run;

#[derive(Debug, Clone)]
enum Op {
    Stage {
        topic: u8,
        partition: u16,
        size: usize,
    },
    Skip {
        topic: u8,
        partition: u16,
        by: u64,
    },
    Heartbeat {
        back_ms: u64,
    },
    Commit,
    /// A commit during which something happens.
    CommitWith {
        trouble: Trouble,
        writes_before: u32,
    },
    Sync {
        fails: bool,
    },
    Space(Option<u64>),
    Read {
        bytes: usize,
    },
    ReopenReader,
    Trim {
        keep_all: bool,
    },
    Kill,
    PowerLoss {
        seed: u64,
    },
    EndGracefully,
}

#[derive(Debug, Clone)]
enum Trouble {
    Short { bytes: usize, truncate_fails: bool },
    Fails,
    Dies { bytes: usize },
}

fn trouble() -> impl Strategy<Value = Trouble> {
    prop_oneof![
        (0..3000_usize, any::<bool>())
            .prop_map(|(bytes, truncate_fails)| Trouble::Short { bytes, truncate_fails }),
        Just(Trouble::Fails),
        (0..3000_usize).prop_map(|bytes| Trouble::Dies { bytes }),
    ]
}

fn op(power: bool) -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => (0..2_u8, 0..PARTITIONS, 0..400_usize)
            .prop_map(|(topic, partition, size)| Op::Stage { topic, partition, size }),
        1 => (0..2_u8, 0..PARTITIONS, 0..9_u64).prop_map(|(topic, partition, by)| Op::Skip { topic, partition, by }),
        2 => (0..50_u64).prop_map(|back_ms| Op::Heartbeat { back_ms }),
        6 => Just(Op::Commit),
        2 => (trouble(), 0..3_u32).prop_map(|(trouble, writes_before)| Op::CommitWith { trouble, writes_before }),
        3 => prop::bool::weighted(0.2).prop_map(|fails| Op::Sync { fails }),
        1 => prop::option::of(0..4000_u64).prop_map(Op::Space),
        4 => (1..5000_usize).prop_map(|bytes| Op::Read { bytes }),
        1 => Just(Op::ReopenReader),
        1 => any::<bool>().prop_map(|keep_all| Op::Trim { keep_all }),
        1 => any::<u64>().prop_map(move |seed| if power { Op::PowerLoss { seed } } else { Op::Kill }),
        1 => Just(Op::Kill),
        1 => Just(Op::EndGracefully),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, max_shrink_iters: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_killed_process_loses_and_repeats_nothing(
        ops in prop::collection::vec(op(false), 1..120), no_fallocate: bool,
    ) {
        let mut model = Model::new(false, false, no_fallocate);
        ops.into_iter().for_each(|op| model.run(op));
        model.finish();
    }

    #[test]
    fn a_power_loss_costs_only_what_was_not_durable(
        ops in prop::collection::vec(op(true), 1..120), no_fallocate: bool,
    ) {
        let mut model = Model::new(false, true, no_fallocate);
        ops.into_iter().for_each(|op| model.run(op));
        model.finish();
    }

    #[test]
    fn a_killed_import_goes_on_and_repeats_nothing(
        ops in prop::collection::vec(op(false), 1..120), no_fallocate: bool,
    ) {
        let mut model = Model::new(true, true, no_fallocate);
        ops.into_iter().for_each(|op| model.run(op));
        model.finish();
    }
}
