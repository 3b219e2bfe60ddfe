//! What the player sends, and what it reads of the answers.

use super::{
    message::{Clicked, click, click_id, postback},
    *,
};
use crate::traffic::log;
use http_body_util::BodyExt;
use hyper::header::{HeaderMap, HeaderValue, LOCATION};

const LOG: &[u8] = include_bytes!("../../../../load-tests/data/access.log.gz");

fn options(visit: Option<&str>) -> Options {
    let program = |id| Program { id: ProgramId(id), token: format!("token{id}") };
    Options {
        visit: visit.map(Into::into),
        ..Options::new("host:1", (1..=5).map(program).collect())
    }
}

fn request(line: u64) -> Request {
    let mut lines = log::read(LOG).unwrap().map(Result::unwrap);
    lines.find(|(number, _)| *number == line).unwrap().1.unwrap()
}

#[test]
fn a_click_is_asked_for_as_the_visitor_did() {
    let sent = click(&options(None), &request(6), "home").unwrap();
    assert_eq!(sent.uri(), "/c/home?sub10=6");
    assert_eq!(sent.headers()["x-forwarded-for"], request(6).address.to_string());
    assert_eq!(sent.headers()["user-agent"], request(6).user_agent);

    let again = click(&options(Some("b7")), &request(6), "home").unwrap();
    assert_eq!(again.uri(), "/c/home?sub10=6&sub9=b7");
    assert_eq!(again.headers()["user-agent"], format!("{} visit/b7", request(6).user_agent));
}

#[tokio::test]
async fn a_postback_carries_the_click_and_the_token_of_its_program() {
    let clicked = Clicked { click_id: Some("abc".into()), program: 2 };
    let expected = "program=prg_3&token=token3&event=download&amount=12.05&currency=EUR\
        &sub10=8&txn_id=t&click_id=abc";
    let got = postback(&options(None), &request(8), (1205, "t"), &clicked).unwrap();
    assert_eq!(got.uri().to_string(), format!("/postback?{expected}"));

    let posted =
        postback(&options(None), &request(7), (5, "t"), &Clicked { click_id: None, ..clicked });
    let body = posted.unwrap().into_body().collect().await.unwrap().to_bytes();
    assert_eq!(
        body,
        "program=prg_3&token=token3&event=download&amount=0.05&currency=EUR&sub10=7&txn_id=t"
    );
}

#[test]
fn the_click_id_is_read_from_the_redirect() {
    let of = |location: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, HeaderValue::from_static(location));
        click_id(&headers)
    };
    assert_eq!(of("https://a.example/?x=1&click_id=abc"), Some("abc".into()));
    assert_eq!(of("https://a.example/?click_id="), None);
    assert_eq!(of("/relative"), None);
    assert_eq!(click_id(&HeaderMap::new()), None);
}

#[test]
fn a_visitor_keeps_to_one_lane() {
    for line in [1, 2, 3, 4, 5] {
        assert_eq!(lane_of(&request(line), 8), lane_of(&request(1), 8));
    }
}
