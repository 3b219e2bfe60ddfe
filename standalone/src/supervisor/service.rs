//! What to start, and how to tell that it is ready.

use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use crate::{health, process};

/// A child: this very binary with one of its hidden commands.
#[derive(Debug, Clone)]
pub struct Service {
    /// What lines about it call it.
    pub name: &'static str,
    /// The command and its flags.
    pub arguments: Vec<OsString>,
    /// Added to its environment; secrets travel here, never on the command line.
    pub environment: Vec<(&'static str, String)>,
    /// How it says that it is ready.
    pub ready: Ready,
    /// How long its first start may take.
    pub start_limit: Duration,
    /// How long it may take to end before it is killed.
    pub stop_limit: Duration,
}

/// The sign of readiness.
#[derive(Debug, Clone)]
pub enum Ready {
    /// The file is there and not empty.
    File(PathBuf),
    /// `GET` of the path answers 200.
    Http(SocketAddr, &'static str),
    /// It has no sign: ready once it runs.
    AtOnce,
}

impl Service {
    /// Starts it. The child is not killed when the supervisor lets go of it: the kernel tells it of its parent's end,
    /// and it ends as it should; PostgreSQL would outlive its watcher's death otherwise.
    pub(super) fn spawn(&self) -> io::Result<Child> {
        if let Ready::File(path) = &self.ready {
            // What one that was killed left says nothing about this one.
            process::remove_file(path)?;
        }
        // Of this very file, also after it was replaced by a newer one.
        let mut command = Command::new("/proc/self/exe");
        command.arg0("tributary");
        command.args(&self.arguments).stdin(Stdio::null());
        // A group of its own, so that Ctrl-C reaches the supervisor alone, which ends them in order.
        command.process_group(0);
        command.env("TRIBUTARY_SUPERVISOR", std::process::id().to_string());
        if std::env::var_os("RUST_LOG").is_none() {
            // One line of the supervisor's says that all is well; its children speak when it is not, and of whom they
            // refused.
            command.env("RUST_LOG", "warn,refused=info,sqlx=error");
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.spawn()
    }
}

impl Ready {
    pub(super) async fn is_ready(&self) -> bool {
        match self {
            Self::File(path) => tokio::fs::read(path).await.is_ok_and(|text| !text.is_empty()),
            Self::Http(address, path) => health::is_well(*address, path).await,
            Self::AtOnce => true,
        }
    }
}
