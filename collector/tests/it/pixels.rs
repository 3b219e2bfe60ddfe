//! Pixels: always the image, public, recorded with their verdict.

use schemas::{event::Flags, reason::Refusal};

use crate::harness::Collector;

#[test]
fn a_pixel_is_an_image_whatever_it_says() {
    let collector = Collector::start();
    let token = collector.token(3);
    for query in [
        "",
        "?program=3&event=lead",
        "?program=999",
        "?program=3&amount=NaN",
        "?click_id=forged",
        "?txn_id=%00%ff%",
        &format!("?program=3&token={token}&event=sale&txn_id=P"),
    ] {
        let pixel = collector.get(&format!("/pixel.gif{query}"));
        assert_eq!((pixel.status, pixel.header("content-type")), (200, "image/gif"), "{query}");
        assert_eq!((pixel.bytes.len(), &pixel.bytes[..6]), (43, &b"GIF89a"[..]));
        assert_eq!(pixel.header("cache-control"), "private, no-store");
    }
    let kept = collector.end();
    let mut verdicts: Vec<u32> = kept.conversions.iter().map(|c| c.verdict).collect();
    verdicts.sort_unstable();
    let code = |refusal: Refusal| u32::from(refusal.code());
    let mut expected = [
        0,
        0,
        code(Refusal::Malformed),
        code(Refusal::UnknownProgram),
        code(Refusal::UnknownProgram),
        code(Refusal::BadClickId),
        code(Refusal::BadAmount),
    ];
    expected.sort_unstable();
    assert_eq!(verdicts, expected);
    // Whatever a browser knows, anybody can know.
    assert!(kept.conversions.iter().all(|c| c.via == 2 && !c.has(Flags::Trusted)));
    assert!(!String::from_utf8_lossy(&kept.raw).contains(&token));
}

#[test]
fn a_flood_of_pixels_that_say_nothing_is_bounded_and_one_that_says_something_is_kept() {
    let collector = Collector::with(&["--refusals-per-minute", "5", "--cores", "1"]);
    let get = |query: &str| collector.get(&format!("/pixel.gif?{query}")).status;
    let empty: Vec<u16> = (0..20).map(|_| get("program=3&event=sale&amount=1")).collect();
    let stored = empty.iter().filter(|status| **status == 200).count();
    // A minute may have turned on the way; what is not stored is not said to be.
    assert!(
        (5..=10).contains(&stored) && empty.iter().all(|s| matches!(s, 200 | 503)),
        "{empty:?}"
    );
    for n in 0..20 {
        assert_eq!(get(&format!("program=3&event=sale&txn_id=T{n}")), 200);
        assert_eq!(get(&format!("program=3&event=sale&coupon=C{n}")), 200);
    }
    let event = "tributary_collector_events_total{event=\"conversion_unstored\"}";
    crate::harness::until("it is counted", || collector.metric(event) == 20 - stored as u64);
    assert_eq!(collector.end().conversions.len(), stored + 40);
}
