//! Asks a process whether it is well: one request over HTTP, an answer of 200 within a moment.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long one question may take.
const LIMIT: Duration = Duration::from_secs(2);

/// True when `GET path` answers 200.
pub async fn is_well(address: SocketAddr, path: &str) -> bool {
    tokio::time::timeout(LIMIT, ask(address, path))
        .await
        .is_ok_and(|answer| answer.unwrap_or(false))
}

async fn ask(address: SocketAddr, path: &str) -> io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut head = [0_u8; 12];
    stream.read_exact(&mut head).await?;
    Ok(head.ends_with(b" 200"))
}
