//! What a click costs the processor between the journal and the outbox: decode, decide, encode,
//! compress, each alone and all together, on one core.
//!
//! Agents, referrers and addresses are the real log's, expanded: links by Zipf's law, a third of the
//! visits by somebody who was there before. Every round plays the same clicks a day later by other
//! visitors, so that claims neither repeat nor grow without end. `TRIBUTARY_GEO` names a database of
//! countries; without one that lookup is left out.

use std::{
    hint::black_box,
    io::Read,
    net::IpAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use flate2::read::GzDecoder;
use processor::{
    batch::Record,
    facts::{Facts, Link, Pay, Plan, Program, Site},
    lookup::Lookups,
    native::ClicksBlock,
    outcome::ClickOutcome,
    stages::decide_click,
    stores::claims::{Claim, Claims, ClaimsConfig, Keys},
};
use schemas::{
    event::{Click, Message},
    ids::SiteId,
    visitor::{Network, VisitorKey},
};

const LOG: &[u8] = include_bytes!("../../load-tests/data/access.log.gz");
const CLICKS: usize = 1 << 16;
const LINKS: usize = 1_000;
const DAY_MS: u64 = 86_400_000;
const BEGIN_MS: u64 = 1_767_225_600_000;

/// SplitMix64: the same clicks on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }
}

/// (address, referrer, agent) of each line of the log.
fn corpus() -> Vec<(IpAddr, String, String)> {
    let mut text = String::new();
    GzDecoder::new(LOG).read_to_string(&mut text).expect("the log is text");
    let said = |text: &str| if text == "-" { String::new() } else { text.to_owned() };
    let read = |line: &str| {
        let parts: Vec<&str> = line.split('"').collect();
        let address = line.split(' ').next()?.parse().ok()?;
        Some((address, said(parts.get(3)?), said(parts.get(5)?)))
    };
    text.lines().filter_map(read).collect()
}

/// Clicks as the collector writes them, over one day.
fn clicks() -> Vec<Click> {
    let (corpus, key, mut random) = (corpus(), VisitorKey::new([7; 16]), Random(1));
    let weights: Vec<f64> = (1..=LINKS)
        .scan(0.0, |sum, rank| {
            *sum += 1.0 / rank as f64;
            Some(*sum)
        })
        .collect();
    let mut visitors: Vec<(IpAddr, usize)> = Vec::new();
    (0..CLICKS)
        .map(|n| {
            let again = !visitors.is_empty() && random.below(100) < 35;
            let visitor = if again {
                visitors[random.below(visitors.len())]
            } else {
                let line = random.below(corpus.len());
                let host = random.next() as u32;
                let address = match corpus[line].0 {
                    IpAddr::V4(v4) => {
                        IpAddr::from((v4.to_bits() & 0xffff_0000 | host & 0xffff).to_be_bytes())
                    }
                    v6 => v6,
                };
                visitors.push((address, line));
                (address, line)
            };
            let share = random.below(1 << 53) as f64 / (1_u64 << 53) as f64;
            let link = weights.partition_point(|sum| *sum <= share * weights[LINKS - 1]) as u32 + 1;
            let (_, referrer, _) = &corpus[random.below(corpus.len())];
            let agent = &corpus[visitor.1].2;
            let network = key.network(SiteId(1), Network::of(visitor.0, agent.as_bytes()));
            Click {
                site: 1,
                link,
                program: link % 5 + 1,
                affiliate: link % 12 + 1,
                time_ms: BEGIN_MS + (n as u64 * DAY_MS) / CLICKS as u64,
                shard: (network & 4095) as u32,
                visitor_network: network,
                address: match visitor.0 {
                    IpAddr::V4(v4) => v4.octets().into(),
                    IpAddr::V6(v6) => v6.octets().into(),
                },
                user_agent: agent.clone(),
                referrer: referrer.clone(),
                language: "en-US,en;q=0.9".into(),
                host: "go.example.com".into(),
                destination: format!("https://shop.example.com/landing?link={link}"),
                link_version: 1,
                key_version: 1,
                ..Click::default()
            }
        })
        .collect()
}

fn facts() -> Facts {
    let (mut facts, currency) = (Facts::default(), "EUR".parse().expect("a currency"));
    facts.sites.insert(1, Site { time_zone: chrono_tz::Europe::Paris });
    for id in 1..=5 {
        let plan = Plan { id: id.into(), pay: Pay::Nothing, currency, valid_from_ms: 0 };
        let program = Program {
            id,
            site: 1,
            currency,
            paused: false,
            click_window_ms: 30 * DAY_MS,
            unique_window_ms: DAY_MS,
            hold_ms: 0,
            too_fast_ms: None,
            velocity_per_hour: None,
            plans: [("sale".to_owned(), vec![plan])].into(),
        };
        facts.programs.insert(id, program);
    }
    for link in 1..=LINKS as u32 {
        facts.links.insert(link, Link { site: 1, program: link % 5 + 1, affiliate: link % 12 + 1 });
    }
    facts
}

/// All that deciding needs, and the round it is in.
struct World {
    payloads: Vec<Vec<u8>>,
    facts: Facts,
    lookups: Lookups,
    claims: Claims,
    block: ClicksBlock,
    record: Record<Click>,
    round: u64,
    _folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = ClaimsConfig { memory_bytes: 1 << 30, spill: folder.path().join("claims") };
        let geography = std::env::var_os("TRIBUTARY_GEO").map(PathBuf::from);
        let mut claims = Claims::new(config);
        claims.rebuild(0, []).expect("no claims");
        Self {
            payloads: clicks().iter().map(Message::encode_to_vec).collect(),
            facts: facts(),
            lookups: Lookups::open(geography.as_deref()).expect("the database of countries"),
            claims,
            block: ClicksBlock::default(),
            record: Record { journal: 0x1234_5678_9abc_def0, ..Record::default() },
            round: 0,
            _folder: folder,
        }
    }

    fn begin(&mut self) {
        self.round += 1;
        self.claims.begin_batch().expect("memory is enough");
        let now_ms = BEGIN_MS + self.round * DAY_MS;
        self.claims.advance(now_ms, self.facts.longest_unique_window_ms());
        self.lookups.begin_batch();
    }

    /// The n-th click of this round: a day later, by another visitor.
    fn decode(&mut self, n: usize) {
        let event = &mut self.record.event;
        event.clear();
        event.merge(self.payloads[n].as_slice()).expect("our own bytes");
        event.time_ms += self.round * DAY_MS;
        event.visitor_network = visitor(event, self.round);
        self.record.seq = n as u64;
    }

    fn decide(&mut self) -> ClickOutcome {
        decide_click(&self.record, &self.facts, &mut self.lookups, &mut self.claims)
    }

    /// The clicks of a further round, decided anew.
    fn decide_all(
        &mut self,
        records: &mut [Record<Click>],
        clicks: &[Click],
        outcomes: &mut Vec<ClickOutcome>,
    ) {
        self.begin();
        outcomes.clear();
        for (record, click) in records.iter_mut().zip(clicks) {
            record.event.time_ms = click.time_ms + self.round * DAY_MS;
            record.event.visitor_network = visitor(click, self.round);
            outcomes.push(decide_click(record, &self.facts, &mut self.lookups, &mut self.claims));
        }
    }

    fn whole(&mut self) -> usize {
        self.begin();
        for n in 0..CLICKS {
            self.decode(n);
            let outcome = self.decide();
            self.block.push(&self.record, &outcome, self.lookups.words());
        }
        black_box(self.claims.take_blobs().expect("all claims judged"));
        self.block.finish(1, self.round).bytes.len()
    }
}

fn parts(c: &mut Criterion) {
    let mut group = c.benchmark_group("decide");
    group.throughput(Throughput::Elements(CLICKS as u64)).sample_size(20);
    let mut world = World::new();
    group.bench_function(BenchmarkId::from_parameter("decode"), |b| {
        b.iter(|| {
            for n in 0..CLICKS {
                world.decode(n);
                black_box(&world.record);
            }
        });
    });
    let clicks = clicks();
    group.bench_function("claim", |b| {
        b.iter(|| {
            world.begin();
            for click in &clicks {
                black_box(world.claims.claim(&claim(click, world.round)));
            }
        });
    });
    let mut records: Vec<Record<Click>> = clicks
        .iter()
        .zip(1..)
        .map(|(click, seq)| Record { event: click.clone(), journal: 1, partition: 0, seq })
        .collect();
    let mut outcomes = Vec::new();
    group.bench_function("decide", |b| {
        b.iter(|| world.decide_all(&mut records, &clicks, &mut outcomes));
    });
    group.bench_function("rows", |b| {
        // Asked for alone, nothing has been decided yet.
        world.decide_all(&mut records, &clicks, &mut outcomes);
        b.iter_custom(|rounds| {
            let mut time = Duration::ZERO;
            for _ in 0..rounds {
                let begun = Instant::now();
                for (record, outcome) in records.iter().zip(&outcomes) {
                    world.block.push(record, outcome, world.lookups.words());
                }
                time += begun.elapsed();
                black_box(world.block.finish(1, 1));
            }
            time
        });
    });
    group.bench_function("rows and compression", |b| {
        world.decide_all(&mut records, &clicks, &mut outcomes);
        b.iter(|| {
            for (record, outcome) in records.iter().zip(&outcomes) {
                world.block.push(record, outcome, world.lookups.words());
            }
            black_box(world.block.finish(1, 1))
        });
    });
    group.bench_function("whole", |b| b.iter(|| black_box(world.whole())));
    group.finish();
}

/// Another visitor each round, the same within one.
fn visitor(click: &Click, round: u64) -> u64 {
    click.visitor_network ^ round.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn claim(click: &Click, round: u64) -> Claim {
    Claim {
        partition: 0,
        site: click.site,
        program: click.program,
        impression: false,
        time_ms: click.time_ms + round * DAY_MS,
        window_ms: DAY_MS,
        keys: Keys { network: visitor(click, round), ..Keys::default() },
    }
}

criterion_group!(benches, parts);
criterion_main!(benches);
