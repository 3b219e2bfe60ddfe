//! From the journal to a real Kafka: everything, in order, also through what goes wrong.

use kafka::local::{Cluster, guard::Guard, jars, shared};
use schemas::{
    event::{Click, Conversion, Message},
    topic::Topic,
};
use std::collections::BTreeMap;
use tokio::runtime::Runtime;

use crate::{
    event_log::{EventLog, PARTITIONS},
    harness::{Collector, kept, until},
    process::Process,
};

pub(crate) fn strs(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

/// A collector that ships into topics of its test's own.
pub(crate) fn shipping(test: &str, more: &[&str]) -> (Collector, EventLog) {
    let log = EventLog::make(&Runtime::new().unwrap(), shared(test));
    let arguments = log.arguments();
    let collector = Collector::with(&[strs(&arguments), more.to_vec()].concat());
    (collector, log)
}

fn postback(collector: &Collector, click_id: &str, n: usize) -> String {
    let token = collector.token(3);
    format!(
        "/postback?program=3&token={token}&click_id={click_id}&event=sale&txn_id=T-{n}&amount=5"
    )
}

/// The click id in the redirect of our test link.
fn click_id(location: &str) -> String {
    let id = location.split("c=").nth(1).unwrap().split('&').next().unwrap();
    id.to_owned()
}

#[test]
fn what_stands_in_the_journals_comes_in_its_partition_in_order_with_its_end() {
    let (mut collector, mut log) = shipping("whole", &[]);
    for n in 0..300 {
        let location = collector.get(&format!("/c/go?sub1={n}")).header("location").to_owned();
        if n % 50 == 0 {
            assert_eq!(collector.get(&postback(&collector, &click_id(&location), n)).status, 202);
        }
    }
    collector.stop().unwrap();
    log.read_until("both journals are whole in Kafka", |log| log.is_whole(2));
    assert_eq!((log.count(Topic::Clicks), log.count(Topic::Conversions)), (300, 6));
    let mut next: BTreeMap<_, u64> = BTreeMap::new();
    for ((journal, topic, partition, seq), _) in log.records() {
        let next = next.entry((journal, topic, partition)).or_insert(1);
        assert_eq!(seq, *next, "in order, and nothing twice where nothing went wrong");
        *next += 1;
    }
    let mut shards = BTreeMap::new();
    for ((journal, topic, partition, seq), bytes) in log.records() {
        let shard = match topic {
            Topic::Clicks => Click::decode(bytes.as_slice()).unwrap().shard,
            Topic::Conversions => Conversion::decode(bytes.as_slice()).unwrap().shard,
        };
        assert_eq!(shard % u32::from(PARTITIONS), u32::from(partition));
        shards.insert((journal, topic, partition, seq), shard);
    }
    let kept = kept(&collector.folder.path().join("data/journal"));
    assert_eq!(kept.clicks.len(), 300, "and it stays in the journals as long as is set");
}

#[test]
fn a_killed_collector_goes_on_behind_what_kafka_has() {
    let (collector, mut log) = shipping("killed", &[]);
    let arguments = log.arguments();
    let mut process = Process::start_with(&collector, "", &strs(&arguments));
    for _ in 0..200 {
        assert_eq!(process.get("/c/go").status, 302);
    }
    process.kill();
    let again = Process::start_with(&collector, "", &strs(&arguments));
    assert_eq!(again.get("/c/own").status, 302);
    again.terminate();
    log.read_until("all of it is there", |log| log.count(Topic::Clicks) == 201);
    let kept = kept(&collector.folder.path().join("process/journal"));
    let ids = kept.click_ids.iter().map(|(j, p, s)| (*j, Topic::Clicks, *p, *s)).collect();
    assert_eq!(log.ids(), ids);
}

#[test]
fn without_kafka_visitors_are_served_and_everything_arrives_when_it_is_back() {
    let (runtime, folder) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap());
    let mut cluster = Cluster::plan(&jars(), folder.path(), 1).unwrap();
    cluster.format(0).unwrap();
    let servers = cluster.config().servers.join(",");
    let collector = Collector::with(&["--kafka", &servers]);
    for _ in 0..50 {
        assert_eq!(collector.get("/c/go").status, 302);
    }
    until("what waits is told", || {
        collector.metric("tributary_collector_ship_backlog_bytes") > 5000
    });
    let late_s = || collector.metric("tributary_collector_ship_lag_seconds");
    until("and for how long it waits", || late_s() >= 5);
    cluster.begin(0).unwrap();
    cluster.wait().unwrap();
    let mut log = EventLog::make(&runtime, cluster.config());
    log.read_until("what waited is there", |log| log.count(Topic::Clicks) == 50);
    until("it is not late any more", || late_s() < 5);
    assert!(collector.metric("tributary_collector_ship_ack_seconds_count") > 0);
    cluster.kill(0);
    for _ in 0..50 {
        assert_eq!(collector.get("/c/go").status, 302);
    }
    cluster.begin(0).unwrap();
    cluster.wait().unwrap();
    log.read_until("and what came meanwhile", |log| log.count(Topic::Clicks) == 100);
    let kept = collector.end();
    let ids = kept.click_ids.iter().map(|(j, p, s)| (*j, Topic::Clicks, *p, *s)).collect();
    assert_eq!(log.ids(), ids);
}

#[test]
fn a_conversion_may_wait_for_kafka_and_its_sender_comes_again_without_it() {
    let ack = ["--conversion-ack", "kafka", "--kafka-ack-s", "20"];
    let (mut collector, mut log) = shipping("acknowledged", &ack);
    let location = collector.get("/c/go").header("location").to_owned();
    let answer = collector.get(&postback(&collector, &click_id(&location), 1));
    assert_eq!(answer.status, 202);
    // It was answered because Kafka has it: nothing is waited for here.
    log.read_until("it is there", |log| log.count(Topic::Conversions) == 1);
    collector.stop().unwrap();

    let away = ["--kafka", "127.0.0.1:1", "--conversion-ack", "kafka", "--kafka-ack-s", "1"];
    let collector = Collector::with(&away);
    let location = collector.get("/c/go").header("location").to_owned();
    let answer = collector.get(&postback(&collector, &click_id(&location), 1));
    assert_eq!((answer.status, answer.code()), (503, "maybe_stored".into()));
}

#[test]
fn as_much_waits_for_kafka_as_may_and_then_nothing_more_is_taken() {
    let collector = Collector::with(&["--kafka", "127.0.0.1:1", "--backlog-mb", "1"]);
    let agent = "x".repeat(500);
    let referrer = format!("https://blog.example/{}", "y".repeat(900));
    let headers = format!("user-agent: {agent}\r\nreferer: {referrer}\r\n");
    until("nothing more is taken", || collector.send("/c/go", &headers).status == 503);
    assert!(collector.metric("tributary_collector_ship_backlog_bytes") >= 1_000_000);
    assert_eq!(collector.metric("tributary_collector_ship_backlog_limit_bytes"), 1_000_000);
}

#[test]
fn topics_with_other_partitions_stop_the_start_with_a_clear_line() {
    let (collector, log) = shipping("other", &[]);
    let arguments = log.arguments();
    let other = [strs(&arguments), vec!["--partitions", "8"]].concat();
    let url = collector.database.url(migrations::testing::Role::Collector);
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(collector.folder.path().join("keys"), folder.path().join("keys")).unwrap();
    let why = collector::bind(crate::harness::config(&folder, &url, &other)).unwrap_err();
    let why = why.to_string();
    assert!(why.contains("clicks has 4 partitions and TRIBUTARY_PARTITIONS says 8"), "{why}");

    let none = ["--kafka", &log.config.servers[0], "--kafka-prefix", "nobody.made."];
    let why = collector::bind(crate::harness::config(&folder, &url, &none)).unwrap_err();
    assert!(why.to_string().contains("no topic nobody.made.clicks: run `migrate"), "{why}");

    let click = ["--click-ack", "kafka", "--kafka", "127.0.0.1:1"];
    let why = collector::bind(crate::harness::config(&folder, &url, &click)).unwrap_err();
    assert!(why.to_string().contains("clicks are answered before Kafka has them"), "{why}");
    let none = ["--conversion-ack", "kafka"];
    let why = collector::bind(crate::harness::config(&folder, &url, &none)).unwrap_err();
    assert!(why.to_string().contains("TRIBUTARY_KAFKA names none"), "{why}");
}

#[test]
fn a_broker_that_wants_tls_and_a_password_gets_them_and_a_wrong_one_stops_the_start() {
    let (runtime, folder) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap());
    let guard = Guard::make(folder.path(), "tributary", "right-one").unwrap();
    let cluster = guard.start(&jars(), folder.path()).unwrap();
    let mut log = EventLog::make(&runtime, cluster.config());
    let servers = cluster.config().servers.join(",");
    let arguments = |password: &str| {
        let file = guard.options(folder.path(), password).unwrap();
        let file = file.to_str().unwrap().to_owned();
        ["--kafka".to_owned(), servers.clone(), "--kafka-options".to_owned(), file]
    };
    let collector = Collector::with(&strs(&arguments("right-one")));
    for _ in 0..20 {
        assert_eq!(collector.get("/c/go").status, 302);
    }
    log.read_until("all of it is there", |log| log.count(Topic::Clicks) == 20);

    let url = collector.database.url(migrations::testing::Role::Collector);
    let other = tempfile::tempdir().unwrap();
    std::fs::copy(collector.folder.path().join("keys"), other.path().join("keys")).unwrap();
    let stopped = |arguments: &[&str]| {
        let config = crate::harness::config(&other, &url, arguments);
        collector::bind(config).unwrap_err().to_string()
    };
    let why = stopped(&strs(&arguments("wrong-one")));
    assert!(why.contains("Authentication failed") && why.contains("sasl.*"), "{why}");
    assert!(!why.contains("wrong-one"), "{why}");
    let right = arguments("right-one");
    let why = stopped(&[strs(&right), vec!["--kafka-option", "linger.msec=1"]].concat());
    assert!(why.contains("linger.msec"), "{why}");
}

#[test]
fn for_more_partitions_the_old_journal_is_shipped_and_the_new_one_waits_until_the_topics_have_them()
{
    let (collector, mut log) = shipping("growing", &[]);
    let arguments = log.arguments();
    let first = Process::start_with(&collector, "", &strs(&arguments));
    for _ in 0..50 {
        assert_eq!(first.get("/c/go").status, 302);
    }
    first.terminate();
    let growing = [strs(&arguments), vec!["--partitions", "8", "--growing"]].concat();
    let second = Process::start_with(&collector, "", &growing);
    for _ in 0..50 {
        assert_eq!(second.get("/c/go").status, 302);
    }
    log.read_until("the old journal is there with its end", |log| log.is_whole(1));
    assert_eq!(log.count(Topic::Clicks), 50);
    until("the rest waits", || second.metric("tributary_collector_ship_backlog_bytes") > 5000);
    log.grow(&Runtime::new().unwrap(), 8);
    log.read_until("the rest is there", |log| log.count(Topic::Clicks) == 100);
    second.terminate();
    let kept = kept(&collector.folder.path().join("process/journal"));
    let ids = kept.click_ids.iter().map(|(j, p, s)| (*j, Topic::Clicks, *p, *s)).collect();
    assert_eq!(log.ids(), ids);

    // Partitions are never taken away.
    let fewer = [strs(&arguments), vec!["--partitions", "2", "--growing"]].concat();
    let url = collector.database.url(migrations::testing::Role::Collector);
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(collector.folder.path().join("keys"), folder.path().join("keys")).unwrap();
    let why = collector::bind(crate::harness::config(&folder, &url, &fewer)).unwrap_err();
    assert!(why.to_string().contains("has 8 partitions and TRIBUTARY_PARTITIONS says 2"), "{why}");
}

#[test]
fn a_range_is_sent_again_out_of_the_files_under_its_own_identity() {
    let (mut collector, mut log) = shipping("again", &["--cores", "1", "--partitions", "4"]);
    for _ in 0..40 {
        assert_eq!(collector.get("/c/go").status, 302);
    }
    collector.stop().unwrap();
    log.read_until("the journal is whole in Kafka", |log| log.is_whole(1));
    // One visitor: all in one partition.
    let (journal, topic, partition, _) = *log.ids().first().unwrap();
    let place = journal::journals(&collector.folder.path().join("data/journal")).unwrap().remove(0);
    let key = collector.keys.journal();
    let range =
        |first, last| collector::Range { place: place.clone(), topic, partition, first, last };
    assert_eq!(collector::resend(&log.config, &key, &range(11, 30)).unwrap(), 20);
    let times = |log: &EventLog, seq| {
        let id = (journal, topic, partition, seq);
        log.records().iter().filter(|(found, _)| *found == id).count()
    };
    log.read_until("they are there again", |log| times(log, 30) == 2);
    let seen: Vec<usize> = (1..=40).map(|seq| times(&log, seq)).collect();
    let expected: Vec<usize> =
        (1..=40).map(|seq| if (11..=30).contains(&seq) { 2 } else { 1 }).collect();
    assert_eq!(seen, expected);
    let why = collector::resend(&log.config, &key, &range(39, 44)).unwrap_err().to_string();
    assert!(why.starts_with("the files hold 2 of the 6 records"), "{why}");
}
