//! The plain way: GETs of links with nothing unusual about them, which is nearly all that comes.
//!
//! Read by hyper's own parser, staged, answered out of one buffer: what hyper does besides (maps of
//! headers, requests and answers as values, a second walk through its state when the record is kept)
//! costs a visitor more than the click itself (`docs/adr/0008`). Refuses to judge anything else: at the
//! first request that is not plain the connection goes over to hyper, with every byte read and not
//! answered, for the rest of its life.

use httparse::{Header, Request, Status};
use hyper::StatusCode;
use std::{mem::MaybeUninit, net::IpAddr, rc::Rc};
use tokio::net::TcpStream;

use super::{
    conn::{Bytes, Conn, Turn},
    tick::{self, Queue},
};
use crate::{
    answer::{self, Answer},
    batch::{Ticket, Unrecorded},
    clicks::{self, Kept, Kind, Staged, Wanted},
    connections::{Entered, Notes},
    core::Core,
    request::{self, Sender},
    routes,
    visitor::cookie,
};

const MOST_HEADERS: usize = 32;

/// How the plain way ends.
pub(super) enum Left {
    /// The connection is done with.
    Closed,
    /// It goes on with these bytes, and they are not plain.
    Other(TcpStream, Vec<u8>),
}

/// An answer that waits for its record.
pub(super) struct Begun {
    /// The client wants no more than this one.
    pub(super) is_last: bool,
    staged: Result<Staged, Unrecorded>,
    /// The redirect is in the output.
    is_redirect: bool,
}

/// What stands at the beginning of the input.
pub(super) enum Look {
    /// Not a whole head yet.
    More,
    /// Something for hyper.
    Other,
    /// A click: its record is staged.
    Begun(Begun),
}

/// Serves requests as long as they are plain.
pub(super) async fn serve(
    core: &Core,
    queue: &Queue,
    entered: &Entered,
    socket: TcpStream,
    peer: IpAddr,
) -> Left {
    let conn = Rc::new(Conn::new(socket, peer, entered.notes()));
    while let Some(turn) = conn.next(entered).await {
        let goes_on = match turn {
            Turn::Read if tick::answers(core) && conn.looks_whole() => {
                queue.push(core, &conn);
                continue;
            }
            Turn::Read | Turn::Look => match begin(core, &conn) {
                Look::More if conn.bytes.borrow().is_full() => return other(conn),
                Look::More => continue,
                Look::Other => return other(conn),
                Look::Begun(begun) => end(core, entered, &conn, begun).await,
            },
            Turn::End(begun) => end(core, entered, &conn, *begun).await,
            Turn::Write { from, is_last } => conn.write(entered, from).await && !is_last,
            Turn::Tick | Turn::Close => false,
        };
        if !goes_on {
            // Dropping the socket says that nothing more will come.
            break;
        }
        if !conn.bytes.borrow().input().is_empty() {
            conn.turn.replace(Turn::Look);
        }
    }
    Left::Closed
}

/// Whoever holds it besides has had their turn.
fn other(conn: Rc<Conn>) -> Left {
    let parts = Rc::into_inner(conn).map(Conn::into_parts);
    parts.map_or(Left::Closed, |(socket, begun)| Left::Other(socket, begun))
}

/// Looks at the input; a click's record is staged, and its redirect put into the output.
pub(super) fn begin(core: &Core, conn: &Conn) -> Look {
    let mut bytes = conn.bytes.borrow_mut();
    let (length, is_last, staged) = match look(core, bytes.input(), conn.peer, &conn.notes) {
        Seen::More => return Look::More,
        Seen::Other => return Look::Other,
        Seen::Click { length, is_last, staged } => (length, is_last, staged),
    };
    bytes.took(length);
    bytes.output.clear();
    let is_last = is_last || core.connections.is_leaving();
    // Before anything is waited for: the next click's destination takes this one's place.
    let destination = core.scratch.borrow();
    let is_redirect = staged.is_ok() && !destination.is_empty();
    if let (true, Ok(staged)) = (is_redirect, &staged) {
        put_redirect(&mut bytes.output, core, &destination, staged.cookie.as_ref(), is_last);
    }
    Look::Begun(Begun { is_last, staged, is_redirect })
}

impl Begun {
    /// Whether nothing but the record's being kept keeps the redirect back.
    pub(super) fn waits_for_its_record(&self) -> bool {
        self.is_redirect && self.staged.as_ref().is_ok_and(|staged| staged.ticket.is_some())
    }

    /// Whether the record is kept, in the page cache at least.
    pub(super) fn is_kept(&self) -> bool {
        let ticket = self.staged.as_ref().ok().and_then(|staged| staged.ticket.as_ref());
        ticket.is_some_and(Ticket::is_kept)
    }

    /// Counts the redirect.
    pub(super) fn count(&self, core: &Core) {
        core.counts.status(StatusCode::FOUND);
    }
}

/// Makes the answer whole once what it promises is kept, and writes it; false when the connection is done with.
async fn end(core: &Core, entered: &Entered, conn: &Conn, begun: Begun) -> bool {
    let is_last = begun.is_last;
    if let Some(other) = settle(core, conn, begun).await {
        core.counts.status(other.status());
        let mut output = std::mem::take(&mut conn.bytes.borrow_mut().output);
        output.clear();
        answer::put(other, &core.date.get(), is_last, &mut output).await;
        conn.bytes.borrow_mut().output = output;
    }
    conn.answered();
    conn.write(entered, 0).await && !is_last
}

/// Waits until the record is kept; the answer to give in place of the redirect.
async fn settle(core: &Core, conn: &Conn, begun: Begun) -> Option<Answer> {
    let mut staged = match begun.staged {
        Ok(staged) => staged,
        Err(why) => return Some(clicks::unrecorded(core, why)),
    };
    match staged.kept(core).await {
        Kept::Whole if begun.is_redirect => core.counts.status(StatusCode::FOUND),
        Kept::Uncounted(destination) if begun.is_redirect => {
            core.counts.status(StatusCode::FOUND);
            let output = &mut conn.bytes.borrow_mut().output;
            output.clear();
            put_redirect(output, core, &destination, staged.cookie.as_ref(), begun.is_last);
        }
        Kept::Whole | Kept::Uncounted(_) => {
            let mut page = answer::not_found();
            clicks::put_cookie(&mut page, staged.cookie.take());
            return Some(page);
        }
        Kept::Not(why) => return Some(clicks::unrecorded(core, why)),
    }
    None
}

/// The redirect that `answer::redirect` gives, as bytes.
fn put_redirect(
    out: &mut Vec<u8>,
    core: &Core,
    destination: &[u8],
    cookie: Option<&cookie::Minted>,
    is_last: bool,
) {
    out.extend_from_slice(b"HTTP/1.1 302 Found\r\nlocation: ");
    out.extend_from_slice(destination);
    out.extend_from_slice(
        b"\r\ncache-control: private, no-store\r\nx-robots-tag: noindex\r\nx-content-type-options: nosniff\r\nstrict-transport-security: max-age=63072000\r\n",
    );
    if let Some(cookie) = cookie {
        out.extend_from_slice(b"set-cookie: ");
        cookie.put(out);
        out.extend_from_slice(b"\r\n");
    }
    if is_last {
        out.extend_from_slice(b"connection: close\r\n");
    }
    out.extend_from_slice(b"content-length: 0\r\ndate: ");
    out.extend_from_slice(&core.date.get());
    out.extend_from_slice(b"\r\n\r\n");
}

/// What a look saw.
enum Seen {
    More,
    Other,
    Click { length: usize, is_last: bool, staged: Result<Staged, Unrecorded> },
}

/// The code a head asks for on the platform's own domain, at a glance: for memory, not for truth.
pub(super) fn glance(bytes: &Bytes) -> Option<&[u8]> {
    let rest = bytes.input().strip_prefix(b"GET /c/")?;
    let end = rest.iter().position(|byte| matches!(byte, b'?' | b' ' | b'/'))?;
    rest.get(..end)
}

/// Looks at the input, and stages the request if it is a plain one.
fn look(core: &Core, input: &[u8], peer: IpAddr, notes: &Notes) -> Seen {
    if input.is_empty() {
        return Seen::More;
    }
    let mut headers = [const { MaybeUninit::<Header<'_>>::uninit() }; MOST_HEADERS];
    let mut request = Request::new(&mut []);
    let length = match request.parse_with_uninit_headers(input, &mut headers) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Seen::More,
        // hyper says what is wrong with it.
        Err(_) => return Seen::Other,
    };
    let (Some("GET"), Some(1), Some(target)) = (request.method, request.version, request.path)
    else {
        return Seen::Other;
    };
    if !is_plain(target) {
        return Seen::Other;
    }
    // Byte by byte: a search made for long texts costs more than all of a target's twenty bytes.
    let end = target.bytes().position(|byte| byte == b'?').unwrap_or(target.len());
    let (path, query) = (&target[..end], target.get(end + 1..).unwrap_or_default());
    let Some(code) = routes::plain_code(path) else { return Seen::Other };
    let Some(is_last) = framing(request.headers) else { return Seen::Other };
    let pairs = request.headers.iter().map(|header| (header.name.as_bytes(), header.value));
    let sender = Sender::read(pairs, peer, &core.proxies, core.privacy);
    let host = request::host_of(sender.host);
    let wanted = Wanted { kind: Kind::Click, head: false, code, query, host: &host, sender };
    notes.begin(false);
    Seen::Click { length, is_last, staged: clicks::stage(core, &wanted) }
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
