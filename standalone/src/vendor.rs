//! Where what `deploy/fetch-vendor.sh` brought is looked for: the engine and the country database.

use std::path::{Path, PathBuf};

/// The places of one vendored file, in the order of their trust: the folder in `TRIBUTARY_VENDOR` alone if it is set,
/// as the script puts everything there; else `vendor` in the data folder, in the working folder, beside the binary
/// and above it.
#[must_use]
pub fn places(data: &Path, file: &str) -> Vec<PathBuf> {
    if let Some(named) = std::env::var_os("TRIBUTARY_VENDOR").filter(|named| !named.is_empty()) {
        return vec![Path::new(&named).join(file)];
    }
    let vendored = |folder: &Path| folder.join("vendor").join(file);
    let mut places = vec![vendored(data), vendored(Path::new("."))];
    if let Ok(binary) = std::env::current_exe() {
        places.extend(binary.ancestors().skip(1).take(4).map(vendored));
    }
    places
}
