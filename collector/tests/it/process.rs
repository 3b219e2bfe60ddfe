//! The collector's real binary, one core, beside a test's own collector: over the same database, in a
//! folder of its own.

use migrations::testing::Role;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use schemas::keys::Keys;
use std::{
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use crate::harness::{Answer, Collector, SECRET, ask, until};

/// See the module.
pub(crate) struct Process {
    child: Child,
    log: Receiver<String>,
    pub address: SocketAddr,
    pub admin: SocketAddr,
}

impl Process {
    /// Started by a shell after some of its words.
    pub(crate) fn start(collector: &Collector, shell: &str) -> Self {
        Self::start_with(collector, shell, &[])
    }

    /// With further arguments.
    pub(crate) fn start_with(collector: &Collector, shell: &str, arguments: &[&str]) -> Self {
        Self::start_in("process", collector, shell, arguments)
    }

    /// The same, in a folder of another name.
    pub(crate) fn start_in(
        folder: &str,
        collector: &Collector,
        shell: &str,
        arguments: &[&str],
    ) -> Self {
        let folder = collector.folder.path().join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("keys"), Keys::line(1, &SECRET)).unwrap();
        let mut child = Command::new("sh")
            .args(["-c", &format!("{shell} exec \"$@\""), "sh", env!("CARGO_BIN_EXE_collector")])
            .args(arguments)
            .env("TRIBUTARY_KEYS", folder.join("keys"))
            .env("TRIBUTARY_JOURNAL", folder.join("journal"))
            .env("TRIBUTARY_COLLECTOR", "127.0.0.1:0")
            .env("TRIBUTARY_ADMIN", "127.0.0.1:0")
            .env("TRIBUTARY_CORES", "1")
            .env("DATABASE_URL", collector.database.url(Role::Collector))
            .env("NO_COLOR", "1")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (tell, log) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                eprintln!("{line}");
                // A test that is over reads no more.
                let _ = tell.send(line);
            }
        });
        let (address, admin) = addresses(&log);
        let mut process = Self { child, log, address, admin };
        until("the process listens", || {
            assert_eq!(process.child.try_wait().unwrap(), None, "it ended");
            TcpStream::connect(address).is_ok()
        });
        process
    }

    pub(crate) fn get(&self, target: &str) -> Answer {
        ask(self.address, &format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n"))
    }

    /// What a metric says.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let answer = ask(self.admin, "GET /metrics HTTP/1.1\r\nhost: localhost\r\n");
        let mut lines = answer.body.lines();
        lines.find_map(|line| line.strip_prefix(name)?.trim().parse().ok()).unwrap_or(0)
    }

    /// How often something happened to requests.
    pub(crate) fn event(&self, event: &str) -> u64 {
        self.metric(&format!("tributary_collector_events_total{{event=\"{event}\"}}"))
    }

    /// Waits for the next line of its log with some words; those before it are passed over.
    pub(crate) fn says(&self, words: &str) {
        loop {
            let line = self.log.recv_timeout(Duration::from_secs(60));
            if line.unwrap_or_else(|_| panic!("it never said: {words}")).contains(words) {
                return;
            }
        }
    }

    /// As on a full disk: a write over the limit fails.
    pub(crate) fn limit_files(&self, bytes: Option<u64>) {
        let pid = Pid::from_child(&self.child);
        prlimit(Some(pid), Resource::Fsize, Rlimit { current: bytes, maximum: None }).unwrap();
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// A graceful stop; the lines of its log that nobody read.
    pub(crate) fn terminate(mut self) -> Vec<String> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
        self.log.iter().collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where it listens, as it tells; a process that ends instead fails the test at once.
fn addresses(log: &Receiver<String>) -> (SocketAddr, SocketAddr) {
    loop {
        let line = log.recv_timeout(Duration::from_secs(60)).expect("it ended, or told no address");
        let value = |name: &str| line.split_once(name)?.1.split(' ').next()?.parse().ok();
        if let (Some(address), Some(admin)) = (value(" address="), value(" admin=")) {
            return (address, admin);
        }
    }
}
