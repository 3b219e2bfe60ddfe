//! Keeps the engine from the file system: sessions begin in a database of tables and of nothing else.
//!
//! The engine's own database `default` lies over the file system: there, the name of any file is that of a table. It is
//! laid out whenever the first connection is opened, so one connection takes it away and is held until the process ends.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::{Builder, JoinHandle};

use super::answer::LoadError;
use super::library::{Connection, Library};

/// Where a session begins.
pub(super) const FIRST_DATABASE: &str = "main";

/// The connection that is held, on a thread of its own.
pub(super) struct Wall {
    hold: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Wall {
    /// Opens the first connection, and so the folder, and puts plain databases where sessions begin.
    pub(super) fn raise(library: &'static Library, folder: PathBuf) -> Result<Self, LoadError> {
        let (hold, held) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        let thread = Builder::new().name("engine-wall".to_owned()).spawn(move || {
            let raised = library.connect(&folder).and_then(|mut connection| {
                replace(&mut connection, &folder)?;
                Ok(connection)
            });
            let (connection, outcome) = match raised {
                Ok(connection) => (Some(connection), Ok(())),
                Err(error) => (None, Err(error)),
            };
            // Whoever asked waits for this.
            let _ = tell.send(outcome);
            if connection.is_some() {
                // Ends when the other side is dropped.
                let _ = held.recv();
            }
        });
        let thread = thread.map_err(|error| LoadError::Thread(error.to_string()))?;
        let ended = || LoadError::Thread("it ended at once".to_owned());
        told.recv().map_err(|_| ended())??;
        Ok(Self { hold, thread })
    }

    /// Closes the connection, the last one.
    pub(super) fn lower(self) {
        drop(self.hold);
        if self.thread.join().is_err() {
            tracing::error!("the engine's first thread had panicked");
        }
    }
}

fn replace(connection: &mut Connection, folder: &Path) -> Result<(), LoadError> {
    let wall = |text: String| LoadError::Wall(text);
    let mut run = |sql: &str| {
        connection.query(sql, "Null", &[]).map(drop).map_err(|error| wall(error.message))
    };
    run(&format!("CREATE DATABASE IF NOT EXISTS {FIRST_DATABASE} ENGINE = Atomic"))?;
    run("USE system")?;
    run("DETACH DATABASE default")?;
    // Connections want one of this name. Ours of an earlier start was empty and is not what the engine found.
    crate::process::remove_file(&folder.join("metadata/default.sql"))
        .map_err(|error| wall(error.to_string()))?;
    run("CREATE DATABASE default ENGINE = Memory")
}
