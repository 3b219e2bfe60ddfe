//! Where libchdb.so is looked for.

use std::path::{Path, PathBuf};

use crate::vendor;

/// The engine's file name.
pub const FILE: &str = "libchdb.so";

/// No library was found.
#[derive(Debug, thiserror::Error)]
#[error("the ClickHouse engine ({FILE}) was not found: run `deploy/fetch-vendor.sh`, or name the file in TRIBUTARY_LIBCHDB (looked in {})", places(.0))]
pub struct NotFound(Vec<PathBuf>);

fn places(looked: &[PathBuf]) -> String {
    looked.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// Finds the library: `TRIBUTARY_LIBCHDB` if set, else where vendored files are (`TRIBUTARY_VENDOR`), else the user's
/// cache folder.
///
/// # Errors
/// When it is in none of these, with all of them named.
pub fn library(data: &Path) -> Result<PathBuf, NotFound> {
    if let Some(named) = std::env::var_os("TRIBUTARY_LIBCHDB") {
        let named = PathBuf::from(named);
        return if named.is_file() { Ok(named) } else { Err(NotFound(vec![named])) };
    }
    let mut looked = vendor::places(data, &format!("libchdb/{FILE}"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache =
        cache.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    looked.extend(cache.map(|folder| folder.join("tributary").join(FILE)));
    match looked.iter().find(|path| path.is_file()) {
        Some(found) => Ok(std::path::absolute(found).unwrap_or_else(|_| found.clone())),
        None => Err(NotFound(looked)),
    }
}
