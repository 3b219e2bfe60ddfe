//! Tables of what gets in and what does not.

use super::*;

const TOKEN: &str = "0123456789abcdef";

fn secret() -> Secret {
    Secret::new(TOKEN).unwrap()
}

#[test]
fn a_token_that_could_be_guessed_is_refused() {
    for token in ["", "short", "with space 0123456789", "0123456789abcde"] {
        assert!(Secret::new(token).is_none(), "{token}");
    }
}

#[test]
fn the_cookie_is_bound_to_the_host_and_does_not_hold_the_token() {
    let cookie = secret().cookie();
    assert!(cookie.starts_with("__Host-sid="));
    for part in ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"] {
        assert!(cookie.contains(part), "{part}");
    }
    assert!(!cookie.contains("Domain") && !cookie.contains(TOKEN));
}

#[test]
fn the_way_back_is_always_a_path_of_ours() {
    for next in [
        "/search/?q=x",
        "/styleguide",
        "/dashboard/",
        "/affiliate/stats/?from=2026-01-01&tz=Europe/Paris",
    ] {
        assert_eq!(safe_next(next), next);
    }
    for next in [
        "",
        "//evil",
        "/\\evil",
        "https:evil",
        "https://evil",
        "%2f%2fevil",
        "javascript:alert(1)",
        "/dashboard/\r\nSet-Cookie: x",
        "/affiliate/\\evil",
        "/other",
        "/affiliate//evil",
        "/dashboard/é",
    ] {
        assert_eq!(safe_next(next), "/dashboard/", "{next}");
    }
}

#[test]
fn the_token_leaves_the_url() {
    let cases = [
        ("/dashboard/?token=abc", Some(("abc", "/dashboard/"))),
        ("/affiliate/stats/?a=1&token=abc&b=2", Some(("abc", "/affiliate/stats/?a=1&b=2"))),
        ("//evil/?token=abc", Some(("abc", "/"))),
        ("/dashboard/?tokens=abc", None),
        ("/dashboard/", None),
    ];
    for (uri, expected) in cases {
        let found = token_in(&uri.parse().unwrap());
        let found = found.as_ref().map(|(token, clean)| (token.as_str(), clean.as_str()));
        assert_eq!(found, expected, "{uri}");
    }
}

#[test]
fn a_cookie_changes_nothing_without_saying_where_it_comes_from() {
    let secret = secret();
    let value = secret.cookie();
    let value = value.split(';').next().unwrap();
    let mut headers = HeaderMap::new();
    assert!(matches!(admit(&secret, &Method::GET, &headers), Err(Error::Unauthorized)));
    headers.insert(header::COOKIE, value.parse().unwrap());
    assert!(admit(&secret, &Method::GET, &headers).is_ok());
    assert!(matches!(admit(&secret, &Method::POST, &headers), Err(Error::CrossSite)));
    headers.insert("sec-fetch-site", "same-origin".parse().unwrap());
    assert!(admit(&secret, &Method::POST, &headers).is_ok());
    // A wrong bearer is not saved by a right cookie.
    headers.insert(header::AUTHORIZATION, "Bearer wrong".parse().unwrap());
    assert!(matches!(admit(&secret, &Method::GET, &headers), Err(Error::Unauthorized)));
    let bearer = format!("Bearer {TOKEN}");
    headers = HeaderMap::new();
    headers.insert(header::AUTHORIZATION, bearer.parse().unwrap());
    assert!(admit(&secret, &Method::DELETE, &headers).is_ok());
}
