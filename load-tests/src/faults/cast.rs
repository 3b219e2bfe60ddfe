//! Collectors and processors as processes, and what is done to them.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use migrations::testing::{Clickhouse, Postgres, Role};
use rustix::process::{Pid, Signal, kill_process};
use schemas::keys::Keys;
use sqlx::PgPool;
use tokio::time::{sleep, timeout};

use super::{
    actor::Actor,
    schedule::{COLLECTORS, Fault, Line, OTHERS, PROCESSORS, Who},
    stage::Stage,
};

/// Partitions of both topics.
const PARTITIONS: u16 = 4;
/// How long a process may take to get ready or to end.
pub(super) const LIMIT: Duration = Duration::from_secs(180);
/// Links to click on.
pub const LINKS: u32 = 40;
const KEY: [u8; 32] = [11; 32];

/// See the module.
pub struct Cast {
    /// Tables of this run alone.
    pub postgres: Postgres,
    /// The same.
    pub clickhouse: Clickhouse,
    /// To look, not by way of any line.
    pub owner: PgPool,
    /// The installation's.
    pub keys: Keys,
    folder: PathBuf,
    kafka: kafka::Config,
    collectors: Vec<Actor>,
    processors: Vec<Actor>,
}

impl Cast {
    /// Fresh tables, fresh topics, everybody running.
    ///
    /// # Errors
    /// What keeps them from it.
    pub async fn start(stage: &Stage, seed: u64) -> Result<Self> {
        let (postgres, clickhouse) = (Postgres::fresh().await, Clickhouse::fresh().await);
        let owner = postgres.pool(Role::Owner).await;
        sqlx::raw_sql(sqlx::AssertSqlSafe(rows())).execute(&owner).await?;
        let folder = stage.folder.path().join(format!("seed-{seed}"));
        // One that was run before begins anew.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("keys"), Keys::line(1, &KEY))?;
        let keys = Keys::parse(&Keys::line(1, &KEY))?;
        let kafka = kafka::Config {
            prefix: format!("s{seed}.{}.", std::process::id()),
            ..stage.cluster.config()
        };
        let layout = kafka::Layout { partitions: PARTITIONS, copies: None, keep_hours: 1 };
        kafka::create(&kafka, layout, LIMIT).await?;
        let mut cast = Self {
            postgres,
            clickhouse,
            owner,
            keys,
            folder,
            kafka,
            collectors: Vec::new(),
            processors: Vec::new(),
        };
        for n in 0..COLLECTORS {
            let actor = cast.collector(stage, n)?;
            cast.collectors.push(actor);
        }
        for n in 0..PROCESSORS {
            let actor = cast.processor(stage, n)?;
            cast.processors.push(actor);
        }
        cast.all().try_for_each(Actor::begin)?;
        cast.ready().await?;
        Ok(cast)
    }

    fn all(&mut self) -> impl Iterator<Item = &mut Actor> {
        self.collectors.iter_mut().chain(&mut self.processors)
    }

    fn actor(
        &self,
        name: String,
        binary: &str,
        ready: String,
        more: &[(&str, String)],
    ) -> Result<Actor> {
        let mut environment: Vec<(String, String)> = vec![
            ("TRIBUTARY_KEYS".into(), self.folder.join("keys").display().to_string()),
            ("TRIBUTARY_KAFKA".into(), self.kafka.servers.join(",")),
            ("TRIBUTARY_KAFKA_PREFIX".into(), self.kafka.prefix.clone()),
        ];
        environment.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        let log = self.folder.join(format!("{name}.log"));
        let binary = beside(binary)?;
        Ok(Actor { name, binary, environment, log, ready, child: None })
    }

    fn collector(&self, stage: &Stage, n: usize) -> Result<Actor> {
        let [listen, admin] = crate::system::free_addresses()?;
        let name = format!("collector-{n}");
        let run = self.folder.file_name().and_then(|name| name.to_str()).unwrap_or("run");
        let journal = stage.disks[n].fresh(run)?.join("journal");
        let more = [
            ("TRIBUTARY_NAME", format!("n{n}")),
            ("TRIBUTARY_COLLECTOR", listen),
            ("TRIBUTARY_ADMIN", admin.clone()),
            ("TRIBUTARY_JOURNAL", journal.display().to_string()),
            ("TRIBUTARY_CORES", "1".to_owned()),
            ("TRIBUTARY_PARTITIONS", PARTITIONS.to_string()),
            ("TRIBUTARY_TRUSTED_PROXIES", "127.0.0.0/8".to_owned()),
            ("TRIBUTARY_DRAIN_S", "20".to_owned()),
            ("DATABASE_URL", stage.by(Line::Links, &self.postgres.url(Role::Collector))?),
        ];
        self.actor(name, "collector", format!("http://{admin}/ready"), &more)
    }

    fn processor(&self, stage: &Stage, n: usize) -> Result<Actor> {
        let [admin] = crate::system::free_addresses()?;
        let name = format!("processor-{n}");
        let slots: Vec<String> = (0..COLLECTORS).map(|n| format!("n{n}-c0")).collect();
        let more = [
            ("TRIBUTARY_PROCESSOR", admin.clone()),
            ("TRIBUTARY_SLOTS", slots.join(",")),
            ("TRIBUTARY_CLAIMS", self.folder.join(&name).display().to_string()),
            ("TRIBUTARY_INSERT_LIMIT_MS", "2000".to_owned()),
            ("TRIBUTARY_IDLE_LIMIT_MS", "500".to_owned()),
            ("TRIBUTARY_BATCH_MS", "50".to_owned()),
            ("TRIBUTARY_CLICKHOUSE_URL", stage.by(Line::Engine, self.clickhouse.url())?),
            ("TRIBUTARY_CLICKHOUSE_DATABASE", self.clickhouse.database().to_owned()),
            ("DATABASE_URL", stage.by(Line::Postgres, &self.postgres.url(Role::Processor))?),
        ];
        self.actor(name, "processor", format!("http://{admin}/health"), &more)
    }

    /// Where visitors come in.
    pub fn addresses(&self) -> Vec<String> {
        let listen = |actor: &Actor| {
            let found = actor.environment.iter().find(|(name, _)| name == "TRIBUTARY_COLLECTOR");
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        self.collectors.iter().map(listen).collect()
    }

    /// Lets something happen.
    ///
    /// # Errors
    /// When the machine fails, not the system.
    pub async fn suffer(&mut self, stage: &mut Stage, fault: &Fault) -> Result<()> {
        match *fault {
            Fault::Kill(Who::Collector(n)) => self.collectors[n].kill()?,
            Fault::Kill(Who::Processor(n)) => self.processors[n].kill()?,
            Fault::Kill(who) => stage.kill(who)?,
            Fault::Freeze(who, length) => self.freeze(stage, who, length)?,
            Fault::Cut(line, length) => stage.line(line).cut(length),
            Fault::Delay(line, by, length) => stage.line(line).delay(by, length),
            Fault::HalfBody(line) => stage.line(line).half_body(),
            Fault::LostCommit => stage.line(Line::Postgres).lose_commit(),
            Fault::FillDisk(n, length) => stage.disks[n].fill(length)?,
            Fault::KillAll => self.all().try_for_each(Actor::kill)?,
            Fault::KillEverything => {
                self.all().for_each(Actor::strike);
                OTHERS.into_iter().try_for_each(|who| stage.kill(who))?;
                self.all().try_for_each(Actor::begin)?;
            }
        }
        self.all().try_for_each(|actor| actor.revive().map(drop))
    }

    fn freeze(&self, stage: &Stage, who: Who, length: Duration) -> Result<()> {
        let of =
            |actor: &Actor| actor.child.as_ref().and_then(|child| Pid::from_raw(child.id() as i32));
        let pids = match who {
            Who::Collector(n) => of(&self.collectors[n]).into_iter().collect(),
            Who::Processor(n) => of(&self.processors[n]).into_iter().collect(),
            _ => stage.processes(who)?,
        };
        let signal = |signal: Signal| {
            move |pid: &Pid| {
                // It may have been killed meanwhile.
                let _ = kill_process(*pid, signal);
            }
        };
        pids.iter().for_each(signal(Signal::STOP));
        tokio::spawn(async move {
            sleep(length).await;
            pids.iter().for_each(signal(Signal::CONT));
        });
        Ok(())
    }

    /// Everybody is well again, the collectors end as they should, and everything has time to arrive.
    ///
    /// # Errors
    /// Somebody who does not come back.
    pub async fn calm(&mut self, stage: &mut Stage) -> Result<()> {
        stage.heal().await?;
        self.all().for_each(|actor| actor.signal(Signal::CONT));
        self.all().try_for_each(|actor| actor.revive().map(drop))?;
        self.ready().await?;
        for actor in &mut self.collectors {
            actor.end().await?;
        }
        // A next start seals what was killed, and is ended itself: nothing more comes of any journal.
        for actor in &mut self.collectors {
            actor.begin()?;
        }
        self.ready().await?;
        for actor in &mut self.collectors {
            actor.end().await?;
        }
        Ok(())
    }

    /// Starts a processor again that has ended by itself, as a supervisor does. The collectors have ended for good.
    ///
    /// How many did.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn keep(&mut self) -> Result<usize> {
        let mut ended = 0;
        for processor in &mut self.processors {
            ended += usize::from(processor.revive()?);
        }
        Ok(ended)
    }

    async fn ready(&mut self) -> Result<()> {
        for actor in self.all() {
            let url = actor.ready.clone();
            let answers = async {
                while !reqwest::get(&url).await.is_ok_and(|answer| answer.status().is_success()) {
                    actor.revive()?;
                    sleep(Duration::from_millis(50)).await;
                }
                anyhow::Ok(())
            };
            let ready = timeout(LIMIT, answers).await;
            ready.with_context(|| {
                format!("{} is not ready: {}", actor.name, actor.log.display())
            })??;
        }
        Ok(())
    }

    /// Settings of the audit, not by way of any line.
    pub fn audit(&self) -> Vec<String> {
        let flags = [
            ("--database-url", self.postgres.url(Role::Processor)),
            ("--clickhouse-url", self.clickhouse.url().to_owned()),
            ("--clickhouse-database", self.clickhouse.database().to_owned()),
            ("--keys", self.folder.join("keys").display().to_string()),
            ("--journal", self.folder.join("none").display().to_string()),
        ];
        flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]).collect()
    }

    /// Every journal that a collector has begun.
    ///
    /// # Errors
    /// When a disk can't be read.
    pub fn journals(&self) -> Result<Vec<i64>> {
        let mut all = Vec::new();
        for actor in &self.collectors {
            let root = actor.environment.iter().find(|(name, _)| name == "TRIBUTARY_JOURNAL");
            let Some((_, root)) = root else { continue };
            for slot in std::fs::read_dir(root)? {
                // Beside the folders of slots lie files.
                let Ok(journals) = std::fs::read_dir(slot?.path()) else { continue };
                for journal in journals.flatten() {
                    let name = journal.file_name();
                    let id = name.to_str().and_then(|name| u64::from_str_radix(name, 16).ok());
                    all.extend(id.map(u64::cast_signed));
                }
            }
        }
        Ok(all)
    }

    /// Where to read why.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Ends the processors.
    pub async fn end(mut self) {
        for actor in &mut self.processors {
            // Judged already.
            let _ = actor.end().await;
        }
        self.owner.close().await;
    }
}

fn rows() -> String {
    let mut rows = "
        INSERT INTO affiliate_affiliate (id, site_id, name) VALUES (1, 1, 'Ada'), (2, 1, 'Bob');
        INSERT INTO affiliate_program (id, site_id, slug, name, destination, status)
            VALUES (1, 1, 'shop', 'Shop', 'https://shop.example/?c={click_id}&s={sub1}', 'active');
        INSERT INTO affiliate_plan (site_id, program_id, event, kind, amount_units, currency)
            VALUES (1, 1, 'sale', 'flat', 1000000, 'EUR');"
        .to_owned();
    for id in 1..=LINKS {
        rows.push_str(&format!(
            "INSERT INTO affiliate_affiliatelink (id, code, site_id, affiliate_id, program_id) VALUES ({id}, 'l{id}', 1, {}, 1);",
            id % 2 + 1
        ));
    }
    rows
}

/// A binary in the folder of the running program or the one above (tests run in `deps`).
fn beside(name: &str) -> Result<PathBuf> {
    let here = std::env::current_exe()?;
    let found = here.ancestors().skip(1).take(2).map(|folder| folder.join(name));
    let mut found = found.filter(|path| path.is_file());
    found
        .next()
        .with_context(|| format!("there is no binary `{name}` beside this one: cargo build --bins"))
}
