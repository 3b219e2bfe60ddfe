//! What a click id costs: to sign when a visitor is redirected, to prove when a postback names it.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use schemas::{click_id::ClickId, keys::Keys};

fn click_id(c: &mut Criterion) {
    let keys = Keys::parse(&Keys::line(1, &[7; 32])).expect("a key");
    let mut id = ClickId {
        key_version: 1,
        time_ms: 1_700_000_000_000,
        shard: 77,
        journal: 5,
        seq: 1,
        link: 42,
    };
    let mut group = c.benchmark_group("click_id");
    group.bench_function("sign", |b| {
        b.iter(|| {
            id.seq += 1;
            black_box(keys.click_ids().signer().sign(&id).expect("in range"))
        });
    });
    let token = keys.click_ids().signer().sign(&id).expect("in range").to_string();
    group.bench_function("verify", |b| {
        b.iter(|| keys.click_ids().verify(black_box(&token)).expect("ours"))
    });
    let mut forged = token.clone();
    forged.replace_range(30..31, if &token[30..31] == "A" { "B" } else { "A" });
    group.bench_function("refuse a forged one", |b| {
        b.iter(|| keys.click_ids().verify(black_box(&forged)).is_err());
    });
    group.finish();
}

criterion_group!(benches, click_id);
criterion_main!(benches);
