//! Runs one statement on a session: may it, set it up, run it, leave the session as it was.

use std::time::Instant;

use bytes::Bytes;
use tokio::sync::mpsc::Receiver;

use super::Access;
use super::answer::{Class, Output};
use super::exception::{Exception, code};
use super::library::Connection;
use super::pool::Session;
use super::request::Statement;
use super::sql;
use super::wall::FIRST_DATABASE;

/// What travels from the connection of a client to the engine thread that inserts.
pub(super) enum Piece {
    /// The next bytes of the data.
    Data(Bytes),
    /// The body ended as it should. Without this nothing is inserted.
    End,
}

/// Words that may begin a statement which is neither a read nor a write of tables.
const CONTROL: [&str; 7] = ["SYSTEM", "SET", "USE", "KILL", "ATTACH", "DETACH", "CREATE"];

/// Runs a statement that brings no data.
pub(super) fn query(
    session: &mut Session,
    statement: &Statement,
    access: Access,
    reads_only: bool,
) -> Result<Output, Exception> {
    refuse_outside(&statement.sql)?;
    with_connection(session, statement, access, |connection| {
        check(connection, &statement.sql, access, reads_only)?;
        connection.query(&statement.sql, &statement.format, &statement.params)
    })
}

/// Runs `INSERT … FORMAT`; the data comes piece by piece and is kept only if it came whole and before `deadline`.
pub(super) fn insert(
    session: &mut Session,
    statement: &Statement,
    access: Access,
    pieces: &mut Receiver<Piece>,
    deadline: Instant,
) -> Result<Output, Exception> {
    refuse_outside(&statement.sql)?;
    if access == Access::Read {
        return Err(readonly());
    }
    with_connection(session, statement, access, |connection| {
        let mut stream = connection.insert(&statement.sql, &statement.format, &statement.params)?;
        loop {
            match pieces.blocking_recv() {
                Some(Piece::Data(bytes)) => stream.append(&bytes)?,
                Some(Piece::End) if Instant::now() < deadline => return stream.done(),
                Some(Piece::End) => {
                    return Err(Exception::new(
                        code::TIMEOUT_EXCEEDED,
                        "TIMEOUT_EXCEEDED",
                        "The insert took too long and was dropped",
                    ));
                }
                None => {
                    return Err(Exception::new(
                        code::QUERY_WAS_CANCELLED,
                        "QUERY_WAS_CANCELLED",
                        "The data ended before its end: nothing was inserted",
                    ));
                }
            }
        }
    })
}

fn check(
    connection: &Connection,
    sql: &str,
    access: Access,
    reads_only: bool,
) -> Result<(), Exception> {
    if sql::is_plainly_select(sql) {
        return Ok(());
    }
    let analysis = connection.classify(sql);
    if analysis.statements > 1 {
        return Err(Exception::new(
            code::SYNTAX_ERROR,
            "SYNTAX_ERROR",
            "Multi-statements are not allowed",
        ));
    }
    match analysis.class {
        // The engine says what is wrong with the second, on a session that is read-only where it must be.
        Class::ReadOnly | Class::Unknown => Ok(()),
        _ if reads_only || access == Access::Read => Err(readonly()),
        Class::Mutating | Class::Global => Ok(()),
        Class::Control => refuse_control(sql),
    }
}

fn refuse_outside(sql: &str) -> Result<(), Exception> {
    match sql::reaches_outside(sql) {
        None => Ok(()),
        Some(name) => {
            Err(denied(&format!("{name} reaches outside the tables and is not allowed here")))
        }
    }
}

fn refuse_control(sql: &str) -> Result<(), Exception> {
    let words = sql::first_words(sql, 2);
    let word = |at: usize| words.get(at).map(String::as_str).unwrap_or_default();
    let stops = word(0) == "SYSTEM" && ["SHUTDOWN", "KILL", "SUSPEND"].contains(&word(1));
    if stops || !CONTROL.contains(&word(0)) {
        return Err(denied(&format!("{} {} is not allowed here", word(0), word(1))));
    }
    Ok(())
}

fn denied(text: &str) -> Exception {
    Exception::new(code::ACCESS_DENIED, "ACCESS_DENIED", text)
}

fn readonly() -> Exception {
    Exception::new(code::READONLY, "READONLY", "Cannot execute query in readonly mode")
}

/// Runs on a connection with the statement's database and settings. Of a statement that may leave something behind,
/// nothing stays: its connection is closed.
fn with_connection(
    session: &mut Session,
    statement: &Statement,
    access: Access,
    run: impl FnOnce(&mut Connection) -> Result<Output, Exception>,
) -> Result<Output, Exception> {
    let database = statement.database.as_deref().unwrap_or(FIRST_DATABASE);
    let settings = settings(statement, access)?;
    let connection = session.connection(database, &settings)?;
    let leaves_nothing = settings.is_empty()
        && matches!(connection.classify(&statement.sql).class, Class::ReadOnly | Class::Mutating);
    let result = run(connection);
    if !leaves_nothing {
        session.renew();
    }
    result
}

/// The statement's settings as `SET` takes them; those a user may not choose are refused.
fn settings(statement: &Statement, access: Access) -> Result<String, Exception> {
    let mut assignments = Vec::with_capacity(statement.settings.len());
    for (name, value) in &statement.settings {
        if access == Access::Read && !may_read_with(name, value) {
            let text = format!("Cannot modify '{name}' setting in readonly mode");
            return Err(Exception::new(code::READONLY, "READONLY", &text));
        }
        assignments.push(format!("{name} = {}", literal(value)));
    }
    Ok(assignments.join(", "))
}

/// What a reader may set, and how high: tighter bounds than its own, never wider ones.
const READER_BOUNDS: [(&str, f64); 9] = [
    ("max_execution_time", 60.0),
    ("max_memory_usage", 4e9),
    ("max_result_bytes", 268_435_456.0),
    ("max_result_rows", 1e9),
    ("max_rows_to_read", 1e12),
    ("max_bytes_to_read", 1e15),
    ("max_threads", 64.0),
    ("join_use_nulls", 1.0),
    ("output_format_json_quote_64bit_integers", 1.0),
];

fn may_read_with(name: &str, value: &str) -> bool {
    let bound = READER_BOUNDS.iter().find(|(known, _)| *known == name);
    // Of a bound, 0 means none; of a switch it means off.
    let least = if name.starts_with("max_") { f64::MIN_POSITIVE } else { 0.0 };
    matches!((bound, value.parse::<f64>()), (Some((_, most)), Ok(value)) if (least..=*most).contains(&value))
}

fn literal(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reader_may_only_tighten() {
        let check =
            |name, value, may| assert_eq!(may_read_with(name, value), may, "{name} = {value}");
        check("max_execution_time", "20", true);
        check("max_execution_time", "0", false);
        check("max_execution_time", "61", false);
        check("max_execution_time", "NaN", false);
        check("max_execution_time", "20, readonly = 0", false);
        check("join_use_nulls", "0", true);
        check("readonly", "0", false);
    }
}
