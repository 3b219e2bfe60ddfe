//! Who is connected to one core: bounded, timed, and told when to go.
//!
//! No timer per request: each connection notes in a cell what it waits for and since when, and a
//! sweep once a second closes those that wait too long. Refuses a connection over the limit by not
//! accepting it; the kernel holds it.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
    task::Waker,
};
use tokio::sync::Notify;

/// A head must be whole this long after its first byte.
const HEAD_S: u32 = 5;
/// A kept-alive connection may be silent this long between requests.
const IDLE_S: u32 = 60;

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    /// The next request's first byte.
    Idle,
    /// The rest of a head.
    Head,
    /// Us.
    Busy,
}

/// One connection, seen from the sweep.
#[derive(Debug)]
pub(crate) struct Connection {
    waits: Cell<Waits>,
    since_s: Cell<u32>,
    read_while_busy: Cell<bool>,
    has_body: Cell<bool>,
    doomed: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

/// All connections of a core.
#[derive(Debug)]
pub(crate) struct Connections {
    most: usize,
    open: RefCell<HashMap<u64, Rc<Connection>>>,
    entered: Cell<u64>,
    now_s: Cell<u32>,
    leaving: Cell<bool>,
    left: Notify,
}

impl Connections {
    /// At most `most` at once.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            open: RefCell::default(),
            entered: Cell::new(0),
            now_s: Cell::new(0),
            leaving: Cell::new(false),
            left: Notify::new(),
        }
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.open.borrow().len()
    }

    /// Waits until there is room for one more.
    pub(crate) async fn room(&self) {
        while self.len() >= self.most {
            self.left.notified().await;
        }
    }

    /// Waits until none is left.
    pub(crate) async fn empty(&self) {
        while self.len() > 0 {
            self.left.notified().await;
        }
    }

    /// One more; leaves when the guard is dropped.
    pub(crate) fn enter(self: &Rc<Self>) -> Entered {
        let number = self.entered.get();
        self.entered.set(number + 1);
        let connection = Rc::new(Connection {
            // A connection that never speaks is given the time of a head.
            waits: Cell::new(Waits::Head),
            since_s: Cell::new(self.now_s.get()),
            read_while_busy: Cell::new(false),
            has_body: Cell::new(false),
            doomed: Cell::new(false),
            waker: RefCell::default(),
        });
        self.open.borrow_mut().insert(number, Rc::clone(&connection));
        Entered { all: Rc::clone(self), number, connection }
    }

    /// Once a second: wakes, to be closed, those that waited too long; gives how many.
    pub(crate) fn sweep(&self) -> usize {
        let now_s = self.now_s.get() + 1;
        self.now_s.set(now_s);
        let open = self.open.borrow();
        let late = open.values().filter(|connection| connection.is_late(now_s));
        late.inspect(|connection| connection.doom()).count()
    }

    /// Whether the core is stopping.
    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.get()
    }

    /// Tells all to end what they are at and close.
    pub(crate) fn leave(&self) {
        self.leaving.set(true);
        self.open.borrow().values().for_each(|connection| connection.wake());
    }
}

impl Connection {
    fn is_late(&self, now_s: u32) -> bool {
        let waited_s = now_s.saturating_sub(self.since_s.get());
        match self.waits.get() {
            Waits::Idle => waited_s > IDLE_S,
            Waits::Head => waited_s > HEAD_S,
            Waits::Busy => false,
        }
    }

    fn doom(&self) {
        self.doomed.set(true);
        self.wake();
    }

    fn wake(&self) {
        self.waker.borrow().as_ref().inspect(|waker| waker.wake_by_ref());
    }
}

/// A connection's own end of its entry.
#[derive(Debug)]
pub(crate) struct Entered {
    all: Rc<Connections>,
    number: u64,
    connection: Rc<Connection>,
}

impl Entered {
    /// Keeps whom to wake; a task's waker stays the same.
    pub(crate) fn remember(&self, waker: &Waker) {
        if self.connection.waker.borrow().is_none() {
            self.connection.waker.replace(Some(waker.clone()));
        }
    }

    /// Whether the sweep wants it closed.
    pub(crate) fn is_doomed(&self) -> bool {
        self.connection.doomed.get()
    }

    /// Whether the core is stopping.
    pub(crate) fn is_leaving(&self) -> bool {
        self.all.is_leaving()
    }

    /// What the transport and the handler note on.
    pub(crate) fn notes(&self) -> Notes {
        Notes { all: Rc::clone(&self.all), connection: Rc::clone(&self.connection) }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.all.open.borrow_mut().remove(&self.number);
        self.all.left.notify_waiters();
    }
}

/// Where a connection notes what it waits for.
#[derive(Debug, Clone)]
pub(crate) struct Notes {
    all: Rc<Connections>,
    connection: Rc<Connection>,
}

impl Notes {
    /// Bytes came.
    pub(crate) fn read(&self) {
        match self.connection.waits.get() {
            Waits::Idle => self.now(Waits::Head),
            Waits::Head => {}
            // A body's bytes are no head; of a head that came with them the clock starts a read later.
            Waits::Busy => self.connection.read_while_busy.set(!self.connection.has_body.get()),
        }
    }

    /// A request's head is whole; its body, if it has one, may still come.
    pub(crate) fn begin(&self, has_body: bool) {
        self.connection.waits.set(Waits::Busy);
        self.connection.has_body.set(has_body);
        self.connection.read_while_busy.set(false);
    }

    /// It is answered.
    pub(crate) fn end(&self) {
        // Bytes of the next request may be here already.
        self.now(if self.connection.read_while_busy.get() { Waits::Head } else { Waits::Idle });
    }

    /// Wakes the connection's task.
    pub(crate) fn wake(&self) {
        self.connection.wake();
    }

    fn now(&self, waits: Waits) {
        self.connection.waits.set(waits);
        self.connection.since_s.set(self.all.now_s.get());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sweeps(all: &Connections, seconds: u32) -> usize {
        (0..seconds).map(|_| all.sweep()).sum()
    }

    #[test]
    fn who_waits_too_long_is_closed_and_who_is_served_is_not() {
        let all = Rc::new(Connections::new(9));
        let silent = all.enter();
        assert_eq!((sweeps(&all, 5), sweeps(&all, 1), silent.is_doomed()), (0, 1, true));
        drop(silent);
        let served = all.enter();
        served.notes().begin(false);
        assert_eq!(sweeps(&all, 99), 0);
        served.notes().end();
        assert_eq!((sweeps(&all, 60), sweeps(&all, 1)), (0, 1));
    }

    #[test]
    fn a_head_has_five_seconds_from_its_first_byte() {
        let all = Rc::new(Connections::new(9));
        let one = all.enter();
        one.notes().begin(false);
        one.notes().end();
        sweeps(&all, 50);
        one.notes().read();
        sweeps(&all, 3);
        one.notes().read();
        assert_eq!((sweeps(&all, 2), sweeps(&all, 1)), (0, 1));
    }

    #[test]
    fn a_pipelined_rest_is_a_head() {
        let all = Rc::new(Connections::new(9));
        let one = all.enter();
        one.notes().begin(false);
        one.notes().read();
        one.notes().end();
        assert_eq!((sweeps(&all, 5), sweeps(&all, 1)), (0, 1));
    }

    #[test]
    fn a_body_that_comes_after_its_head_is_no_next_head() {
        let all = Rc::new(Connections::new(9));
        let one = all.enter();
        one.notes().begin(true);
        one.notes().read();
        one.notes().end();
        assert_eq!((sweeps(&all, 60), sweeps(&all, 1)), (0, 1));
    }

    #[test]
    fn a_dropped_connection_is_gone() {
        let all = Rc::new(Connections::new(1));
        drop(all.enter());
        assert_eq!(all.len(), 0);
    }
}
