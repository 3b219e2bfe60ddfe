//! The ClickHouse HTTP interface: what the unchanged `clickhouse` crate speaks. No CORS, no page, no interface of ours.
//!
//! `GET|POST /` runs a statement, `GET /ping` answers `Ok.`. Inserts are streamed, and kept only when they came whole.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::answer::Output;
use super::body::Body;
use super::exception::{Exception, code};
use super::request::{self, Statement};
use super::run::{self, Piece};
use super::{Access, Engine, compress, sql};

/// Longest SQL text, and longest form of a statement with its parameters.
const MAX_SQL: usize = 1 << 20;
const MAX_FORM: usize = 64 << 20;
/// An insert that has not come whole by then is cut off, or by its own `max_execution_time` where that is shorter: a
/// sender relies on it, since an insert that arrives late could count twice.
pub const INSERT_LIMIT: Duration = Duration::from_secs(60);
/// Pieces of an insert on their way to the engine.
const PIECES: usize = 4;

type Answer = Response<Full<Bytes>>;

/// Answers one request.
pub(super) async fn answer(
    engine: Arc<Engine>,
    request: Request<Incoming>,
) -> Result<Answer, Infallible> {
    if !request::host_is_ours(request.headers(), &engine.hosts) {
        return Ok(plain(
            StatusCode::MISDIRECTED_REQUEST,
            "this server does not answer to that host name\n",
        ));
    }
    let answer = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/ping") => plain(StatusCode::OK, "Ok.\n"),
        (&Method::GET | &Method::POST, "/") => statement(&engine, request).await,
        (_, "/" | "/ping") => {
            plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and POST are answered here\n")
        }
        _ => plain(StatusCode::NOT_FOUND, "there is nothing here: statements go to /\n"),
    };
    Ok(answer)
}

async fn statement(engine: &Arc<Engine>, request: Request<Incoming>) -> Answer {
    let access = match request::authenticate(request.headers(), &engine.users) {
        Ok(access) => access,
        Err(exception) => return refusal(engine, &exception, false),
    };
    let statement = match Statement::from_url(request.uri().query().unwrap_or_default()) {
        Ok(statement) => statement,
        Err(exception) => return refusal(engine, &exception, false),
    };
    let query_id = statement.query_id.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let compressed = statement.compress;
    let mut answer = match run(engine, access, statement, request).await {
        Ok(output) => success(output, compressed),
        Err(exception) => refusal(engine, &exception, compressed),
    };
    if let Ok(id) = HeaderValue::from_str(&query_id) {
        answer.headers_mut().insert("X-ClickHouse-Query-Id", id);
    }
    answer
}

async fn run(
    engine: &Arc<Engine>,
    access: Access,
    mut statement: Statement,
    request: Request<Incoming>,
) -> Result<Output, Exception> {
    let reads_only = request.method() == Method::GET;
    if let Some(boundary) = form_boundary(&request) {
        read_form(&mut statement, request.into_body(), boundary).await?;
        return query(engine, statement, access, reads_only).await;
    }
    let deadline = Instant::now() + insert_limit(&statement);
    let mut body = Body::new(request.into_body(), statement.decompress, deadline);
    let in_url = !statement.sql.is_empty();
    let (data, ended) = match in_url && sql::insert_head(&statement.sql).is_some() {
        true => (BytesMut::new(), false),
        false => body.read_up_to(MAX_SQL).await?,
    };
    let text = match in_url {
        true => {
            [statement.sql.as_bytes(), if data.is_empty() { b"" } else { b"\n" }, &data].concat()
        }
        false => data.to_vec(),
    };
    match split_insert(&text) {
        Some((head, format, data_at)) if !reads_only => {
            let first = Bytes::from(text).slice(data_at..);
            let statement = Statement { sql: head, format, ..statement };
            insert(engine, statement, access, Data { first, body, ended, deadline }).await
        }
        _ if !ended && !in_url => {
            Err(Exception::new(code::SYNTAX_ERROR, "SYNTAX_ERROR", "Max query size exceeded"))
        }
        _ => {
            let sql = String::from_utf8(text);
            let sql = sql.map_err(|_| {
                Exception::new(code::BAD_ARGUMENTS, "BAD_ARGUMENTS", "SQL is not valid UTF-8")
            })?;
            query(engine, Statement { sql, ..statement }, access, reads_only).await
        }
    }
}

fn insert_limit(statement: &Statement) -> Duration {
    let own = statement.settings.get("max_execution_time").and_then(|seconds| seconds.parse().ok());
    match own.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
        Some(own) if !own.is_zero() => own.min(INSERT_LIMIT),
        _ => INSERT_LIMIT,
    }
}

/// Statement, format and start of the data, when `text` is an insert with data behind it (which may be binary).
fn split_insert(text: &[u8]) -> Option<(String, String, usize)> {
    let readable = match std::str::from_utf8(text) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&text[..error.valid_up_to()]).unwrap_or_default(),
    };
    let head = sql::insert_head(readable)?;
    Some((head.statement.to_owned(), head.format.to_owned(), head.data_at))
}

async fn query(
    engine: &Engine,
    statement: Statement,
    access: Access,
    reads_only: bool,
) -> Result<Output, Exception> {
    let (sender, receiver) = oneshot::channel();
    engine.pool(access).submit(move |session| {
        // A client that has gone is answered by nobody.
        drop(sender.send(run::query(session, &statement, access, reads_only)));
    })?;
    receiver.await.map_err(|_| Exception::internal("the engine thread ended"))?
}

/// An insert's data: what was read with the statement, then the rest of the body.
struct Data {
    first: Bytes,
    body: Body,
    ended: bool,
    deadline: Instant,
}

async fn insert(
    engine: &Engine,
    statement: Statement,
    access: Access,
    mut data: Data,
) -> Result<Output, Exception> {
    let (sender, receiver) = oneshot::channel();
    let (pieces, mut inbox) = mpsc::channel(PIECES);
    let deadline = data.deadline.into_std();
    engine.pool(access).submit(move |session| {
        drop(sender.send(run::insert(session, &statement, access, &mut inbox, deadline)));
    })?;
    // Whatever ends this function early drops `pieces`, and the engine thread then drops what it has.
    let fed = feed(&mut data, &pieces).await;
    drop(pieces);
    let outcome = receiver.await.map_err(|_| Exception::internal("the engine thread ended"))?;
    match (fed, outcome) {
        (Err(body), Err(engine)) if engine.code == code::QUERY_WAS_CANCELLED => Err(body),
        (_, outcome) => outcome,
    }
}

async fn feed(data: &mut Data, pieces: &mpsc::Sender<Piece>) -> Result<(), Exception> {
    let first = std::mem::take(&mut data.first);
    if !first.is_empty() && pieces.send(Piece::Data(first)).await.is_err() {
        return Ok(());
    }
    while !data.ended {
        match data.body.next().await? {
            Some(bytes) => {
                // A closed channel means that the engine refused; its word comes with the outcome.
                if pieces.send(Piece::Data(bytes)).await.is_err() {
                    return Ok(());
                }
            }
            None => data.ended = true,
        }
    }
    drop(pieces.send(Piece::End).await);
    Ok(())
}

fn form_boundary(request: &Request<Incoming>) -> Option<String> {
    let content_type = request.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    multer::parse_boundary(content_type).ok()
}

/// A statement whose parameters came as a form (`multipart/form-data`), as the client sends them.
async fn read_form(
    statement: &mut Statement,
    body: Incoming,
    boundary: String,
) -> Result<(), Exception> {
    let bad = |error: &dyn std::fmt::Display| {
        Exception::new(
            code::BAD_ARGUMENTS,
            "BAD_ARGUMENTS",
            &format!("Cannot read the form: {error}"),
        )
    };
    let whole = tokio::time::timeout(INSERT_LIMIT, Limited::new(body, MAX_FORM).collect()).await;
    let bytes = whole.map_err(|error| bad(&error))?.map_err(|error| bad(&error))?.to_bytes();
    let mut form = multer::Multipart::with_reader(std::io::Cursor::new(bytes), boundary);
    while let Some(field) = form.next_field().await.map_err(|error| bad(&error))? {
        let name = field.name().unwrap_or_default().to_owned();
        let value = field.text().await.map_err(|error| bad(&error))?;
        statement.put(&name, value)?;
    }
    Ok(())
}

fn success(output: Output, compressed: bool) -> Answer {
    let summary = format!(
        r#"{{"read_rows":"{}","read_bytes":"{}","written_rows":"{}","written_bytes":"{}","total_rows_to_read":"0","result_rows":"0","result_bytes":"{}","elapsed_ns":"{:.0}"}}"#,
        output.rows_read,
        output.bytes_read,
        output.rows_written,
        output.bytes_written,
        output.body.len(),
        output.elapsed_s * 1e9,
    );
    let body = if compressed { compress::encode(&output.body) } else { output.body };
    let mut answer = Response::new(Full::from(body));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert("X-ClickHouse-Timezone", HeaderValue::from_static("UTC"));
    if let Ok(summary) = HeaderValue::from_str(&summary) {
        headers.insert("X-ClickHouse-Summary", summary);
    }
    answer
}

fn refusal(engine: &Engine, exception: &Exception, compressed: bool) -> Answer {
    let text =
        format!("{} (version {} (embedded))\n", exception.message.trim_end(), engine.version);
    let body = if compressed { compress::encode(text.as_bytes()) } else { text.into_bytes() };
    let mut answer = Response::new(Full::from(body));
    *answer.status_mut() = exception.status();
    answer.headers_mut().insert("X-ClickHouse-Exception-Code", HeaderValue::from(exception.code));
    answer
}

fn plain(status: StatusCode, text: &'static str) -> Answer {
    let mut answer = Response::new(Full::from(text));
    *answer.status_mut() = status;
    answer
}
