//! The real API as a process, and how long its answers take.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use load_tests::{
    generate::Random,
    table::{percentile, print},
};
use reqwest::Client;
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use crate::{
    Arguments,
    place::Place,
    questions::{self, Known, Question},
    traffic,
};

const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);
/// A question that has taken so long is not asked again.
const ENOUGH: Duration = Duration::from_secs(15);
/// But so often at least.
const LEAST: usize = 5;
/// Both stores are asked for a constant.
const CONTROL: &str = "/ready";
/// The poller behind it ends within a second after its last listener.
const LIVE: (&str, Duration) = ("/api/v1/live/", Duration::from_millis(1200));

/// A running API, ended with the value.
pub(crate) struct Api {
    child: Child,
    client: Client,
    base: String,
    token: String,
    _folder: TempDir,
}

impl Drop for Api {
    fn drop(&mut self) {
        // Gone already is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Api {
    /// Starts the binary beside this one on free ports.
    pub(crate) async fn start(place: &Place) -> Result<Self> {
        let binary = std::env::current_exe()?.with_file_name("api");
        ensure!(binary.exists(), "{} is not built: cargo build -p api", binary.display());
        let folder = load_tests::system::folder()?;
        let file = |name: &str, text: &str| -> Result<String> {
            let path = folder.path().join(name);
            std::fs::write(&path, text)?;
            Ok(path.display().to_string())
        };
        let (clickhouse, database) = place.clickhouse();
        let (address, admin) = (free_address()?, free_address()?);
        let child = Command::new(binary)
            .env("DATABASE_URL", place.postgres("tributary_api")?)
            .env("TRIBUTARY_CLICKHOUSE_URL", clickhouse)
            .env("TRIBUTARY_CLICKHOUSE_DATABASE", database)
            .env("TRIBUTARY_API", &address)
            .env("TRIBUTARY_API_ADMIN", &admin)
            .env("TRIBUTARY_KEYS", file("keys", traffic::KEYS)?)
            .env("TRIBUTARY_URL", format!("http://{address}"))
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        let base = format!("http://{address}");
        let mut owner = PgConnection::connect(&place.owner()).await?;
        let token = standalone::accounts::make_token(&mut owner, ("dashboard", false, 1)).await?;
        let api = Self { child, client: Client::new(), base, token, _folder: folder };
        let begun = Instant::now();
        while api.ask(CONTROL).await.is_err() {
            ensure!(begun.elapsed() < PATIENCE, "the API does not get ready");
            tokio::time::sleep(LOOK).await;
        }
        Ok(api)
    }

    /// How long one answer took, to its last byte; of a stream, to its first frame.
    async fn ask(&self, path: &str) -> Result<Duration> {
        let begun = Instant::now();
        let url = format!("{}{path}", self.base);
        let mut response = self.client.get(&url).bearer_auth(&self.token).send().await?;
        let (status, mut body) = (response.status(), Vec::new());
        while let Some(bytes) = response.chunk().await? {
            body.extend_from_slice(&bytes);
            if path == LIVE.0 && String::from_utf8_lossy(&body).contains("event: frame") {
                break;
            }
        }
        let took = begun.elapsed();
        // A search leads to what it finds.
        ensure!(
            status.is_success() || status.is_redirection(),
            "{path}: {status}: {}",
            String::from_utf8_lossy(&body)
        );
        Ok(took)
    }
}

fn free_address() -> Result<String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").context("no free port")?;
    Ok(listener.local_addr()?.to_string())
}

/// Asks everything, and prints it beside the control.
pub(crate) async fn all(api: &Api, known: &Known, arguments: &Arguments) -> Result<()> {
    let mut random = Random::new(11);
    let (mut rows, mut late, mut worst) = (Vec::new(), 0, 0.0_f64);
    let mut all = Vec::new();
    let mut control = Vec::new();
    let questions = questions::all();
    let asked = questions.iter().filter(|question| question.name.contains(&arguments.only));
    for question in asked {
        let mut took = question.times(api, (known, &mut random), arguments.times).await?;
        // Beside every question, so that a noisy minute is seen in both.
        for _ in 0..LEAST {
            control.push(milliseconds(api.ask(CONTROL).await?));
        }
        let is_late = percentile(sorted(&mut took), 95.0).unwrap_or(0.0) > question.reach_ms;
        late += usize::from(is_late);
        worst = worst.max(took.last().copied().unwrap_or(0.0));
        if question.reach_ms == questions::DASHBOARD_MS {
            all.extend_from_slice(&took);
        }
        rows.push(row(&question.name, &took, Some(question.reach_ms)));
        eprintln!("{}", rows[rows.len() - 1].join("  "));
    }
    let reach = Some(questions::DASHBOARD_MS);
    rows.push(row("all of the dashboard's together", sorted(&mut all), reach));
    rows.push(row("control: SELECT 1 of both stores", sorted(&mut control), None));
    let last = format!(
        "{late} of {} above their reach; the worst answer took {worst:.0} ms",
        rows.len() - 2
    );
    let head = ["milliseconds", "p50", "p95", "worst", "reach", "asked", ""];
    print(&head, &rows, &last)?;
    Ok(())
}

impl Question {
    async fn times(
        &self,
        api: &Api,
        (known, random): (&Known, &mut Random),
        times: usize,
    ) -> Result<Vec<f64>> {
        let (mut took, begun) = (Vec::new(), Instant::now());
        // The first time of all reads what no cache has.
        api.ask(&(self.path)(known, random)).await?;
        while took.len() < times && (took.len() < LEAST || begun.elapsed() < ENOUGH) {
            let path = (self.path)(known, random);
            if path == LIVE.0 {
                tokio::time::sleep(LIVE.1).await;
            }
            took.push(milliseconds(api.ask(&path).await?));
        }
        Ok(took)
    }
}

fn row(name: &str, sorted: &[f64], reach_ms: Option<f64>) -> Vec<String> {
    let at = |p| format!("{:.1}", percentile(sorted, p).unwrap_or(0.0));
    let reach = reach_ms.map_or(String::new(), |reach| format!("{reach:.0}"));
    let is_late = reach_ms.is_some_and(|reach| percentile(sorted, 95.0).unwrap_or(0.0) > reach);
    let mark = if is_late { "above" } else { "" };
    vec![
        name.to_owned(),
        at(50.0),
        at(95.0),
        at(100.0),
        reach,
        sorted.len().to_string(),
        mark.to_owned(),
    ]
}

fn sorted(took: &mut [f64]) -> &[f64] {
    took.sort_by(f64::total_cmp);
    took
}

fn milliseconds(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}
