//! One turn of the event loop: the heads that came in it are answered together.
//!
//! Judged one after the other while their code is in the processor's caches, kept with one append, sent
//! without waking their tasks again. Whatever is unusual goes back to the connection's own task. Refuses
//! to send an answer whose record is not kept.

use std::{
    cell::RefCell,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    task::Poll,
};

use super::{
    conn::{Conn, Turn},
    plain::{self, Begun, Look},
};
use crate::{config::Ack, core::Core};

/// Connections whose head is whole.
#[derive(Default)]
pub(super) struct Queue(RefCell<Vec<Rc<Conn>>>);

impl Queue {
    /// Leaves a head to the tick. The connection's task waits until it has its turn again.
    pub(super) fn push(&self, core: &Core, conn: &Rc<Conn>) {
        conn.turn.replace(Turn::Tick);
        let mut ready = self.0.borrow_mut();
        if ready.is_empty() {
            core.batch.rouse();
        }
        ready.push(Rc::clone(conn));
    }
}

/// Whether a tick's append is all that answers wait for.
pub(super) fn answers(core: &Core) -> bool {
    core.acks.click_ack == Ack::PageCache
}

/// Runs after every task that was ready before it, whenever there is something to commit. Never ends by itself.
pub(super) async fn run(core: &Core, queue: &Queue) {
    let (mut ready, mut begun, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
    poll_fn(|cx| {
        core.batch.listen(cx.waker());
        // The lists change places, so that their memory serves again.
        std::mem::swap(&mut ready, &mut *queue.0.borrow_mut());
        core.batch.begin_turn();
        warm(core, &ready, &mut hashes);
        core.clock.hold();
        begun.extend(ready.drain(..).filter_map(|conn| begin(core, conn)));
        core.clock.release();
        core.batch.commit_staged(&core.counts);
        begun.drain(..).for_each(|(conn, begun)| end(core, &conn, begun));
        Poll::Pending
    })
    .await
}

/// Touches what the links' look-ups will read: one after the other each would wait for memory, and together
/// they wait once.
fn warm(core: &Core, ready: &[Rc<Conn>], hashes: &mut Vec<u64>) {
    let links = core.links.load();
    hashes.clear();
    for conn in ready {
        hashes.extend(plain::glance(&conn.bytes.borrow()).map(|code| links.hash(0, code)));
    }
    links.warm(hashes);
}

/// Judges a head and stages its record.
fn begin(core: &Core, conn: Rc<Conn>) -> Option<(Rc<Conn>, Begun)> {
    // A bug that one request finds must not end the others, as it does not where each has its own task.
    let look = catch_unwind(AssertUnwindSafe(|| plain::begin(core, &conn)));
    match look {
        // Its task knows whether there is room for the rest, and hands over what is hyper's.
        Ok(Look::More | Look::Other) => conn.give(Turn::Look),
        Ok(Look::Begun(begun)) if begun.waits_for_its_record() => return Some((conn, begun)),
        Ok(Look::Begun(begun)) => conn.give(Turn::End(Box::new(begun))),
        Err(_) => conn.give(Turn::Close),
    }
    None
}

/// Sends an answer, unless its record was not kept.
fn end(core: &Core, conn: &Conn, begun: Begun) {
    if !begun.is_kept() {
        return conn.give(Turn::End(Box::new(begun)));
    }
    begun.count(core);
    conn.answered();
    conn.send(begun.is_last);
}
