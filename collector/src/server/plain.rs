//! The plain way: GETs of links with nothing unusual about them, which is nearly all that comes.
//!
//! Read by hyper's own parser, staged, answered out of one buffer: what hyper does besides (maps of
//! headers, requests and answers as values, a second walk through its state when the record is kept)
//! costs a visitor more than the click itself (`docs/adr/0008`). Refuses to judge anything else: at the
//! first request that is not plain the connection goes over to hyper, with every byte read and not
//! answered, for the rest of its life.

use httparse::{Header, Request, Status};
use hyper::StatusCode;
use std::{future::poll_fn, mem::MaybeUninit, net::IpAddr, pin::Pin, task::Poll};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::{
    answer::{self, Answer},
    batch::Unrecorded,
    clicks::{self, Kept, Kind, Staged, Wanted},
    connections::{Entered, Notes},
    core::Core,
    request::{self, Sender},
    routes,
};

/// Longest plain head; a longer one is hyper's.
const MOST_HEAD_BYTES: usize = 4096;
const MOST_HEADERS: usize = 32;

/// How the plain way ends.
pub(super) enum Left {
    /// The connection is done with.
    Closed,
    /// It goes on with these bytes, and they are not plain.
    Other(Vec<u8>),
}

/// A connection's bytes, in and out.
struct Wire<'a> {
    entered: &'a Entered,
    notes: Notes,
    socket: &'a mut TcpStream,
    /// Answers so far.
    written: u32,
    input: Vec<u8>,
    /// How much of `input` was read and not answered.
    filled: usize,
    output: Vec<u8>,
}

/// A request that was staged.
struct Taken {
    /// Bytes of its head.
    length: usize,
    /// The client wants no more than this one.
    is_last: bool,
    staged: Result<Staged, Unrecorded>,
}

/// What stands at the beginning of the input.
enum Look {
    /// Not a whole head yet.
    More,
    /// Something for hyper.
    Other,
    Taken(Taken),
}

/// Serves requests as long as they are plain.
pub(super) async fn serve(
    core: &Core,
    entered: &Entered,
    socket: &mut TcpStream,
    peer: IpAddr,
) -> Left {
    let mut wire = Wire::new(entered, socket);
    loop {
        match look(core, &wire.input[..wire.filled], peer, &wire.notes) {
            Look::More if wire.filled == wire.input.len() => return wire.other(),
            Look::More if wire.read().await => {}
            Look::More => return Left::Closed,
            Look::Other => return wire.other(),
            Look::Taken(taken) => {
                wire.took(taken.length);
                let is_last = taken.is_last || entered.is_leaving();
                wire.answer(core, taken.staged, is_last).await;
                wire.answered();
                // Dropping the socket says that nothing more will come.
                if !wire.write().await || is_last {
                    return Left::Closed;
                }
            }
        }
    }
}

impl<'a> Wire<'a> {
    fn new(entered: &'a Entered, socket: &'a mut TcpStream) -> Self {
        let (input, output) = (vec![0; MOST_HEAD_BYTES], Vec::new());
        let notes = entered.notes();
        Self { entered, notes, socket, written: 0, input, filled: 0, output }
    }

    fn other(mut self) -> Left {
        self.input.truncate(self.filled);
        Left::Other(self.input)
    }

    /// Takes a head off the input; what a client sent ahead of the answer moves up.
    fn took(&mut self, length: usize) {
        self.input.copy_within(length..self.filled, 0);
        self.filled -= length;
    }

    /// Notes that a request is answered, as far as it is up to us.
    fn answered(&mut self) {
        self.notes.end();
        if self.filled > 0 {
            // What came ahead is the next head's beginning, and has a head's time.
            self.notes.read();
        }
    }

    /// Reads some bytes; false when none will come, or none are wanted any more.
    async fn read(&mut self) -> bool {
        poll_fn(|cx| {
            self.entered.remember(cx.waker());
            if self.entered.is_doomed() {
                return Poll::Ready(false);
            }
            let mut free = ReadBuf::new(&mut self.input[self.filled..]);
            let read = Pin::new(&mut *self.socket).poll_read(cx, &mut free);
            let length = free.filled().len();
            match read {
                Poll::Ready(Ok(())) if length > 0 => {
                    self.filled += length;
                    self.notes.read();
                    Poll::Ready(true)
                }
                Poll::Ready(_) => Poll::Ready(false),
                Poll::Pending if self.entered.is_leaving() && self.filled == 0 => {
                    Poll::Ready(false)
                }
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// Makes the answer, and waits until what it promises is kept.
    async fn answer(&mut self, core: &Core, staged: Result<Staged, Unrecorded>, is_last: bool) {
        self.output.clear();
        let mut staged = match staged {
            Ok(staged) => staged,
            Err(why) => return self.put(core, clicks::unrecorded(core, why), is_last).await,
        };
        // Before anything is waited for: the next click's destination takes this one's place.
        let has_target = !core.scratch.borrow().is_empty();
        if has_target {
            self.put_redirect(core, &core.scratch.borrow(), staged.cookie.as_deref(), is_last);
        }
        match staged.kept(core).await {
            Kept::Whole if has_target => core.counts.status(StatusCode::FOUND),
            Kept::Uncounted(destination) if has_target => {
                core.counts.status(StatusCode::FOUND);
                self.output.clear();
                self.put_redirect(core, &destination, staged.cookie.as_deref(), is_last);
            }
            Kept::Whole | Kept::Uncounted(_) => {
                let mut page = answer::not_found();
                clicks::put_cookie(&mut page, staged.cookie.take());
                self.put(core, page, is_last).await;
            }
            Kept::Not(why) => self.put(core, clicks::unrecorded(core, why), is_last).await,
        }
    }

    /// The redirect that `answer::redirect` gives, as bytes.
    fn put_redirect(
        &mut self,
        core: &Core,
        destination: &[u8],
        cookie: Option<&[u8]>,
        is_last: bool,
    ) {
        let out = &mut self.output;
        out.extend_from_slice(b"HTTP/1.1 302 Found\r\nlocation: ");
        out.extend_from_slice(destination);
        out.extend_from_slice(b"\r\ncache-control: private, no-store\r\nx-robots-tag: noindex\r\n");
        if let Some(cookie) = cookie {
            out.extend_from_slice(b"set-cookie: ");
            out.extend_from_slice(cookie);
            out.extend_from_slice(b"\r\n");
        }
        if is_last {
            out.extend_from_slice(b"connection: close\r\n");
        }
        out.extend_from_slice(b"content-length: 0\r\ndate: ");
        out.extend_from_slice(&core.date.get());
        out.extend_from_slice(b"\r\n\r\n");
    }

    /// Any other answer, in place of what is there.
    async fn put(&mut self, core: &Core, answer: Answer, is_last: bool) {
        core.counts.status(answer.status());
        self.output.clear();
        answer::put(answer, &core.date.get(), is_last, &mut self.output).await;
    }

    /// From a connection's second answer on: answers are whole when written, and waiting for an
    /// acknowledgement of the one before only delays them. Most connections have no second one. Failing
    /// costs a delay.
    fn spare_delay(&mut self) {
        if self.written == 1 {
            let _ = self.socket.set_nodelay(true);
        }
        self.written = self.written.saturating_add(1);
    }

    /// Writes the whole answer; false when nobody takes it.
    async fn write(&mut self) -> bool {
        self.spare_delay();
        let mut written = 0;
        poll_fn(|cx| {
            while written < self.output.len() {
                if self.entered.is_doomed() {
                    return Poll::Ready(false);
                }
                match Pin::new(&mut *self.socket).poll_write(cx, &self.output[written..]) {
                    Poll::Ready(Ok(length)) if length > 0 => written += length,
                    Poll::Ready(_) => return Poll::Ready(false),
                    Poll::Pending => return Poll::Pending,
                }
            }
            Poll::Ready(true)
        })
        .await
    }
}

/// Looks at the input, and stages the request if it is a plain one.
fn look(core: &Core, input: &[u8], peer: IpAddr, notes: &Notes) -> Look {
    if input.is_empty() {
        return Look::More;
    }
    let mut headers = [const { MaybeUninit::<Header<'_>>::uninit() }; MOST_HEADERS];
    let mut request = Request::new(&mut []);
    let length = match request.parse_with_uninit_headers(input, &mut headers) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Look::More,
        // hyper says what is wrong with it.
        Err(_) => return Look::Other,
    };
    let (Some("GET"), Some(1), Some(target)) = (request.method, request.version, request.path)
    else {
        return Look::Other;
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let Some(code) = routes::plain_code(path) else { return Look::Other };
    let Some(is_last) = framing(request.headers) else { return Look::Other };
    if !is_plain(target) {
        return Look::Other;
    }
    let pairs = request.headers.iter().map(|header| (header.name.as_bytes(), header.value));
    let sender = Sender::read(pairs, peer, &core.proxies, core.privacy);
    let host = request::host_of(sender.host);
    let wanted = Wanted { kind: Kind::Click, head: false, code, query, host: &host, sender };
    notes.begin(false);
    Look::Taken(Taken { length, is_last, staged: clicks::stage(core, &wanted) })
}

/// Whether the client wants the connection closed; `None` where a header speaks of a body, another protocol or
/// anything else about the connection that hyper knows better.
fn framing(headers: &[Header<'_>]) -> Option<bool> {
    let mut is_last = false;
    for header in headers {
        let name = header.name;
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        match name.len() {
            10 if is("connection") => match header.value {
                value if value.eq_ignore_ascii_case(b"keep-alive") => {}
                value if value.eq_ignore_ascii_case(b"close") => is_last = true,
                _ => return None,
            },
            14 if is("content-length") => return None,
            17 if is("transfer-encoding") => return None,
            7 if is("upgrade") => return None,
            6 if is("expect") => return None,
            _ => {}
        }
    }
    Some(is_last)
}

/// Whether a target has only bytes that mean the same to every reader of URLs.
fn is_plain(target: &str) -> bool {
    target.bytes().all(|byte| PLAIN[usize::from(byte)])
}

/// Looked up instead of compared with one after the other.
static PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < plain.len() {
        plain[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let others = b"/?&=%-_.~+,:;@!$'()*";
    let mut n = 0;
    while n < others.len() {
        plain[others[n] as usize] = true;
        n += 1;
    }
    plain
};
