//! What can happen next, with each rule that holds, and what must never be.

use super::{
    Rule, Waits,
    state::{CLICKS, Postgres, SALES, Said, State, Verdict},
};

type Steps = Vec<(String, State)>;

const NAMES: [&str; 2] = ["the click's collector", "the sale's collector"];
const TOPICS: [&str; 2] = ["clicks", "conversions"];

fn put(all: &mut Steps, what: String, from: &State, how: impl FnOnce(&mut State)) {
    let mut next = from.clone();
    how(&mut next);
    all.push((what, next));
}

impl Waits {
    pub(super) fn all_steps(&self, state: &State) -> Steps {
        let mut all = Vec::new();
        for one in [CLICKS, SALES] {
            self.collector(state, one, &mut all);
            for topic in [CLICKS, SALES] {
                self.processor(state, one, topic, &mut all);
                lose(state, one, topic, &mut all);
            }
        }
        self.decide(state, &mut all);
        self.take_over(state, &mut all);
        all
    }

    fn collector(&self, state: &State, one: usize, all: &mut Steps) {
        let collector = &state.collectors[one];
        let clock = collector.clock;
        if clock < self.bounds.time {
            put(all, format!("{} comes to {}", NAMES[one], clock + 1), state, |s| {
                s.collectors[one].clock += 1;
            });
        }
        if collector.stamped.is_none() && collector.event.is_none() {
            put(all, format!("{} stamps its event {clock}", NAMES[one]), state, |s| {
                s.collectors[one].stamped = Some(clock);
            });
        }
        if let Some(stamp) = collector.stamped {
            put(all, format!("{} appends its event", NAMES[one]), state, |s| {
                let collector = &mut s.collectors[one];
                (collector.stamped, collector.event) = (None, Some(stamp));
                collector.journal[one].push(Said::Event(stamp));
            });
        }
        let held = collector.stamped.filter(|_| self.holds(Rule::BeatBehindStamps));
        let time = held.map_or(clock, |stamp| stamp.min(clock));
        if time > collector.beat {
            put(all, format!("{} beats {time}", NAMES[one]), state, |s| {
                let collector = &mut s.collectors[one];
                collector.beat = time;
                for topic in [CLICKS, SALES] {
                    let announced = u8::from(topic == one && collector.event.is_some());
                    collector.journal[topic].push(Said::Beat { time, announced });
                }
            });
        }
    }

    /// Reads what a journal says next in a topic, and commits.
    fn processor(&self, state: &State, from: usize, topic: usize, all: &mut Steps) {
        let Some(said) = state.collectors[from].journal[topic].first().copied() else { return };
        let what = format!("{said:?} of {} is read in {}", NAMES[from], TOPICS[topic]);
        put(all, what, state, |s| {
            s.collectors[from].journal[topic].remove(0);
            self.take(&mut s.postgres, said, (from, topic));
        });
    }

    fn take(&self, postgres: &mut Postgres, said: Said, (from, topic): (usize, usize)) {
        match said {
            // Its number is in the set: dropped.
            Said::Event(_) if postgres.is_in[topic] => {}
            Said::Event(stamp) => {
                postgres.is_in[topic] = true;
                if topic == SALES {
                    postgres.waiting = Some(stamp);
                }
            }
            Said::Beat { time, announced } => {
                let known = &mut postgres.announced[from][topic];
                *known = announced.max(*known);
                let is_holed = *known > 0 && !postgres.is_in[topic];
                if !is_holed || !self.holds(Rule::BeatBehindHoles) {
                    let heard = &mut postgres.heard[from][topic];
                    *heard = time.max(*heard);
                }
            }
        }
    }

    /// Decides what can be decided of all that was read: one batch may have read any number of messages.
    fn decide(&self, state: &State, all: &mut Steps) {
        let postgres = &state.postgres;
        let Some(stamp) = postgres.waiting else { return };
        let collectors: &[usize] = if self.holds(Rule::EverySlot) { &[0, 1] } else { &[SALES] };
        let topics: &[usize] = if self.holds(Rule::BothTopics) { &[0, 1] } else { &[SALES] };
        let is_over = postgres.read_to(collectors, topics) >= stamp + self.bounds.wait;
        let click = postgres.is_in[CLICKS];
        let verdict = match (click, is_over) {
            (true, true) if !self.holds(Rule::ClickFirst) => Verdict::UnknownClick,
            (true, _) => Verdict::Accepted,
            (false, true) => Verdict::UnknownClick,
            (false, false) => return,
        };
        put(all, format!("the sale is decided: {verdict:?}"), state, |s| {
            (s.postgres.waiting, s.postgres.verdict) = (None, Some(verdict));
        });
    }

    /// Another processor goes on from what is stored.
    fn take_over(&self, state: &State, all: &mut Steps) {
        if state.mishaps == 0 {
            return;
        }
        put(all, "another processor takes over".to_owned(), state, |s| {
            s.mishaps -= 1;
            if !self.holds(Rule::StoredWait) {
                s.postgres.waiting = None;
            }
            if !self.holds(Rule::StoredBeats) {
                // What all topics had heard is all there is.
                for heard in &mut s.postgres.heard {
                    *heard = [heard[CLICKS].min(heard[SALES]); 2];
                }
            }
        });
    }

    /// What must never be, if it is.
    pub(super) fn wrong_in(&self, state: &State) -> Option<&'static str> {
        let Postgres { waiting, verdict, heard, .. } = &state.postgres;
        let [click, sale] = [CLICKS, SALES].map(|one| state.collectors[one].event);
        if let (Some(Verdict::UnknownClick), Some(click), Some(sale)) = (verdict, click, sale)
            && click < sale + self.bounds.wait
        {
            return Some("a sale is refused whose click was stamped before its wait ended");
        }
        // What readers are told is complete.
        let told = heard.iter().flatten().copied().min().unwrap_or(0);
        let bound = waiting.filter(|_| self.holds(Rule::AsOfBehindWaits));
        let as_of = bound.map_or(told, |stamp| told.min(stamp));
        let undecided =
            [click.filter(|_| !state.postgres.is_in[CLICKS]), sale.filter(|_| verdict.is_none())];
        let missing = undecided.into_iter().flatten().any(|stamp| stamp < as_of);
        missing.then_some("what is told to be complete misses an acknowledged event")
    }
}

/// Kafka has lost an event before it was read; it is sent again behind everything else, and with it what its journal
/// last said of itself.
fn lose(state: &State, from: usize, topic: usize, all: &mut Steps) {
    let next = state.collectors[from].journal[topic].first().copied();
    if let Some(said @ Said::Event(_)) = next
        && state.mishaps > 0
    {
        put(all, format!("kafka has lost the event of {}", TOPICS[topic]), state, |s| {
            s.mishaps -= 1;
            let collector = &mut s.collectors[from];
            collector.journal[topic].remove(0);
            let beat = Said::Beat { time: collector.beat, announced: 1 };
            collector.journal[topic].extend([said, beat]);
        });
    }
}
