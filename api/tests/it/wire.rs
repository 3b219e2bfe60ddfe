//! The accept loop on a real socket: slow and oversized heads, a graceful end (threat 29).

use api::server;
use migrations::testing::Role;
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
};

use crate::world::{TOKEN, World};

pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) stop: oneshot::Sender<()>,
    pub(crate) running: JoinHandle<()>,
}

pub(crate) async fn serve(world: &World) -> Served {
    let listeners = server::bind("127.0.0.1:0").await.unwrap();
    let address = listeners[0].local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let app = world.app.clone();
    let running = tokio::spawn(server::serve(listeners, app, async { drop(stopped.await) }));
    Served { address, stop, running }
}

async fn talk(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may answer and close before all of it is written.
    let _ = stream.write_all(bytes).await;
    rest(&mut stream).await
}

/// Everything until the other side closes; a reset ends it too.
async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let _ = tokio::time::timeout(Duration::from_secs(60), read).await.expect("never closed");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn an_address_that_is_none_or_taken_is_refused() {
    for listen in ["192.0.2.1:80", "nonsense", "localhost"] {
        assert!(server::bind(listen).await.is_err(), "{listen}");
    }
    let taken = server::bind("127.0.0.1:0").await.unwrap();
    let address = taken[0].local_addr().unwrap().to_string();
    let refused = server::bind(&address).await.unwrap_err().to_string();
    assert!(refused.contains("another port"), "{refused}");
}

#[tokio::test]
async fn heads_have_their_limits() {
    let world = World::new().await;
    let served = serve(&world).await;
    let ask = async |head: String| talk(served.address, head.as_bytes()).await;
    let fine =
        ask("GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".to_owned())
            .await;
    assert!(fine.starts_with("HTTP/1.1 200"), "{fine}");
    assert!(!fine.to_lowercase().contains("\r\nserver:"), "{fine}");
    let many: String = (0..1000).map(|n| format!("x-{n}: 1\r\n")).collect();
    let many = ask(format!("GET /health HTTP/1.1\r\nHost: localhost\r\n{many}\r\n")).await;
    assert!(many.starts_with("HTTP/1.1 431"), "{many}");
    // A long URL is told what it is, whoever finds it too long: the service, or hyper before it.
    for length in [17_000, 60_000, 100_000] {
        let long = "a".repeat(length);
        let long = ask(format!("GET /{long} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
        assert!(long.starts_with("HTTP/1.1 414"), "{length}: {long}");
    }
    let fits = format!("/health?{}", "a".repeat(16_000));
    let fits = ask(format!("GET {fits} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
    assert!(fits.await.starts_with("HTTP/1.1 200"));
    let nul = ask("GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned()).await;
    assert!(nul.starts_with("HTTP/1.1 400"), "{nul}");
    let garbage = ask("\x16\x03\x01 hello\r\n\r\n".to_owned()).await;
    assert!(garbage.is_empty() || garbage.starts_with("HTTP/1.1 400"), "{garbage}");
    drop(served.stop);
    served.running.await.unwrap();
}

#[tokio::test]
async fn a_head_that_never_ends_is_cut_off() {
    let world = World::new().await;
    let served = serve(&world).await;
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n").await.unwrap();
    // Ends by itself: the server closes after its limit, whatever the client does.
    let answer = rest(&mut stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    drop(served.stop);
    served.running.await.unwrap();
}

#[tokio::test]
async fn a_stop_ends_the_accept_loop_and_its_connections() {
    let world = World::new().await;
    let served = serve(&world).await;
    let mut idle = TcpStream::connect(served.address).await.unwrap();
    idle.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut first = [0; 12];
    idle.read_exact(&mut first).await.unwrap();
    served.stop.send(()).unwrap();
    served.running.await.unwrap();
    let ended = rest(&mut idle).await;
    assert!(ended.ends_with("ok\n"), "the answer was not whole: {ended}");
    assert!(TcpStream::connect(served.address).await.is_err());
}

#[tokio::test]
async fn a_stop_ends_the_live_stream_too() {
    let world = World::new().await;
    let served = serve(&world).await;
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    let ask = format!(
        "GET /api/v1/live/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    );
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    served.stop.send(()).unwrap();
    served.running.await.unwrap();
    // Ended, not cut off: the last chunk is there.
    let ended = rest(&mut stream).await;
    assert!(ended.ends_with("0\r\n\r\n"), "{ended}");
}

#[tokio::test]
async fn an_owner_and_an_empty_database_do_not_start() {
    let world = World::new().await;
    let folder = std::env::temp_dir().join(format!("tributary-api-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let keys = folder.join("keys");
    std::fs::write(&keys, format!("1 {}\n", "00".repeat(32))).unwrap();
    let open = async |database_url: String| {
        let stores = api::config::Stores {
            database_url,
            jobs_database_url: None,
            redis_url: None,
            nodes: 1,
            database_connections: 1,
            clickhouse_url: "http://127.0.0.1:1/".to_owned(),
            clickhouse_database: "tributary".to_owned(),
        };
        let keys = keys.clone();
        let (listen, tracking_url) = ("localhost:0".to_owned(), String::new());
        let admin = SocketAddr::from(([127, 0, 0, 1], 0));
        let config = api::Config {
            listen,
            admin,
            url: "http://localhost:8080".parse().unwrap(),
            trusted_proxies: Vec::new(),
            insecure_http: false,
            is_demo: false,
            limits: Vec::new(),
            providers: None,
            mail: api::config::Mail::default(),
            tracking_url,
            keys,
            setup_file: None,
            stores,
        };
        api::app::App::open(&config).await.map_err(|error| format!("{error:#}"))
    };
    assert!(open(world.url(Role::Api)).await.is_ok());
    let owner = open(world.url(Role::Owner)).await.unwrap_err();
    assert!(owner.contains("give a service its own role"), "{owner}");
    world.sql("DROP FUNCTION refuse_owner_role").await;
    let empty = open(world.url(Role::Api)).await.unwrap_err();
    assert!(empty.contains("run `migrate` first"), "{empty}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn jobs_do_not_start_as_an_owner_either() {
    let world = World::new().await;
    assert!(api::jobs::connect(&world.url(Role::Jobs)).await.is_ok());
    let owner = api::jobs::connect(&world.url(Role::Owner)).await.unwrap_err();
    assert!(format!("{owner:#}").contains("give a service its own role"), "{owner:#}");
}
