//! A conversion is found by whatever names it, and tells its whole life.

use schemas::click_id::ClickId;
use serde_json::{Value, json};

use crate::world::{Click, FRIDAY_MS, World};

const CONVERSIONS: &str = "/api/v1/affiliate/conversions/";
const COMMISSIONS: &str = "/api/v1/affiliate/commissions/";
const SPAN: &str = "from=2026-11-20&to=2026-11-20";

/// An accepted sale of 100 EUR with its commission of 5 EUR, and a refused one.
async fn filled() -> World {
    let world = World::new().await.with_links().await;
    world.clicks(&[Click { seq: Some(3), ..Click::UNIQUE }]).await;
    world
        .sql(
            "INSERT INTO pipeline_journal (journal, slot, kind, partitions, started_at) VALUES
                 (9 + (5::bigint << 20), 'c0', 'collector', 4, now());
             INSERT INTO affiliate_conversion (site_id, program_id, affiliate_id, link_id, event, txn_id, status, reason,
                 amount_units, currency, occurred_at, journal, shard, seq, via, trusted, click_at, click_journal, click_shard,
                 click_seq, click_key_version, trace, created_at)
             VALUES
                 (1, 1, 1, 1, 'sale', 'order-1', 'pending', '', 100000000, 'EUR', '2026-11-20T10:05:00Z',
                  9 + (5::bigint << 20), 7, 1, 'postback', true, '2026-11-20T10:00:00Z', 9, 7, 3, 1,
                  '{\"plan\":1,\"window_ms\":2592000000}', '2026-11-20T10:05:01Z'),
                 (1, 1, 0, 0, 'sale', 'order-1', 'invalid', 'duplicate_txn', 0, '', '2026-11-20T10:06:00Z',
                  9 + (5::bigint << 20), 7, 2, 'postback', true, NULL, NULL, NULL, NULL, NULL, '{}', '2026-11-20T10:06:01Z');
             WITH written AS (
                 INSERT INTO ledger_tx (site_id, kind, idem, event_at, actor, ref_type, ref_id)
                 VALUES (1, 'accrued', 'accrued/cnv_1', '2026-11-20T10:05:00Z', 'processor', 'conversion', 1))
             INSERT INTO ledger_posting VALUES
                 (1, 1, 1, 'program:1:commission_expense', 'EUR', 5000000), (1, 2, 1, 'affiliate:1:pending', 'EUR', -5000000);
             INSERT INTO affiliate_commission (affiliate_id, amount, status, site_id, program_id, link_id, conversion_id, plan_id,
                 amount_units, currency, occurred_at, hold_until, ledger_tx_id)
             VALUES (1, 5, 'pending', 1, 1, 1, 1, 1, 5000000, 'EUR', '2026-11-20T10:05:00Z', '2026-12-20T10:05:00Z', 1);",
        )
        .await;
    world
}

fn receipt(world: &World, at_ms: i64, seq: u64) -> String {
    let id = ClickId { key_version: 1, time_ms: at_ms as u64, shard: 7, journal: 9, seq, link: 0 };
    format!("evt_{}", world.app.keys.click_ids().reprint(&id).unwrap())
}

fn ids(page: &Value) -> Vec<&str> {
    page["data"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn it_is_found_by_transaction_click_and_receipt() {
    let world = filled().await;
    let click = world.click_id(FRIDAY_MS, 3, 1);
    let receipt = receipt(&world, FRIDAY_MS + 360_000, 2);
    for (query, expected) in [
        (SPAN.to_owned(), vec!["cnv_2", "cnv_1"]),
        ("txn_id=order-1".to_owned(), vec!["cnv_2", "cnv_1"]),
        ("txn_id=order-2".to_owned(), vec![]),
        (format!("click_id={click}"), vec!["cnv_1"]),
        (format!("receipt_id={receipt}"), vec!["cnv_2"]),
        (format!("{SPAN}&status=invalid"), vec!["cnv_2"]),
        (format!("{SPAN}&status=pending,invalid&via=-pixel"), vec!["cnv_2", "cnv_1"]),
        (format!("{SPAN}&refusal=duplicate_txn"), vec!["cnv_2"]),
        (format!("{SPAN}&refusal=-duplicate_txn"), vec!["cnv_1"]),
        ("txn_id=order-1&currency=EUR".to_owned(), vec!["cnv_1"]),
        (format!("{SPAN}&affiliate=aff_1&link=lnk_1&event=sale"), vec!["cnv_1"]),
        ("from=2026-11-20T10:05:30Z&to=2026-11-21T00:00:00Z".to_owned(), vec!["cnv_2"]),
        (format!("{SPAN}&limit=1&starting_after=cnv_2"), vec!["cnv_1"]),
        (format!("{SPAN}&limit=1&ending_before=cnv_1"), vec!["cnv_2"]),
    ] {
        let page = world.get(&format!("{CONVERSIONS}?{query}")).await;
        assert_eq!(page.status, 200, "{query}: {}", page.text);
        assert_eq!(ids(&page.json()), expected, "{query}");
    }
    // The page reads the same parameters.
    let named = world.page("/affiliate/conversions/?txn_id=order-1", "en").await.text;
    assert_eq!(named.matches("/affiliate/conversions/cnv_").count(), 2, "{named}");
    let named = world.page(&format!("/affiliate/conversions/?click_id={click}"), "en").await.text;
    assert_eq!(named.matches("/affiliate/conversions/cnv_").count(), 1, "{named}");
    let forged = world.page("/affiliate/conversions/?click_id=forged", "en").await;
    assert_eq!(forged.status, 422);
    let search = world.page("/search/?q=order-1", "en").await;
    assert_eq!(search.headers["location"], "/affiliate/conversions/?txn_id=order-1");
    let page = world.get(&format!("{CONVERSIONS}?{SPAN}")).await.json();
    let (refused, accepted) = (&page["data"][0], &page["data"][1]);
    assert_eq!(
        (&refused["program"], &refused["affiliate"], &refused["click_id"]),
        (&json!("prg_1"), &Value::Null, &Value::Null)
    );
    assert_eq!(
        (&refused["amount_minor"], &refused["reason"]),
        (&Value::Null, &json!("duplicate_txn"))
    );
    assert_eq!(
        (&accepted["amount_minor"], &accepted["currency"], &accepted["commission_minor"]),
        (&json!(10_000), &json!("EUR"), &json!(500))
    );
    assert_eq!((&accepted["click_id"], &refused["receipt_id"]), (&json!(click), &json!(receipt)));
}

#[tokio::test]
async fn its_life_is_told_from_the_click_to_the_ledger() {
    let world = filled().await;
    let life = world.get(&format!("{CONVERSIONS}cnv_1/")).await.json();
    assert_eq!(life["trace"], json!({ "plan": 1, "window_ms": 2_592_000_000_i64 }));
    assert_eq!(
        (&life["click"]["id"], &life["click"]["outcome"]),
        (&life["click_id"], &json!("unique"))
    );
    assert_eq!(life["commission"]["id"], "cm_1");
    let lines: Vec<(&Value, &Value)> = life["ledger"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (&line["account"], &line["amount_units"]))
        .collect();
    assert_eq!(
        lines,
        [
            (&json!("program:1:commission_expense"), &json!(5_000_000)),
            (&json!("affiliate:1:pending"), &json!(-5_000_000))
        ]
    );
    let moments: Vec<&Value> =
        life["moments"].as_array().unwrap().iter().map(|moment| &moment["kind"]).collect();
    // The ledger's line is of now; the hold ends a month after the event, which may be before.
    assert_eq!(moments[..3], [&json!("click"), &json!("received"), &json!("decided")]);
    assert!(moments.contains(&&json!("accrued")) && moments.contains(&&json!("hold_ends")));
    let refused = world.get(&format!("{CONVERSIONS}cnv_2/")).await.json();
    assert_eq!(
        (&refused["click"], &refused["commission"], &refused["ledger"]),
        (&Value::Null, &Value::Null, &json!([]))
    );
}

#[tokio::test]
async fn a_receipt_says_where_an_event_stands() {
    let world = filled().await;
    world
        .sql(
            "INSERT INTO pipeline_waiting (journal, partition, seq, occurred_at, expires_at, commit, record) VALUES
                 (9 + (5::bigint << 20), 3, 8, now(), '2026-11-20T11:00:00Z', 1, '');
             INSERT INTO pipeline_dead_letter (journal, topic, partition, seq, reason, bytes, commit) VALUES
                 (9 + (5::bigint << 20), 2, 3, 9, 'bad', '', 1);",
        )
        .await;
    let stand = async |seq, at_ms| {
        let id = receipt(&world, at_ms, seq);
        let answer = world.get(&format!("/api/v1/events/{id}/")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    };
    let decided = stand(1, FRIDAY_MS + 300_000).await;
    assert_eq!(
        (&decided["state"], &decided["conversion"]["id"]),
        (&json!("decided"), &json!("cnv_1"))
    );
    assert_eq!(stand(2, FRIDAY_MS + 360_000).await["conversion"]["reason"], "duplicate_txn");
    let waiting = stand(8, FRIDAY_MS).await;
    assert_eq!(
        (&waiting["state"], &waiting["waiting"]["until"]),
        (&json!("waiting_for_click"), &json!("2026-11-20T11:00:00.000Z"))
    );
    assert_eq!(stand(9, FRIDAY_MS).await["state"], "dead_letter");
    assert_eq!(stand(10, FRIDAY_MS).await["state"], "taken");
    let forged = receipt(&world, FRIDAY_MS, 1).replace("evt_", "evt_A");
    assert_eq!(world.get(&format!("/api/v1/events/{}/", &forged[..40])).await.status, 404);
}

#[tokio::test]
async fn commissions_have_their_sums() {
    let world = filled().await;
    let page =
        world.get(&format!("{COMMISSIONS}?{SPAN}&affiliate=aff_1&status=pending")).await.json();
    assert_eq!(
        page["sums"],
        json!([{ "amount_minor": 500, "currency": "EUR", "status": "pending", "count": 1 }])
    );
    let row = &page["data"][0];
    assert_eq!(
        (&row["id"], &row["conversion"], &row["txn_id"], &row["amount_minor"], &row["hold_until"]),
        (
            &json!("cm_1"),
            &json!("cnv_1"),
            &json!("order-1"),
            &json!(500),
            &json!("2026-12-20T10:05:00.000Z")
        )
    );
    let mut one = world.get(&format!("{COMMISSIONS}cm_1/")).await.json();
    assert_eq!((&one["as_of"], &one["complete"]), (&Value::Null, &json!(false)));
    for beside in ["as_of", "complete", "note"] {
        one.as_object_mut().unwrap().remove(beside);
    }
    assert_eq!(one, *row);
    // Lists and what is not wanted count as they do in reports; what no commission has is refused.
    for (filter, found) in [
        ("affiliate=aff_2", 0),
        ("affiliate=aff_1,aff_2&link=-lnk_3", 1),
        ("link=lnk_3", 0),
        ("affiliate=-aff_1", 0),
        ("status=hold,pending&currency=EUR", 1),
        ("conversion=cnv_2", 0),
    ] {
        let page = world.get(&format!("{COMMISSIONS}?{SPAN}&{filter}")).await.json();
        assert_eq!(page["data"].as_array().unwrap().len(), found, "{filter}");
        assert_eq!(page["sums"].as_array().unwrap().len(), found, "{filter}");
        let shown = world.page(&format!("/affiliate/commissions/?{SPAN}&{filter}"), "en").await;
        assert_eq!(shown.text.matches("<tr id=\"cm_").count(), found, "{filter}");
    }
    let refused = world.get(&format!("{COMMISSIONS}?{SPAN}&country=FR")).await;
    assert_eq!((refused.status.as_u16(), refused.fields()), (422, vec!["country".to_owned()]));
    let refused = world.page(&format!("/affiliate/commissions/?{SPAN}&country=FR"), "en").await;
    assert_eq!(refused.status, 422);
}
