//! What one record costs the collector to append and the processor to read back, on real files.
//! A batch is what one event-loop tick accepts. Nothing here waits for the disk: the mode is `page_cache`, with its
//! thread syncing behind; power-safe commits are measured on their own.
//! Times are CPU time: on a shared machine the wall clock measures the neighbours. (Waiting until durable is by the
//! wall clock.)

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use journal::{Body, Entry, JournalId, Partition, Position, Reader, TopicId, Writer, WriterConfig};
use rustix::time::{ClockId, clock_gettime};

const KEY: [u8; 32] = [1; 32];
const RECORD: [u8; 300] = [b'x'; 300];
const BATCH: u64 = 32;

/// Batches after which a fresh journal is begun, so that the disk does not fill: twice the default segment.
const BATCHES_PER_JOURNAL: u64 = 13_000;

/// CPU time used so far by this thread, or by the whole process, the journal's syncing thread included.
fn cpu_time(of: ClockId) -> Duration {
    let time = clock_gettime(of);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

fn writer(root: &Path) -> Writer {
    let config = WriterConfig::new(root, "bench", 16, KEY);
    Writer::create(config, 1_700_000_000_000, JournalId(1))
        .expect("a journal in a temporary folder")
}

fn append(writer: &mut Writer, batches: u64, commit_each: u64) {
    for n in 0..batches * BATCH {
        let partition = Partition((n % 16) as u16);
        let staged = writer.stage_with(TopicId(0), partition, |seq, to| {
            to.extend_from_slice(&seq.to_le_bytes());
            to.extend_from_slice(&RECORD[8..]);
        });
        black_box(staged.expect("stage"));
        if (n + 1) % commit_each == 0 {
            writer.commit().expect("commit");
        }
    }
}

fn timed_append(iterations: u64, commit_each: u64, clock: ClockId) -> Duration {
    let mut time = Duration::ZERO;
    let mut left = iterations;
    while left > 0 {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut writer = writer(folder.path());
        let batches = left.min(BATCHES_PER_JOURNAL);
        let begun = cpu_time(clock);
        append(&mut writer, batches, commit_each);
        time += cpu_time(clock) - begun;
        left -= batches;
    }
    time
}

fn appending(c: &mut Criterion) {
    let mut group = c.benchmark_group("journal/append 32 records of 300 B");
    group.throughput(Throughput::Elements(BATCH));
    let (thread, process) = (ClockId::ThreadCPUTime, ClockId::ProcessCPUTime);
    group.bench_function("one commit", |b| b.iter_custom(|n| timed_append(n, BATCH, thread)));
    group.bench_function("one commit, with the sync behind", |b| {
        b.iter_custom(|n| timed_append(n, BATCH, process))
    });
    group.bench_function("a commit every 256", |b| b.iter_custom(|n| timed_append(n, 256, thread)));
    group.bench_function("32 commits", |b| b.iter_custom(|n| timed_append(n, 1, thread)));
    group.finish();
}

fn syncing(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut writer = writer(folder.path());
    let sync = writer.sync_handle();
    c.bench_function("journal/commit and wait until durable", |b| {
        b.iter(|| {
            writer.stage(TopicId(1), Partition(0), &RECORD).expect("stage");
            let mark = writer.commit().expect("commit");
            sync.wait(mark).expect("durable");
        });
    });
}

/// Records and payload bytes of the journal.
fn read_all(root: &Path) -> (u64, u64) {
    let mut reader =
        Reader::open(root, "bench", JournalId(1), Position::START, &KEY).expect("open");
    let (mut records, mut bytes) = (0, 0);
    let mut take = |entry: Entry<'_>| {
        if let Body::Record { payload, .. } = entry.body {
            records += 1;
            bytes += payload.len() as u64;
        }
    };
    while reader.read_batch(1 << 20, &mut take).expect("read") > 0 {}
    (records, bytes)
}

fn reading(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let batches = 5_000;
    let mut writer = writer(folder.path());
    append(&mut writer, batches, BATCH);
    writer.end(None).expect("end");
    let mut group = c.benchmark_group("journal/read");
    group.throughput(Throughput::Elements(batches * BATCH));
    group.bench_function("160,000 records of 300 B", |b| {
        b.iter_custom(|iterations| {
            let begun = cpu_time(ClockId::ThreadCPUTime);
            (0..iterations).for_each(|_| {
                assert_eq!(read_all(folder.path()), (batches * BATCH, batches * BATCH * 300))
            });
            cpu_time(ClockId::ThreadCPUTime) - begun
        });
    });
    group.finish();
}

criterion_group!(benches, appending, syncing, reading);
criterion_main!(benches);
