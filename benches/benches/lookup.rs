//! What it costs to find a link among 100,000 and a million, in an order that misses the caches, and
//! to take one change over.

use std::hint::black_box;

use collector::links::{Builder, Changes, Links, rows::LinkRow};
use criterion::{Criterion, criterion_group, criterion_main};
use schemas::keys::Keys;

fn code(id: u32) -> String {
    format!("{:08x}", id.wrapping_mul(2_654_435_761))
}

fn row(id: u32) -> LinkRow {
    LinkRow {
        id,
        site: 1,
        code: code(id),
        affiliate: id % 1000 + 1,
        program: 1,
        destination: format!("https://shop.example/products/{id}?click={{click_id}}&sub={{sub1}}"),
        is_active: true,
        version: 1,
        ..LinkRow::default()
    }
}

fn links(count: u32) -> Links {
    let mut builder = Builder::new(5);
    (1..=count).for_each(|id| builder.link(row(id)));
    builder.finish()
}

fn lookup(c: &mut Criterion) {
    let keys = Keys::parse(&Keys::line(1, &[7; 32])).expect("a key");
    let mut group = c.benchmark_group("lookup");
    for count in [100_000, 1_000_000] {
        let links = links(count);
        let codes: Vec<String> = (1..=count).step_by(7).map(code).collect();
        let mut n = 0;
        group.bench_function(format!("hit among {count}"), |b| {
            b.iter(|| {
                n = (n + 7919) % codes.len();
                black_box(links.find(0, &codes[n]).expect("there"))
            });
        });
        group.bench_function(format!("miss among {count}"), |b| {
            b.iter(|| black_box(links.find(0, black_box("no-such-code"))).is_none());
        });
        let mut next = links.clone();
        let mut version = 1;
        group.bench_function(format!("one change among {count}, published"), |b| {
            b.iter(|| {
                version += 1;
                let changed = LinkRow { version, ..row(version as u32 % count + 1) };
                next.apply(Changes { links: vec![changed], ..Changes::default() }, &keys);
                black_box(next.clone())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, lookup);
criterion_main!(benches);
