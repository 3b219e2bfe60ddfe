//! What a destination costs to make ready once, and to fill for each visitor; and a whole click, from
//! what was asked to its record and its URL.

use std::hint::black_box;

use collector::{
    click::{Asked, Identity, decide},
    links::{
        Builder,
        rows::{LinkRow, ProgramRow},
    },
    request::params::ClickParams,
    target::{Facts, Visit, compile, fill},
    visitor::Salts,
};
use criterion::{Criterion, criterion_group, criterion_main};
use schemas::{
    ids::{AffiliateId, LinkId, ProgramId},
    keys::Keys,
};

const PLAIN: &str = "https://shop.example/landing?click={click_id}&aff={affiliate_id}&sub={sub1}";
const RICH: &str = "https://shop.example/{sub2}/?c={click_id}&l={link}&p={program_id}&s={sub1}&r={referrer}&g={lang}&t={ts}&x={random}#{source}";
const QUERY: &str = "sub1=summer%20sale&sub2=a%2Fb&source=newsletter&utm_source=blog";

fn facts<'a>(params: &'a ClickParams<'a>, visit: &'a Visit) -> Facts<'a> {
    Facts {
        click_id: "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789",
        link: LinkId(42),
        affiliate: AffiliateId(7),
        program: ProgramId(3),
        params,
        query: QUERY,
        referrer: b"https://blog.example/reviews/ten-best-things?page=2",
        language: b"en",
        time_ms: 1_700_000_000_000,
        random: 12_345_678_901_234_567,
        visit,
    }
}

fn macros(c: &mut Criterion) {
    let mut group = c.benchmark_group("macros");
    let (params, visit, mut out) = (ClickParams::read(QUERY), Visit::default(), Vec::new());
    for (name, destination) in [("3 macros", PLAIN), ("9 macros", RICH)] {
        group.bench_function(format!("compile {name}"), |b| {
            b.iter(|| compile(black_box(destination)))
        });
        let (template, _) = compile(destination).expect("a destination");
        group.bench_function(format!("fill {name}"), |b| {
            b.iter(|| {
                fill(template.as_bytes(), &facts(&params, &visit), &mut out)
                    .map(|()| black_box(out.len()))
            });
        });
    }
    group.bench_function("read parameters", |b| {
        b.iter(|| black_box(ClickParams::read(black_box(QUERY))))
    });
    group.finish();
}

fn click(c: &mut Criterion) {
    let keys = Keys::parse(&Keys::line(1, &[7; 32])).expect("a key");
    let mut builder = Builder::new(1);
    let program = ProgramRow {
        id: 3,
        site: 1,
        slug: "p".into(),
        destination: PLAIN.into(),
        is_active: true,
        ..ProgramRow::default()
    };
    builder.program(program, &keys);
    builder.link(LinkRow {
        id: 42,
        site: 1,
        code: "go".into(),
        affiliate: 7,
        program: 3,
        is_active: true,
        ..LinkRow::default()
    });
    let (links, salts) = (builder.finish(), Salts::new(keys));
    let asked = Asked {
        host: "go.localhost",
        code: "go",
        query: "sub1=s1",
        address: [192, 0, 2, 1].into(),
        user_agent: b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
        referrer: b"https://blog.example/reviews/ten-best-things",
        language: b"en-US,en;q=0.9",
        cookie: None,
        flags: 0,
        private: false,
        time_ms: 1_700_000_000_000,
        random: 1,
    };
    let (mut destination, mut out, mut seq) = (Vec::new(), Vec::new(), 0);
    c.bench_function("click, asked to record", |b| {
        b.iter(|| {
            let mut decided = decide(&links, &salts, black_box(&asked), |_, _| Visit::default());
            let identity = Identity { key: salts.keys().click_ids().signer(), journal: 7 };
            out.clear();
            seq += 1;
            black_box(decided.write(&identity, seq, &mut destination, &mut out))
        });
    });
}

criterion_group!(benches, macros, click);
criterion_main!(benches);
