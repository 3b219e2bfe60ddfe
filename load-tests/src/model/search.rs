//! Breadth first over every state, so that a counterexample is as short as can be; then backwards from the
//! good ends, so that nothing can get lost or stuck.

use std::{
    collections::{HashMap, VecDeque},
    fmt::Display,
    hash::Hash,
};

/// What can be searched: where it begins, what can follow, what must never be.
pub(super) trait Model {
    type State: Clone + Eq + Hash + Display;
    /// Nothing has happened.
    fn begin(&self) -> Self::State;
    /// All that can follow, each told one way, and what happened.
    fn steps(&self, state: &Self::State) -> Vec<(String, Self::State)>;
    /// What must never be, if it is.
    fn wrong(&self, state: &Self::State) -> Option<&'static str>;
    /// Everything came to a good end.
    fn is_done(&self, state: &Self::State) -> bool;
}

/// How it comes to what must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counterexample {
    /// What is wrong in the end.
    pub what: String,
    /// What happened, in order.
    pub steps: Vec<String>,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// States looked at.
    pub states: usize,
    /// The first that must not be, if there is any.
    pub counterexample: Option<Counterexample>,
}

/// States by number, and how each was come to.
struct Graph<State> {
    numbers: HashMap<State, u32>,
    /// The state before, and what happened.
    parents: Vec<Option<(u32, String)>>,
    /// Who leads here.
    before: Vec<Vec<u32>>,
    good: Vec<u32>,
}

impl<State: Eq + Hash> Graph<State> {
    fn new() -> Self {
        let (numbers, parents) = (HashMap::new(), Vec::new());
        Self { numbers, parents, before: Vec::new(), good: Vec::new() }
    }

    /// A state's number, and whether it is new.
    fn add(&mut self, state: State, parent: Option<(u32, String)>) -> (u32, bool) {
        let next = self.parents.len() as u32;
        let number = *self.numbers.entry(state).or_insert(next);
        if number == next {
            self.parents.push(parent);
            self.before.push(Vec::new());
        }
        (number, number == next)
    }

    fn way_to(&self, mut number: u32) -> Vec<String> {
        let mut steps = Vec::new();
        while let Some((before, what)) = &self.parents[number as usize] {
            steps.push(what.clone());
            number = *before;
        }
        steps.reverse();
        steps
    }

    /// The earliest state from which no good end can be reached.
    fn stuck(&self) -> Option<u32> {
        let mut reaches = vec![false; self.parents.len()];
        let mut queue: VecDeque<u32> = self.good.iter().copied().collect();
        while let Some(number) = queue.pop_front() {
            if !std::mem::replace(&mut reaches[number as usize], true) {
                queue.extend(&self.before[number as usize]);
            }
        }
        reaches.iter().position(|reaches| !reaches).map(|number| number as u32)
    }
}

/// Looks at every state there is.
pub(super) fn search<M: Model>(model: &M) -> Found {
    let mut graph = Graph::new();
    let begin = model.begin();
    graph.add(begin.clone(), None);
    let mut queue = VecDeque::from([(0_u32, begin)]);
    while let Some((number, state)) = queue.pop_front() {
        if let Some(what) = model.wrong(&state) {
            return found(&graph, Some((what.to_owned(), number)));
        }
        if model.is_done(&state) {
            graph.good.push(number);
        }
        for (what, next) in model.steps(&state) {
            let (after, is_new) = graph.add(next.clone(), Some((number, what)));
            graph.before[after as usize].push(number);
            if is_new {
                queue.push_back((after, next));
            }
        }
    }
    let stuck = graph.stuck();
    let what = "an acknowledged event is lost, or everything is stuck".to_owned();
    found(&graph, stuck.map(|number| (what, number)))
}

fn found<State: Eq + Hash + Display>(graph: &Graph<State>, wrong: Option<(String, u32)>) -> Found {
    let counterexample = wrong.map(|(what, number)| {
        let state = graph.numbers.iter().find(|(_, n)| **n == number).map(|(state, _)| state);
        let shown = state.map(|state| format!(" ({state})")).unwrap_or_default();
        Counterexample { what: format!("{what}{shown}"), steps: graph.way_to(number) }
    });
    Found { states: graph.parents.len(), counterexample }
}
