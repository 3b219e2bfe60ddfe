//! Blocks are inserted into the real engine and read back, every column.

use bytes::Bytes;
use clickhouse::{Client, Compression, insert_formatted::InsertFormatted};
use migrations::testing::Clickhouse;
use schemas::{
    event::{Click, ClickRef, Conversion, Flags},
    money::Money,
    reason::{Invalid, Refusal},
};
use serde_json::{Value, json};

use super::{ClicksBlock, ConversionsBlock, Encoded, Stored, column::Texts, put_address};
use crate::{
    batch::Record,
    lookup::words::Words,
    outcome::{ClickOutcome, CommissionLine, ConversionOutcome, Decision, Dimensions},
};

const ID: u128 = 0x00ff_1234_5678_9abc_def0_1122_3344_5566;
/// The first of January 2100: addresses of the past expire.
const TIME: u64 = 4_102_444_800_123;

/// The block is compressed already, whatever the client would do by itself.
fn client(store: &Clickhouse) -> Client {
    store.client().with_compression(Compression::None)
}

fn sending(store: &Clickhouse, block: &Encoded) -> InsertFormatted {
    let statement = format!("INSERT INTO {} ({}) FORMAT Native", block.table, block.columns);
    client(store).insert_formatted_with(statement).with_setting("decompress", "1")
}

async fn insert(store: &Clickhouse, block: &Encoded) {
    let mut insert = sending(store, block);
    insert.send(Bytes::from(block.bytes.clone())).await.unwrap();
    insert.end().await.unwrap();
}

async fn rows(store: &Clickhouse, query: &str) -> Vec<Value> {
    let mut cursor = client(store).query(query).fetch_bytes("JSONEachRow").unwrap();
    let text = String::from_utf8(cursor.collect().await.unwrap().to_vec()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn click(seq: u64) -> Record<Click> {
    let event = Click {
        site: 1,
        link: 7,
        program: 3,
        affiliate: 5,
        time_ms: TIME + seq,
        shard: 4095,
        visitor_network: u64::MAX,
        address: vec![203, 0, 113, 9],
        key_version: 2,
        ..Click::default()
    };
    Record { journal: u64::MAX - 1, partition: 3, seq, event }
}

fn valid(unique: bool) -> ClickOutcome {
    ClickOutcome { invalid: None, unique, day: 47_482, dimensions: Dimensions::default() }
}

#[tokio::test]
async fn a_click_comes_back_from_the_engine_column_by_column() {
    let store = Clickhouse::fresh().await;
    let mut words = Words::default();
    let dimensions = Dimensions {
        country: words.intern("FR"),
        region: words.intern("Île-de-France"),
        city: words.intern("Saint-Étienne 日本"),
        device: words.intern("mobile"),
        os: words.intern("iOS"),
        browser: words.intern("Safari"),
        language: words.intern("fr"),
        referrer: words.intern("example.com"),
    };
    let mut full = click(1);
    full.event.flags = Flags::Impression as u32;
    full.event.address = "2001:db8::1".parse::<std::net::Ipv6Addr>().unwrap().octets().into();
    full.event.visitor_cookie = 77;
    full.event.code = "no\tsuch\ncode \\ 'x'".into();
    full.event.source = "news\u{1f4f0}".into();
    full.event.sub = (1..=10).map(|n| format!("s{n}")).collect();
    full.event.coupon = "SPRING".into();
    full.event.aff_click_id = "net-77 é".into();
    let mut bare = click(2);
    bare.event.address.clear();
    let mut block = ClicksBlock::default();
    block.push(&full, &ClickOutcome { dimensions, ..valid(true) }, &words);
    block.push(&bare, &valid(false), &words);
    let invalid = ClickOutcome { invalid: Some(Invalid::Cap), ..valid(false) };
    block.push(&click(3), &invalid, &words);
    insert(&store, &block.finish(ID, 42)).await;

    let found = rows(&store, "SELECT * FROM clicks ORDER BY seq").await;
    let expected = json!({
        "site": 1, "affiliate": 5, "link": 7, "program": 3, "time": "2100-01-01 00:00:00.124",
        "journal": u64::MAX - 1, "shard": 4095, "seq": 1, "day": "2100-01-01",
        "kind": "impression", "count": 1, "outcome": "unique", "reason": "", "rules": 1,
        "key_version": 2, "visitor": 77, "country": "FR", "region": "Île-de-France",
        "city": "Saint-Étienne 日本", "device": "mobile", "os": "iOS", "browser": "Safari",
        "language": "fr", "referrer": "example.com", "source": "news\u{1f4f0}",
        "sub1": "s1", "sub2": "s2", "sub3": "s3", "sub4": "s4", "sub5": "s5", "sub6": "s6",
        "sub7": "s7", "sub8": "s8", "sub9": "s9", "sub10": "s10",
        "code": "no\tsuch\ncode \\ 'x'", "coupon": "SPRING", "aff_click_id": "net-77 é",
        "address": "2001:db8::1",
        "block": "00ff123456789abcdef0112233445566", "commit": 42
    });
    assert_eq!(found[0], expected);
    let bare = &found[1];
    for column in [
        "reason",
        "country",
        "referrer",
        "source",
        "sub1",
        "sub10",
        "code",
        "address",
        "coupon",
        "aff_click_id",
    ] {
        assert_eq!(bare[column], "", "{column}");
    }
    assert_eq!((&bare["outcome"], &bare["kind"]), (&json!("duplicate"), &json!("click")));
    assert_eq!(bare["visitor"], json!(u64::MAX));
    assert_eq!((&found[2]["outcome"], &found[2]["reason"]), (&json!("invalid"), &json!("cap")));
    assert_eq!(found[2]["address"], "203.0.113.9");
}

/// Indices of one, two and four bytes; more frames than one.
#[tokio::test]
async fn dictionaries_of_any_size_come_back() {
    for distinct in [1, 254, 255, 256, 257, 65_535, 65_536, 70_000] {
        let store = Clickhouse::fresh().await;
        let mut words = Words::default();
        let mut block = ClicksBlock::default();
        for seq in 0..distinct {
            let mut record = click(seq);
            record.event.sub = vec![String::new(), format!("sub {seq}")];
            let referrer = words.intern(&format!("{seq}.example"));
            let dimensions = Dimensions { referrer, ..Dimensions::default() };
            block.push(&record, &ClickOutcome { dimensions, ..valid(true) }, &words);
        }
        let encoded = block.finish(ID, 1);
        assert_eq!(encoded.rows as u64, distinct);
        insert(&store, &encoded).await;
        let wrong = "countIf(sub2 != concat('sub ', toString(seq))) AS wrong";
        let query = format!(
            "SELECT count() AS rows, uniqExact(sub2) AS subs, uniqExact(referrer) AS hosts, {wrong},
             countIf(referrer != concat(toString(seq), '.example')) AS wrong_hosts FROM clicks"
        );
        let expected = json!({
            "rows": distinct, "subs": distinct, "hosts": distinct, "wrong": 0, "wrong_hosts": 0
        });
        assert_eq!(rows(&store, &query).await, [expected]);
    }
}

#[tokio::test]
async fn a_block_survives_words_numbered_anew_and_the_next_begins_empty() {
    let store = Clickhouse::fresh().await;
    let mut words = Words::default();
    let mut block = ClicksBlock::default();
    for (seq, hosts) in [["a", "b", "a"], ["b", "a", "c"], ["x", "y", "z"]].iter().enumerate() {
        for (n, host) in hosts.iter().enumerate() {
            let dimensions = Dimensions { referrer: words.intern(host), ..Dimensions::default() };
            let outcome = ClickOutcome { dimensions, ..valid(true) };
            block.push(&click((seq * 3 + n) as u64), &outcome, &words);
        }
        words.restart();
        if seq == 1 {
            insert(&store, &block.finish(ID, 1)).await;
        }
    }
    insert(&store, &block.finish(ID + 1, 2)).await;
    let query = "SELECT groupConcat(referrer) AS hosts FROM
                 (SELECT referrer FROM clicks ORDER BY seq)";
    assert_eq!(rows(&store, query).await, [json!({ "hosts": "ababacxyz" })]);
}

/// The engine checks each frame: what was cut or altered is an error, never a short insert.
#[tokio::test]
async fn a_block_cut_short_or_altered_inserts_nothing() {
    let store = Clickhouse::fresh().await;
    let words = Words::default();
    let mut block = ClicksBlock::default();
    for seq in 0..100_000 {
        block.push(&click(seq), &valid(true), &words);
    }
    let whole = block.finish(ID, 1);
    let mut cut = whole.clone();
    cut.bytes.truncate(whole.bytes.len() / 2);
    let mut altered = whole.clone();
    altered.bytes[100] ^= 1;
    for block in [cut, altered] {
        let mut insert = sending(&store, &block);
        let sent = insert.send(Bytes::from(block.bytes)).await;
        assert!(sent.is_err() || insert.end().await.is_err());
    }
    assert_eq!(rows(&store, "SELECT count() AS rows FROM clicks").await, [json!({ "rows": 0 })]);
}

fn sale() -> Record<Conversion> {
    Record {
        journal: 9,
        partition: 0,
        seq: 4,
        event: Conversion {
            site: 1,
            program: 3,
            time_ms: TIME,
            shard: 12,
            via: 1,
            event: "sale".into(),
            txn_id: "T-1 é".into(),
            click: Some(ClickRef {
                time_ms: TIME - 5,
                shard: 12,
                journal: 8,
                seq: 2,
                ..ClickRef::default()
            }),
            sub: vec!["a".into()],
            address: vec![192, 0, 2, 1],
            source: "mail".into(),
            ..Conversion::default()
        },
    }
}

#[tokio::test]
async fn a_conversion_comes_back_from_the_engine_column_by_column() {
    let store = Clickhouse::fresh().await;
    let eur = "EUR".parse().unwrap();
    let mut record = sale();
    record.event.coupon = "SPRING".into();
    record.event.adv = (1..=11).map(|n| format!("a{n}")).collect();
    let amount = Money::from_units(12_500_000, eur);
    let line =
        CommissionLine { plan: 1, amount: Money::from_units(625_000, eur), hold_until_ms: 0 };
    let mut outcome = ConversionOutcome {
        decision: Decision::Accepted(Some(line)),
        program: 3,
        affiliate: 5,
        link: 7,
        amount: Some(amount),
        day: 47_482,
        dimensions: Dimensions::default(),
        trace: json!({ "steps": [], "money": [] }).to_string(),
    };
    let words = Words::default();
    let mut block = ConversionsBlock::default();
    block.push(&record, &outcome, Stored { conversion: 11, click_journal: 1 << 40 }, &words);
    outcome.refuse(Refusal::DuplicateTxn);
    outcome.amount = None;
    let mut refused = record.clone();
    refused.seq = 5;
    refused.event.click = None;
    block.push(&refused, &outcome, Stored { conversion: 12, click_journal: 0 }, &words);
    insert(&store, &block.finish(ID, 43)).await;

    let found = rows(&store, "SELECT * FROM conversions ORDER BY seq").await;
    let expected: Value = serde_json::from_str(
        r#"{
        "site": 1, "affiliate": 5, "link": 7, "program": 3, "time": "2100-01-01 00:00:00.123",
        "journal": 9, "shard": 12, "seq": 4, "day": "2100-01-01", "count": 1, "conversion": 11,
        "event": "sale", "txn_id": "T-1 é", "via": "postback", "outcome": "accepted",
        "status": "pending", "reason": "", "rules": 1, "amount": 12500000, "commission": 625000,
        "currency": "EUR", "click_time": "2100-01-01 00:00:00.118", "click_journal": 1099511627776,
        "click_shard": 12, "click_seq": 2, "country": "", "device": "", "os": "", "browser": "",
        "referrer": "", "source": "mail", "sub1": "a", "sub2": "", "sub3": "", "sub4": "",
        "sub5": "", "sub6": "", "sub7": "", "sub8": "", "sub9": "", "sub10": "",
        "coupon": "SPRING", "adv1": "a1", "adv2": "a2", "adv3": "a3", "adv4": "a4", "adv5": "a5",
        "adv6": "a6", "adv7": "a7", "adv8": "a8", "adv9": "a9", "adv10": "a10",
        "address": "192.0.2.1", "block": "00ff123456789abcdef0112233445566", "commit": 43
    }"#,
    )
    .unwrap();
    assert_eq!(found[0], expected);
    let refused = &found[1];
    assert_eq!(refused["outcome"], "refused");
    assert_eq!(
        (&refused["status"], &refused["reason"]),
        (&json!("invalid"), &json!("duplicate_txn"))
    );
    assert_eq!((&refused["commission"], &refused["currency"]), (&json!(0), &json!("")));
    assert_eq!(refused["click_time"], "1970-01-01 00:00:00.000");
    assert_eq!(found.len(), 2);
}

#[test]
fn an_address_is_written_as_its_type_shows_it() {
    let every = (0..=255_u8).flat_map(|n| [[n, 0, n / 3, 255], [10, n, 9, n], [n, 99, 100, n]]);
    for octets in every.chain([[255; 4], [0; 4]]) {
        let (mut ours, mut expected) = (Texts::default(), Texts::default());
        put_address(&mut ours, &octets);
        expected.put(std::net::Ipv4Addr::from(octets).to_string().as_bytes());
        assert_eq!(ours, expected);
    }
    for (bytes, text) in [
        (vec![0; 16], "::"),
        (vec![0xfe; 16], "fefe:fefe:fefe:fefe:fefe:fefe:fefe:fefe"),
        ([vec![0; 10], vec![255; 6]].concat(), "::ffff:255.255.255.255"),
        (vec![1; 5], ""),
    ] {
        let (mut ours, mut expected) = (Texts::default(), Texts::default());
        put_address(&mut ours, &bytes);
        expected.put(text.as_bytes());
        assert_eq!(ours, expected);
    }
}

#[test]
fn no_rows_make_no_body() {
    let encoded = ClicksBlock::default().finish(ID, 1);
    assert_eq!((encoded.rows, encoded.bytes.len()), (0, 0));
    let encoded = ConversionsBlock::default().finish(ID, 1);
    assert_eq!((encoded.rows, encoded.bytes.len()), (0, 0));
}

#[tokio::test]
async fn an_address_expires_and_its_row_stays() {
    let store = Clickhouse::fresh().await;
    let mut block = ClicksBlock::default();
    for (seq, time_ms) in [(1, 1_767_225_600_000), (2, TIME)] {
        let mut record = click(seq);
        record.event.time_ms = time_ms;
        block.push(&record, &valid(true), &Words::default());
    }
    insert(&store, &block.finish(ID, 1)).await;
    let found = rows(&store, "SELECT seq, address FROM clicks ORDER BY seq").await;
    let expected =
        [json!({ "seq": 1, "address": "" }), json!({ "seq": 2, "address": "203.0.113.9" })];
    assert_eq!(found, expected);
}
