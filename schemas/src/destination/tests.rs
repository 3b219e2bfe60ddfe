//! What a destination may be, the form it is saved in, and that both sides agree about it.

use proptest::prelude::*;

use super::*;

#[test]
fn a_destination_is_a_web_url_without_user_or_early_macro() {
    for (text, why) in [
        ("ftp://s.example/", InvalidDestination::Url),
        ("javascript:alert(1)", InvalidDestination::Url),
        ("//s.example", InvalidDestination::Url),
        ("https:s.example", InvalidDestination::Url),
        ("https://", InvalidDestination::Url),
        ("https:///path", InvalidDestination::Url),
        ("https:///{sub1}.example/", InvalidDestination::Url),
        ("https://user@s.example/", InvalidDestination::User),
        ("https://{sub1}/", InvalidDestination::EarlyMacro),
        ("https://s.{sub1}.example/", InvalidDestination::EarlyMacro),
        ("https://s.example{sub1}", InvalidDestination::EarlyMacro),
        ("{source}://s.example/", InvalidDestination::EarlyMacro),
        ("https://s.example:{sub1}/", InvalidDestination::EarlyMacro),
        ("https://s example/", InvalidDestination::Url),
    ] {
        assert_eq!(compile(text).err(), Some(why), "{text}");
    }
}

#[test]
fn a_destination_is_saved_as_a_browser_would_send_it_with_its_macros() {
    for (text, normal) in [
        ("HTTPS://Shop.Example", "https://shop.example/"),
        ("http://s.example:80?a=b#c", "http://s.example/?a=b#c"),
        ("  https://s.example/\u{e9} \"<>  ", "https://s.example/%C3%A9%20%22%3C%3E"),
        ("https://b\u{fc}cher.example/%20", "https://xn--bcher-kva.example/%20"),
        ("https://s.example\\@evil.example/", "https://s.example/@evil.example/"),
        (
            "https://s.example/{sub1:raw}/{nope}?{}={ x}",
            "https://s.example/{sub1:raw}/{nope}?%7B%7D=%7B%20x%7D",
        ),
    ] {
        assert_eq!(normalise(text).map(|(normal, _)| normal).as_deref(), Ok(normal), "{text}");
    }
}

#[test]
fn the_limit_is_on_what_is_saved() {
    let begins = "https://s.example/";
    let room = MOST_BYTES - begins.len();
    for (rest, fits) in [
        ("x".repeat(room), true),
        ("x".repeat(room + 1), false),
        ("\u{e9}".repeat(room / 6), true),
        ("\u{e9}".repeat(room / 6 + 1), false),
        (format!("{{nope}}{}", "x".repeat(room - 6)), true),
        (format!("{{nope}}{}", "x".repeat(room - 5)), false),
        (format!("{{link}}{}", "x".repeat(room - 5)), false),
    ] {
        let text = format!("{begins}{rest}");
        assert_eq!(compile(&text).is_ok(), fits, "{}", rest.len());
        assert_eq!(normalise(&text).is_ok_and(|(normal, _)| normal.len() <= MOST_BYTES), fits);
    }
}

proptest! {
    #[test]
    fn what_is_saved_and_what_is_kept_on_disk_compile_to_the_same(
        text in "[hH]ttps?://[a-zA-Z]{1,9}\\.example(:[0-9]{1,4})?[ -~\u{e9}]{0,60}",
    ) {
        if let Ok((template, unknown)) = compile(&text) {
            let (normal, same) = normalise(&text).unwrap();
            prop_assert_eq!(&unknown, &same);
            prop_assert!(normal.starts_with("http") && normal.is_ascii());
            prop_assert_eq!(&normalise(&normal).unwrap().0, &normal);
            prop_assert_eq!(&compile(&normal).unwrap().0, &template);
            let source = Template::source(template.as_bytes());
            prop_assert_eq!(&compile(&source).unwrap().0, &template);
        }
    }

    #[test]
    fn a_long_destination_is_as_long_after_a_restart(text in "https://s\\.example/[a\u{e9}\u{1d4b3}{}sub1:]{500,900}") {
        let once = compile(&text);
        if let Ok((template, _)) = &once {
            prop_assert_eq!(&compile(&Template::source(template.as_bytes())).unwrap().0, template);
        }
        prop_assert_eq!(once.is_ok(), normalise(&text).is_ok());
    }

    #[test]
    fn no_text_panics(text in ".{0,80}") {
        let _ = (compile(&text), normalise(&text));
    }
}
