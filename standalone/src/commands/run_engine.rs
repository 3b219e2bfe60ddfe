//! `tributary run-engine`: the embedded ClickHouse, as a child of `serve`, `demo` or `stores`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::engine::{self, Access, User, lookup};
use crate::layout::Layout;
use crate::passwords::Passwords;
use crate::process;

/// What the engine needs to know; the passwords are read from the data folder.
#[derive(clap::Args)]
pub(super) struct Options {
    /// The data folder.
    #[arg(long, env = "TRIBUTARY_DATA", default_value = "./data")]
    data: PathBuf,
    /// Where to listen.
    #[arg(long, env = "TRIBUTARY_CLICKHOUSE", default_value = "127.0.0.1:8123")]
    listen: SocketAddr,
    /// A host name to answer to besides localhost and the address it listens on; may be repeated.
    #[arg(long, env = "TRIBUTARY_CLICKHOUSE_HOSTS", value_delimiter = ',')]
    host: Vec<String>,
    /// End when the process that started this one does.
    #[arg(long)]
    supervised: bool,
}

pub(super) fn run(options: Options) -> anyhow::Result<ExitCode> {
    let layout = Layout::open(&options.data)?;
    let _joined = options.supervised.then(|| process::join_supervisor(&layout)).transpose()?;
    let passwords = Passwords::load_or_create(&layout.passwords())?;
    let user = |name: &str, access| User {
        name: name.to_owned(),
        password: passwords.get(name).to_owned(),
        access,
    };
    let mut hosts = options.host;
    if !options.listen.ip().is_unspecified() {
        hosts.push(options.listen.ip().to_string());
    }
    let config = engine::Config {
        library: lookup::library(&options.data)?,
        folder: layout.clickhouse(),
        listen: options.listen,
        users: vec![user("owner", Access::Own), user("reader", Access::Read)],
        hosts,
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(engine::serve(config, process::stop_signal()))?;
    Ok(ExitCode::SUCCESS)
}
