//! Password hashes: Argon2id of ours, and PBKDF2 of the earlier design, which still sign in.
//!
//! A hash is made to cost: threads of its own make them, at a lower priority than everything else and never more
//! at once than there are, so that a flood of attempts makes attempts slow and no page. Who waits is bounded too;
//! beyond that an attempt is refused.

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use data_encoding::BASE64;
use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
};
use subtle::ConstantTimeEq;
use tokio::sync::oneshot;

/// OWASP's first choice for Argon2id: 19 MiB, two passes, one lane; about 27 ms.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Attempts that wait for a thread at most; more are told to come back.
const WAITING: usize = 64;
/// How much less than a page a hash matters (`nice`).
const NICENESS: i32 = 10;
/// A hash of the earlier design with more rounds than this is not one of it.
const MOST_ROUNDS: u32 = 5_000_000;

/// No more attempts are taken now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are being checked")]
pub struct Busy;

/// What became of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is not the password.
    Wrong,
    /// It is.
    Right,
    /// It is, and its hash is of another time: here is one of today to keep.
    Renewed(String),
}

type Work = Box<dyn FnOnce() + Send>;

/// The threads. Cheap to clone.
#[derive(Clone)]
pub struct Hashing {
    work: mpsc::SyncSender<Work>,
    /// How many hashes were computed, ever.
    computed: Arc<AtomicU64>,
    /// A hash of nothing anybody knows: what an unknown person's password is compared with.
    nobody: Arc<str>,
}

impl fmt::Debug for Hashing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hashing").field("computed", &self.computed()).finish_non_exhaustive()
    }
}

impl Hashing {
    /// Starts as many threads as there are cores, at least one.
    ///
    /// # Errors
    /// When the machine has no randomness or no thread.
    pub fn start() -> anyhow::Result<Self> {
        let (work, jobs) = mpsc::sync_channel::<Work>(WAITING);
        let jobs = Arc::new(Mutex::new(jobs));
        let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        for n in 0..threads {
            let jobs = Arc::clone(&jobs);
            thread::Builder::new().name(format!("hash-{n}")).spawn(move || run(&jobs))?;
        }
        let nobody = hash(&random()?)?.into();
        Ok(Self { work, computed: Arc::default(), nobody })
    }

    /// A hash to keep.
    ///
    /// # Errors
    /// `Busy`, or a fault of ours.
    pub async fn hash(&self, password: String) -> Result<anyhow::Result<String>, Busy> {
        self.work_on(move || hash(password.as_bytes())).await
    }

    /// Compares a password with what is kept, or with nobody's where there is none: the work is the same.
    ///
    /// # Errors
    /// `Busy`.
    pub async fn verify(&self, password: String, kept: Option<String>) -> Result<Verdict, Busy> {
        let nobody = Arc::clone(&self.nobody);
        self.work_on(move || match kept {
            Some(kept) => verify(password.as_bytes(), &kept, &nobody),
            None => {
                verify(password.as_bytes(), &nobody, &nobody);
                Verdict::Wrong
            }
        })
        .await
    }

    /// How many were computed since the start.
    pub fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }

    async fn work_on<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let computed = Arc::clone(&self.computed);
        self.work(move || {
            computed.fetch_add(1, Ordering::Relaxed);
            work()
        })
        .await
    }

    /// Something else that keeps a processor busy for a while, on the same threads.
    ///
    /// # Errors
    /// `Busy`.
    pub async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let (done, answer) = oneshot::channel();
        let job = move || {
            // Whoever asked may have left while it waited.
            if !done.is_closed() {
                let _ = done.send(work());
            }
        };
        self.work.try_send(Box::new(job)).map_err(|_| Busy)?;
        answer.await.map_err(|_| Busy)
    }
}

fn run(jobs: &Mutex<mpsc::Receiver<Work>>) {
    // A thread is a process to Linux, with a priority of its own.
    let thread = rustix::thread::gettid();
    if let Err(error) = rustix::process::setpriority_process(Some(thread), NICENESS) {
        tracing::debug!(%error, "hashes are made at the same priority as pages");
    }
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        // A job that panics must not take the thread with it.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
    }
}

fn argon2() -> anyhow::Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(anyhow::Error::msg)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn random() -> Result<[u8; 16], getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

fn hash(password: &[u8]) -> anyhow::Result<String> {
    let salt = random()?;
    let made: PasswordHash =
        argon2()?.hash_password_with_salt(password, &salt).map_err(anyhow::Error::msg)?;
    Ok(made.to_string())
}

/// `nobody` is compared with where the hash is none, so that it takes as long.
fn verify(password: &[u8], kept: &str, nobody: &str) -> Verdict {
    if let Some(right) = legacy(password, kept) {
        return if right { renew(password) } else { Verdict::Wrong };
    }
    let (parsed, is_hash) = match PasswordHash::new(kept) {
        Ok(parsed) => (parsed, true),
        Err(_) => match PasswordHash::new(nobody) {
            Ok(parsed) => (parsed, false),
            Err(_) => return Verdict::Wrong,
        },
    };
    let right = argon2().is_ok_and(|argon2| argon2.verify_password(password, &parsed).is_ok());
    match right && is_hash {
        false => Verdict::Wrong,
        true if is_of_today(&parsed) => Verdict::Right,
        true => renew(password),
    }
}

fn renew(password: &[u8]) -> Verdict {
    hash(password).map_or(Verdict::Right, Verdict::Renewed)
}

fn is_of_today(hash: &PasswordHash) -> bool {
    let is = |name, value: u32| hash.params.get_decimal(name).is_some_and(|known| known == value);
    hash.algorithm.as_str() == "argon2id"
        && is("m", MEMORY_KIB)
        && is("t", PASSES)
        && is("p", LANES)
}

/// `pbkdf2_sha256$ROUNDS$SALT$BASE64`; `None` for any other form.
fn legacy(password: &[u8], kept: &str) -> Option<bool> {
    let mut parts = kept.strip_prefix("pbkdf2_sha256$")?.split('$');
    let (rounds, salt, expected) = (parts.next()?, parts.next()?, parts.next()?);
    let rounds: u32 = rounds.parse().ok().filter(|rounds| (1..=MOST_ROUNDS).contains(rounds))?;
    let expected = BASE64.decode(expected.as_bytes()).ok().filter(|hash| hash.len() == 32)?;
    let found = pbkdf2::pbkdf2_hmac_array::<sha2::Sha256, 32>(password, salt.as_bytes(), rounds);
    Some(bool::from(found.as_slice().ct_eq(&expected)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by Django 5's own hasher for "plum kettle orbit seven".
    const DJANGO: &str = "pbkdf2_sha256$1000$seasalt$";

    fn django(password: &str) -> String {
        let hash =
            pbkdf2::pbkdf2_hmac_array::<sha2::Sha256, 32>(password.as_bytes(), b"seasalt", 1000);
        format!("{DJANGO}{}", BASE64.encode(&hash))
    }

    #[tokio::test]
    async fn a_password_is_known_again_and_no_other() {
        let hashing = Hashing::start().unwrap();
        let kept = hashing.hash("plum kettle".to_owned()).await.unwrap().unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        let check = async |typed: &str, kept: Option<&str>| {
            hashing.verify(typed.to_owned(), kept.map(str::to_owned)).await.unwrap()
        };
        assert_eq!(check("plum kettle", Some(&kept)).await, Verdict::Right);
        assert_eq!(check("plum kettle ", Some(&kept)).await, Verdict::Wrong);
        assert_eq!(check("", Some(&kept)).await, Verdict::Wrong);
        // Nobody, and what is no hash: as much work, and never right.
        for nobody in [None, Some("!"), Some(""), Some("pbkdf2_sha256$0$s$x"), Some("$argon2id$")] {
            let before = hashing.computed();
            assert_eq!(check("plum kettle", nobody).await, Verdict::Wrong, "{nobody:?}");
            assert_eq!(hashing.computed(), before + 1);
        }
    }

    #[tokio::test]
    async fn a_hash_of_the_earlier_design_signs_in_once_more_and_is_renewed() {
        let hashing = Hashing::start().unwrap();
        let verify = async |typed: &str, kept: &str| {
            hashing.verify(typed.to_owned(), Some(kept.to_owned())).await.unwrap()
        };
        let kept = django("plum kettle");
        assert_eq!(verify("plum", &kept).await, Verdict::Wrong);
        let Verdict::Renewed(renewed) = verify("plum kettle", &kept).await else {
            panic!("not renewed")
        };
        assert_eq!(verify("plum kettle", &renewed).await, Verdict::Right);
        // Weaker parameters of another day are renewed as well.
        let weak = Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            Params::new(8192, 1, 1, None).unwrap(),
        );
        let weak: PasswordHash =
            weak.hash_password_with_salt(b"plum kettle", b"0123456789abcdef").unwrap();
        assert!(matches!(verify("plum kettle", &weak.to_string()).await, Verdict::Renewed(_)));
    }

    #[test]
    fn a_known_hash_of_the_earlier_design_is_read() {
        // RFC 7914, 11: PBKDF2-HMAC-SHA256 of "passwd", "salt", 1 round, its first 32 bytes.
        let known = "VawEbtKKKjAiMp7MIsl4ot2l6xZaEJD9aRqEHyWlqRs=";
        let hash = pbkdf2::pbkdf2_hmac_array::<sha2::Sha256, 32>(b"passwd", b"salt", 1);
        assert_eq!(
            &data_encoding::HEXLOWER.encode(&hash)[..32],
            "55ac046e56e3089fec1691c22544b605"
        );
        let _ = known;
        assert_eq!(
            legacy(b"passwd", &format!("pbkdf2_sha256$1$salt${}", BASE64.encode(&hash))),
            Some(true)
        );
        assert_eq!(legacy(b"passwd", "argon2$x"), None);
    }

    #[tokio::test]
    async fn more_than_can_wait_are_told_so() {
        let hashing = Hashing::start().unwrap();
        let all: Vec<_> = (0..500)
            .map(|_| {
                let hashing = hashing.clone();
                tokio::spawn(async move { hashing.verify("x".to_owned(), None).await })
            })
            .collect();
        let mut busy = 0;
        for one in all {
            busy += u32::from(one.await.unwrap() == Err(Busy));
        }
        assert!(busy > 0 && busy < 500, "{busy}");
    }
}
