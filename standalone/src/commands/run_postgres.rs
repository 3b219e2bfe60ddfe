//! `tributary run-postgres`: watches over the private PostgreSQL as a child of `serve`, `demo` or `stores`.
//!
//! The server itself outlives a `kill -9` of this process; the next one adopts it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use crate::layout::Layout;
use crate::passwords::Passwords;
use crate::postgres::{self, Cluster, Halt};
use crate::process::{self, StopSignals};

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
        let mut signals = StopSignals::listen()?;
        let layout = Layout::open(&options.data)?;
        let _joined = options.supervised.then(|| process::join_supervisor(&layout)).transpose()?;
        let ready = layout.postgres_ready();
        process::remove_file(&ready)?;
        let Some((cluster, port)) = start(&layout, &mut signals).await? else {
            return Ok(ExitCode::SUCCESS);
        };
        process::write_whole(&ready, &format!("{port}\n"))?;
        let outcome = watch(&cluster, &mut signals).await;
        process::remove_file(&ready)?;
        outcome?;
        cluster.stop()?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Makes the cluster if there is none, and starts it; nothing when told to stop meanwhile, and nothing runs then.
async fn start(
    layout: &Layout,
    signals: &mut StopSignals,
) -> anyhow::Result<Option<(Cluster, u16)>> {
    let passwords = Passwords::load_or_create(&layout.passwords())?;
    let password = passwords.get("postgres").to_owned();
    let (wanted, halt) = (layout.postgres(), Halt::default());
    let told = halt.clone();
    let mut starting = tokio::task::spawn_blocking(move || {
        let cluster = Cluster::open(wanted, &password, &told)?;
        let port = cluster.start(&told)?;
        Ok::<_, postgres::Error>((cluster, port))
    });
    let started = tokio::select! {
        started = &mut starting => started?,
        () = signals.wait() => {
            halt.set();
            starting.await?
        }
    };
    match started {
        Ok((cluster, _)) if halt.is_set() => {
            cluster.stop()?;
            Ok(None)
        }
        Err(postgres::Error::Halted) => Ok(None),
        started => Ok(Some(started?)),
    }
}

/// Until it is told to stop, or the server has ended.
async fn watch(cluster: &Cluster, signals: &mut StopSignals) -> anyhow::Result<()> {
    let mut look = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            () = signals.wait() => return Ok(()),
            _ = look.tick() => {
                if !cluster.is_running() {
                    anyhow::bail!("postgresql has ended; its log is {}", cluster.folder().join("log").display());
                }
                cluster.bound_log();
            }
        }
    }
}
