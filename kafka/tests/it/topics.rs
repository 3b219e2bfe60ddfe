//! Topics are made once, and one that differs stops whoever asks.

use kafka::{Config, Error, Found, Layout, check, create, local::shared};
use schemas::topic::Topic;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);
const LAYOUT: Layout = Layout { partitions: 3, copies: None, keep_hours: 1 };

#[tokio::test]
async fn topics_are_made_once_and_found_the_second_time() {
    let config = shared("made");
    let names = Topic::ALL.map(|topic| config.topic(topic));
    assert!(matches!(check(&config, 3, LIMIT), Err(Error::NoTopic(name)) if name == names[0]));
    let made = create(&config, LAYOUT, LIMIT).await.unwrap();
    assert_eq!(made, names.clone().map(Found::Made));
    let there = create(&config, LAYOUT, LIMIT).await.unwrap();
    assert_eq!(there, names.map(Found::There));
    check(&config, 3, LIMIT).unwrap();
}

#[tokio::test]
async fn a_topic_with_other_partitions_is_refused_by_whoever_asks() {
    let config = shared("other");
    create(&config, LAYOUT, LIMIT).await.unwrap();
    let other = Layout { partitions: 4, ..LAYOUT };
    let why = create(&config, other, LIMIT).await.unwrap_err();
    assert!(matches!(&why, Error::Partitions { found: 3, wanted: 4, .. }), "{why}");
    let why = check(&config, 4, LIMIT).unwrap_err().to_string();
    assert!(why.contains("other.clicks has 3 partitions and TRIBUTARY_PARTITIONS says 4"), "{why}");
}

#[test]
fn nobody_there_is_told_within_the_limit() {
    let config = Config { servers: vec!["127.0.0.1:1".into()], ..Config::default() };
    assert!(matches!(check(&config, 1, Duration::from_millis(200)), Err(Error::Away { .. })));
}
