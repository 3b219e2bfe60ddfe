//! Finds the programs of an installed PostgreSQL.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Error;

/// The oldest version Tributary runs on.
const OLDEST: u32 = 15;

/// The folder with `initdb`, `pg_ctl` and `postgres`, and their version.
pub(super) struct Binaries {
    folder: PathBuf,
    pub(super) major: u32,
}

impl Binaries {
    /// The newest installed version, or the one a cluster was made with.
    pub(super) fn find(cluster_major: Option<u32>) -> Result<Self, Error> {
        let mut found: Vec<Self> = candidates().into_iter().filter_map(Self::at).collect();
        found.sort_by_key(|binaries| binaries.major);
        let fits = |binaries: &Self| match cluster_major {
            Some(major) => binaries.major == major,
            None => binaries.major >= OLDEST,
        };
        found.into_iter().rfind(fits).ok_or_else(|| match cluster_major {
            Some(major) => Error::NotInstalled {
                wanted: major.to_string(),
                package: format!("postgresql-{major}"),
            },
            None => Error::NotInstalled {
                wanted: format!("{OLDEST} or later"),
                package: "postgresql".to_owned(),
            },
        })
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn at(folder: PathBuf) -> Option<Self> {
        if !["initdb", "pg_ctl", "postgres"].iter().all(|name| folder.join(name).is_file()) {
            return None;
        }
        // `postgres (PostgreSQL) 15.14 (Debian …)`
        let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let version =
            text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
        let major = version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
        Some(Self { folder, major })
    }
}

fn candidates() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for root in ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"] {
        let versions = std::fs::read_dir(root).into_iter().flatten().flatten();
        folders.extend(versions.map(|version| version.path().join("bin")));
    }
    for beside in
        ["/usr/pgsql-18/bin", "/usr/pgsql-17/bin", "/usr/pgsql-16/bin", "/usr/pgsql-15/bin"]
    {
        folders.push(PathBuf::from(beside));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders.extend(std::env::split_paths(&path).map(|folder| real(&folder)));
    folders
}

/// Where `pg_ctl` of a folder of links really lies: its companions are there.
fn real(folder: &Path) -> PathBuf {
    let program = folder.join("pg_ctl").canonicalize().ok();
    program
        .and_then(|program| program.parent().map(Path::to_owned))
        .unwrap_or_else(|| folder.to_owned())
}
