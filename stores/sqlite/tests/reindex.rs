//! An engine that declares other indexes takes over: what it finds is right, also when it was broken off.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use common::folder;
use crm_core::base::context::Context;
use crm_core::crm::{Crm, block_on};
use crm_store_sqlite::{Durability, Options, SqliteRepository};
use rusqlite::Connection;

fn engine(file: &std::path::Path) -> Crm {
    let options = Options { durability: Durability::Process, ..Options::default() };
    let store = SqliteRepository::open(file.to_str().unwrap(), options).unwrap();
    let now = "2026-01-31T09:00:00Z".parse().ok();
    Crm::new(Arc::new(store)).at(Context { now, seed: Some("r".to_owned()), ..Context::default() })
}

fn named(crm: &Crm, prefix: &str) -> usize {
    let find = serde_json::from_value(serde_json::json!({"name_prefix": prefix, "limit": 1000})).unwrap();
    block_on(crm.accounts().find(&find)).unwrap().unwrap().value.items.len()
}

#[test]
fn keys_of_another_engine_are_made_anew_at_opening() {
    let (_folder, file) = folder();
    let crm = engine(&file);
    for n in 0..700 {
        let new =
            serde_json::from_value(serde_json::json!({"id": format!("a{n}"), "name": format!("Name {n}")})).unwrap();
        block_on(crm.accounts().create(&new)).unwrap().unwrap();
    }
    assert_eq!(named(&crm, "name "), 700);
    drop(crm);
    // As an engine with other declarations would have left it, half of it brought up already.
    let connection = Connection::open(&file).unwrap();
    let changed = connection.execute("UPDATE crm_record SET k1 = k2, k2 = k1 WHERE kind = 'account' AND id < 'a4'", []);
    assert!(changed.unwrap() > 300);
    connection.execute("UPDATE crm_meta SET value = 1 WHERE name = 'indexes:account'", []).unwrap();
    drop(connection);
    let crm = engine(&file);
    assert_eq!(named(&crm, "name "), 700);
    let versions = block_on(crm.accounts().get(&serde_json::from_str(r#"{"id": "a1"}"#).unwrap())).unwrap().unwrap();
    assert_eq!(versions.value.version, 1, "nobody changed it");
    drop(crm);
    // Noted as done: not done again.
    let connection = Connection::open(&file).unwrap();
    connection.execute("UPDATE crm_record SET k1 = k2 WHERE kind = 'account'", []).unwrap();
    drop(connection);
    let crm = engine(&file);
    assert_eq!(named(&crm, "name "), 0);
    // By hand, page by page.
    let (mut after, mut rewritten) = (None, 0);
    loop {
        let request = serde_json::json!({"kind": "account", "after": after, "limit": 300});
        let request = serde_json::from_value(request).unwrap();
        let page = block_on(crm.maintenance().reindex(&request)).unwrap().unwrap().value;
        rewritten += page.rewritten;
        after = page.after;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((rewritten, named(&crm, "name ")), (700, 700));
}
