//! Loading much at once: indexes that are in the way go and come back, whatever happens; answers stay the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod common;

use std::path::Path;

use common::{folder, now, open, put, puts, record};
use crm_core::base::change::Expect;
use crm_core::base::codes::Code;
use crm_core::base::error::{Error, Result};
use crm_core::store::query::{Query, Test};
use crm_core::store::repository::Repository;
use crm_store_sqlite::SqliteRepository;
use rusqlite::Connection;

/// Writes new deals, 500 a commit.
fn deals(store: &SqliteRepository, from: u32, to: u32) -> Result<()> {
    for start in (from..to).step_by(500) {
        let fresh = (start..to.min(start + 500)).map(|n| {
            let key = [1, u8::try_from(n % 50).unwrap()];
            put(record("deal", &format!("d{n}"), 1, &[&key]), Expect::Absent)
        });
        now(store.commit(&puts(fresh.collect())))?;
    }
    Ok(())
}

fn users(store: &SqliteRepository, from: u32, to: u32) -> Result<()> {
    let fresh = (from..to).map(|n| put(record("user", &format!("u{n}"), 1, &[&[1]]), Expect::Absent));
    now(store.commit(&puts(fresh.collect()))).map(|_| ())
}

/// How many indexes of a kind there are, as another process would see it.
fn indexes(file: &Path, kind: &str) -> usize {
    let connection = Connection::open(file).unwrap();
    let text = "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND name LIKE ?";
    let count: i64 = connection.query_row(text, [format!("crm_{kind}_k%")], |row| row.get(0)).unwrap();
    usize::try_from(count).unwrap()
}

fn found(store: &SqliteRepository) -> Vec<String> {
    let mut query = Query::of("t", "deal", 1_000);
    let prefix = crm_core::base::record::KeyBytes::from_bytes(vec![1, 7]);
    query.tests.push(Test::Prefix { index: 0, prefix });
    query.order = Some(0);
    now(store.find(&query)).unwrap().into_iter().map(|record| record.id.to_string()).collect()
}

#[test]
fn the_indexes_of_a_large_load_are_built_at_its_end() {
    let (_folder, file) = folder();
    let store = open(&file);
    let inside = store.bulk(|store| {
        users(store, 0, 10)?;
        deals(store, 0, 2_000)?;
        assert_eq!((indexes(&file, "deal"), indexes(&file, "user")), (0, 2));
        Ok(found(store))
    });
    assert_eq!((indexes(&file, "deal"), indexes(&file, "user")), (6, 2));
    let (_other, beside) = folder();
    let other = open(&beside);
    users(&other, 0, 10).unwrap();
    deals(&other, 0, 2_000).unwrap();
    assert_eq!(found(&store).len(), 40);
    assert_eq!((inside.unwrap(), found(&store)), (found(&other), found(&other)));
}

#[test]
fn a_small_load_keeps_the_indexes_up() {
    let (_folder, file) = folder();
    let store = open(&file);
    deals(&store, 0, 6_000).unwrap();
    let load = |from, to, left| {
        store.bulk(|store| {
            deals(store, from, to)?;
            assert_eq!(indexes(&file, "deal"), left, "{from} to {to}");
            Ok(())
        })
    };
    load(6_000, 6_500, 6).unwrap();
    load(6_500, 8_000, 6).unwrap();
    load(8_000, 11_000, 0).unwrap();
    assert_eq!(indexes(&file, "deal"), 6);
}

#[test]
fn the_indexes_come_back_after_a_failure_and_at_the_next_opening() {
    let (_folder, file) = folder();
    let store = open(&file);
    let failed = store.bulk(|store| {
        deals(store, 0, 1_000)?;
        assert_eq!(indexes(&file, "deal"), 0);
        Err::<(), _>(Error::new(Code::StorageLocked))
    });
    assert_eq!((failed.unwrap_err().code(), indexes(&file, "deal")), ("storage_locked", 6));
    let torn = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        store.bulk(|store| -> Result<()> {
            deals(store, 1_000, 2_000)?;
            panic!("torn")
        })
    }));
    assert!(torn.is_err());
    assert_eq!(indexes(&file, "deal"), 6);
    // What a process that died leaves behind.
    drop(store);
    Connection::open(&file).unwrap().execute_batch("DROP INDEX crm_deal_k1; DROP INDEX crm_deal_k2").unwrap();
    let store = open(&file);
    assert_eq!((indexes(&file, "deal"), found(&store).len()), (6, 40));
}

#[test]
fn loads_within_each_other_end_once() {
    let (_folder, file) = folder();
    let store = open(&file);
    store
        .bulk(|store| {
            store.bulk(|store| deals(store, 0, 1_000))?;
            assert_eq!(indexes(&file, "deal"), 0);
            deals(store, 1_000, 1_500)
        })
        .unwrap();
    assert_eq!(indexes(&file, "deal"), 6);
}
