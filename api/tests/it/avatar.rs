//! Pictures of people: what comes in is drawn anew (security.md, threat 25; ASVS 5.2, 5.3, 5.4).

use axum::{
    body::Body,
    http::{StatusCode, header},
};

use crate::world::{Answer, World, request};

/// A PNG of one red point.
const PNG: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, 0x49, 0x48, 0x44, 0x52, 0, 0, 0,
    1, 0, 0, 0, 1, 8, 2, 0, 0, 0, 0x90, 0x77, 0x53, 0xde, 0, 0, 0, 0x0c, 0x49, 0x44, 0x41, 0x54,
    0x78, 0x9c, 0x63, 0xf8, 0xcf, 0xc0, 0, 0, 3, 1, 1, 0, 0xc9, 0xfe, 0x92, 0xef, 0, 0, 0, 0, 0x49,
    0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];

async fn send(world: &World, session: &str, name: &str, file: &[u8]) -> Answer {
    let mut body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"picture\"; filename=\"{name}\"\r\nContent-Type: image/png\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--b--\r\n");
    let asked = request("POST", "/accounts/profile/avatar/")
        .header(header::COOKIE, session)
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
    world.send(asked.body(Body::from(body)).unwrap()).await
}

fn done(answer: &Answer) -> &str {
    let location = answer.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
    location.and_then(|location| location.split("done=").nth(1)).unwrap_or_default()
}

#[tokio::test]
async fn a_picture_is_drawn_anew_and_shown_under_a_name_of_ours() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    let ben = world.session(2, ("localhost", 1)).await;
    let mut file = PNG.to_vec();
    file.extend_from_slice(b"<?php system($_GET['x']); ?>");
    // The name of the file is nobody's business.
    let sent = send(&world, &ben, "../../../etc/passwd.php", &file).await;
    assert_eq!(done(&sent), "picture", "{}", sent.text);
    let page = world.open_as(&ben, "/accounts/profile/").await.text;
    let path = page.split("src=\"").find(|part| part.starts_with("/accounts/avatars/")).unwrap();
    let path = path.split('"').next().unwrap();
    assert!(!page.contains("passwd"));
    let shown = world.open_as(&ben, path).await;
    assert_eq!(
        (shown.status, &shown.headers[header::CONTENT_TYPE]),
        (StatusCode::OK, &"image/jpeg".parse().unwrap())
    );
    assert_eq!(shown.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert!(!shown.text.contains("php"));
    assert_eq!(world.open_as("", path).await.status, StatusCode::SEE_OTHER, "not to everybody");
    let other = send(&world, &ben, "a.png", PNG).await;
    assert_eq!(done(&other), "picture");
    assert_eq!(world.open_as(&ben, path).await.status, 404, "the one before is gone");
    let removed = world.submit_as(&ben, "/accounts/profile/avatar/remove/", "").await;
    assert_eq!(done(&removed), "picture-removed");
    let many: i64 = sqlx::query_scalar("SELECT count(*) FROM accounts_avatar")
        .fetch_one(&world.owner)
        .await
        .unwrap();
    assert_eq!(many, 0);
}

#[tokio::test]
async fn what_is_no_picture_changes_nothing_and_says_why() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    let ben = world.session(2, ("localhost", 1)).await;
    assert_eq!(done(&send(&world, &ben, "a.png", PNG).await), "picture");
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>";
    let mut bomb = PNG.to_vec();
    bomb[16..24].copy_from_slice(&[0, 0, 0x4e, 0x20, 0, 0, 0x4e, 0x20]);
    for (file, says) in [
        (&b""[..], "no-picture"),
        (svg, "not-a-picture"),
        (&PNG[..40], "not-a-picture"),
        (b"GIF89a", "not-a-picture"),
    ] {
        assert_eq!(done(&send(&world, &ben, "a.png", file).await), says);
        let page = world.open_as(&ben, &format!("/accounts/profile/?done={says}")).await.text;
        assert!(page.contains("role=\"alert\""), "{says}");
    }
    assert!(
        ["not-a-picture", "picture-too-large"]
            .contains(&done(&send(&world, &ben, "a.png", &bomb).await))
    );
    assert_eq!(done(&send(&world, &ben, "a.png", &vec![7; 1 << 20]).await), "not-a-picture");
    assert_eq!(send(&world, &ben, "a.png", &vec![7; 2 << 20]).await.status, 413);
    let form = world.submit_as(&ben, "/accounts/profile/avatar/", "picture=x").await;
    assert!(form.status.is_client_error(), "{}", form.status);
    let many: i64 = sqlx::query_scalar("SELECT count(*) FROM accounts_avatar")
        .fetch_one(&world.owner)
        .await
        .unwrap();
    assert_eq!(many, 1, "the one of before stays");
}
