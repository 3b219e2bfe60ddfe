//! A data folder that is removed, moved, copied, or loses its cluster, where PostgreSQL's user can't get to it.

use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;

/// A data folder behind a closed door, and a folder of the system's.
struct Machine {
    door: TempDir,
    system: TempDir,
}

const STRANGER: Owner = Owner::of(Some((54_321, 54_321)));

impl Machine {
    fn new() -> Self {
        let door = tempfile::tempdir().unwrap();
        fs::set_permissions(door.path(), fs::Permissions::from_mode(0o700)).unwrap();
        Self { door, system: tempfile::tempdir().unwrap() }
    }

    /// As a start does it, but for the rights, which are another test's.
    fn start(&self, data: &str) -> Result<Place, Error> {
        let data = self.door.path().join(data);
        fs::create_dir_all(&data).unwrap();
        let place = Place::within(STRANGER, data.join("postgres"), self.system.path());
        place.prepare(Owner::of(None))?;
        let cluster = place.folder.join("cluster");
        fs::create_dir_all(&cluster).unwrap();
        let version = cluster.join("PG_VERSION");
        if !version.exists() {
            fs::write(&version, data.display().to_string()).unwrap();
        }
        place.tie()?;
        Ok(place)
    }

    fn made_for(place: &Place) -> String {
        fs::read_to_string(place.folder.join("cluster/PG_VERSION")).unwrap()
    }

    fn folders(&self) -> usize {
        fs::read_dir(self.system.path()).unwrap().count()
    }
}

#[test]
fn cluster_behind_a_closed_door_lies_in_the_systems_folder_and_stays() {
    let machine = Machine::new();
    let first = machine.start("data").unwrap();
    assert!(first.folder.starts_with(machine.system.path()), "{}", first.folder.display());
    let again = machine.start("data").unwrap();
    assert_eq!((&first.folder, machine.folders()), (&again.folder, 1));
    assert!(again.is_ours());
    let reachable = Place::within(Owner::of(None), first.wanted.clone(), machine.system.path());
    assert_eq!(reachable.folder, first.wanted);
}

#[test]
fn removed_data_folder_begins_anew_and_the_old_cluster_is_set_aside() {
    let machine = Machine::new();
    let first = machine.start("data").unwrap();
    fs::write(first.folder.join("cluster/PG_VERSION"), "old").unwrap();
    fs::remove_dir_all(machine.door.path().join("data")).unwrap();
    assert!(!Place::within(STRANGER, first.wanted, machine.system.path()).is_ours());
    let second = machine.start("data").unwrap();
    assert_ne!(Machine::made_for(&second), "old");
    assert_eq!(machine.folders(), 2, "the old one is kept");
}

#[test]
fn moved_data_folder_takes_its_cluster_along() {
    let machine = Machine::new();
    let first = machine.start("data").unwrap();
    let made = Machine::made_for(&first);
    fs::rename(machine.door.path().join("data"), machine.door.path().join("moved")).unwrap();
    let moved = machine.start("moved").unwrap();
    assert_ne!(first.folder, moved.folder);
    assert_eq!((Machine::made_for(&moved), machine.folders()), (made, 1));
}

#[test]
fn copied_data_folder_does_not_take_the_cluster_of_the_first() {
    let machine = Machine::new();
    machine.start("data").unwrap();
    let copy = machine.door.path().join("copy");
    fs::create_dir(&copy).unwrap();
    fs::copy(machine.door.path().join("data/postgres.id"), copy.join("postgres.id")).unwrap();
    assert!(matches!(machine.start("copy"), Err(Error::Copied { .. })));
}

#[test]
fn data_folder_whose_cluster_is_gone_gets_no_empty_one() {
    let machine = Machine::new();
    let place = machine.start("data").unwrap();
    fs::remove_dir_all(&place.folder).unwrap();
    let refused = machine.start("data").unwrap_err();
    assert!(refused.to_string().contains("is gone"), "{refused}");
}
