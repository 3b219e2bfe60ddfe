//! Static files, embedded: `/static/{hash of all}/{name}`, kept by browsers for ever.
//!
//! One hash over all of them names the folder, so that a module may import its neighbour by a
//! relative name. Each is compressed once, at its first use.

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use std::{io::Write, sync::LazyLock};

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml; charset=utf-8";

macro_rules! files {
    ($($name:literal $kind:expr),+ $(,)?) => {
        const FILES: &[(&str, &str, &[u8])] =
            &[$(($name, $kind, include_bytes!(concat!("../../static/", $name)))),+];
    };
}

files! {
    "app.css" CSS,
    "app.js" JS,
    "chart.css" CSS,
    "own.css" CSS,
    "chart.js" JS,
    "copy.js" JS,
    "htmx.js" JS,
    "keys.js" JS,
    "live.js" JS,
    "mark.svg" SVG,
    "passkey.js" JS,
    "uplot.js" JS,
}

static ROOT: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for (name, _, bytes) in FILES {
        hash.update(name);
        hash.update(bytes);
    }
    let hash: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("/static/{hash}")
});

static PACKED: LazyLock<Vec<Vec<u8>>> =
    LazyLock::new(|| FILES.iter().map(|(_, _, bytes)| pack(bytes).unwrap_or_default()).collect());

/// The folder of this build's files: `/static/0123456789abcdef`.
pub(crate) fn root() -> &'static str {
    &ROOT
}

/// `/static/…`
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/static/{hash}/{name}", get(file))
}

async fn file(Path((hash, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let Some(n) = FILES.iter().position(|(file, ..)| *file == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let (_, kind, bytes) = FILES[n];
    // An older page may ask for an older folder: give what there is, but do not let it be kept.
    let current = ROOT.ends_with(&hash);
    let kept = if current { "public, max-age=31536000, immutable" } else { "no-store" };
    let common = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, kept),
        (header::VARY, "accept-encoding"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let packed = &PACKED[n];
    if !packed.is_empty() && takes_gzip(&headers) {
        (common, [(header::CONTENT_ENCODING, "gzip")], packed.as_slice()).into_response()
    } else {
        (common, bytes).into_response()
    }
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|list| {
        list.split(',').any(|one| {
            let (coding, weight) = one.split_once(';').unwrap_or((one, ""));
            coding.trim() == "gzip" && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00")
        })
    })
}

fn pack(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `pages.md`, Measure: 60 kB gzipped; 10 of them are left for the page itself.
    #[test]
    fn style_and_scripts_of_a_first_load_stay_small() {
        // A page shows a chart or asks for a passkey, never both.
        for apart in [&["passkey.js"][..], &["chart.css", "chart.js", "uplot.js"]] {
            let shown =
                FILES.iter().zip(PACKED.iter()).filter(|((name, ..), _)| !apart.contains(name));
            let size: usize = shown.map(|(_, packed)| packed.len()).sum();
            assert!(size <= 50_000, "{size} bytes gzipped without {apart:?}");
        }
    }

    #[test]
    fn our_modules_stay_under_two_hundred_lines() {
        for (name, kind, bytes) in FILES {
            let lines = bytes.iter().filter(|&&byte| byte == b'\n').count();
            let ours = *kind == JS && !matches!(*name, "htmx.js" | "uplot.js");
            assert!(!ours || lines < 200, "{name} has {lines} lines");
        }
    }

    /// What somebody sent is shown as text (ASVS 3.2.2), and nothing stays in the browser (14.3.3).
    #[test]
    fn our_modules_write_text_alone_and_keep_nothing_in_the_browser() {
        const NEVER: [&str; 13] = [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "DOMParser",
            "eval(",
            "new Function",
            "localStorage",
            "sessionStorage",
            "indexedDB",
            "document.cookie",
            "postMessage",
            "onpaste",
        ];
        for (name, kind, bytes) in FILES {
            if *kind != JS || matches!(*name, "htmx.js" | "uplot.js") {
                continue;
            }
            let text = std::str::from_utf8(bytes).unwrap();
            for word in NEVER {
                assert!(!text.contains(word), "{name}: {word}");
            }
        }
    }
}
