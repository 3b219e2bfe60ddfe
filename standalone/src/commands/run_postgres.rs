//! `tributary run-postgres`: watches over the private PostgreSQL as a child of `serve`, `demo` or `stores`.
//!
//! The server itself outlives a `kill -9` of this process; the next one adopts it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use crate::layout::Layout;
use crate::passwords::Passwords;
use crate::postgres::Cluster;
use crate::process;

/// How soon the death of the server is noticed.
const LOOK: Duration = Duration::from_millis(200);

/// Where the cluster is.
#[derive(clap::Args)]
pub(super) struct Options {
    /// The data folder.
    #[arg(long, env = "TRIBUTARY_DATA", default_value = "./data")]
    data: PathBuf,
    /// End when the process that started this one does.
    #[arg(long)]
    supervised: bool,
}

pub(super) fn run(options: Options) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // Heard from the first moment on, so that a stop in the middle of a start still stops the server.
        let mut stop = std::pin::pin!(process::stop_signal());
        let layout = Layout::open(&options.data)?;
let _joined = options.supervised.then(|| process::join_supervisor(&layout)).transpose()?;
        let ready = layout.postgres_ready();
        process::remove_file(&ready)?;
        let passwords = Passwords::load_or_create(&layout.passwords())?;
        let password = passwords.get("postgres").to_owned();
        let wanted = layout.postgres();
        let started = tokio::task::spawn_blocking(move || {
            let cluster = Cluster::open(wanted, &password)?;
            let port = cluster.start()?;
            Ok::<_, crate::postgres::Error>((cluster, port))
        });
        let (cluster, port) = started.await??;
        std::fs::write(&ready, format!("{port}\n"))?;
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                () = &mut stop => break,
                _ = look.tick() => {
                    if !cluster.is_running() {
                        process::remove_file(&ready)?;
                        anyhow::bail!("postgresql has ended; its log is {}", cluster.folder().join("log").display());
                    }
                }
            }
        }
        process::remove_file(&ready)?;
        cluster.stop()?;
        Ok(ExitCode::SUCCESS)
    })
}
