//! The server's port: chosen once, outside of the range the system gives away, and kept.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use super::Error;
use super::owner::open_ours;

/// Where ports are chosen; nobody's by habit, and below what Linux gives to connections by default.
const RANGE: std::ops::Range<u16> = 20_000..30_000;
/// How many are tried.
const TRIES: usize = 200;
/// How long the kept one may be in use, by what is just ending.
const PATIENCE: Duration = Duration::from_secs(5);

/// The port of last time, so that URLs stay; another where somebody else has taken it for good.
pub(super) fn choose(folder: &Path) -> Result<u16, Error> {
    let file = folder.join("port");
    let kept = fs::read_to_string(&file).ok().and_then(|text| text.trim().parse::<u16>().ok());
    if let Some(kept) = kept {
        let limit = Instant::now() + PATIENCE;
        while Instant::now() < limit {
            if is_free(kept) {
                return Ok(kept);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        tracing::warn!(
            port = kept,
            "postgresql's port is in use by another program: it gets a new one"
        );
    }
    let port = (0..TRIES).find_map(|_| random().ok().filter(|port| is_free(*port)));
    let port = port.ok_or_else(|| Error::Port(io::ErrorKind::AddrInUse.into()))?;
    let written = || {
        use io::Write;
        let mut file = open_ours(&file, fs::File::options().write(true).truncate(true))?;
        writeln!(file, "{port}")
    };
    written().map_err(|error| Error::Folder(file.clone(), error))?;
    Ok(port)
}

fn random() -> io::Result<u16> {
    let number = u16::from_le_bytes(crate::passwords::random_bytes()?);
    Ok(RANGE.start + number % (RANGE.end - RANGE.start))
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_is_kept_while_it_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let first = choose(folder.path()).unwrap();
        assert!(RANGE.contains(&first));
        assert_eq!(choose(folder.path()).unwrap(), first);
        let _taken = TcpListener::bind(("127.0.0.1", first)).unwrap();
        assert_ne!(choose(folder.path()).unwrap(), first);
    }
}
