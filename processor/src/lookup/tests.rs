//! What a whole request says.

use schemas::event::{Click, Conversion};

use super::{Lookups, MOST_WORDS};
use crate::outcome::Dimensions;

fn click() -> Click {
    Click {
        address: vec![192, 0, 2, 7],
        user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0".into(),
        referrer: "https://www.example.com/page".into(),
        language: "de-CH,de;q=0.9".into(),
        ..Click::default()
    }
}

fn texts(lookups: &Lookups, dimensions: Dimensions) -> [&str; 8] {
    dimensions.words().map(|word| lookups.words().text(word))
}

#[test]
fn without_a_database_places_stay_empty_and_the_rest_is_there() {
    let mut lookups = Lookups::open(None).unwrap();
    lookups.begin_batch();
    let (agent, dimensions) = lookups.visit(&click());
    assert!(!agent.bot);
    let expected = ["", "", "", "desktop", "Linux", "Firefox", "de", "example.com"];
    assert_eq!(texts(&lookups, dimensions), expected);
}

#[test]
fn a_conversion_of_a_browser_shows_the_same_but_its_language() {
    let mut lookups = Lookups::open(None).unwrap();
    let Click { user_agent, referrer, .. } = click();
    let event = Conversion { user_agent, referrer, ..Conversion::default() };
    let dimensions = lookups.conversion(&event);
    let expected = ["", "", "", "desktop", "Linux", "Firefox", "", "example.com"];
    assert_eq!(texts(&lookups, dimensions), expected);
}

#[test]
fn more_referrers_than_memory_begin_anew_between_batches() {
    let mut lookups = Lookups::open(None).unwrap();
    let first = lookups.words().generation();
    for n in 0..=MOST_WORDS {
        let referrer = format!("https://{n}.example/");
        lookups.visit(&Click { referrer, ..Click::default() });
    }
    assert_eq!(lookups.words().generation(), first, "never within a batch");
    lookups.begin_batch();
    assert_ne!(lookups.words().generation(), first);
    let (_, dimensions) = lookups.visit(&click());
    assert_eq!(texts(&lookups, dimensions)[7], "example.com");
    assert_eq!(texts(&lookups, dimensions)[5], "Firefox");
}
