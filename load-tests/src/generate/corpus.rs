//! Agents, referrers and networks of the real log, one entry a request, so that a random entry comes
//! in the log's proportions.

use std::{net::IpAddr, sync::LazyLock};

use standalone::traffic::log;

const LOG: &[u8] = include_bytes!("../../data/access.log.gz");
/// Words by which robots name themselves; what is counted as one is the processor's to say.
const ROBOTS: [&str; 5] = ["bot", "crawl", "spider", "slurp", "feed"];

#[derive(Debug)]
pub(super) struct Corpus {
    pub(super) people: Vec<&'static str>,
    pub(super) robots: Vec<&'static str>,
    pub(super) referrers: Vec<&'static str>,
    /// IPv4 /16.
    pub(super) networks: Vec<u32>,
}

pub(super) static CORPUS: LazyLock<Corpus> = LazyLock::new(read);

/// Leaks its strings: it is read once and used to the end.
fn read() -> Corpus {
    let mut corpus = Corpus { people: vec![], robots: vec![], referrers: vec![], networks: vec![] };
    let lines = log::read(LOG).into_iter().flatten().map_while(Result::ok);
    for request in lines.filter_map(|(_, request)| request) {
        let agent: &'static str = request.sent_user_agent().to_owned().leak();
        let lower = agent.to_lowercase();
        if ROBOTS.iter().any(|word| lower.contains(word)) {
            corpus.robots.push(agent);
        } else {
            corpus.people.push(agent);
        }
        corpus.referrers.push(request.sent_referrer().to_owned().leak());
        if let IpAddr::V4(address) = request.address {
            corpus.networks.push(address.to_bits() & 0xffff_0000);
        }
    }
    corpus
}
