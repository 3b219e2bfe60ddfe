//! Forgets an installation: what Tributary made in its data folder, and nothing else that lies there.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context, bail};

use crate::layout::Layout;
use crate::postgres::Cluster;

/// Removes everything of ours from the folder. A PostgreSQL that survived there is stopped first.
///
/// # Errors
/// When a tributary runs on the folder, or something can't be removed; at once when PostgreSQL is somebody else's,
/// whose rows would stay and no longer fit the rest.
pub fn reset(root: &Path, database_url: Option<&str>) -> anyhow::Result<()> {
    if database_url.is_some() {
        bail!(
            "--reset begins anew with the private PostgreSQL alone, and DATABASE_URL names another: unset it, or empty that \
             database yourself and choose a new data folder with --data"
        );
    }
    let Ok(layout) = Layout::existing(root) else { return Ok(()) };
    let _lock = layout.lock()?;
    if let Some(cluster) = Cluster::existing(layout.postgres())? {
        cluster.stop()?;
        remove(cluster.folder())?;
    }
    for path in layout.everything() {
        remove(&path)?;
    }
    Ok(())
}

fn remove(path: &Path) -> anyhow::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} can't be removed", path.display()))
        }
        _ => Ok(()),
    }
}
