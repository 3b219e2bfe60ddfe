//! A connection on the plain way: its bytes in and out, and whose turn it is.
//!
//! Two look after it and never at once: its own task, which reads, and the tick, which answers a whole
//! head and sends. Refuses to read on while its room is full.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    net::IpAddr,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::plain::Begun;
use crate::connections::{Entered, Notes};

/// Longest plain head; a longer one is hyper's.
const MOST_HEAD_BYTES: usize = 4096;

/// What its task has to do next.
#[derive(Default)]
pub(super) enum Turn {
    /// To read on.
    #[default]
    Read,
    /// Nothing: the tick has it.
    Tick,
    /// To look at what was read.
    Look,
    /// To end an answer that was begun; boxed, since a turn changes hands at every step and this one is rare.
    End(Box<Begun>),
    /// To write the answer from there on; the client may want no more than that.
    Write { from: usize, is_last: bool },
    /// To close.
    Close,
}

/// See the module.
pub(super) struct Conn {
    pub(super) peer: IpAddr,
    pub(super) notes: Notes,
    pub(super) turn: RefCell<Turn>,
    pub(super) bytes: RefCell<Bytes>,
    socket: RefCell<TcpStream>,
    /// Answers so far.
    written: Cell<u32>,
    /// The client sends no more.
    is_over: Cell<bool>,
}

/// What came and what goes.
pub(super) struct Bytes {
    input: Vec<u8>,
    /// How much of `input` was read and not answered.
    filled: usize,
    pub(super) output: Vec<u8>,
}

impl Bytes {
    /// What was read and not answered.
    pub(super) fn input(&self) -> &[u8] {
        &self.input[..self.filled]
    }

    /// Takes a head off the input; what a client sent ahead of the answer moves up.
    pub(super) fn took(&mut self, length: usize) {
        if length < self.filled {
            self.input.copy_within(length..self.filled, 0);
        }
        self.filled -= length;
    }

    /// Whether there is no room for more.
    pub(super) fn is_full(&self) -> bool {
        self.filled == self.input.len()
    }
}

impl Conn {
    pub(super) fn new(socket: TcpStream, peer: IpAddr, notes: Notes) -> Self {
        let bytes = Bytes { input: vec![0; MOST_HEAD_BYTES], filled: 0, output: Vec::new() };
        Self {
            peer,
            notes,
            turn: RefCell::default(),
            bytes: RefCell::new(bytes),
            socket: RefCell::new(socket),
            written: Cell::new(0),
            is_over: Cell::new(false),
        }
    }

    /// The socket, and what was read and not answered.
    pub(super) fn into_parts(self) -> (TcpStream, Vec<u8>) {
        let mut bytes = self.bytes.into_inner();
        bytes.input.truncate(bytes.filled);
        (self.socket.into_inner(), bytes.input)
    }

    /// Whether there may be one whole head and nothing else: what the tick can answer. Not where the room is full: the
    /// task then has not asked to be woken for what comes next.
    pub(super) fn looks_whole(&self) -> bool {
        let bytes = self.bytes.borrow();
        bytes.input().ends_with(b"\r\n\r\n") && !bytes.is_full()
    }

    /// Gives the turn to the task, and wakes it where it has something to do now.
    pub(super) fn give(&self, turn: Turn) {
        let waits = matches!(turn, Turn::Read) && !self.is_over.get();
        self.turn.replace(turn);
        if !waits {
            self.notes.wake();
        }
    }

    /// Waits until the task has something to do, and says what; meanwhile it reads. `None` when the connection is done
    /// with.
    pub(super) async fn next(&self, entered: &Entered) -> Option<Turn> {
        poll_fn(|cx| {
            entered.remember(cx.waker());
            if entered.is_doomed() {
                return Poll::Ready(None);
            }
            let mut came = false;
            while let Poll::Ready(length) = self.poll_read(cx) {
                came |= length > 0;
            }
            let mut turn = self.turn.borrow_mut();
            match *turn {
                Turn::Tick => Poll::Pending,
                Turn::Read if came => Poll::Ready(Some(Turn::Read)),
                Turn::Read if self.is_over.get() => Poll::Ready(None),
                Turn::Read if entered.is_leaving() && self.bytes.borrow().filled == 0 => {
                    Poll::Ready(None)
                }
                Turn::Read => Poll::Pending,
                _ => Poll::Ready(Some(std::mem::replace(&mut *turn, Turn::Read))),
            }
        })
        .await
    }

    /// Reads what there is room for; pending, too, where there is none or nothing will come any more.
    fn poll_read(&self, cx: &mut Context<'_>) -> Poll<usize> {
        let mut bytes = self.bytes.borrow_mut();
        if self.is_over.get() || bytes.is_full() {
            return Poll::Pending;
        }
        let Bytes { input, filled, .. } = &mut *bytes;
        let mut free = ReadBuf::new(&mut input[*filled..]);
        let read = Pin::new(&mut *self.socket.borrow_mut()).poll_read(cx, &mut free);
        let length = free.filled().len();
        match read {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(())) if length > 0 => {
                *filled += length;
                self.notes.read();
            }
            Poll::Ready(_) => self.is_over.set(true),
        }
        Poll::Ready(length)
    }

    /// Notes that a request is answered, as far as it is up to us.
    pub(super) fn answered(&self) {
        self.notes.end();
        if self.bytes.borrow().filled > 0 {
            // What came ahead is the next head's beginning, and has a head's time.
            self.notes.read();
        }
    }

    /// Writes the answer as far as the kernel takes it at once, and gives the turn back.
    pub(super) fn send(&self, is_last: bool) {
        self.spare_delay();
        let bytes = self.bytes.borrow();
        let sent = self.socket.borrow().try_write(&bytes.output);
        let is_ahead = bytes.filled > 0;
        let whole = bytes.output.len();
        drop(bytes);
        self.give(match sent {
            Ok(length) if length == whole && is_last => Turn::Close,
            Ok(length) if length == whole && is_ahead => Turn::Look,
            Ok(length) if length == whole => Turn::Read,
            Ok(from) => Turn::Write { from, is_last },
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                Turn::Write { from: 0, is_last }
            }
            Err(_) => Turn::Close,
        });
    }

    /// Writes the answer from `written` on; false when nobody takes it.
    pub(super) async fn write(&self, entered: &Entered, mut written: usize) -> bool {
        if written == 0 {
            self.spare_delay();
        }
        poll_fn(|cx| {
            let bytes = self.bytes.borrow();
            let mut socket = self.socket.borrow_mut();
            while written < bytes.output.len() {
                if entered.is_doomed() {
                    return Poll::Ready(false);
                }
                match Pin::new(&mut *socket).poll_write(cx, &bytes.output[written..]) {
                    Poll::Ready(Ok(length)) if length > 0 => written += length,
                    Poll::Ready(_) => return Poll::Ready(false),
                    Poll::Pending => return Poll::Pending,
                }
            }
            Poll::Ready(true)
        })
        .await
    }

    /// From a connection's second answer on: answers are whole when written, and waiting for an
    /// acknowledgement of the one before only delays them. Most connections have no second one. Failing
    /// costs a delay.
    fn spare_delay(&self) {
        let written = self.written.get();
        if written == 1 {
            let _ = self.socket.borrow().set_nodelay(true);
        }
        self.written.set(written.saturating_add(1));
    }
}
