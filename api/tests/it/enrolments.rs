//! Who promotes what: by themselves, after a look, or when asked.

use axum::{
    body::Body,
    http::{StatusCode, header},
};

use crate::{
    browser::form,
    world::{Answer, World, request},
};

const ANNA: &str = "trb_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Anna, affiliate 1, has an account and a token; program 2 takes affiliates after a look, program 3 whom it asks.
async fn world() -> World {
    let world = World::new().await.with_links().await;
    world.user(2, "anna", (1, "affiliate")).await;
    world
        .sql(
            "UPDATE affiliate_affiliate SET user_id = 2 WHERE id = 1;
             DELETE FROM affiliate_affiliatelink;
             UPDATE affiliate_program SET admission = 'approval' WHERE id = 2;
             INSERT INTO affiliate_program (site_id, slug, name, destination, admission)
                 VALUES (1, 'club', 'Club', 'https://club.example/', 'invitation');",
        )
        .await;
    world.token(2, (1, &["read", "write"]), ANNA).await;
    world
}

async fn anna(world: &World, method: &str, path: &str, body: &str) -> Answer {
    let asked = request(method, path)
        .header(header::AUTHORIZATION, format!("Bearer {ANNA}"))
        .header(header::CONTENT_TYPE, "application/json");
    world.send(asked.body(Body::from(body.to_owned())).unwrap()).await
}

fn link(program: u32, code: &str) -> String {
    format!(r#"{{"affiliate": "aff_1", "program": "prg_{program}", "code": "{code}"}}"#)
}

#[tokio::test]
async fn a_link_is_made_for_what_one_may_promote() {
    let world = world().await;
    let make = async |program, code| {
        anna(&world, "POST", "/api/v1/affiliate/links/", &link(program, code)).await
    };
    assert_eq!(make(1, "open").await.status, 201);
    let early = make(2, "early").await;
    assert_eq!(
        (early.status.as_u16(), &early.json()["errors"][0]["code"]),
        (422, &"not_enrolled".into())
    );
    assert_eq!(make(3, "club").await.json()["errors"][0]["code"], "by_invitation");
    let many: i64 = sqlx::query_scalar("SELECT count(*) FROM affiliate_affiliatelink")
        .fetch_one(&world.owner)
        .await
        .unwrap();
    assert_eq!(many, 1);
    let list = anna(&world, "GET", "/api/v1/affiliate/enrolments/", "").await.json();
    assert_eq!(
        (&list["data"][0]["program"], &list["data"][0]["status"]),
        (&"prg_1".into(), &"approved".into())
    );
    // People of the site take an affiliate with the link they make.
    assert_eq!(world.post("/api/v1/affiliate/links/", &link(3, "club")).await.status, 201);
    assert_eq!(make(3, "club-2").await.status, 201);
}

#[tokio::test]
async fn a_request_is_decided_and_its_asker_is_told() {
    let world = world().await;
    let ask = async |body: &str| anna(&world, "POST", "/api/v1/affiliate/enrolments/", body).await;
    let asked = ask(r#"{"program": "prg_2", "message": "I write on gardens"}"#).await;
    assert_eq!((asked.status.as_u16(), &asked.json()["status"]), (201, &"pending".into()));
    let id = asked.json()["id"].as_str().unwrap().to_owned();
    let again = ask(r#"{"program": "prg_2", "message": "please"}"#).await.json();
    assert_eq!(
        (&again["id"], &again["message"]),
        (&id.as_str().into(), &"I write on gardens".into())
    );
    let path = format!("/api/v1/affiliate/enrolments/{id}/");
    assert_eq!(anna(&world, "PATCH", &path, r#"{"status": "approved"}"#).await.status, 403);
    let decide = async |body: &str| world.call("PATCH", &path, Some(body)).await;
    assert_eq!(decide(r#"{"status": "yes"}"#).await.status, 422);
    assert_eq!(decide(r#"{"status": "approved", "role": "admin"}"#).await.status, 422);
    let done = decide(r#"{"status": "rejected", "answer": "Not yet"}"#).await.json();
    assert_eq!((&done["status"], &done["answer"]), (&"rejected".into(), &"Not yet".into()));
    assert_eq!(ask(r#"{"program": "prg_2"}"#).await.json()["errors"][0]["code"], "rejected");
    assert_eq!(decide(r#"{"status": "approved"}"#).await.status, 200);
    assert_eq!(anna(&world, "POST", "/api/v1/affiliate/links/", &link(2, "now")).await.status, 201);
    let letters = world.letters("anna@example.org").await;
    assert!(letters[0].contains("was refused") && letters[0].contains("Not yet"), "{letters:?}");
    assert!(letters[1].contains("you may promote News from now on"), "{letters:?}");
    for (body, code) in
        [(r#"{"program": "prg_3"}"#, "by_invitation"), (r#"{"program": "x"}"#, "invalid_id")]
    {
        assert_eq!(ask(body).await.json()["errors"][0]["code"], code, "{body}");
    }
    assert_eq!(ask(r#"{"program": "prg_99"}"#).await.status, 404);
    assert_eq!(ask(r#"{"program": "prg_1", "affiliate": "aff_2"}"#).await.status, 404, "not hers");
}

#[tokio::test]
async fn what_takes_whom_it_asks_is_shown_to_whom_it_asked() {
    let world = world().await;
    let seen = async || {
        let list = anna(&world, "GET", "/api/v1/affiliate/programs/", "").await.json();
        list["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["slug"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(seen().await, ["news", "shop"]);
    assert_eq!(anna(&world, "GET", "/api/v1/affiliate/programs/prg_3/", "").await.status, 404);
    assert_eq!(
        world.get("/api/v1/affiliate/programs/").await.json()["data"].as_array().unwrap().len(),
        3
    );
    let take = world
        .post("/api/v1/affiliate/enrolments/", r#"{"program": "prg_3", "affiliate": "aff_1"}"#)
        .await;
    assert_eq!(take.json()["status"], "approved");
    assert_eq!(seen().await, ["club", "news", "shop"]);
}

#[tokio::test]
async fn an_affiliate_asks_and_a_manager_decides_by_pages() {
    let world = world().await;
    let anna = world.session(2, ("localhost", 1)).await;
    let page = world.open_as(&anna, "/affiliate/programs/prg_2/").await.text;
    assert!(
        page.contains("takes affiliates after a look") && page.contains("Ask to promote it"),
        "{page}"
    );
    let fields = form(&[("message", "<script>x</script> gardens")]);
    let asked = world.submit_as(&anna, "/affiliate/programs/prg_2/join/", &fields).await;
    assert_eq!(asked.headers[header::LOCATION], "/affiliate/programs/prg_2/?done=joined");
    assert!(
        world
            .open_as(&anna, "/affiliate/programs/prg_2/")
            .await
            .text
            .contains("You asked to promote")
    );
    assert!(
        world.open_as(&world.cookie, "/affiliate/programs/").await.text.contains("1 request waits")
    );
    let list = world.open_as(&world.cookie, "/affiliate/enrolments/?status=pending").await.text;
    assert!(list.contains("&#60;script&#62;x") && list.contains("Anna"), "{list}");
    assert!(!world.open_as(&anna, "/affiliate/enrolments/").await.text.contains("name=\"status\""));
    let decide = form(&[("status", "approved"), ("answer", "Welcome")]);
    assert_eq!(world.submit_as(&anna, "/affiliate/enrolments/enr_1/", &decide).await.status, 403);
    let done = world.submit_as(&world.cookie, "/affiliate/enrolments/enr_1/", &decide).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let page = world.open_as(&anna, "/affiliate/programs/prg_2/").await.text;
    assert!(page.contains("You promote this program") && page.contains("Welcome"), "{page}");
    let club = world.submit_as(&anna, "/affiliate/programs/prg_1/join/", "message=").await;
    assert_eq!(club.status, StatusCode::SEE_OTHER, "an open one takes whoever asks");
}
