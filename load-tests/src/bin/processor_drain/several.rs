//! Several processors share the partitions, each a process that may use so much of a core and no more: what one more
//! of them brings, on a machine that could not give each a core.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use migrations::testing::{Clickhouse, Postgres, Role};
use sqlx::PgPool;

use crate::{cpu::Cpu, event_log::EventLog, measure, running::Running};

const PATIENCE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(20);
/// In microseconds: short, so that a share is one also over parts of a second.
const PERIOD: u32 = 20_000;

/// What they did while all of them worked.
pub(crate) struct Shared {
    /// Stored in that time.
    pub(crate) clicks: u64,
    pub(crate) conversions: u64,
    pub(crate) wall: Duration,
    /// CPU time of all of them, from their start.
    pub(crate) own: Duration,
}

/// Runs `count` of them until every click and conversion is stored.
pub(crate) async fn drain(
    root: &Path,
    (postgres, clickhouse): (&Postgres, &Clickhouse),
    events: &EventLog,
    (clicks, conversions): (u64, u64),
    (count, share): (u16, f64),
) -> Result<Shared> {
    let owner = postgres.pool(Role::Owner).await;
    // Declared first: a group can only go once its process has.
    let mut groups = Vec::new();
    let mut running = Vec::new();
    let more = [
        ("TRIBUTARY_KAFKA", events.config().servers.join(",")),
        ("TRIBUTARY_SLOTS", "c0".to_owned()),
    ];
    for n in 0..count {
        let claims = format!("claims-{n}");
        let one = Running::start(root, (postgres, clickhouse), &claims, &more)?;
        groups.push(Group::around(&one.pid(), n, share)?);
        running.push(one);
    }
    everyone_owns(&owner, count).await?;
    let (begun, before) = (Instant::now(), measure::rows(clickhouse).await?);
    ensure!(before != (clicks, conversions), "all were stored before everyone had begun");
    measure::wait_for_rows(&owner, clickhouse, clicks, conversions).await?;
    let wall = begun.elapsed();
    let mut own = Duration::ZERO;
    for one in &running {
        own += Cpu::of(&one.pid())?.since(&Cpu::default());
    }
    let (clicks, conversions) = (clicks - before.0, conversions - before.1);
    Ok(Shared { clicks, conversions, wall, own })
}

/// Waits until each has partitions of its own.
async fn everyone_owns(owner: &PgPool, count: u16) -> Result<()> {
    let sql = "SELECT count(DISTINCT owner_epoch) FROM pipeline_partition WHERE partition >= 0";
    let begun = Instant::now();
    while sqlx::query_scalar::<_, i64>(sql).fetch_one(owner).await? < i64::from(count) {
        ensure!(begun.elapsed() < PATIENCE, "not every processor has a partition");
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// A control group, gone with the value once its process is.
struct Group(Vec<PathBuf>);

impl Group {
    /// Puts a process into a group of its own that may use `share` of a core; none for a whole one.
    fn around(pid: &str, n: u16, share: f64) -> Result<Self> {
        if share >= 1.0 {
            return Ok(Self(Vec::new()));
        }
        let name = format!("tributary-drain-{}-{n}", std::process::id());
        let quota = (f64::from(PERIOD) * share) as u32;
        let first = Path::new("/sys/fs/cgroup/cpu");
        let folder = if first.is_dir() {
            first.join(&name)
        } else {
            Path::new("/sys/fs/cgroup").join(&name)
        };
        fs::create_dir(&folder).with_context(|| {
            format!("{} cannot be made: shares need root and control groups", folder.display())
        })?;
        let group = Self(vec![folder.clone()]);
        let write = |file: &str, value: String| {
            fs::write(folder.join(file), value)
                .with_context(|| format!("{}/{file}", folder.display()))
        };
        if first.is_dir() {
            write("cpu.cfs_period_us", PERIOD.to_string())?;
            write("cpu.cfs_quota_us", quota.to_string())?;
        } else {
            write("cpu.max", format!("{quota} {PERIOD}"))?;
        }
        write("cgroup.procs", pid.to_owned())?;
        Ok(group)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for folder in &self.0 {
            // Refused while its process lives; an empty group does no harm.
            let _ = fs::remove_dir(folder);
        }
    }
}
