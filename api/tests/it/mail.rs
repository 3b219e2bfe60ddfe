//! Letters on their way out (security.md, threats 23, 31, 34).

use api::mail::{
    self, folder,
    letters::{self, To},
    send::{Out, Sender},
};
use chrono::{DateTime, TimeDelta, Utc};
use migrations::testing::Role;
use schemas::ids::{PLATFORM, SiteId};
use std::{net::SocketAddr, sync::Arc};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::Mutex,
};

use crate::world::World;

fn visit() -> api::accounts::flows::Visit {
    api::accounts::flows::Visit {
        place: api::place::Place {
            site: PLATFORM,
            site_name: "Tributary".into(),
            host: "localhost".to_owned(),
            origin: "http://localhost:8080".to_owned(),
            address: [127, 0, 0, 1].into(),
            is_secure: true,
        },
        agent: String::new(),
        cookie: None,
        flow: None,
        own: None,
        now: now(),
    }
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_168_800, 0).unwrap()
}

async fn queued(world: &World, addresses: &[&str]) {
    let visit = visit();
    for address in addresses {
        let to = To {
            app: &world.app,
            visit: &visit,
            t: api::i18n::Text::default(),
            address,
            name: "Zoe",
        };
        mail::send(&world.app, &visit, &letters::confirm(to, "TOKEN", "WDJB-MJHT")).await.unwrap();
    }
}

async fn sender(world: &World, out: Out) -> Sender {
    let db = sqlx::PgPool::connect(&world.url(Role::Jobs)).await.unwrap();
    Sender::new(world.app.clone(), db, out)
}

/// A mail server that takes what it is told to take, and remembers it.
async fn server(answer_to_rcpt: &'static str) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, taken) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
    let kept = Arc::clone(&taken);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let kept = Arc::clone(&kept);
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                stream.write_all(b"220 here\r\n").await.unwrap();
                let (mut line, mut letter, mut is_letter) = (String::new(), String::new(), false);
                while stream.read_line(&mut line).await.unwrap_or(0) > 0 {
                    let answer = match line.as_str() {
                        ".\r\n" if is_letter => {
                            kept.lock().await.push(std::mem::take(&mut letter));
                            is_letter = false;
                            "250 taken\r\n"
                        }
                        _ if is_letter => {
                            letter.push_str(&line);
                            ""
                        }
                        text if text.starts_with("RCPT") => answer_to_rcpt,
                        text if text.starts_with("DATA") => {
                            is_letter = true;
                            "354 go on\r\n"
                        }
                        text if text.starts_with("QUIT") => "221 bye\r\n",
                        _ => "250 fine\r\n",
                    };
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    line.clear();
                }
            });
        }
    });
    (address, taken)
}

fn smtp(address: SocketAddr) -> Out {
    let config =
        api::config::Mail { smtp_url: Some(format!("smtp://{address}")), ..Default::default() };
    Out::of(&config).unwrap().unwrap()
}

#[tokio::test]
async fn a_letter_reaches_the_server_once_and_what_it_said_is_gone() {
    let world = World::new().await;
    let (address, taken) = server("250 fine\r\n").await;
    queued(&world, &["a@example.org", "b@example.org", "c@example.org", "d@example.org"]).await;
    let (one, other) = (sender(&world, smtp(address)).await, sender(&world, smtp(address)).await);
    let drain = async |sender: &Sender| while sender.send_next(now()).await.unwrap() {};
    tokio::join!(drain(&one), drain(&other));
    let taken = taken.lock().await;
    assert_eq!(taken.len(), 4);
    let letter = taken.iter().find(|letter| letter.contains("a@example.org")).unwrap();
    for part in [
        "From: Tributary <tributary@localhost>",
        "Subject: Confirm your address at Tributary",
        "WDJB-MJHT",
        "text/html",
    ] {
        assert!(letter.contains(part), "{part}: {letter}");
    }
    let left: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM mail_message WHERE sent_at IS NULL OR sealed <> ''",
    )
    .fetch_one(&world.owner)
    .await
    .unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_letter_that_is_refused_is_tried_again_ever_later_and_given_up() {
    let world = World::new().await;
    let (address, taken) = server("451 later\r\n").await;
    queued(&world, &["a@example.org"]).await;
    let sender = sender(&world, smtp(address)).await;
    let mut at = now();
    let mut waits = Vec::new();
    while sender.send_next(at).await.unwrap() {
        assert!(!sender.send_next(at).await.unwrap(), "not twice at once");
        let next: DateTime<Utc> = sqlx::query_scalar("SELECT next_at FROM mail_message")
            .fetch_one(&world.owner)
            .await
            .unwrap();
        waits.push((next - at).num_minutes());
        at = next + TimeDelta::seconds(1);
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128]);
    let (given_up, error, sealed): (bool, String, Vec<u8>) =
        sqlx::query_as("SELECT given_up_at IS NOT NULL, error, sealed FROM mail_message")
            .fetch_one(&world.owner)
            .await
            .unwrap();
    assert!(given_up && error.contains("later") && sealed.is_empty(), "{error}");
    assert!(taken.lock().await.is_empty());
}

#[tokio::test]
async fn mail_leaves_unencrypted_to_this_machine_alone() {
    for (url, fine) in [
        ("smtp://127.0.0.1:2525", true),
        ("smtps://user:secret@mail.example", true),
        ("smtp://user:secret@mail.example:587?tls=required", true),
        ("smtp://user:secret@mail.example:587", false),
        ("smtp://user:secret@mail.example:587?tls=opportunistic", false),
        ("mail.example", false),
        ("http://mail.example", false),
    ] {
        let config = api::config::Mail { smtp_url: Some(url.to_owned()), ..Default::default() };
        let out = Out::of(&config);
        assert_eq!(out.is_ok(), fine, "{url}");
        if let Err(error) = out {
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_folder_of_letters_is_shown_in_a_demonstration_each_site_its_own() {
    let (world, folder) = (World::new().await, TempDir::new().unwrap());
    queued(&world, &["a@example.org"]).await;
    let out = Out::Folder(folder.path().to_owned());
    assert!(sender(&world, out).await.send_next(now()).await.unwrap());
    let list = folder::list(folder.path(), PLATFORM).unwrap();
    assert_eq!(list.len(), 1);
    assert!(list[0].text.contains("WDJB-MJHT") && list[0].to.contains("a@example.org"));
    assert!(folder::list(folder.path(), SiteId(2)).unwrap().is_empty());
    let name = list[0].name.clone();
    let path = folder.path().to_owned();
    let world = world.with_app(|app| app.mail_folder = Some(path.into()));
    assert_eq!(world.open_as("", "/accounts/mail/").await.status, 404, "no demonstration");
    let world = world.with_app(|app| app.is_demo = true);
    assert!(
        world
            .open_as("", "/accounts/mail/")
            .await
            .text
            .contains("Confirm your address at Tributary")
    );
    let shown = world.open_as("", &format!("/accounts/mail/{name}/")).await;
    assert!(
        shown.text.contains("<a href=\"/accounts/confirm-email/?token=TOKEN\">"),
        "{}",
        shown.text
    );
    for bad in ["..%2f..%2fetc%2fpasswd", "1-2.eml", "x.eml", "%00"] {
        assert!(
            [400, 404].contains(
                &world.open_as("", &format!("/accounts/mail/{bad}/")).await.status.as_u16()
            ),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn a_head_with_a_line_break_is_no_letter_and_a_full_queue_takes_none() {
    let world = World::new().await;
    let visit = visit();
    let to = |address| To {
        app: &world.app,
        visit: &visit,
        t: api::i18n::Text::default(),
        address,
        name: "Zoe",
    };
    let letter = letters::confirm(to("a@example.org\r\nBcc: x@example.org"), "TOKEN", "WDJB-MJHT");
    assert!(mail::send(&world.app, &visit, &letter).await.is_err());
    world
        .sql(
            "INSERT INTO mail_message (site_id, kind, address, sealed, created_at, next_at)
             SELECT 1, 'x', 'a', '', now(), now() FROM generate_series(1, 10000)",
        )
        .await;
    let full = mail::send(
        &world.app,
        &visit,
        &letters::confirm(to("a@example.org"), "TOKEN", "WDJB-MJHT"),
    )
    .await;
    assert!(matches!(full, Err(api::Error::Busy)));
}

#[tokio::test]
async fn every_letter_is_written_in_both_languages() {
    let world = World::new().await;
    let visit = visit();
    for lang in [api::i18n::Lang::En, api::i18n::Lang::Fr] {
        let t = api::i18n::Text::new(lang);
        let to =
            || To { app: &world.app, visit: &visit, t, address: "a@example.org", name: "Zoé <b>" };
        for letter in [
            letters::confirm(to(), "TOKEN", "WDJB-MJHT"),
            letters::already(to()),
            letters::reset(to(), "TOKEN"),
            letters::password_changed(to()),
            letters::new_device(to(), "Firefox"),
            letters::factors_changed(to(), "totp_added"),
        ] {
            let rendered = letter.render().unwrap();
            assert!(rendered.text.contains("http://localhost:8080/accounts/"), "{}", rendered.text);
            assert!(
                rendered.html.contains("Zoé &#60;b&#62;") && rendered.subject.contains("Tributary")
            );
            assert!(!rendered.text.contains("mail-") && !rendered.html.contains("{ $"));
        }
    }
}
