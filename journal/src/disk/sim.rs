//! A file system in memory for tests. A killed process leaves it as it is; a power loss leaves of what was not
//! synced any part, torn at any byte. It can be full, write short, die in a write, fail a sync (and then, as Linux
//! does, say "ok" to the next one without having written anything).

mod node;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use super::{DiskFile, Lock};
use node::{Node, Random};

#[derive(Clone, Default)]
pub(crate) struct Sim(Arc<Mutex<World>>);

pub(crate) struct SimFile {
    sim: Sim,
    inode: u64,
    life: u64,
}

pub(crate) struct SimLock {
    sim: Sim,
    path: PathBuf,
    id: u64,
}

#[derive(Default)]
struct World {
    files: BTreeMap<u64, Node>,
    names: BTreeMap<PathBuf, u64>,
    folders: BTreeSet<PathBuf>,
    durable_names: BTreeMap<PathBuf, u64>,
    durable_folders: BTreeSet<PathBuf>,
    locks: BTreeMap<PathBuf, u64>,
    last_id: u64,
    /// Raised by a crash: handles of the dead process do nothing any more.
    life: u64,
    faults: Faults,
}

/// What goes wrong. Single faults are used up when they happen.
#[derive(Default, Clone)]
pub(crate) struct Faults {
    /// Bytes still free; `None`: endless.
    pub(crate) free: Option<u64>,
    pub(crate) no_fallocate: bool,
    /// The next write takes this many bytes and the one after it fails.
    pub(crate) short_write: Option<usize>,
    pub(crate) fail_write: bool,
    /// So many writes pass before any of these happens.
    pub(crate) skip_writes: u32,
    /// The next write takes this many bytes, and then the process is dead.
    pub(crate) die_in_write: Option<usize>,
    pub(crate) dead: bool,
    pub(crate) fail_sync: bool,
    pub(crate) fail_set_len: bool,
    /// A writer at work: (bytes of any file to be seen so far, by how much they grow whenever their length is asked).
    pub(crate) reveal: Option<(usize, usize)>,
}

impl Faults {
    fn seen_of<'a>(&self, cache: &'a [u8]) -> &'a [u8] {
        let Some((seen, _)) = &self.reveal else { return cache };
        &cache[..cache.len().min(*seen)]
    }
}

fn error(kind: io::ErrorKind) -> io::Error {
    kind.into()
}

impl Sim {
    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn alive(&self) -> io::Result<MutexGuard<'_, World>> {
        let world = self.world();
        if world.faults.dead { Err(error(io::ErrorKind::BrokenPipe)) } else { Ok(world) }
    }

    pub(crate) fn set(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.world().faults);
    }

    pub(crate) fn faults(&self) -> Faults {
        self.world().faults.clone()
    }

    /// `kill -9`: the page cache stays.
    pub(crate) fn kill(&self) {
        let mut world = self.world();
        world.life += 1;
        world.locks.clear();
        world.faults = Faults {
            free: world.faults.free,
            no_fallocate: world.faults.no_fallocate,
            ..Faults::default()
        };
    }

    /// Power loss: of every byte and name that was not synced, `random` decides.
    pub(crate) fn power_loss(&self, seed: u64) {
        self.kill();
        let mut world = self.world();
        let mut random = Random(seed | 1);
        let names: BTreeSet<PathBuf> =
            world.names.keys().chain(world.durable_names.keys()).cloned().collect();
        for name in names {
            let (now, synced) =
                (world.names.get(&name).copied(), world.durable_names.get(&name).copied());
            let kept = if random.below(2) == 0 { now } else { synced };
            match kept {
                Some(inode) => world.names.insert(name, inode),
                None => world.names.remove(&name),
            };
        }
        world.folders = world.durable_folders.clone();
        world.durable_names = world.names.clone();
        for node in world.files.values_mut() {
            node.lose_power(&mut random);
        }
    }

    pub(crate) fn create_dirs(&self, path: &Path) -> io::Result<()> {
        let mut world = self.alive()?;
        for folder in path.ancestors() {
            world.folders.insert(folder.to_path_buf());
            world.durable_folders.insert(folder.to_path_buf());
        }
        Ok(())
    }

    pub(crate) fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let world = self.alive()?;
        let all =
            world.names.keys().chain(&world.folders).filter(|name| name.parent() == Some(path));
        Ok(all.filter_map(|name| Some(name.file_name()?.to_str()?.to_owned())).collect())
    }

    pub(crate) fn create_new(&self, path: &Path) -> io::Result<DiskFile> {
        let mut world = self.alive()?;
        if world.names.contains_key(path) {
            return Err(error(io::ErrorKind::AlreadyExists));
        }
        if !path.parent().is_some_and(|folder| world.folders.contains(folder)) {
            return Err(error(io::ErrorKind::NotFound));
        }
        world.last_id += 1;
        let inode = world.last_id;
        world.files.insert(inode, Node::default());
        world.names.insert(path.to_path_buf(), inode);
        Ok(self.handle(inode, world.life))
    }

    fn handle(&self, inode: u64, life: u64) -> DiskFile {
        DiskFile::Sim(SimFile { sim: self.clone(), inode, life })
    }

    pub(crate) fn open(&self, path: &Path) -> io::Result<DiskFile> {
        let world = self.alive()?;
        let inode = *world.names.get(path).ok_or(error(io::ErrorKind::NotFound))?;
        Ok(self.handle(inode, world.life))
    }

    pub(crate) fn open_write(&self, path: &Path) -> io::Result<DiskFile> {
        self.open(path)
    }

    pub(crate) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut world = self.alive()?;
        let inode = world.names.remove(from).ok_or(error(io::ErrorKind::NotFound))?;
        world.names.insert(to.to_path_buf(), inode);
        Ok(())
    }

    pub(crate) fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut world = self.alive()?;
        world.names.remove(path).map(|_| ()).ok_or(error(io::ErrorKind::NotFound))
    }

    pub(crate) fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let mut world = self.alive()?;
        if world.names.keys().any(|name| name.starts_with(path)) {
            return Err(error(io::ErrorKind::DirectoryNotEmpty));
        }
        world.folders.remove(path);
        world.durable_folders.remove(path);
        Ok(())
    }

    pub(crate) fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut world = self.alive()?;
        let inside = |name: &PathBuf| name.parent() == Some(path);
        world.durable_names.retain(|name, _| !inside(name));
        let now: Vec<_> =
            world.names.iter().filter(|(n, _)| inside(n)).map(|(n, i)| (n.clone(), *i)).collect();
        world.durable_names.extend(now);
        Ok(())
    }

    pub(crate) fn lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        let mut world = self.alive()?;
        if !world.folders.contains(path) {
            return Err(error(io::ErrorKind::NotFound));
        }
        if world.locks.contains_key(path) {
            return Ok(None);
        }
        world.last_id += 1;
        let id = world.last_id;
        world.locks.insert(path.to_path_buf(), id);
        Ok(Some(Lock::Sim(SimLock { sim: self.clone(), path: path.to_path_buf(), id })))
    }

    /// The bytes of a file as they are now, to damage them.
    pub(crate) fn edit(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut world = self.world();
        let inode = *world.names.get(path).expect("file");
        let node = world.files.get_mut(&inode).expect("inode");
        change(&mut node.cache);
        node.durable = node.cache.clone();
    }

    /// Puts a file where none was, as a copy does: with an inode of its own.
    pub(crate) fn put(&self, path: &Path, bytes: &[u8]) {
        self.create_dirs(path.parent().expect("folder")).expect("create folders");
        self.create_new(path).expect("new file");
        self.edit(path, |to| *to = bytes.to_vec());
    }

    pub(crate) fn bytes(&self, path: &Path) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.edit(path, |now| bytes.clone_from(now));
        bytes
    }
}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut world = self.sim.world();
        if world.locks.get(&self.path) == Some(&self.id) {
            world.locks.remove(&self.path);
        }
    }
}

impl SimFile {
    fn with<T>(&self, act: impl FnOnce(&mut Node, &mut Faults) -> io::Result<T>) -> io::Result<T> {
        let mut world = self.sim.alive()?;
        if world.life != self.life {
            return Err(error(io::ErrorKind::BrokenPipe));
        }
        let World { files, faults, .. } = &mut *world;
        act(files.get_mut(&self.inode).ok_or(error(io::ErrorKind::NotFound))?, faults)
    }

    pub(crate) fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.with(|node, faults| {
            let from = faults.seen_of(&node.cache).get(offset as usize..).unwrap_or_default();
            let n = from.len().min(buf.len());
            buf[..n].copy_from_slice(&from[..n]);
            Ok(n)
        })
    }

    pub(crate) fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.with(|node, faults| {
            let mut take = bytes.len();
            let pass = faults.skip_writes > 0;
            faults.skip_writes = faults.skip_writes.saturating_sub(1);
            if !pass && std::mem::take(&mut faults.fail_write) {
                return Err(error(io::ErrorKind::Other));
            }
            if let Some(n) = faults.short_write.take_if(|_| !pass) {
                take = n.min(bytes.len());
                faults.fail_write = true;
            }
            if let Some(n) = faults.die_in_write.take_if(|_| !pass) {
                take = n.min(bytes.len());
                faults.dead = true;
            }
            let start = offset as usize;
            let needed = (start + take).saturating_sub(node.room) as u64;
            if let Some(free) = &mut faults.free {
                let short = needed.saturating_sub(*free) as usize;
                take -= short;
                *free -= needed - short as u64;
                if take == 0 {
                    return Err(error(io::ErrorKind::StorageFull));
                }
            }
            node.write(&bytes[..take], start);
            if faults.dead { Err(error(io::ErrorKind::BrokenPipe)) } else { Ok(take) }
        })
    }

    pub(crate) fn len(&self) -> io::Result<u64> {
        self.with(|node, faults| {
            if let Some((seen, step)) = &mut faults.reveal {
                *seen += *step;
            }
            Ok(faults.seen_of(&node.cache).len() as u64)
        })
    }

    pub(crate) fn set_len(&self, len: u64) -> io::Result<()> {
        self.with(|node, faults| {
            if std::mem::take(&mut faults.fail_set_len) {
                return Err(error(io::ErrorKind::Other));
            }
            let len = len as usize;
            node.cache.resize(len, 0);
            if let Some(free) = &mut faults.free {
                *free += node.room.saturating_sub(len) as u64;
            }
            node.room = node.room.min(len);
            Ok(())
        })
    }

    pub(crate) fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        self.with(|node, faults| {
            if faults.no_fallocate {
                return Err(error(io::ErrorKind::Unsupported));
            }
            let room = (offset + len) as usize;
            let needed = room.saturating_sub(node.room) as u64;
            if let Some(free) = &mut faults.free {
                *free = free.checked_sub(needed).ok_or(error(io::ErrorKind::StorageFull))?;
            }
            node.room = node.room.max(room);
            Ok(())
        })
    }

    pub(crate) fn sync_data(&self) -> io::Result<()> {
        self.with(|node, faults| {
            let dirty = std::mem::take(&mut node.dirty);
            if std::mem::take(&mut faults.fail_sync) {
                return Err(error(io::ErrorKind::Other));
            }
            node.durable.resize(node.cache.len(), 0);
            for range in dirty {
                let range = range.start..range.end.min(node.cache.len());
                if !range.is_empty() {
                    node.durable[range.clone()].copy_from_slice(&node.cache[range]);
                }
            }
            Ok(())
        })
    }

    pub(crate) fn sync_all(&self) -> io::Result<()> {
        self.sync_data()
    }

    pub(crate) fn identity(&self) -> io::Result<(u64, u64)> {
        self.with(|_, _| Ok(())).map(|()| (1, self.inode))
    }
}
