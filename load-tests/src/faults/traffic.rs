//! Visitors and advertisers, a number in each of their events, and what they were told.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use reqwest::{Client, redirect::Policy};
use schemas::ids::{PLATFORM, ProgramId};
use tokio::{task::JoinSet, time::sleep};

use super::cast::{Cast, LINKS};
use crate::generate::Random;

/// Who ask at once.
const VISITORS: u64 = 8;
/// Between two requests of one of them.
const REST: Duration = Duration::from_millis(8);
/// Longer than anybody waits for a page.
const PATIENCE: Duration = Duration::from_secs(3);
/// One click in so many converts.
const CONVERTS: usize = 6;

/// What was acknowledged, and what was asked at all.
#[derive(Debug, Default, Clone)]
pub struct Told {
    /// Numbers of clicks answered with a redirect.
    pub clicks: BTreeSet<u64>,
    /// Numbers of conversions answered 202: those of their clicks.
    pub conversions: BTreeSet<u64>,
    /// The largest number given out.
    pub asked: u64,
}

/// Traffic under way.
pub struct Traffic {
    shared: Arc<Shared>,
    visitors: JoinSet<()>,
}

struct Shared {
    addresses: Vec<String>,
    token: String,
    next: AtomicU64,
    over: AtomicBool,
    told: Mutex<Told>,
    client: Client,
}

impl Traffic {
    /// Begins.
    ///
    /// # Panics
    /// Never: a client without certificates can be made.
    #[expect(clippy::expect_used, reason = "settings that are literals")]
    pub fn begin(cast: &Cast, seed: u64) -> Self {
        let client = Client::builder().redirect(Policy::none()).timeout(PATIENCE).build();
        let shared = Arc::new(Shared {
            addresses: cast.addresses(),
            token: cast.keys.postback_token(PLATFORM, ProgramId(1), 1),
            next: AtomicU64::new(1),
            over: AtomicBool::new(false),
            told: Mutex::default(),
            client: client.expect("a client of literals"),
        });
        let mut visitors = JoinSet::new();
        for n in 0..VISITORS {
            let random = Random::new(seed << 8 | n);
            visitors.spawn(visit(Arc::clone(&shared), random));
        }
        Self { shared, visitors }
    }

    /// Ends, and says what was told.
    pub async fn end(self) -> Told {
        self.shared.over.store(true, Ordering::Relaxed);
        self.visitors.join_all().await;
        let mut told = self.shared.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
        told.asked = self.shared.next.load(Ordering::Relaxed);
        told
    }
}

async fn visit(shared: Arc<Shared>, mut random: Random) {
    while !shared.over.load(Ordering::Relaxed) {
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        if let Some(click_id) = shared.click(number, &mut random).await
            && random.below(CONVERTS) == 0
        {
            shared.convert(number, &click_id, &mut random).await;
        }
        sleep(REST).await;
    }
}

impl Shared {
    fn host(&self, random: &mut Random) -> &str {
        &self.addresses[random.below(self.addresses.len())]
    }

    fn told(&self, note: impl FnOnce(&mut Told)) {
        note(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Follows a link; the click id where the answer was a redirect.
    async fn click(&self, number: u64, random: &mut Random) -> Option<String> {
        let link = random.below(LINKS as usize) + 1;
        let url = format!("http://{}/c/l{link}?sub1=n{number}", self.host(random));
        // Networks of their own, so that they fall into every partition.
        let visitor = format!("10.{}.{}.7", random.below(20), random.below(20));
        let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        let asked = self.client.get(url).header("x-forwarded-for", visitor);
        let answer = asked.header("user-agent", agent).send().await.ok()?;
        if answer.status() != 302 {
            return None;
        }
        let location = answer.headers().get("location")?.to_str().ok()?;
        let id = location.split("c=").nth(1)?.split('&').next()?.to_owned();
        self.told(|told| {
            told.clicks.insert(number);
        });
        Some(id)
    }

    /// Says that a click has sold something.
    async fn convert(&self, number: u64, click_id: &str, random: &mut Random) {
        let (host, token) = (self.host(random), &self.token);
        let url = format!(
            "http://{host}/postback?program=1&token={token}&click_id={click_id}&event=sale&txn_id=n{number}&amount=10"
        );
        let answer = self.client.get(url).send().await;
        if answer.is_ok_and(|answer| answer.status() == 202) {
            self.told(|told| {
                told.conversions.insert(number);
            });
        }
    }
}
