//! Backups: taken while others write, verified, restored.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::sync::atomic::{AtomicBool, Ordering};

use common::{event, folder, now, open, put, puts, record};
use crm_core::base::change::Expect;
use crm_core::store::query::Query;
use crm_core::store::repository::Repository;
use crm_store_sqlite::{Contents, restore, verify};

#[test]
fn a_backup_is_of_one_moment_though_others_write() {
    let (folder, file) = folder();
    let store = open(&file);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let writer = open(&file);
            for n in 0.. {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let ids = [format!("a{n}"), format!("b{n}")];
                let mut changes = puts(ids.iter().map(|id| put(record("deal", id, 1, &[]), Expect::Absent)).collect());
                changes.events.push(event(&ids[0]));
                match now(writer.commit(&changes)) {
                    Ok(_) => {}
                    Err(error) => assert_eq!(error.code(), "storage_locked"),
                }
            }
        });
        for n in 0..5 {
            let target = folder.path().join(format!("backup{n}.db"));
            let contents = store.backup(&target).unwrap();
            assert_eq!(contents.records, 2 * contents.events, "commits are whole in it");
            let restored = folder.path().join(format!("restored{n}.db"));
            assert_eq!(restore(&target, &restored).unwrap(), contents);
            let found = now(open(&restored).find(&Query::of("t", "deal", usize::MAX))).unwrap();
            assert_eq!(u64::try_from(found.len()).unwrap(), contents.records);
        }
        stop.store(true, Ordering::SeqCst);
    });
}

#[test]
fn what_is_not_whole_is_not_restored_and_nothing_is_written_over() {
    let (folder, file) = folder();
    let store = open(&file);
    let many = (0..400).map(|n| put(record("deal", &format!("d{n}"), 1, &[&[1, 2]]), Expect::Absent)).collect();
    now(store.commit(&puts(many))).unwrap();
    let backup = folder.path().join("backup.db");
    assert_eq!(store.backup(&backup).unwrap(), Contents { records: 400, events: 0, layout: 2 });
    let there = restore(&backup, &file).unwrap_err();
    assert!(there.message().contains("exists already"), "{}", there.message());
    let target = folder.path().join("restored.db");
    for (name, spoil) in [("cut", 0_usize), ("flipped", 1)] {
        let bad = folder.path().join(name);
        let mut bytes = std::fs::read(&backup).unwrap();
        if spoil == 0 {
            bytes.truncate(bytes.len() / 2);
        } else {
            let middle = bytes.len() / 2;
            bytes[middle..middle + 3_000].fill(0x5a);
        }
        std::fs::write(&bad, bytes).unwrap();
        let refused = restore(&bad, &target).unwrap_err();
        assert_eq!(refused.code(), "storage_unavailable", "{name}");
        assert!(refused.message().contains("damaged"), "{}", refused.message());
        assert!(!target.exists());
    }
    std::fs::write(folder.path().join("text"), "not a database, but long enough to be looked at as one").unwrap();
    assert!(verify(&folder.path().join("text")).unwrap_err().message().contains("is not an SQLite file"));
    rusqlite::Connection::open(folder.path().join("other")).unwrap().execute_batch("CREATE TABLE a(b)").unwrap();
    assert!(verify(&folder.path().join("other")).unwrap_err().message().contains("is not a store of this engine"));
    assert!(verify(&folder.path().join("missing")).is_err());
}

#[test]
fn of_several_restores_to_one_name_one_succeeds_and_what_stands_beside_it_stays() {
    let (folder, file) = folder();
    let store = open(&file);
    let many = (0..50).map(|n| put(record("deal", &format!("d{n}"), 1, &[&[1, 2]]), Expect::Absent)).collect();
    now(store.commit(&puts(many))).unwrap();
    let backup = folder.path().join("backup.db");
    store.backup(&backup).unwrap();
    for round in 0..10 {
        let target = folder.path().join(format!("r{round}.db"));
        let own = folder.path().join(format!("r{round}.db.part"));
        std::fs::write(&own, "mine").unwrap();
        let ended: Vec<_> = std::thread::scope(|scope| {
            let running: Vec<_> = (0..4).map(|_| scope.spawn(|| restore(&backup, &target))).collect();
            running.into_iter().map(|each| each.join().unwrap()).collect()
        });
        assert_eq!(ended.iter().filter(|each| each.is_ok()).count(), 1, "{ended:?}");
        assert!(ended.iter().flat_map(|each| each.as_ref().err()).all(|e| e.message().contains("exists already")));
        assert_eq!(std::fs::read_to_string(&own).unwrap(), "mine");
        let left = std::fs::read_dir(folder.path())
            .unwrap()
            .flatten()
            .filter(|each| each.file_name().to_string_lossy().contains(&format!("r{round}.db.")) && each.path() != own);
        assert_eq!(left.count(), 0);
    }
    let missing = restore(&folder.path().join("nothing"), &folder.path().join("new")).unwrap_err();
    assert!(missing.message().contains("does not exist"), "{}", missing.message());
}
