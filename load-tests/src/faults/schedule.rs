//! What happens when: drawn from a seed, the same every time. Pure.

use std::{fmt, time::Duration};

use crate::generate::Random;

/// Brokers, collectors, processors.
pub const BROKERS: usize = 3;
/// See above.
pub const COLLECTORS: usize = 2;
/// See above.
pub const PROCESSORS: usize = 2;
/// Everything that is not ours.
pub const OTHERS: [Who; BROKERS + 2] =
    [Who::Postgres, Who::Engine, Who::Broker(0), Who::Broker(1), Who::Broker(2)];

/// A process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Answers visitors.
    Collector(usize),
    /// Decides.
    Processor(usize),
    /// Keeps the log.
    Broker(usize),
    /// PostgreSQL with all of its processes.
    Postgres,
    /// The ClickHouse engine.
    Engine,
}

/// A way over the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Collectors to PostgreSQL.
    Links,
    /// Processors to PostgreSQL.
    Postgres,
    /// Processors to ClickHouse.
    Engine,
    /// Everybody to a broker.
    Broker(usize),
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL; it is started again.
    Kill(Who),
    /// SIGSTOP for so long, then SIGCONT.
    Freeze(Who, Duration),
    /// Every connection is closed, and none is taken for so long.
    Cut(Line, Duration),
    /// Bytes come so much later, for so long.
    Delay(Line, Duration, Duration),
    /// The next request's body is closed half way.
    HalfBody(Line),
    /// The connection is closed when it next says COMMIT, before the answer.
    LostCommit,
    /// The disk of a collector's journals is filled to its last byte, for so long.
    FillDisk(usize, Duration),
    /// Everything of ours is killed at once.
    KillAll,
    /// Everything is killed at once, stores and brokers too.
    KillEverything,
}

/// A fault and its time since the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Duration,
    /// What.
    pub fault: Fault,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>6.2} s  {:?}", self.at.as_secs_f64(), self.fault)
    }
}

/// What a run is to be.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How long there is traffic.
    pub length: Duration,
    /// A processor is frozen for so long, once, in the middle of everything else.
    pub frozen: Option<Duration>,
}

/// When the long freeze begins.
const FROZEN_AT: Duration = Duration::from_secs(2);
/// Traffic and faults after the thaw.
const THAWED: Duration = Duration::from_secs(10);

impl Plan {
    /// How long there is traffic: until some time after a thaw at least.
    pub fn length(&self) -> Duration {
        self.frozen.map_or(self.length, |frozen| self.length.max(FROZEN_AT + frozen + THAWED))
    }
}

/// One fault every second or two.
pub fn schedule(seed: u64, plan: &Plan) -> Vec<Event> {
    let mut random = Random::new(seed);
    let mut events = Vec::new();
    let mut at = Duration::from_millis(500);
    while at < plan.length() {
        events.push(Event { at, fault: fault(&mut random) });
        at += Duration::from_millis(600 + random.below(1600) as u64);
    }
    if let Some(frozen) = plan.frozen {
        freeze(&mut events, Who::Processor(random.below(PROCESSORS)), frozen);
    }
    events
}

/// Freezes somebody for long: until it thaws nothing else is done that would end or wake it.
fn freeze(events: &mut Vec<Event>, who: Who, length: Duration) {
    events.retain(|event| event.at >= FROZEN_AT + length || !event.fault.meets(who));
    events.push(Event { at: FROZEN_AT, fault: Fault::Freeze(who, length) });
    events.sort_by_key(|event| event.at);
}

impl Fault {
    /// Whether somebody ends or is woken by it.
    fn meets(&self, who: Who) -> bool {
        match *self {
            Self::Kill(of) | Self::Freeze(of, _) => of == who,
            Self::KillAll | Self::KillEverything => true,
            _ => false,
        }
    }
}

fn fault(random: &mut Random) -> Fault {
    let millis = |random: &mut Random, least: u64, more: usize| {
        Duration::from_millis(least + random.below(more) as u64)
    };
    match random.below(24) {
        0..=3 => Fault::Kill(process(random)),
        4..=6 => Fault::Kill(Who::Processor(random.below(PROCESSORS))),
        7 | 8 => Fault::Kill(Who::Collector(random.below(COLLECTORS))),
        9..=11 => Fault::Freeze(process(random), millis(random, 200, 4000)),
        12 | 13 => Fault::Cut(line(random), millis(random, 100, 3000)),
        14 | 15 => Fault::Delay(line(random), millis(random, 10, 300), millis(random, 500, 3000)),
        16 | 17 => Fault::HalfBody(Line::Engine),
        18 | 19 => Fault::LostCommit,
        20 | 21 => Fault::FillDisk(random.below(COLLECTORS), millis(random, 200, 2500)),
        22 => Fault::KillEverything,
        _ => Fault::KillAll,
    }
}

fn process(random: &mut Random) -> Who {
    match random.below(9) {
        0 | 1 => Who::Collector(random.below(COLLECTORS)),
        2 | 3 => Who::Processor(random.below(PROCESSORS)),
        4 | 5 => Who::Broker(random.below(BROKERS)),
        6 | 7 => Who::Engine,
        _ => Who::Postgres,
    }
}

fn line(random: &mut Random) -> Line {
    match random.below(8) {
        0 => Line::Links,
        1..=3 => Line::Postgres,
        4 | 5 => Line::Engine,
        _ => Line::Broker(random.below(BROKERS)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn plan(seconds: u64, frozen: Option<Duration>) -> Plan {
        Plan { length: Duration::from_secs(seconds), frozen }
    }

    #[test]
    fn a_seed_gives_one_schedule_and_another_seed_another() {
        let plan = plan(20, None);
        assert_eq!(schedule(7, &plan), schedule(7, &plan));
        assert_ne!(schedule(7, &plan), schedule(8, &plan));
        assert!(schedule(7, &plan).iter().all(|event| event.at < plan.length));
    }

    #[test]
    fn who_is_frozen_for_long_is_left_alone_until_it_thaws() {
        let frozen = Duration::from_secs(60);
        for seed in 0..50 {
            let events = schedule(seed, &plan(12, Some(frozen)));
            let is_it = |event: &&Event| matches!(event.fault, Fault::Freeze(_, length) if length == frozen);
            let freezes: Vec<&Event> = events.iter().filter(is_it).collect();
            let [Event { at, fault: Fault::Freeze(who, _) }] = freezes[..] else {
                panic!("{freezes:?}");
            };
            assert!(matches!(who, Who::Processor(_)));
            let thaw = *at + frozen;
            let others = events.iter().filter(|event| !is_it(event) && event.at < thaw);
            assert!(others.clone().all(|event| !event.fault.meets(*who)), "seed {seed}");
            assert!(others.count() > 10, "everybody else has trouble meanwhile");
            assert!(events.iter().any(|event| event.at > thaw));
            assert!(events.is_sorted_by_key(|event| event.at));
        }
    }

    #[test]
    fn every_kind_of_fault_comes_within_a_few_seeds() {
        let all: Vec<Fault> = (0..20)
            .flat_map(|seed| schedule(seed, &plan(12, None)))
            .map(|event| event.fault)
            .collect();
        let some = |is: fn(&Fault) -> bool| assert!(all.iter().any(is));
        some(|fault| matches!(fault, Fault::Kill(Who::Broker(_))));
        some(|fault| matches!(fault, Fault::Kill(Who::Postgres)));
        some(|fault| matches!(fault, Fault::Kill(Who::Engine)));
        some(|fault| matches!(fault, Fault::Freeze(Who::Processor(_), _)));
        some(|fault| matches!(fault, Fault::Cut(Line::Postgres, _)));
        some(|fault| matches!(fault, Fault::Delay(..)));
        some(|fault| matches!(fault, Fault::HalfBody(_)));
        some(|fault| matches!(fault, Fault::LostCommit));
        some(|fault| matches!(fault, Fault::FillDisk(..)));
        some(|fault| matches!(fault, Fault::KillAll));
        some(|fault| matches!(fault, Fault::KillEverything));
    }
}
