//! The load: wrk with a browser's headers, over links as popular as links are.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use load_tests::generate::{Shape, Visits};

/// Requests wrk goes through, made before the round.
const REQUESTS: usize = 20_000;

/// Whether a connection serves again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connections {
    Kept,
    New,
}

/// How wrk is called.
pub(crate) struct Load {
    scripts: [PathBuf; 2],
    seconds: u32,
    connections: u32,
}

/// What wrk says it did.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Done {
    pub requests: u64,
    pub errors: u64,
    pub seconds: f64,
}

/// The code of a link.
pub(crate) fn code(id: u32) -> String {
    format!("{:07x}", id.wrapping_mul(2_654_435_761) >> 4)
}

impl Load {
    pub(crate) fn new(folder: &Path, arguments: &super::Arguments) -> Result<Self> {
        let visits = Visits::new(Shape { links: arguments.links, ..Shape::default() });
        let codes: Vec<String> =
            visits.take(REQUESTS).map(|visit| format!("\"{}\"", code(visit.link + 1))).collect();
        let script = |name: &str, connection: &str| {
            let path = folder.join(name);
            let text = include_str!("wrk.lua")
                .replace("CODES", &codes.join(","))
                .replace("CONNECTION", connection);
            fs::write(&path, text).map(|()| path)
        };
        Ok(Self {
            scripts: [script("kept.lua", "keep-alive")?, script("new.lua", "close")?],
            seconds: arguments.seconds,
            connections: arguments.connections,
        })
    }

    /// One round.
    pub(crate) fn run(&self, port: u16, kind: Connections) -> Result<Done> {
        let script = &self.scripts[usize::from(kind == Connections::New)];
        let wrk = Command::new("taskset")
            .args(["-c", "1-1023", "wrk", "-t1"])
            .arg(format!("-c{}", self.connections))
            .arg(format!("-d{}s", self.seconds))
            .arg("-s")
            .arg(script)
            .arg(format!("http://127.0.0.1:{port}/"))
            .output()
            .context("wrk is not installed: run `make install` (Debian package wrk)")?;
        let text = String::from_utf8_lossy(&wrk.stdout).into_owned();
        ensure!(wrk.status.success(), "wrk failed: {text}{}", String::from_utf8_lossy(&wrk.stderr));
        let number = |name: &str| -> Result<u64> {
            let found = text.lines().find_map(|line| line.strip_prefix(name));
            Ok(found.with_context(|| format!("wrk says no {name}: {text}"))?.trim().parse()?)
        };
        Ok(Done {
            requests: number("requests:")?,
            errors: number("errors:")?,
            seconds: number("micros:")? as f64 / 1e6,
        })
    }

    /// A page as text.
    pub(crate) fn fetch(&self, address: SocketAddr, path: &str) -> Result<String> {
        let mut socket = TcpStream::connect(address)?;
        write!(socket, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut text = String::new();
        socket.read_to_string(&mut text)?;
        Ok(text)
    }
}
