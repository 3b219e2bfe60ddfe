//! Referrers and languages as browsers send them, and as nobody should.

use super::{LONGEST_HOST, host, primary_subtag};

#[test]
fn a_referrer_shrinks_to_its_host() {
    let cases = [
        ("https://www.google.com/search?q=a", "google.com"),
        ("http://WWW.Example.COM:8080/", "example.com"),
        ("https://example.com", "example.com"),
        ("https://example.com?x", "example.com"),
        ("https://example.com.", "example.com"),
        ("https://user:password@example.com/x", "example.com"),
        ("https://[2001:db8::1]:443/x", "2001:db8::1"),
        ("http://192.0.2.1/x", "192.0.2.1"),
        ("android-app://com.google.android.gm/", "com.google.android.gm"),
        ("https://bücher.example/", "bücher.example"),
        ("https://www.com/", "www.com"),
        ("http://localhost:8080/", "localhost"),
    ];
    for (referrer, expected) in cases {
        assert_eq!(host(referrer).as_deref(), Some(expected), "{referrer}");
    }
}

#[test]
fn what_is_no_url_with_a_host_shrinks_to_nothing() {
    let long = format!("https://{}.example/", "a".repeat(LONGEST_HOST));
    let cases = [
        "example.com/x",
        "about:blank",
        "javascript:alert(1)",
        "://example.com/",
        "ja va://example.com/",
        "https:///path",
        "https://<script>/",
        "https://exa mple.com/",
        "https://exa\nmple.com/",
        long.as_str(),
    ];
    for referrer in cases {
        assert_eq!(host(referrer), None, "{referrer}");
    }
}

#[test]
fn a_language_shrinks_to_its_primary_subtag() {
    let cases = [
        ("de-CH,de;q=0.9,en;q=0.8", Some("de")),
        ("FR", Some("fr")),
        (" en-US ; q=1", Some("en")),
        ("zh_Hans_CN", Some("zh")),
        ("gsw", Some("gsw")),
        ("*", None),
        ("", None),
        ("e", None),
        ("abcdefghi", None),
        ("12-34", None),
        (";q=0.5", None),
    ];
    for (header, expected) in cases {
        assert_eq!(primary_subtag(header).as_deref(), expected, "{header}");
    }
}
