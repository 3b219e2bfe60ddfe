//! `kill -9` at whatever moment: nothing is lost, nothing counts twice.

use std::process::{Child, Command, ExitStatus, Stdio};

use crate::world::{Log, NOON, World, click, limited, sale};

/// A processor in a process of its own; it does not outlive the test, however that ends.
pub(crate) struct Running(Child);

impl Running {
    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    /// Ends it at once.
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Ends it as an operator does: its partitions are free at once.
    pub(crate) async fn stop(mut self) {
        self.signal("-TERM");
        assert!(self.ended().await.success());
    }

    /// Waits until it ends by itself.
    async fn ended(&mut self) -> ExitStatus {
        let ended = async {
            loop {
                if let Some(status) = self.0.try_wait().unwrap() {
                    return status;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        limited("the processor's end", ended).await
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Gone already, where the test went well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Numbers that look random and are the same in every run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below this one.
    pub(crate) fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

fn start(world: &World) -> Running {
    start_with(world, &[])
}

/// A processor with further flags.
pub(crate) fn start_with(world: &World, more: &[String]) -> Running {
    start_at(world, "127.0.0.1:0", more)
}

/// The same, with its metrics at an address.
pub(crate) fn start_at(world: &World, address: &str, more: &[String]) -> Running {
    let arguments = world.arguments().into_iter();
    let arguments =
        arguments.map(|one| if one == "127.0.0.1:0" { address.to_owned() } else { one });
    let child = Command::new(env!("CARGO_BIN_EXE_processor"))
        .args(arguments)
        .args(["--rows", "150"])
        .args(more)
        .env("RUST_LOG", "warn")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Running(child.unwrap())
}

/// Clicks, some again by the same visitor, some converting, one in twenty before its click is there.
pub(crate) fn write(log: &mut Log, dice: &mut Dice, at: &mut u64, clicks: u64) {
    for _ in 0..clicks {
        *at += 3;
        let named = log.click(click(*at, dice.roll(400) + 1));
        if dice.roll(10) == 0 {
            let named = if dice.roll(20) == 0 {
                schemas::event::ClickRef { seq: named.seq + 1, ..named }
            } else {
                named
            };
            let txn = format!("T-{}", dice.roll(100_000));
            log.conversion(sale(*at + 1, named, &txn));
        }
    }
    log.beat(*at);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_it_loses_and_doubles_nothing() {
    const COMMIT: &str = "SELECT commit FROM pipeline_owner";
    let world = World::new().await;
    let (mut dice, mut at, mut written) = (Dice(0x9e37_79b9_7f4a_7c15), NOON, 0);
    let mut log = world.writer(0x0102_0304_0506_0708, NOON);
    for _ in 0..15 {
        let processor = start(&world);
        let from = world.ask(COMMIT).await;
        let aim = from + 1 + dice.roll(4) as i64;
        // Killed when it has come so far, whatever it does just then.
        let aimed = async {
            loop {
                let commit = world.ask(COMMIT).await;
                if commit >= aim {
                    break;
                }
                if written < (commit + 4) * 120 {
                    write(&mut log, &mut dice, &mut at, 120);
                    written += 120;
                }
            }
        };
        limited("a commit to kill it at", aimed).await;
        processor.kill();
    }
    // The last conversions may name clicks that never came: read on until their wait is over.
    log.beat(at + 700_000);
    world.drain().await;
    let report = world.audit().await;
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, written);
    assert_eq!(world.ask("SELECT count(*) FROM pipeline_waiting").await, 0);
    assert!(report.conversions > 0 && report.blocks > 0, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zombie_commits_nothing() {
    let world = World::new().await;
    let mut log = world.writer(0x0102_0304_0506_0708, NOON);
    log.click(click(NOON + 1, 7));
    log.beat(NOON + 1000);
    let mut old = start(&world);
    world.reaches("SELECT commit FROM pipeline_owner", 1).await;
    // Another one takes over: the old one must find out by itself, and end.
    world.drain().await;
    log.click(click(NOON + 2000, 8));
    log.beat(NOON + 3000);
    let status = old.ended().await;
    assert!(!status.success(), "the old one goes on");
    world.drain().await;
    assert_eq!(world.ask_engine("SELECT toInt64(count()) FROM clicks").await, 2);
    world.audit().await;
}
