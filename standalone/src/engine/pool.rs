//! Threads that each own one connection of the engine, and the queue in front of them.
//!
//! A connection is used by one thread at a time by construction: it never leaves its thread. What a statement leaves
//! behind in a session (settings, database, temporary tables) never reaches the next one.

use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::answer::LoadError;
use super::exception::{Exception, code};
use super::library::{Connection, Library};

type Job = Box<dyn FnOnce(&mut Session) + Send>;

/// Statements waiting for a thread; more are refused at once, as a server does.
const QUEUE: usize = 200;

/// Where the engine puts a new connection.
const OPENED_IN: &str = "default";

/// What every session of a pool is set to when it opens.
#[derive(Debug, Clone)]
pub(super) struct Profile {
    /// Names the threads.
    pub name: &'static str,
    /// How many threads, and so connections.
    pub threads: usize,
    /// Set when a session opens.
    pub setup: &'static str,
    /// Set last, after what a statement asked for.
    pub seal: Option<&'static str>,
}

/// A bounded number of engine threads with one profile.
pub(super) struct Pool {
    jobs: Option<SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// Starts the threads. The first connection is opened before this returns, so that a folder that can't be used
    /// is known at once.
    pub(super) fn start(
        library: &'static Library,
        folder: PathBuf,
        profile: &Profile,
    ) -> Result<Self, LoadError> {
        drop(library.connect(&folder)?);
        let (jobs, queue) = mpsc::sync_channel(QUEUE);
        let queue = Arc::new(Mutex::new(queue));
        let spawn = |number: usize| {
            let (queue, profile, folder) = (Arc::clone(&queue), profile.clone(), folder.clone());
            std::thread::Builder::new().name(format!("{}-{number}", profile.name)).spawn(
                move || {
                    work(
                        &queue,
                        Session {
                            library,
                            folder,
                            profile,
                            connection: None,
                            database: String::new(),
                        },
                    )
                },
            )
        };
        let threads = (0..profile.threads).map(spawn).collect::<Result<Vec<_>, _>>();
        let threads = threads.map_err(|error| LoadError::Thread(error.to_string()))?;
        Ok(Self { jobs: Some(jobs), threads })
    }

    /// Queues work for the next free thread.
    pub(super) fn submit(
        &self,
        job: impl FnOnce(&mut Session) + Send + 'static,
    ) -> Result<(), Exception> {
        let Some(jobs) = &self.jobs else {
            return Err(Exception::internal("the engine is stopping"));
        };
        jobs.try_send(Box::new(job)).map_err(|error| match error {
            TrySendError::Full(_) => Exception::new(
                code::TOO_MANY_SIMULTANEOUS_QUERIES,
                "TOO_MANY_SIMULTANEOUS_QUERIES",
                &format!("{QUEUE} statements are waiting already"),
            ),
            TrySendError::Disconnected(_) => Exception::internal("the engine's threads are gone"),
        })
    }

    /// Waits for the work begun and closes every connection.
    pub(super) fn stop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("an engine thread had panicked");
            }
        }
    }
}

fn work(queue: &Mutex<Receiver<Job>>, mut session: Session) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => job(&mut session),
            Err(_) => return,
        }
    }
}

/// One thread's connection. It is opened when first needed, and again for each statement with settings of its own and
/// after each that may have left something behind: that costs a third of a millisecond.
pub(super) struct Session {
    library: &'static Library,
    folder: PathBuf,
    profile: Profile,
    connection: Option<Connection>,
    /// The connection's current database.
    database: String,
}

impl Session {
    /// A connection with these settings (`a = '1', b = '2'`, or nothing) on this database.
    pub(super) fn connection(
        &mut self,
        database: &str,
        settings: &str,
    ) -> Result<&mut Connection, Exception> {
        let kept = if settings.is_empty() { self.connection.take() } else { None };
        let mut connection = match kept {
            Some(connection) => connection,
            None => {
                // Not before the old one is closed.
                self.renew();
                self.database = OPENED_IN.to_owned();
                self.open(settings)?
            }
        };
        if self.database != database {
            connection.query(&format!("USE {}", identifier(database)), "Null", &[])?;
            self.database = database.to_owned();
        }
        Ok(self.connection.insert(connection))
    }

    /// Closes the connection, and with it everything the statement left behind.
    pub(super) fn renew(&mut self) {
        self.connection = None;
    }

    fn open(&self, settings: &str) -> Result<Connection, Exception> {
        let opened = self.library.connect(&self.folder);
        let mut connection = opened.map_err(|error| Exception::internal(&error.to_string()))?;
        for set in [self.profile.setup, settings, self.profile.seal.unwrap_or_default()] {
            if !set.is_empty() {
                connection.query(&format!("SET {set}"), "Null", &[])?;
            }
        }
        Ok(connection)
    }
}

fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}
