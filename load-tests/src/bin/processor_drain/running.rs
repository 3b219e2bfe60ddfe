//! Processors as processes of their own.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use migrations::testing::{Clickhouse, Postgres, Role};

/// One that runs; ended with the value.
pub(crate) struct Running {
    child: Child,
    /// Where it answers how it is.
    pub(crate) admin: String,
}

impl Running {
    /// Starts the binary `processor` on the stores as they are; its claims may spill into `root`'s folder `claims`.
    pub(crate) fn start(
        root: &Path,
        (postgres, clickhouse): (&Postgres, &Clickhouse),
        claims: &str,
        more: &[(&str, String)],
    ) -> Result<Self> {
        let binary = std::env::current_exe()?.with_file_name("processor");
        ensure!(binary.exists(), "{} is not built: cargo build -p processor", binary.display());
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let admin = listener.local_addr()?.to_string();
        drop(listener);
        let path = |name: &str| root.join(name).display().to_string();
        let child = Command::new(binary)
            .env("DATABASE_URL", postgres.url(Role::Processor))
            .env("TRIBUTARY_CLICKHOUSE_URL", clickhouse.url())
            .env("TRIBUTARY_CLICKHOUSE_DATABASE", clickhouse.database())
            .env("TRIBUTARY_JOURNAL", path("journal"))
            .env("TRIBUTARY_KEYS", path("keys"))
            .env("TRIBUTARY_CLAIMS", path(claims))
            .env("TRIBUTARY_PROCESSOR", &admin)
            .env("TRIBUTARY_AUDIT_MINUTES", "0")
            .env("RUST_LOG", "warn")
            .envs(more.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("the processor does not start")?;
        Ok(Self { child, admin })
    }

    /// Its process.
    pub(crate) fn pid(&self) -> String {
        self.child.id().to_string()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Gone already is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
