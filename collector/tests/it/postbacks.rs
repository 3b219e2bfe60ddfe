//! Postbacks: what is taken, what is refused and why, and what is kept of both.

use collector::conversion::signature;
use schemas::{event::Flags, reason::Refusal};

use crate::harness::{Answer, Collector};

impl Collector {
    fn click(&self) -> String {
        let answer = self.get("/c/go");
        answer.header("location").split(['=', '&']).nth(1).unwrap().to_owned()
    }

    fn postback(&self, query: &str) -> Answer {
        self.get(&format!("/postback?token={}&{query}", self.token(3)))
    }
}

fn receipt(answer: &Answer) -> String {
    let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    json["receipt_id"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_postback_with_its_token_is_taken_and_its_receipt_names_its_record() {
    let collector = Collector::start();
    let click = collector.click();
    let answer = collector.postback(&format!(
        "click_id={click}&txn_id=T-1&event=sale&amount=12.50&currency=eur&status=approved&sub1=a&adv2=b&customer_id=c&coupon=d"
    ));
    assert_eq!((answer.status, answer.header("content-type")), (202, "application/json"));
    let receipt = receipt(&answer);
    let id = collector.keys.click_ids().verify(receipt.strip_prefix("evt_").unwrap()).unwrap();
    let kept = collector.end();
    let [conversion] = kept.conversions.as_slice() else { panic!() };
    assert_eq!(
        (conversion.site, conversion.program, conversion.verdict, conversion.via),
        (1, 3, 0, 1)
    );
    assert_eq!(
        (id.link, id.time_ms, u32::from(id.shard)),
        (0, conversion.time_ms, conversion.shard)
    );
    assert!(conversion.has(Flags::Trusted));
    assert_eq!(conversion.shard, kept.clicks[0].shard);
    let named = conversion.click.as_ref().unwrap();
    assert_eq!((named.link, named.time_ms), (42, kept.clicks[0].time_ms));
    assert_eq!((conversion.txn_id.as_str(), conversion.event.as_str()), ("T-1", "sale"));
    assert_eq!((conversion.amount.as_str(), conversion.currency.as_str()), ("12.50", "EUR"));
    assert_eq!(
        (conversion.sub.as_slice(), conversion.adv.as_slice()),
        (&["a".to_owned()][..], &[String::new(), "b".to_owned()][..])
    );
    assert_eq!((conversion.customer_id.as_str(), conversion.coupon.as_str()), ("c", "d"));
}

#[test]
fn a_body_and_aliases_say_the_same() {
    let collector = Collector::start();
    let (click, token) = (collector.click(), collector.token(3));
    let form = format!("transaction_id={click}&order_id=T-2&goal=lead&secure={token}&payout=1.5");
    assert_eq!(collector.post("/postback", &form).status, 202);
    let kept = collector.end();
    let conversion = &kept.conversions[0];
    assert_eq!((conversion.txn_id.as_str(), conversion.event.as_str()), ("T-2", "lead"));
    assert_eq!(
        (conversion.payout.as_str(), conversion.currency.as_str(), conversion.program),
        ("1.5", "EUR", 3)
    );
}

#[test]
fn without_a_click_id_the_processor_says_why() {
    let collector = Collector::start();
    assert_eq!(collector.postback("program=prg_3&txn_id=T-3&event=sale").status, 202);
    assert_eq!(collector.postback("program=3&txn_id=T-4&event=sale").status, 202);
    assert_eq!(collector.postback("program=shop&txn_id=T-3&event=sale").status, 202);
    let kept = collector.end();
    assert!(
        kept.conversions
            .iter()
            .all(|conversion| conversion.click.is_none() && conversion.verdict == 0)
    );
    let shard = |txn: &str| {
        kept.conversions.iter().filter(|c| c.txn_id == txn).map(|c| c.shard).collect::<Vec<_>>()
    };
    // The same transaction meets itself.
    assert_eq!(shard("T-3")[0], shard("T-3")[1]);
}

#[test]
fn a_program_with_one_event_needs_no_name_for_it() {
    let collector = Collector::start();
    let token = collector.token(4);
    assert_eq!(collector.get(&format!("/postback?program=yen&token={token}&txn_id=T")).status, 202);
    assert_eq!(collector.postback("program=shop&txn_id=T").status, 202);
    let events: Vec<String> = collector.end().conversions.into_iter().map(|c| c.event).collect();
    assert!(events.contains(&"sale".to_owned()) && events.contains(&String::new()));
}

#[test]
fn each_refusal_has_its_status_code_and_record() {
    let collector = Collector::start();
    let (click, token) = (collector.click(), collector.token(3));
    let mut forged = click.clone();
    forged.replace_range(20..21, if &click[20..21] == "A" { "B" } else { "A" });
    let good = format!("token={token}&event=sale&program=3");
    let yen = format!("token={}&program=4&event=sale", collector.token(4));
    let table = [
        (format!("{good}&click_id={forged}"), 400, Refusal::BadClickId),
        (format!("{good}&click_id={}", &click[..35]), 400, Refusal::BadClickId),
        (format!("{good}&click_id=another-trackers"), 400, Refusal::BadClickId),
        (format!("token={token}&click_id={forged}"), 400, Refusal::BadClickId),
        (format!("program=3&event=sale&click_id={click}"), 401, Refusal::BadToken),
        (
            format!("program=3&token=wrong-token-of-somebody&click_id={click}"),
            401,
            Refusal::BadToken,
        ),
        (format!("program=4&token={token}&click_id={click}"), 401, Refusal::BadToken),
        ("txn_id=T".to_owned(), 400, Refusal::UnknownProgram),
        (format!("program=999&token={token}"), 400, Refusal::UnknownProgram),
        (format!("program=prg_03&token={token}"), 400, Refusal::UnknownProgram),
        (format!("token={}&program=6", collector.token(6)), 403, Refusal::IpNotAllowed),
        (format!("{good}&amount=NaN"), 400, Refusal::BadAmount),
        (format!("{good}&amount=1e400"), 400, Refusal::BadAmount),
        (format!("{good}&amount=-5"), 400, Refusal::BadAmount),
        (format!("{good}&amount=1,00"), 400, Refusal::BadAmount),
        (format!("{good}&amount=1.001"), 400, Refusal::BadAmount),
        (format!("{good}&amount=99999999999999999999"), 400, Refusal::BadAmount),
        (format!("{good}&payout=x"), 400, Refusal::BadAmount),
        (format!("{good}&amount=1&currency=XYZ"), 400, Refusal::BadAmount),
        (format!("{good}&amount=1&currency=EURO"), 400, Refusal::BadAmount),
        (format!("{yen}&amount=5.50"), 400, Refusal::BadAmount),
        (format!("{good}&amount=5.50&currency=JPY"), 400, Refusal::BadAmount),
        (format!("{good}&txn_id=%"), 400, Refusal::Malformed),
        (format!("{good}&txn_id=a%00b"), 400, Refusal::Malformed),
        (format!("{good}&txn_id=%ff%fe"), 400, Refusal::Malformed),
        (format!("{good}&txn_id=a%0d%0aLocation:x"), 400, Refusal::Malformed),
        (format!("{good}&txn_id={}", "x".repeat(300)), 400, Refusal::Malformed),
    ];
    for (query, status, refusal) in &table {
        let answer = collector.get(&format!("/postback?{query}"));
        assert_eq!((answer.status, answer.code().as_str()), (*status, refusal.name()), "{query}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert!(
            ["type", "title", "detail", "doc_url"].iter().all(|key| json[key].is_string()),
            "{json}"
        );
        assert_eq!(json["status"], *status);
        assert!(receipt(&answer).starts_with("evt_"));
    }
    let kept = collector.end();
    let mut expected: Vec<u32> =
        table.iter().map(|(_, _, refusal)| refusal.code().into()).collect();
    let mut verdicts: Vec<u32> =
        kept.conversions.iter().map(|conversion| conversion.verdict).collect();
    expected.sort_unstable();
    verdicts.sort_unstable();
    assert_eq!(verdicts, expected);
    let trusted = |c: &&schemas::event::Conversion| {
        c.verdict == u32::from(Refusal::BadToken.code()) && c.has(Flags::Trusted)
    };
    assert_eq!(kept.conversions.iter().filter(trusted).count(), 0);
}

#[test]
fn an_amount_of_yen_has_no_decimals_and_a_listed_address_is_admitted() {
    let collector = Collector::start();
    let yen = collector.token(4);
    assert_eq!(collector.get(&format!("/postback?program=4&token={yen}&amount=550")).status, 202);
    let listed = format!("/postback?program=6&token={}", collector.token(6));
    assert_eq!(collector.send(&listed, "x-forwarded-for: 198.51.100.20\r\n").status, 202);
    assert_eq!(collector.send(&listed, "x-forwarded-for: 198.51.101.20\r\n").status, 403);
}

#[test]
fn a_signed_call_needs_no_token_and_an_altered_one_is_refused() {
    let collector = Collector::start();
    let token = collector.token(3);
    let now_s = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let target = "/postback?program=3&event=sale&txn_id=T-9";
    let signed = |target: &str, time_s: u64| {
        format!("tributary-signature: {}\r\n", signature::sign(&token, time_s, target, b""))
    };
    assert_eq!(collector.send(target, &signed(target, now_s)).status, 202);
    assert_eq!(collector.send(target, &signed("/postback?program=3", now_s)).code(), "bad_token");
    assert_eq!(collector.send(target, &signed(target, now_s - 900)).code(), "bad_token");
    // A wrong signature is not saved by a right token.
    let both = format!("{target}&token={token}");
    assert_eq!(collector.send(&both, &signed(target, now_s)).code(), "bad_token");
}

/// Every parameter a conversion keeps, by one of its names.
const KEPT: [&str; 16] = [
    "click_id",
    "txn_id",
    "program",
    "event",
    "amount",
    "revenue",
    "payout",
    "currency",
    "status",
    "source",
    "coupon",
    "customer_id",
    "sub1",
    "sub10",
    "adv1",
    "adv10",
];

#[test]
fn a_secret_reaches_no_journal() {
    let collector = Collector::start();
    let token = collector.token(3);
    let wrong = "wrong-but-still-a-secret";
    let headers =
        format!("referer: https://adv.example/thanks?token={token}\r\nuser-agent: x{token}y\r\n");
    let target = format!(
        "/postback?program=3&event=sale&token={token}&sub1=a{token}&txn_id=T{token}&adv1={token}"
    );
    assert_eq!(collector.send(&target, &headers).status, 202);
    let refused =
        format!("/postback?program=3&security_token={wrong}&customer_id={wrong}&sub2={token}");
    assert_eq!(collector.send(&refused, &headers).status, 401);
    for name in KEPT {
        let whole = format!("/postback?token={token}&program=3&{name}={token}");
        let status = collector.send(&whole, &headers).status;
        assert!(matches!(status, 202 | 400), "{name} {status}");
        // As a part of a value, sent by somebody who is not the program.
        let part = format!("/postback?program=3&token={wrong}&{name}=a{token}b{wrong}");
        assert_eq!(collector.send(&part, &headers).status, 401, "{name}");
    }
    // Cut in the middle of it.
    let cut = format!("/postback?token={token}&program=3&sub2={}{token}", "x".repeat(240));
    assert_eq!(collector.send(&cut, &headers).status, 400);
    let kept = collector.end();
    assert_eq!(kept.conversions.len(), 3 + 2 * KEPT.len());
    let raw = String::from_utf8_lossy(&kept.raw).to_ascii_lowercase();
    assert!(!raw.contains(&token.to_ascii_lowercase()[..8]) && !raw.contains(wrong));
    assert!(
        kept.conversions
            .iter()
            .all(|c| c.referrer == "https://adv.example/thanks" && c.user_agent == "xy")
    );
}

#[test]
fn refusals_of_one_address_are_stored_up_to_their_limit() {
    let collector = Collector::with(&["--refusals-per-minute", "5", "--cores", "1"]);
    let answers: Vec<Answer> =
        (0..20).map(|_| collector.get("/postback?program=3&token=wrong")).collect();
    assert!(answers.iter().all(|answer| answer.status == 401));
    let stored = answers.iter().filter(|answer| !receipt(answer).is_empty()).count();
    assert!((5..=10).contains(&stored), "{stored}");
    assert_eq!(collector.end().conversions.len(), stored);
}

#[test]
fn the_same_transaction_fifty_times_in_parallel_is_taken_fifty_times_and_meets_itself() {
    let collector = Collector::start();
    let target = format!("/postback?program=3&event=sale&txn_id=once&token={}", collector.token(3));
    std::thread::scope(|scope| {
        let calls: Vec<_> =
            (0..50).map(|_| scope.spawn(|| collector.get(&target).status)).collect();
        assert!(calls.into_iter().all(|call| call.join().unwrap() == 202));
    });
    let kept = collector.end();
    assert_eq!(kept.conversions.len(), 50);
    assert!(kept.conversions.iter().all(|c| c.shard == kept.conversions[0].shard));
}
