//! What can happen next, with each rule that holds, and what must never be.

use super::state::{
    Block, Bounds, COPYS, Events, Insert, Message, Postgres, Processor, Rule, Rules, State, bit,
};

/// A state that can follow, and what happened.
pub(super) type Step = (String, State);

/// The number that a copy of the disk gives its own event, where it goes on with its incarnation.
const fn copys_number(rules: Rules, written: u8) -> u8 {
    match rules.off {
        Some(Rule::NewIncarnation) => written + 1,
        _ => COPYS,
    }
}

/// All of them.
pub(super) fn steps(state: &State, bounds: Bounds, rules: Rules) -> Vec<Step> {
    let mut all = Vec::new();
    collector(state, bounds, rules, &mut all);
    for n in 0..state.processors.len() {
        processor(state, n, rules, &mut all);
    }
    sender(state, bounds, rules, &mut all);
    restore(state, rules, &mut all);
    all
}

fn put(all: &mut Vec<Step>, what: impl Into<String>, from: &State, how: impl FnOnce(&mut State)) {
    let mut next = from.clone();
    how(&mut next);
    all.push((what.into(), next));
}

fn collector(state: &State, bounds: Bounds, rules: Rules, all: &mut Vec<Step>) {
    let c = &state.collector;
    if c.written < bounds.events {
        put(all, format!("event {} is acknowledged", c.written + 1), state, |s| {
            s.collector.written += 1;
        });
    }
    if c.sent < c.written {
        put(all, format!("record {} goes to the producer", c.sent + 1), state, |s| {
            s.collector.sent += 1;
            s.collector.under_way.push(s.collector.sent);
        });
    }
    if let Some(number) = c.under_way.first().copied() {
        put(all, format!("record {number} is in the log"), state, |s| {
            s.collector.under_way.remove(0);
            s.log.push(Message { number, event: number });
            s.collector.acknowledged = s.collector.acknowledged.max(number);
        });
    }
    let may = if rules.holds(Rule::CheckpointBehindAck) { c.acknowledged } else { c.sent };
    if c.checkpoint < may {
        put(all, format!("checkpoint {may}"), state, |s| s.collector.checkpoint = may);
    }
    if state.mishaps > 0 && (c.sent > c.checkpoint || !c.under_way.is_empty()) {
        put(all, "the collector is killed and starts again", state, |s| {
            s.mishaps -= 1;
            let c = &mut s.collector;
            c.under_way.clear();
            (c.sent, c.acknowledged) = (c.checkpoint, c.checkpoint);
        });
    }
    copy(state, bounds, rules, all);
}

/// A snapshot of the collector's disk, started beside it: it takes an event of its own.
fn copy(state: &State, bounds: Bounds, rules: Rules, all: &mut Vec<Step>) {
    let c = &state.collector;
    if bounds.copies && !c.is_copied && c.written > 0 && c.written < bounds.events {
        put(all, "the disk is copied, the copy takes an event", state, |s| {
            (s.collector.is_copied, s.collector.copy_written) = (true, true);
        });
    }
    if c.copy_written && !c.copy_sent {
        // Copied with one record in it.
        let number = copys_number(rules, 1);
        put(all, format!("the copy's event is in the log as {number}"), state, |s| {
            s.collector.copy_sent = true;
            s.log.push(Message { number, event: COPYS });
        });
    }
}

fn processor(state: &State, n: usize, rules: Rules, all: &mut Vec<Step>) {
    let p = &state.processors[n];
    let strange = state.postgres.is_strange && rules.holds(Rule::Reconcile);
    let is_free = !state.processors.iter().any(|other| other.is_owner);
    if !strange && p.loaded.is_none() && (is_free || state.mishaps > 0) {
        put(all, format!("processor {n} takes over"), state, |s| {
            if !is_free {
                s.mishaps -= 1;
            }
            s.processors.iter_mut().for_each(|other| other.is_owner = false);
            let loaded = Some((s.postgres.offset, s.postgres.set));
            s.processors[n] = Processor { loaded, is_owner: true, batch: None };
        });
    }
    if let (Some((offset, set)), None) = (p.loaded, p.batch)
        && usize::from(offset) < state.log.len()
    {
        put(all, format!("processor {n} reads and decides"), state, |s| {
            let (events, numbers) = decide(&s.log[usize::from(offset)..], set, rules);
            s.processors[n].batch = Some((s.log.len() as u8, events, numbers));
        });
    }
    if p.batch.is_some() && !strange {
        put(all, format!("processor {n} commits"), state, |s| commit(s, n, rules, true));
        if state.mishaps > 0 {
            put(all, format!("processor {n} commits and does not hear of it"), state, |s| {
                s.mishaps -= 1;
                commit(s, n, rules, false);
            });
        }
    }
}

/// Events decided out of messages, and their numbers.
fn decide(messages: &[Message], set: Events, rules: Rules) -> (Events, Events) {
    let (mut events, mut numbers) = (0, 0);
    for message in messages {
        let is_in = (set | numbers) & bit(message.number) != 0;
        if !(is_in && rules.holds(Rule::SeqSet)) {
            events |= bit(message.event);
        }
        numbers |= bit(message.number);
    }
    (events, numbers)
}

fn commit(s: &mut State, n: usize, rules: Rules, is_heard: bool) {
    let p = std::mem::take(&mut s.processors[n]);
    let (Some((offset, set)), Some((until, events, numbers))) = (p.loaded, p.batch) else { return };
    let is_ours = p.is_owner && s.postgres.offset == offset;
    if !is_ours && rules.holds(Rule::Fence) {
        return;
    }
    s.postgres.offset = until;
    s.postgres.set |= numbers;
    for event in (0..8).filter(|event| events & bit(*event) != 0) {
        let paid = &mut s.postgres.paid[usize::from(event)];
        *paid = (*paid + 1).min(2);
    }
    if events != 0 {
        s.next_id += 1;
        let block = Block { id: s.next_id, events };
        s.postgres.committed.push(block);
        s.postgres.outbox.push(block);
    }
    if is_heard {
        let loaded = Some((until, set | numbers));
        s.processors[n] = Processor { loaded, is_owner: p.is_owner, batch: None };
    }
}

fn sender(state: &State, bounds: Bounds, rules: Rules, all: &mut Vec<Step>) {
    let strange = state.postgres.is_strange && rules.holds(Rule::Reconcile);
    let mut picked = near(state, bounds, rules);
    if !rules.holds(Rule::CheckBeforeWrite) {
        // Picked before, and never looked at again.
        picked.extend(&state.postgres.committed);
    }
    picked.dedup();
    for block in picked {
        if !strange && state.inserts.len() < bounds.inserts {
            put(all, format!("a sender connects, and finds block {} open", block.id), state, |s| {
                s.inserts.push(Insert { block, others: 0, is_answered: false });
            });
        }
    }
    for (n, insert) in state.inserts.iter().enumerate() {
        let id = insert.block.id;
        if insert.is_answered {
            put(all, format!("block {id} is done"), state, |s| {
                s.inserts.remove(n);
                s.postgres.outbox.retain(|block| block.id != id);
            });
        } else {
            let is_in_time = usize::from(insert.others) < bounds.window;
            if is_in_time || !rules.holds(Rule::CutOff) {
                put(all, format!("clickhouse takes block {id}"), state, |s| {
                    write(s, n, bounds, rules);
                });
            }
            put(all, format!("the insert of block {id} is cut off"), state, |s| {
                s.inserts.remove(n);
            });
            if !rules.holds(Rule::DoneBehindAnswer) {
                put(all, format!("block {id} is done before it is written"), state, |s| {
                    s.postgres.outbox.retain(|block| block.id != id);
                });
            }
        }
        if insert.is_answered && state.mishaps > 0 {
            put(all, format!("the answer for block {id} is lost"), state, |s| {
                s.mishaps -= 1;
                s.inserts.remove(n);
            });
        }
    }
}

/// The blocks to be sent that senders look at.
fn near(state: &State, bounds: Bounds, rules: Rules) -> Vec<Block> {
    let Postgres { committed, outbox, .. } = &state.postgres;
    let place = |block: &Block| committed.iter().position(|one| one.id == block.id).unwrap_or(0);
    let oldest = outbox.iter().map(place).min().unwrap_or(0);
    let is_near = |block: &&Block| place(block) < oldest + bounds.ahead;
    let all = outbox.iter().filter(|block| is_near(block) || !rules.holds(Rule::OldestFirst));
    all.copied().collect()
}

fn write(s: &mut State, n: usize, bounds: Bounds, rules: Rules) {
    let block = s.inserts[n].block;
    s.inserts[n].is_answered = true;
    let is_known = s.clickhouse.remembered.contains(&block.id) && rules.holds(Rule::Token);
    if is_known {
        return;
    }
    s.clickhouse.parts.push(block);
    s.clickhouse.remembered.push(block.id);
    if s.clickhouse.remembered.len() > bounds.window {
        s.clickhouse.remembered.remove(0);
    }
    for other in s.inserts.iter_mut().filter(|other| other.block.id != block.id) {
        other.others = other.others.saturating_add(1).min(bounds.window as u8);
    }
}

fn restore(state: &State, rules: Rules, all: &mut Vec<Step>) {
    if state.restores > 0 && state.backup.is_none() && !state.postgres.is_strange {
        put(all, "postgresql is backed up", state, |s| {
            s.backup = Some(Box::new(s.postgres.clone()));
        });
    }
    if let (Some(backup), true) = (&state.backup, state.restores > 0) {
        put(all, "postgresql is restored", state, |s| {
            s.postgres = Postgres { is_strange: true, ..(**backup).clone() };
            s.backup = None;
            s.restores -= 1;
            // Their connections are gone; what is on its way to ClickHouse is not.
            s.processors.iter_mut().for_each(|p| *p = Processor::default());
        });
    }
    let waits = rules.holds(Rule::WaitOutInserts) && !state.inserts.is_empty();
    if state.postgres.is_strange && !waits {
        put(all, "clickhouse is brought back to what postgresql knows", state, |s| {
            reconcile(s, rules);
        });
    }
}

fn reconcile(s: &mut State, rules: Rules) {
    s.postgres.is_strange = false;
    if !rules.holds(Rule::Reconcile) {
        return;
    }
    let postgres = &s.postgres;
    s.clickhouse.parts.retain(|part| {
        let is_in = |blocks: &[Block]| blocks.iter().any(|block| block.id == part.id);
        is_in(&postgres.committed) && !is_in(&postgres.outbox)
    });
    if !rules.holds(Rule::RenameOutbox) {
        return;
    }
    for n in 0..s.postgres.outbox.len() {
        let old = s.postgres.outbox[n].id;
        s.next_id += 1;
        s.postgres.outbox[n].id = s.next_id;
        for block in s.postgres.committed.iter_mut().filter(|block| block.id == old) {
            block.id = s.next_id;
        }
    }
}

/// What must never be, if it is.
pub(super) fn wrong(state: &State, rules: Rules) -> Option<&'static str> {
    for event in 1..8 {
        if state.stored(event) > 1 {
            return Some("an event is in clickhouse twice");
        }
        if state.postgres.paid[usize::from(event)] > 1 {
            return Some("an event is paid twice");
        }
    }
    if !state.postgres.is_strange {
        // What readers are told is complete.
        let open: Events = match rules.holds(Rule::AsOfBehindBlocks) {
            true => state.postgres.outbox.iter().fold(0, |all, block| all | block.events),
            false => 0,
        };
        let told = (1..8).filter(|event| {
            state.postgres.paid[usize::from(*event)] > 0 && open & bit(*event) == 0
        });
        if told.into_iter().any(|event| state.stored(event) == 0) {
            return Some("an event is told to be in and is not there");
        }
    }
    None
}
