//! Claims against a naive model: a list of every claim ever made, searched from end to end.

use std::collections::HashMap;

use proptest::prelude::*;

use super::{Blob, Claim, Claims, ClaimsConfig, GENERATION_MS, Keys};
use crate::error::Error;

const HOUR_MS: u64 = 3_600_000;
const WINDOW_MS: u64 = 24 * HOUR_MS;
const NOON_MS: u64 = 20_000 * GENERATION_MS + GENERATION_MS / 2;
/// Room for everything.
const AMPLE: usize = 1 << 30;

fn claims(memory_bytes: usize) -> (tempfile::TempDir, Claims) {
    let folder = tempfile::tempdir().unwrap();
    let spill = folder.path().join("claims");
    let mut claims = Claims::new(ClaimsConfig { memory_bytes, spill });
    for partition in 0..2 {
        claims.rebuild(partition, []).unwrap();
    }
    claims.begin_batch().unwrap();
    (folder, claims)
}

fn visit(time_ms: u64, network: u64) -> Claim {
    Claim {
        partition: 0,
        site: 1,
        program: 1,
        impression: false,
        time_ms,
        window_ms: WINDOW_MS,
        keys: Keys { network, ..Keys::default() },
    }
}

#[test]
fn a_visitor_is_new_once_in_the_window_that_rolls_from_its_first_event() {
    let (_folder, mut claims) = claims(AMPLE);
    assert!(claims.claim(&visit(NOON_MS, 1)));
    assert!(!claims.claim(&visit(NOON_MS, 1)));
    assert!(claims.claim(&visit(NOON_MS, 2)));
    assert!(!claims.claim(&visit(NOON_MS + WINDOW_MS - 1, 1)));
    assert!(claims.claim(&visit(NOON_MS + WINDOW_MS, 1)));
    assert!(!claims.claim(&visit(NOON_MS + WINDOW_MS + 1, 1)));
}

#[test]
fn an_earlier_event_that_comes_later_is_a_duplicate_within_the_window_only() {
    let (_folder, mut claims) = claims(AMPLE);
    assert!(claims.claim(&visit(NOON_MS, 1)));
    assert!(!claims.claim(&visit(NOON_MS - WINDOW_MS + 1, 1)));
    assert!(claims.claim(&visit(NOON_MS - WINDOW_MS, 1)));
}

#[test]
fn sites_programs_impressions_and_partitions_claim_apart() {
    let (_folder, mut claims) = claims(AMPLE);
    let first = visit(NOON_MS, 1);
    assert!(claims.claim(&first));
    assert!(claims.claim(&Claim { site: 2, ..first }));
    assert!(claims.claim(&Claim { program: 2, ..first }));
    assert!(claims.claim(&Claim { impression: true, ..first }));
    assert!(claims.claim(&Claim { partition: 1, ..first }));
    assert!(!claims.claim(&first));
}

#[test]
fn a_cookie_brought_decides_and_the_network_is_claimed_beside_it() {
    let (_folder, mut claims) = claims(AMPLE);
    let brought = |cookie, network| Claim {
        keys: Keys { cookie, network, by_cookie: true, ..Keys::default() },
        ..visit(NOON_MS, 0)
    };
    assert!(claims.claim(&brought(10, 1)));
    assert!(!claims.claim(&brought(10, 2)), "the same cookie on another network");
    assert!(claims.claim(&brought(11, 1)), "another cookie behind the same network");
    assert!(!claims.claim(&visit(NOON_MS, 1)), "no cookie: the network was claimed");
}

#[test]
fn a_cookie_just_minted_proves_nothing_but_is_known_when_it_comes_back() {
    let (_folder, mut claims) = claims(AMPLE);
    let minted = Keys { cookie: 10, network: 1, ..Keys::default() };
    assert!(claims.claim(&Claim { keys: minted, ..visit(NOON_MS, 0) }));
    let again = Keys { cookie: 11, network: 1, ..Keys::default() };
    assert!(!claims.claim(&Claim { keys: again, ..visit(NOON_MS, 0) }));
    let back = Keys { cookie: 10, network: 2, by_cookie: true, ..Keys::default() };
    assert!(!claims.claim(&Claim { keys: back, ..visit(NOON_MS + 1, 0) }));
}

#[test]
fn a_new_salt_does_not_make_a_visitor_new() {
    let (_folder, mut claims) = claims(AMPLE);
    assert!(claims.claim(&visit(NOON_MS, 1)));
    let keys = Keys { network: 2, network_previous: 1, ..Keys::default() };
    assert!(!claims.claim(&Claim { keys, ..visit(NOON_MS + 1, 0) }));
}

#[test]
fn nobody_is_never_new() {
    let (_folder, mut claims) = claims(AMPLE);
    assert!(!claims.claim(&visit(NOON_MS, 0)));
    assert_eq!(claims.take_blobs().unwrap(), []);
}

#[test]
fn a_partition_not_loaded_fails_the_batch() {
    let (_folder, mut claims) = claims(AMPLE);
    assert!(!claims.claim(&Claim { partition: 2, ..visit(NOON_MS, 1) }));
    assert!(!claims.claim(&visit(NOON_MS, 1)), "nothing is judged in a failed batch");
    assert!(matches!(claims.take_blobs(), Err(Error::Claims(_))));
    claims.rollback();
    assert!(claims.claim(&visit(NOON_MS, 1)));
    claims.release(0);
    assert!(!claims.claim(&visit(NOON_MS, 2)));
    assert!(claims.take_blobs().is_err());
}

#[test]
fn generations_end_with_the_slowest_journal_and_not_with_the_fastest_clock() {
    let (_folder, mut claims) = claims(AMPLE);
    assert!(claims.claim(&visit(NOON_MS, 1)));
    assert!(claims.claim(&visit(NOON_MS + 400 * GENERATION_MS, 2)));
    let kept_from = claims.advance(NOON_MS + GENERATION_MS, WINDOW_MS);
    assert_eq!(kept_from, 20_000 * GENERATION_MS);
    assert!(!claims.claim(&visit(NOON_MS + 1, 1)));
    assert_eq!(claims.advance(NOON_MS + 2 * GENERATION_MS, WINDOW_MS), 20_001 * GENERATION_MS);
    assert_eq!(claims.count(), 1);
}

#[test]
fn a_file_without_a_filter_is_read_every_time() {
    // Not even a filter fits into this budget.
    let (_folder, mut claims) = claims(1);
    for network in 1..2_000 {
        assert!(claims.claim(&visit(NOON_MS, network * 0x9e37_79b9)));
    }
    claims.begin_batch().unwrap();
    for network in 1..2_000 {
        assert!(!claims.claim(&visit(NOON_MS + 1, network * 0x9e37_79b9)));
    }
    assert!(claims.claim(&visit(NOON_MS, 7)));
}

#[test]
fn a_visitor_costs_less_than_thirty_bytes_and_a_spilled_one_less_than_three() {
    let (_folder, mut claims) = claims(AMPLE);
    let networks = (1..=100_000_u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    for network in networks {
        assert!(claims.claim(&visit(NOON_MS, network)));
    }
    assert!(claims.memory_bytes() < 3_000_000, "{}", claims.memory_bytes());
    claims.config.memory_bytes = 600_000;
    claims.begin_batch().unwrap();
    assert!(claims.memory_bytes() < 300_000, "{}", claims.memory_bytes());
    assert_eq!(claims.count(), 100_000);
}

#[test]
fn filters_keep_to_half_the_budget_and_small_sets_stay_in_memory() {
    let (_folder, mut claims) = claims(20_000);
    let networks = (1..=16_000_u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    for (n, network) in networks.enumerate() {
        let day = n as u64 % 4;
        assert!(claims.claim(&visit(NOON_MS + day * GENERATION_MS, network)));
        if n % 1_000 == 0 {
            claims.begin_batch().unwrap();
        }
    }
    claims.begin_batch().unwrap();
    // 1.8 bytes of filter a claim would be 28,800: most files have none.
    assert!(claims.memory_bytes() < 20_000, "{}", claims.memory_bytes());
    assert!(claims.claim(&visit(NOON_MS, 7)));
    let before = claims.set_bytes();
    claims.begin_batch().unwrap();
    assert_eq!(claims.set_bytes(), before, "a claim more writes no file");
    assert!(!claims.claim(&visit(NOON_MS, 0x9e37_79b9_7f4a_7c15)));
    assert_eq!(claims.count(), 16_001);
}

#[test]
fn a_blob_that_is_none_is_refused() {
    let (_folder, mut claims) = claims(AMPLE);
    assert!(claims.claim(&visit(NOON_MS, 1)));
    let blob = claims.take_blobs().unwrap().remove(0);
    let mut cases = vec![vec![], vec![9; 30], blob.bytes[..blob.bytes.len() - 1].to_vec()];
    cases.push([blob.bytes.as_slice(), &[0]].concat());
    for bytes in cases {
        let refused = claims.rebuild(0, [bytes.as_slice()]);
        assert!(matches!(refused, Err(Error::Stored { .. })));
        assert!(!claims.claim(&visit(NOON_MS, 9)), "a partition half loaded answers nothing");
        claims.rollback();
    }
    assert!(claims.rebuild(0, [blob.bytes.as_slice()]).is_ok());
    assert!(!claims.claim(&visit(NOON_MS, 1)));
}

/// Every claim ever made, by key.
#[derive(Default, Clone)]
struct Model(HashMap<(u16, u32, u32, bool, u64), Vec<u64>>);

impl Model {
    fn holds(&self, claim: &Claim, key: u64) -> bool {
        let Claim { partition, site, program, impression, .. } = *claim;
        let times = self.0.get(&(partition, site, program, impression, key));
        let near = |time: &u64| time.abs_diff(claim.time_ms) < claim.window_ms;
        times.is_some_and(|times| times.iter().any(near))
    }

    fn claim(&mut self, claim: &Claim) -> bool {
        let Keys { cookie, network, network_previous, by_cookie } = claim.keys;
        let judged = if by_cookie { vec![cookie] } else { vec![network, network_previous] };
        let judged: Vec<u64> = judged.into_iter().filter(|key| *key != 0).collect();
        if judged.is_empty() || judged.iter().any(|key| self.holds(claim, *key)) {
            return false;
        }
        let Claim { partition, site, program, impression, .. } = *claim;
        for key in [cookie, network, network_previous] {
            if key != 0 && !self.holds(claim, key) {
                let place = self.0.entry((partition, site, program, impression, key)).or_default();
                place.push(claim.time_ms);
            }
        }
        true
    }
}

/// What happens to claims, in any order.
#[derive(Debug, Clone)]
enum Step {
    Visit(Claim),
    Commit,
    Fail,
    /// A new owner takes the partition over.
    Move(u16),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Few keys with hash-like bits, times out of order over a week: they meet often.
    let key = || (0_u64..40).prop_map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let keys =
        (key(), key(), key(), any::<bool>()).prop_map(|(cookie, network, previous, brought)| {
            Keys {
                cookie,
                network,
                network_previous: if previous % 3 == 0 { previous } else { 0 },
                by_cookie: brought && cookie != 0,
            }
        });
    let window = prop_oneof![Just(HOUR_MS), Just(WINDOW_MS), Just(7 * WINDOW_MS)];
    let time = (0_u64..8 * 24 * 4).prop_map(|quarter| NOON_MS + quarter * HOUR_MS / 4);
    let visit = (0_u16..2, 1_u32..3, 1_u32..3, any::<bool>(), time, window, keys).prop_map(
        |(partition, site, program, impression, time_ms, window_ms, keys)| Claim {
            partition,
            site,
            program,
            impression,
            time_ms,
            window_ms,
            keys,
        },
    );
    let step = prop_oneof![
        40 => visit.prop_map(Step::Visit),
        4 => Just(Step::Commit),
        1 => Just(Step::Fail),
        1 => (0_u16..2).prop_map(Step::Move),
    ];
    proptest::collection::vec(step, 0..400)
}

/// Plays the steps as a processor would: blobs are kept when a batch commits.
fn play(memory_bytes: usize, steps: &[Step]) -> Result<(), TestCaseError> {
    let (_folder, mut claims) = claims(memory_bytes);
    let mut committed: Vec<Blob> = Vec::new();
    let (mut model, mut before) = (Model::default(), Model::default());
    for step in steps {
        match step {
            Step::Visit(visit) => prop_assert_eq!(claims.claim(visit), model.claim(visit)),
            Step::Commit => {
                committed.extend(claims.take_blobs().unwrap());
                claims.begin_batch().unwrap();
                before = model.clone();
            }
            Step::Fail => {
                claims.rollback();
                claims.begin_batch().unwrap();
                model = before.clone();
            }
            Step::Move(partition) => {
                claims.rollback();
                model = before.clone();
                let own = committed.iter().filter(|blob| blob.partition == *partition);
                claims.rebuild(*partition, own.map(|blob| blob.bytes.as_slice())).unwrap();
            }
        }
    }
    for blob in &committed {
        prop_assert!(blob.min_ms <= blob.max_ms && blob.min_ms >= NOON_MS);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn claims_answer_as_a_list_of_all_claims_would(steps in steps()) {
        play(AMPLE, &steps)?;
    }

    #[test]
    fn spilled_claims_answer_the_same(steps in steps(), memory_bytes in 0_usize..4_000) {
        play(memory_bytes, &steps)?;
    }
}
