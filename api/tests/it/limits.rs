//! Limits that two processes share through a real Redis: while it answers, while it hangs, when it is gone, when it is
//! back (security.md, threats 2, 31).

use api::{
    accounts::flows::{
        Visit,
        sign_in::{self, Outcome},
    },
    app::App,
    limits::{self, Limits, Shared},
};
use rustix::process::Signal;
use schemas::ids::PLATFORM;
use std::time::Duration;

use crate::{
    installation::{Redis, node},
    world::{PASSWORD, World},
};

fn visit(last: u8) -> Visit {
    Visit {
        place: api::place::Place {
            site: PLATFORM,
            site_name: "Tributary".into(),
            host: "localhost".to_owned(),
            origin: "http://localhost:8080".to_owned(),
            address: [198, 51, 100, last].into(),
            is_secure: true,
        },
        agent: String::new(),
        cookie: None,
        flow: None,
        own: None,
        now: std::time::SystemTime::UNIX_EPOCH.into(),
    }
}

fn now(visit: Visit) -> Visit {
    Visit {
        now: chrono::DateTime::<chrono::Utc>::from(std::time::UNIX_EPOCH)
            + std::time::UNIX_EPOCH.elapsed().unwrap(),
        ..visit
    }
}

/// How many of so many guesses at once, over two nodes, were looked at.
async fn guesses(nodes: [&App; 2], count: u8) -> u64 {
    let before = nodes[0].hashing.computed() + nodes[1].hashing.computed();
    let all = (0..count).map(|n| {
        let node = nodes[usize::from(n % 2)];
        async move { sign_in::check(node, &now(visit(n)), "ben", format!("guess {n}")).await }
    });
    let answers = futures_util::future::join_all(all).await;
    assert!(answers.iter().all(|answer| !matches!(answer, Ok(Outcome::Known(..)))));
    nodes[0].hashing.computed() + nodes[1].hashing.computed() - before
}

#[tokio::test]
async fn two_nodes_count_together_while_redis_answers_and_each_its_part_while_it_does_not() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    world.user(3, "zoe", (1, "manager")).await;
    let mut redis = Redis::start().await;
    let (one, other) = (node(&world, &redis.url()), node(&world, &redis.url()));
    assert_eq!(guesses([&one, &other], 100).await, 5, "together");
    let known = async |app: &App, login: &str, last: u8| {
        sign_in::check(app, &now(visit(last)), login, PASSWORD.to_owned()).await
    };
    // Every key ends by itself.
    for key in redis.ask::<Vec<String>>(&["KEYS", "*"]).await {
        assert!(key.starts_with("tributary:limit:"), "{key}");
        assert!(redis.ask::<i64>(&["PTTL", &key]).await > 0, "{key}");
    }
    // It hangs: people come in all the same, and guesses are counted by each node with its part.
    redis.signal(Signal::STOP);
    let came = tokio::time::timeout(Duration::from_secs(5), known(&one, "zoe", 1))
        .await
        .expect("hangs with redis");
    assert!(matches!(came, Ok(Outcome::Known(..))), "{came:?}");
    let looked_at = guesses([&one, &other], 100).await;
    assert!((2..=4).contains(&looked_at), "a half of five for each: {looked_at}");
    redis.signal(Signal::CONT);
    // It is gone.
    redis.kill().await;
    let (one, other) = (node(&world, &redis.url()), node(&world, &redis.url()));
    assert!(matches!(known(&other, "zoe", 2).await, Ok(Outcome::Known(..))));
    let looked_at = guesses([&one, &other], 100).await;
    assert!((2..=4).contains(&looked_at), "{looked_at}");
    // It is back, and empty: shared again, and nobody was signed out.
    redis.restart().await;
    let (one, other) = (node(&world, &redis.url()), node(&world, &redis.url()));
    assert_eq!(guesses([&one, &other], 100).await, 5);
    redis.ask::<String>(&["FLUSHALL"]).await;
    assert_eq!(world.open_as(&world.cookie, "/affiliate/links/").await.status, 200);
}

#[tokio::test]
async fn what_answers_nonsense_counts_as_away() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}/0", listener.local_addr().unwrap());
    tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        }
    });
    let (one, other) = (node(&world, &url), node(&world, &url));
    let looked_at = guesses([&one, &other], 40).await;
    assert!((2..=4).contains(&looked_at), "{looked_at}");
    assert!(Shared::at("nonsense").is_err());
}

#[tokio::test]
async fn redis_and_this_process_count_alike() {
    let redis = Redis::start().await;
    let shared = Limits::new(Some(Shared::at(&redis.url()).unwrap()), 1);
    let local = Limits::new(None, 1);
    // Steps of a linear congruential generator: as good as any, and the same each time.
    let (mut random, mut at_ms) = (7_u64, 1_795_168_800_000_i64);
    let mut refused = 0;
    for n in 0..600 {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        at_ms += i64::try_from(random >> 33).unwrap() % 90_000;
        let key = if random & 64 == 0 { "a" } else { "b" };
        let seconds = async |limits: &Limits| {
            let told = match n % 3 {
                0 => limits.take(limits::RESET_ACCOUNT, key, at_ms).await,
                _ => limits.attempt(limits::WRONG_PASSWORD, key, at_ms).await,
            };
            match told {
                Ok(()) => 0,
                Err(api::Error::TooOften(seconds)) => seconds,
                Err(error) => panic!("{error}"),
            }
        };
        let (one, other) = (seconds(&shared).await, seconds(&local).await);
        assert_eq!(one, other, "step {n}");
        refused += u32::from(one > 0);
        if n % 50 == 49 {
            for limits in [&shared, &local] {
                limits.opened(limits::WRONG_PASSWORD, key).await;
                limits.give_back(limits::RESET_ACCOUNT, key).await;
            }
        }
    }
    assert!(refused > 50, "{refused}");
}
