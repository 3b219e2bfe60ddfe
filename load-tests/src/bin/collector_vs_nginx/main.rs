//! `collector_vs_nginx`: CPU time per request of the collector and of nginx, alternating in one run.
//!
//! The collector does its whole work (100,000 links, macros, click id, cookie, journal); nginx answers a
//! static 302 and writes its buffered access log; a third server does nothing but read and answer, which
//! is what no server on this machine and runtime can go below. One event loop each, all on the same core,
//! wrk on the others. Requests per second alone would be noise on a shared machine; CPU time is the
//! server's own.

mod bare;
mod servers;
mod wrk;

use std::path::Path;

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand};
use kafka::local::Cluster;
use load_tests::table::{percentile, print};

use servers::{Collector, Floor, Nginx, Server};
use wrk::{Connections, Load};

/// Measures CPU time a request, collector against nginx.
#[derive(Debug, Parser)]
struct Arguments {
    /// Rounds of each server and kind of connection.
    #[arg(long, default_value_t = 31)]
    rounds: usize,
    /// Length of a round.
    #[arg(long, default_value_t = 1)]
    seconds: u32,
    /// Connections open at once.
    #[arg(long, default_value_t = 64)]
    connections: u32,
    /// Links in the collector's memory.
    #[arg(long, default_value_t = 100_000)]
    links: u32,
    /// The collector ships what it records to a Kafka broker on this machine, in the CPU time that counts.
    #[arg(long)]
    kafka: bool,
    #[command(subcommand)]
    role: Option<Role>,
}

/// What this binary is when it starts itself again.
#[derive(Debug, Subcommand)]
enum Role {
    /// The collector under test.
    #[command(hide = true)]
    Collector(Box<collector::Config>),
    /// The floor.
    #[command(hide = true)]
    Bare(bare::Bare),
}

/// CPU time and requests of one round.
#[derive(Debug, Clone, Copy)]
struct Round {
    micros: f64,
    per_second: f64,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match arguments.role {
        Some(Role::Collector(config)) => return servers::serve(*config),
        Some(Role::Bare(bare)) => match bare::serve(bare)? {},
        None => {}
    }
    let folder = tempfile::tempdir()?;
    let load = Load::new(folder.path(), &arguments)?;
    let broker = arguments.kafka.then(|| broker(folder.path())).transpose()?;
    let kafka = broker.as_ref().map(|broker| broker.config().servers.join(","));
    let mut collector = Collector::start(folder.path(), arguments.links, kafka.as_deref())?;
    let answer = collector.answer()?;
    let mut nginx = Nginx::start(folder.path())?;
    let (mut rows, mut ratio) = (Vec::new(), 0.0);
    for (name, kind) in [("kept alive", Connections::Kept), ("new each time", Connections::New)] {
        let mut floor = Floor::start(&answer, kind)?;
        let mut rounds = [const { Vec::new() }; 3];
        // The first round of each warms up and is not counted.
        for round in 0..=arguments.rounds {
            let servers: [&mut dyn Server; 3] = [&mut nginx, &mut floor, &mut collector];
            for (server, rounds) in servers.into_iter().zip(&mut rounds) {
                let one = run(server, &load, kind)?;
                if round > 0 {
                    rounds.push(one);
                }
            }
        }
        let [nginx, floor, collector] = &rounds;
        let of = ratio_of(collector, nginx)?;
        rows.push(row(&format!("nginx, {name}"), nginx, 1.0)?);
        rows.push(row(&format!("bare read and write, {name}"), floor, ratio_of(floor, nginx)?)?);
        rows.push(row(&format!("collector, {name}"), collector, of)?);
        if kind == Connections::Kept {
            ratio = of;
        }
    }
    let (recorded, answered) = collector.recorded(&load)?;
    ensure!(
        recorded >= answered,
        "{answered} redirects, but only {recorded} clicks in the journal"
    );
    let shipped = match arguments.kafka {
        true => format!(
            "{} bytes handed to Kafka, {} wait\n",
            collector.shipped(&load)?,
            collector.waiting(&load)?
        ),
        false => String::new(),
    };
    let last = format!(
        "{shipped}{recorded} clicks recorded, {answered} redirects counted by wrk\nratio {ratio:.2}"
    );
    print(
        &["connections", "µs CPU/request", "lowest", "highest", "requests/s", "ratio"],
        &rows,
        &last,
    )?;
    Ok(())
}

/// A broker with both topics.
fn broker(folder: &Path) -> Result<Cluster> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(load_tests::broker::start(folder, load_tests::broker::PARTITIONS))
}

fn run(server: &mut dyn Server, load: &Load, kind: Connections) -> Result<Round> {
    let before = server.cpu()?;
    let done = load.run(server.port(), kind)?;
    let spent = server.cpu()?.checked_sub(before).context("CPU time ran backwards")?;
    ensure!(done.requests > 0 && done.errors == 0, "wrk: {done:?}");
    server.answered(done.requests);
    Ok(Round {
        micros: spent.as_secs_f64() * 1e6 / done.requests as f64,
        per_second: done.requests as f64 / done.seconds,
    })
}

/// Of rounds beside one another.
fn ratio_of(ours: &[Round], theirs: &[Round]) -> Result<f64> {
    median(ours.iter().zip(theirs).map(|(ours, theirs)| ours.micros / theirs.micros))
}

fn row(name: &str, rounds: &[Round], ratio: f64) -> Result<Vec<String>> {
    let mut micros: Vec<f64> = rounds.iter().map(|round| round.micros).collect();
    micros.sort_by(f64::total_cmp);
    let at = |p| percentile(&micros, p).map(|micros| format!("{micros:.2}")).context("no rounds");
    let rate = median(rounds.iter().map(|round| round.per_second))?;
    Ok(vec![
        name.to_owned(),
        at(50.0)?,
        at(0.0)?,
        at(100.0)?,
        format!("{rate:.0}"),
        format!("{ratio:.2}"),
    ])
}

fn median(values: impl Iterator<Item = f64>) -> Result<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    percentile(&values, 50.0).context("no rounds")
}
