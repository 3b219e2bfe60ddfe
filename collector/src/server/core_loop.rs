//! One core's event loop: accept, serve, commit each tick, once a second count and give a sign of life.

use http_body_util::Full;
use hyper::{
    Request, Response,
    body::{Body, Incoming},
    server::conn::http1,
    service::service_fn,
};
use std::{
    convert::Infallible,
    future::poll_fn,
    net::{IpAddr, TcpListener},
    pin::pin,
    rc::Rc,
    task::Poll,
    time::Duration,
};
use tokio::{
    net::TcpStream,
    runtime::{Builder, LocalOptions},
    sync::watch,
    time::{MissedTickBehavior, interval, timeout},
};

use super::{
    plain::{self, Left},
    tick::{self, Queue},
    transport::Transport,
};
use crate::{
    admin::Alive,
    clock,
    connections::Entered,
    core::{Core, Shared},
    error::{Error, Result},
    metrics::Event,
    routes, slot,
};

/// Tasks run between two looks at the sockets: as many as can be ready, so that one append serves them all.
const TASKS_PER_TICK: u32 = 256;
/// Looks at the sockets before connections are told to go: one registers them, the next finds their bytes.
const LOOKS_BEFORE_LEAVING: usize = 3;
/// Holds the longest target and its headers.
const MOST_HEAD_BYTES: usize = 160 * 1024;

/// Runs until told to stop, then ends gracefully.
pub(super) fn run(
    core: Core,
    listener: TcpListener,
    shared: &Shared,
    alive: &Alive,
    stopped: watch::Receiver<bool>,
) -> Result<()> {
    let runtime = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .event_interval(TASKS_PER_TICK)
        .build_local(LocalOptions::default())
        .map_err(Error::Runtime)?;
    let core = Rc::new(core);
    runtime.block_on(async {
        let queue = Rc::new(Queue::default());
        let mut committing = tokio::task::spawn_local({
            let (core, queue) = (Rc::clone(&core), Rc::clone(&queue));
            async move { tick::run(&core, &queue).await }
        });
        let counting =
            tokio::task::spawn_local(count(Rc::clone(&core), shared.clone(), alive.clone()));
        let mending =
            tokio::task::spawn_local(slot::mend(Rc::clone(&core), shared.metrics.clone()));
        let listener = tokio::net::TcpListener::from_std(listener).map_err(Error::Runtime)?;
        tokio::select! {
            () = accept(&core, &queue, listener, stopped) => {}
            // Nobody would be answered any more: the process ends, and is started again.
            ended = &mut committing => {
                let panic = ended.err().and_then(|error| error.try_into_panic().ok());
                return panic.map_or(Ok(()), |panic| std::panic::resume_unwind(panic));
            }
        }
        let drain = Duration::from_secs(shared.config.limits.drain_s);
        if timeout(drain, core.connections.empty()).await.is_err() {
            tracing::warn!(connections = core.connections.len(), "closed with requests under way");
        }
        mending.abort();
        counting.abort();
        committing.abort();
        core.batch.commit(&core.counts);
        shared.metrics.add(&core.counts);
        alive.leave();
        Ok(core.batch.end()?)
    })
}

/// Accepts until told to stop, and then what the kernel still holds.
async fn accept(
    core: &Rc<Core>,
    queue: &Rc<Queue>,
    listener: tokio::net::TcpListener,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        let next = async {
            core.connections.room().await;
            listener.accept().await
        };
        tokio::select! {
            // An error means that the sender is gone, which is a stop too.
            _ = stopped.wait_for(|stop| *stop) => break,
            accepted = next => match accepted {
                Ok((stream, peer)) => spawn(core, queue, stream, peer.ip()),
                // Out of descriptors: those who are here must go first.
                Err(error) => {
                    tracing::warn!(%error, "cannot accept");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
    let held = poll_fn(|cx| match listener.poll_accept(cx) {
        Poll::Ready(Ok((stream, peer))) => {
            spawn(core, queue, stream, peer.ip());
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        Poll::Ready(Err(_)) | Poll::Pending => Poll::Ready(()),
    });
    held.await;
    drop(listener);
    // What lies in a socket is seen once the event loop has looked at it: a connection that is told to go
    // before would be closed over its request.
    for _ in 0..LOOKS_BEFORE_LEAVING {
        tokio::task::yield_now().await;
    }
    core.connections.leave();
}

fn spawn(core: &Rc<Core>, queue: &Rc<Queue>, stream: TcpStream, peer: IpAddr) {
    let entered = core.connections.enter();
    tokio::task::spawn_local(serve(Rc::clone(core), Rc::clone(queue), entered, stream, peer));
}

/// Serves one connection to its end: as long as its requests are plain by the plain way, then by hyper.
async fn serve(
    core: Rc<Core>,
    queue: Rc<Queue>,
    entered: Entered,
    stream: TcpStream,
    peer: IpAddr,
) {
    let left = plain::serve(&core, &queue, &entered, stream, peer).await;
    if let Left::Other(stream, begun) = left {
        // Answers are whole when written: waiting for more of them only delays. Failing costs a delay.
        let _ = stream.set_nodelay(true);
        let transport = Transport::new(stream, begun, entered.notes());
        // On its own: hyper's state is large, and most connections never need it.
        Box::pin(serve_any(core, entered, transport, peer)).await;
    }
}

/// Serves whatever HTTP is, by hyper.
async fn serve_any(core: Rc<Core>, entered: Entered, transport: Transport, peer: IpAddr) {
    let notes = entered.notes();
    let service = service_fn(move |request: Request<Incoming>| {
        notes.begin(!request.body().is_end_stream());
        let (core, notes) = (Rc::clone(&core), notes.clone());
        async move {
            let answer: Response<Full<_>> = routes::answer(&core, request, peer).await;
            core.counts.status(answer.status());
            notes.end();
            Ok::<_, Infallible>(answer)
        }
    });
    let http = http1::Builder::new()
        // Also spares a look at the socket while an answer is awaited, and the buffer for it.
        .half_close(true)
        .writev(false)
        .max_buf_size(MOST_HEAD_BYTES)
        .serve_connection(transport, service);
    let mut http = pin!(http);
    let mut told = false;
    poll_fn(|cx| {
        entered.remember(cx.waker());
        if entered.is_doomed() {
            return Poll::Ready(());
        }
        // Who hangs up or sends nonsense is answered by hyper, and is nobody's failure.
        if http.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if entered.is_leaving() && !told {
            told = true;
            http.as_mut().graceful_shutdown();
            return http.as_mut().poll(cx).map(|_| ());
        }
        Poll::Pending
    })
    .await;
}

/// Once a second: late connections, counts, and the journal's sign of life.
async fn count(core: Rc<Core>, shared: Shared, alive: Alive) {
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut connected = 0;
    loop {
        seconds.tick().await;
        for _ in 0..core.connections.sweep() {
            core.counts.event(Event::TimedOut);
        }
        core.batch.heartbeat(core.clock.stamp_ms(), &core.counts);
        core.date.set(clock::http_date());
        core.batch.hand_over(&shared.metrics);
        shared.metrics.add(&core.counts);
        let held = Duration::from_millis(core.clock.held_ms());
        shared.metrics.clock_held.set(held.as_secs_f64());
        let now = i64::try_from(core.connections.len()).unwrap_or(i64::MAX);
        shared.metrics.connections.add(now - connected);
        connected = now;
        alive.beat(core.batch.is_taking());
    }
}
