//! That generated visits look like real ones, and are the same each time.

use super::*;
use std::collections::HashSet;

#[test]
fn the_same_shape_gives_the_same_visits() {
    let take = |seed| Visits::new(Shape { seed, ..Shape::default() }).take(500).collect::<Vec<_>>();
    assert_eq!(take(1), take(1));
    assert_ne!(take(1), take(2));
}

#[test]
fn few_links_take_most_visits_and_shares_are_as_asked() {
    let visits: Vec<_> = Visits::new(Shape::default()).take(50_000).collect();
    let share = |wanted: &dyn Fn(&Visit) -> bool| {
        visits.iter().filter(|visit| wanted(visit)).count() as f64 / visits.len() as f64
    };
    // 1 / H(10,000) = 0.102; the first hundred H(100) / H(10,000) = 0.53.
    assert!((share(&|visit| visit.link == 0) - 0.102).abs() < 0.01);
    assert!((share(&|visit| visit.link < 100) - 0.53).abs() < 0.02);
    assert!((share(&|visit| visit.address.is_ipv6()) - 0.2).abs() < 0.03);
    let distinct: HashSet<_> =
        visits.iter().map(|visit| (visit.address, visit.user_agent)).collect();
    assert!((distinct.len() as f64 / visits.len() as f64 - 0.65).abs() < 0.03);
    assert!(visits.iter().any(|visit| visit.link > 5_000));
}

#[test]
fn a_day_has_its_visits_and_its_hours() {
    let shape = Shape { per_second: 1.0, ..Shape::default() };
    let day: Vec<_> = Visits::new(shape)
        .take_while(|visit| visit.time_ms < shape.start_ms + 24 * HOUR_MS)
        .collect();
    assert!((day.len() as f64 - 86_400.0).abs() < 3_000.0, "{}", day.len());
    assert!(day.is_sorted_by_key(|visit| visit.time_ms));
    let in_hour = |hour: u64| {
        let from = shape.start_ms + hour * HOUR_MS;
        day.iter().filter(|visit| (from..from + HOUR_MS).contains(&visit.time_ms)).count()
    };
    assert!(in_hour(16) > 3 * in_hour(3));
}
