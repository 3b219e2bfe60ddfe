//! Counts that all processes share, in Redis: the same arithmetic in Lua, so that each count is one step there.
//!
//! Refuses to wait for it: what takes longer than a tenth of a second is counted here instead, and Redis is asked again after a
//! while only. Refuses to believe an answer that is no number.

use redis::{
    Client, Script,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::sync::OnceCell;

use super::{Lock, Rule};
use crate::clock;

/// How long one question may take.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long it is let alone after it did not answer.
const ALONE_MS: i64 = 1000;
/// Before every key.
const PREFIX: &str = "tributary:limit:";

/// See `Rule::take`. A number of today has thirteen figures, which Lua would write with an exponent.
const TAKE: &str = "
local now, step, per = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clear = tonumber(redis.call('GET', KEYS[1]) or now)
local after = math.max(clear, now) + step
local wait = after - now - per
if wait > 0 then return wait end
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', after - now + 1000)
return now - after";

const GIVE_BACK: &str = "
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('DECRBY', KEYS[1], ARGV[1]) end
return 0";

/// See `Lock::attempt`.
const ATTEMPT: &str = "
local now, most, within = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local locked, longest, forgotten = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local kept = redis.call('HMGET', KEYS[1], 'tries', 'since', 'closed', 'until', 'last')
local tries, since, closed = tonumber(kept[1] or 0), tonumber(kept[2] or 0), tonumber(kept[3] or 0)
local over, last = tonumber(kept[4] or 0), tonumber(kept[5] or 0)
if now < over then return over - now end
if now - last > forgotten then tries, since, closed, over = 0, now, 0, 0 end
if now - since >= within then tries, since = 0, now end
last = now
local wait = 0
if tries < most then
    tries = tries + 1
else
    closed = closed + 1
    tries = 0
    wait = math.min(locked * closed, longest)
    over = now + wait
    since = over
end
local function text(n) return string.format('%.0f', n) end
redis.call('HSET', KEYS[1], 'tries', text(tries), 'since', text(since), 'closed', text(closed), 'until', text(over), 'last', text(last))
redis.call('PEXPIRE', KEYS[1], math.max(over - now, 0) + forgotten)
return wait";

/// Redis, while it answers.
#[derive(Clone)]
pub struct Shared {
    client: Client,
    connection: Arc<OnceCell<ConnectionManager>>,
    scripts: Arc<[Script; 3]>,
    /// Not asked before then, in milliseconds since 1970.
    alone_until_ms: Arc<AtomicI64>,
    is_away: Arc<AtomicBool>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("is_away", &self.is_away).finish_non_exhaustive()
    }
}

impl Shared {
    /// At an address; nothing is asked yet, and Redis need not be there.
    ///
    /// # Errors
    /// An address that is none.
    pub fn at(url: &str) -> anyhow::Result<Self> {
        let client = Client::open(url).map_err(|_| {
            anyhow::anyhow!(
                "TRIBUTARY_REDIS_URL is not of the form redis://user:password@host:6379/0"
            )
        })?;
        Ok(Self {
            client,
            connection: Arc::default(),
            scripts: Arc::new([TAKE, GIVE_BACK, ATTEMPT].map(Script::new)),
            alone_until_ms: Arc::default(),
            is_away: Arc::default(),
        })
    }

    /// Whether it did not answer when it was asked last.
    pub fn is_away(&self) -> bool {
        self.is_away.load(Ordering::Relaxed)
    }

    /// How long to wait; where it is counted, minus the time that is taken up now. `None` while it does not answer.
    pub(super) async fn take(&self, rule: Rule, key: &str, now_ms: i64) -> Option<i64> {
        self.ask(0, key, &[now_ms, rule.step_ms(), rule.per_ms]).await
    }

    /// Whether it took it back.
    pub(super) async fn give_back(&self, rule: Rule, key: &str) -> bool {
        self.ask(1, key, &[rule.step_ms()]).await.is_some()
    }

    /// How long to wait, 0 where the try may be made; `None` while it does not answer.
    pub(super) async fn attempt(&self, lock: Lock, key: &str, now_ms: i64) -> Option<i64> {
        let Lock { tries, within_ms, locked_ms, longest_ms, forgotten_ms, .. } = lock;
        let numbers = [now_ms, tries.into(), within_ms, locked_ms, longest_ms, forgotten_ms];
        self.ask(2, key, &numbers).await
    }

    /// Forgets a key, if it answers.
    pub(super) async fn forget(&self, key: &str) {
        let key = format!("{PREFIX}{key}");
        self.in_time(async {
            let mut connection = self.connection().await?;
            redis::cmd("DEL").arg(key).query_async::<i64>(&mut connection).await
        })
        .await;
    }

    async fn ask(&self, script: usize, key: &str, numbers: &[i64]) -> Option<i64> {
        let key = format!("{PREFIX}{key}");
        self.in_time(async {
            let mut connection = self.connection().await?;
            let mut asked = self.scripts[script].prepare_invoke();
            asked.key(key);
            for number in numbers {
                asked.arg(*number);
            }
            asked.invoke_async::<i64>(&mut connection).await
        })
        .await
    }

    async fn connection(&self) -> redis::RedisResult<ConnectionManager> {
        let connect = || async {
            let config = ConnectionManagerConfig::new()
                .set_number_of_retries(1)
                .set_connection_timeout(Some(PATIENCE))
                .set_response_timeout(Some(PATIENCE));
            ConnectionManager::new_with_config(self.client.clone(), config).await
        };
        self.connection.get_or_try_init(connect).await.cloned()
    }

    /// An answer that comes soon. One that does not is missed by nobody for a second.
    async fn in_time<T>(&self, answer: impl Future<Output = redis::RedisResult<T>>) -> Option<T> {
        let now_ms = clock::now().timestamp_millis();
        if now_ms < self.alone_until_ms.load(Ordering::Relaxed) {
            return None;
        }
        let told = match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(told)) => Some(told),
            Ok(Err(_)) | Err(_) => None,
        };
        let away = told.is_none();
        if away {
            self.alone_until_ms.store(now_ms + ALONE_MS, Ordering::Relaxed);
        }
        // Said when it changes, not at each question.
        match (self.is_away.swap(away, Ordering::Relaxed), away) {
            (false, true) => tracing::warn!(
                "redis does not answer: limits are counted here, each process its part"
            ),
            (true, false) => tracing::info!("redis answers again: limits are shared"),
            _ => {}
        }
        told
    }
}
