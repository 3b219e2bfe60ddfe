//! The way back after signing in.

/// A path of ours, else the dashboard. `//evil`, `/\evil`, a scheme, a control character or an encoded slash never
/// pass.
pub fn safe_next(next: &str) -> &str {
    const OURS: [&str; 6] =
        ["/dashboard/", "/affiliate/", "/accounts/", "/whitelabel/", "/search/", "/styleguide"];
    let plain = next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let ours = OURS.iter().any(|path| next.starts_with(path)) && !next.contains("//");
    if plain && ours && next.len() <= 2048 { next } else { "/dashboard/" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn whatever_is_given_the_way_back_stays_here(next in "\\PC{0,40}|/[/\\\\a-z%0-9:.@?#]{0,40}|/accounts/.{0,40}") {
            let base = url::Url::parse("https://us.example/accounts/login/").unwrap();
            let gone = base.join(safe_next(&next)).unwrap();
            prop_assert_eq!(gone.origin(), base.origin());
        }
    }
}
