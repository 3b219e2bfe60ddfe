//! The floor: an event loop like the collector's that reads, looks at nothing and answers the same bytes.
//!
//! What it spends is the kernel's and the runtime's; what the collector spends above it is the collector's own.

use std::{
    convert::Infallible,
    net::{SocketAddr, TcpListener},
    rc::Rc,
};

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::{Builder, LocalOptions},
};

/// Where it listens and what it says.
#[derive(Debug, clap::Args)]
pub(crate) struct Bare {
    address: SocketAddr,
    answer: String,
    /// Close after each answer.
    #[arg(long)]
    once: bool,
}

/// Serves until it is killed.
pub(crate) fn serve(bare: Bare) -> Result<Infallible> {
    let listener = TcpListener::bind(bare.address)?;
    listener.set_nonblocking(true)?;
    let answer: Rc<[u8]> = bare.answer.into_bytes().into();
    // As many tasks between two looks at the sockets as the collector's loop.
    let runtime = Builder::new_current_thread()
        .enable_io()
        .event_interval(256)
        .build_local(LocalOptions::default())?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (socket, _) = listener.accept().await?;
            tokio::task::spawn_local(answer_all(socket, Rc::clone(&answer), bare.once));
        }
    })
}

/// A whole request for each read, as wrk sends them.
async fn answer_all(mut socket: TcpStream, answer: Rc<[u8]>, once: bool) {
    let mut input = [0; 4096];
    while let Ok(1..) = socket.read(&mut input).await {
        if socket.write_all(&answer).await.is_err() || once {
            return;
        }
    }
}
