//! One connection and the visitors that keep to it.

use std::{collections::HashMap, net::IpAddr, time::Duration};

use http_body_util::{BodyExt, Full};
use hyper::{
    Response, StatusCode,
    body::{Bytes, Incoming},
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    sync::mpsc,
    time::{Instant, sleep, timeout},
};

use super::{
    Answer, Kind, OnPlayed, Options, Played,
    message::{self, Clicked, Message},
};
use crate::traffic::{
    Error, Result,
    log::{Event, Request},
};

/// Between two tries to connect.
const PAUSE: Duration = Duration::from_millis(50);
/// An answer that takes longer is lost.
const ANSWER: Duration = Duration::from_secs(60);

/// An address and a user agent as written in the log.
type Visitor = (IpAddr, String);

/// Sends what is dealt to the lane, one after another.
pub(super) async fn run(
    options: Options,
    mut dealt: mpsc::Receiver<(Request, Event)>,
    on_played: OnPlayed,
) -> Result<()> {
    let mut lane = Lane { options, connection: None, clicked: HashMap::new() };
    while let Some((request, event)) = dealt.recv().await {
        if let Some(played) = lane.play(&request, &event).await? {
            on_played(played);
        }
    }
    Ok(())
}

struct Lane {
    options: Options,
    connection: Option<SendRequest<Full<Bytes>>>,
    clicked: HashMap<Visitor, Clicked>,
}

impl Lane {
    async fn play(&mut self, request: &Request, event: &Event) -> Result<Option<Played>> {
        let visitor = (request.address, request.user_agent.clone());
        let (kind, answer) = match event {
            Event::Click { code, program } => {
                let sent = message::click(&self.options, request, code)?;
                let (answer, click_id) = self.send(sent).await?;
                if matches!(answer, Answer::Acknowledged(_)) {
                    self.clicked.insert(visitor, Clicked { click_id, program: *program });
                }
                (Kind::Click, answer)
            }
            Event::Conversion { program, amount_minor, txn_id } => {
                let unclicked = Clicked { click_id: None, program: *program };
                let click = self.clicked.get(&visitor).unwrap_or(&unclicked);
                let sale = (*amount_minor, txn_id.as_str());
                let sent = message::postback(&self.options, request, sale, click)?;
                (Kind::Conversion, self.send(sent).await?.0)
            }
            Event::Skipped => return Ok(None),
        };
        Ok(Some(Played { line: request.line, kind, answer }))
    }

    /// Sends until it has left once; gives its answer, and the click id of a redirect.
    async fn send(&mut self, mut message: Message) -> Result<(Answer, Option<String>)> {
        loop {
            let mut connection = match self.connection.take() {
                Some(connection) => connection,
                None => self.connect().await?,
            };
            if connection.ready().await.is_err() {
                continue;
            }
            let response = match timeout(ANSWER, connection.try_send_request(message)).await {
                Ok(Ok(response)) => response,
                Ok(Err(mut error)) => match error.take_message() {
                    // It provably never left.
                    Some(unsent) => {
                        message = unsent;
                        continue;
                    }
                    None => return Ok((Answer::Lost, None)),
                },
                Err(_) => return Ok((Answer::Lost, None)),
            };
            let answered = read(response).await;
            self.connection = Some(connection);
            return Ok(answered);
        }
    }

    /// Connects, however often it takes within the patience.
    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>> {
        let deadline = Instant::now() + self.options.patience;
        loop {
            if let Ok(Some(connection)) = timeout(ANSWER, connect(&self.options.collector)).await {
                return Ok(connection);
            }
            if Instant::now() > deadline {
                return Err(Error::Unreachable(self.options.collector.clone()));
            }
            sleep(PAUSE).await;
        }
    }
}

async fn connect(collector: &str) -> Option<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(collector).await.ok()?;
    stream.set_nodelay(true).ok()?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.ok()?;
    // It ends with its sender, or with the collector's end of it.
    tokio::spawn(connection);
    Some(sender)
}

/// Reads an answer to its end, so that the connection can carry the next request.
async fn read(response: Response<Incoming>) -> (Answer, Option<String>) {
    let (head, mut body) = response.into_parts();
    let status = head.status;
    // A status that arrived is an acknowledgement, whatever becomes of the body.
    let answer = match status {
        StatusCode::SERVICE_UNAVAILABLE => Answer::Unavailable,
        status => Answer::Acknowledged(status.as_u16()),
    };
    while let Ok(Some(Ok(_))) = timeout(ANSWER, body.frame()).await {}
    (answer, message::click_id(&head.headers))
}
