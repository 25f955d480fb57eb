//! The file: what stays in it, who may open it, and what is said when it cannot be opened.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::path::{Path, PathBuf};

use common::{event, folder, now, open, put, puts, record, try_open};
use crm_core::base::change::{Allocate, ChangeSet, Expect, Idempotency};
use crm_core::base::error::Error;
use crm_core::base::id::Id;
use crm_core::base::record::Key;
use crm_core::store::query::{Query, Test};
use crm_core::store::repository::{Committed, Repository};
use crm_store_sqlite::{Options, SqliteRepository, file_of};
use rusqlite::Connection;

fn refusal(file: &Path) -> Error {
    match try_open(file) {
        Ok(_) => panic!("{} should not open", file.display()),
        Err(error) => error,
    }
}

#[test]
fn what_was_committed_is_there_after_reopening() {
    let (_folder, file) = folder();
    let a = record("deal", "a", 1, &[&[1, 7]]);
    let mut changes = puts(vec![put(a.clone(), Expect::Absent)]);
    changes.events.push(event("a"));
    changes.idempotency =
        Some(Idempotency { key: "k".to_owned(), request_hash: "h".to_owned(), response: "1.50".to_owned() });
    assert_eq!(now(open(&file).commit(&changes)).unwrap(), Committed::DONE);
    let again = open(&file);
    assert_eq!(now(again.get("t", &[a.key()])).unwrap(), vec![Some(a.clone())]);
    assert_eq!(now(again.find(&Query::of("t", "deal", 9))).unwrap(), vec![a]);
    assert_eq!(now(again.events("t", None, 9)).unwrap().len(), 1);
    assert_eq!(
        now(again.commit(&changes)).unwrap(),
        Committed::Replayed { response: "1.50".to_owned(), numbers: Default::default() }
    );
}

#[test]
fn a_lock_is_waited_for_and_then_reported_as_retryable() {
    let (_folder, file) = folder();
    let store = open(&file);
    let other = Connection::open(&file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let changes = puts(vec![put(record("deal", "a", 1, &[]), Expect::Absent)]);
    let error = now(store.commit(&changes)).unwrap_err();
    assert_eq!((error.code(), error.retryable()), ("storage_locked", true));
    assert_eq!(now(store.find(&Query::of("t", "deal", 9))).unwrap(), Vec::new(), "reading goes on beside a writer");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(now(store.commit(&changes)).unwrap(), Committed::DONE);
}

#[test]
fn a_newer_layout_is_refused_and_left_as_it_is() {
    let (_folder, file) = folder();
    drop(open(&file));
    let other = Connection::open(&file).unwrap();
    other.execute("UPDATE crm_meta SET value = 99 WHERE name = 'layout'", []).unwrap();
    let error = refusal(&file);
    assert_eq!(error.code(), "store_from_newer_engine");
    assert_eq!(error.message(), "the database has layout 99, this engine knows up to 2: upgrade the engine");
}

#[test]
fn what_cannot_be_opened_says_why_and_what_to_do() {
    let (folder, file) = folder();
    let said = |file: &Path, words: &str| {
        let error = refusal(file);
        assert_eq!(error.code(), "storage_unavailable");
        assert!(error.message().contains(words), "{error}");
    };
    said(folder.path(), "is a folder; name a file in it");
    said(&folder.path().join("no/such.db"), "does not exist; make it first");
    std::fs::write(&file, "a text that is long enough to be looked at as a database, but is none".repeat(20)).unwrap();
    said(&file, "is not an SQLite file; name another file");
}

#[test]
fn a_damaged_file_is_reported() {
    let (_folder, file) = folder();
    let many = (0..500).map(|n| put(record("deal", &format!("d{n}"), 1, &[&[1, 2]]), Expect::Absent)).collect();
    let store = open(&file);
    now(store.commit(&puts(many))).unwrap();
    drop(store);
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.iter_mut().skip(200).for_each(|b| *b ^= 0x5a);
    std::fs::write(&file, bytes).unwrap();
    let error = match try_open(&file) {
        Err(error) => error,
        Ok(store) => now(store.find(&Query::of("t", "deal", 1000))).unwrap_err(),
    };
    assert!(["storage_unavailable", "storage_failed"].contains(&error.code()), "{error:?}");
    assert!(error.message().contains("restore it from a backup"), "{error}");
}

const READ_ONLY: &str = "CRM_TEST_READ_ONLY";

#[test]
#[ignore = "the other process of `a_read_only_file_is_refused`, which is no superuser"]
fn opens_what_is_read_only() {
    let Some(file) = std::env::var_os(READ_ONLY).map(PathBuf::from) else { return };
    let error = refusal(&file);
    assert_eq!((error.code(), error.retryable()), ("storage_unavailable", false));
    assert!(error.message().contains("give this process the right to"), "{error}");
    println!("refused");
}

/// Whoever may not write is told what to do. A superuser may, so there another user is asked.
#[test]
#[cfg(unix)]
fn a_read_only_file_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let (folder, file) = folder();
    drop(open(&file));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o444)).unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o555)).unwrap();
    let own = std::env::current_exe().unwrap();
    let mut command = if std::fs::OpenOptions::new().write(true).open(&file).is_err() {
        std::process::Command::new(own)
    } else {
        // Somewhere where everybody may read it.
        let copy = folder.path().join("tests");
        std::fs::copy(own, &copy).unwrap();
        let mut command = std::process::Command::new("runuser");
        command.args(["-u", "nobody", "--"]).arg(copy);
        command
    };
    command.args(["--ignored", "--exact", "opens_what_is_read_only", "--nocapture"]).env(READ_ONLY, &file);
    let output = command.current_dir("/").output().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("refused"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn addresses_name_files() {
    for (address, file) in [
        ("deals.db", "deals.db"),
        ("sqlite:deals.db", "deals.db"),
        ("sqlite://deals.db", "deals.db"),
        ("SQLite:deals.db", "deals.db"),
        ("sqlite:odd:name.db", "odd:name.db"),
        ("C:\\deals.db", "C:\\deals.db"),
        ("sqlite:///srv/deals.db", "/srv/deals.db"),
        ("/srv/a:b.db", "/srv/a:b.db"),
        ("C:/deals.db", "C:/deals.db"),
    ] {
        assert_eq!(file_of(address).unwrap(), PathBuf::from(file), "{address}");
    }
    for address in [
        "postgres://localhost/crm",
        "postgres:crm",
        "http:deals.db",
        "HTTPS:deals.db",
        "sqlite+async:deals.db",
        "sqlite:",
        "",
        ":memory:",
        "sqlite::memory:",
        "sqlite:deals.db?mode=ro",
        "file:deals.db?mode=memory",
        "sqlite:file:deals.db",
        "deals\0.db",
    ] {
        assert_eq!(file_of(address).unwrap_err().code(), "unsupported_url", "{address}");
    }
}

#[test]
fn another_store_s_address_names_the_remedy_and_keeps_the_password() {
    for address in ["postgres://crm:secret@host/sales", "postgresql+psycopg://crm:secret@host/sales"] {
        let error = file_of(address).unwrap_err();
        assert!(
            error.message().contains("crm_core.sqlalchemy") && error.message().contains("crm-core/stores/pg"),
            "{error}"
        );
        assert!(
            error.message().starts_with("no store is known for `postgres") && error.message().contains("://...`"),
            "{error}"
        );
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
    let error = file_of("mysql://crm:secret@host/sales").unwrap_err();
    assert!(error.message().contains("the known scheme is `sqlite:`"), "{error}");
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
}

#[test]
fn tables_of_something_else_are_named() {
    for (name, text) in [
        ("record", "CREATE TABLE crm_record(id INTEGER, name TEXT)"),
        ("meta", "CREATE TABLE crm_meta(version TEXT)"),
        ("text", "CREATE TABLE crm_meta(key TEXT, value TEXT)"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(format!("{name}.db"));
        rusqlite::Connection::open(&file).unwrap().execute_batch(text).unwrap();
        let error = refusal(&file);
        assert_eq!(error.code(), "storage_unavailable", "{name}: {error}");
        assert!(
            error.message().contains("are not the engine's") && error.message().contains("name another file"),
            "{error}"
        );
    }
}

#[test]
fn a_declared_index_is_made_later_and_used() {
    let (_folder, file) = folder();
    drop(SqliteRepository::open_for(file.to_str().unwrap(), &[("deal", 1)], Options::default()).unwrap());
    drop(open(&file));
    let connection = Connection::open(&file).unwrap();
    let count: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'crm#_deal#_k%' ESCAPE '#'", [], |r| r.get(0))
        .unwrap();
    assert_eq!(count, 6);
    let prefix = crm_core::base::record::KeyBytes::from_bytes(vec![1]);
    let query = Query { order: Some(3), tests: vec![Test::Prefix { index: 3, prefix }], ..Query::of("t", "deal", 9) };
    let text = crm_core::store::sql::Dialect::Sqlite.find(&query).unwrap().unwrap().text;
    let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
    let lines: Vec<String> = plan
        .query_map(rusqlite::params!["t", &[1_u8], &[2_u8], 9], |r| r.get(3))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(
        lines,
        ["SEARCH crm_record USING INDEX crm_deal_k4 (tenant=? AND k4>? AND k4<?)"],
        "no sorting, no scan"
    );
}

#[test]
fn a_snapshot_is_a_file_for_any_library() {
    let (folder, file) = folder();
    let store = open(&file);
    now(store.commit(&puts(vec![put(record("deal", "a", 1, &[]), Expect::Absent)]))).unwrap();
    let target = folder.path().join("copy.db");
    store.export_snapshot(&target).unwrap();
    let copy = Connection::open(&target).unwrap();
    let body: String = copy.query_row("SELECT body FROM crm_record WHERE id = 'a'", [], |r| r.get(0)).unwrap();
    assert_eq!(body, r#"{"id":"a","amount":"12.50"}"#);
    let again = store.export_snapshot(&target).unwrap_err();
    assert!(again.message().contains("exists already"), "{again}");
    let nowhere = store.export_snapshot(&folder.path().join("no/copy.db")).unwrap_err();
    assert!(nowhere.message().contains("check that its folder exists"), "{nowhere}");
}

#[cfg(unix)]
#[test]
fn a_file_that_lost_its_name_takes_no_commit_and_gives_no_snapshot() {
    let (folder, file) = folder();
    let store = open(&file);
    let commit = |id: &str| now(store.commit(&puts(vec![put(record("deal", id, 1, &[]), Expect::Absent)])));
    commit("a").unwrap();
    let aside = folder.path().join("aside.db");
    std::fs::rename(&file, &aside).unwrap();
    let refused = commit("b").unwrap_err();
    assert_eq!(refused.code(), "storage_unavailable");
    assert!(refused.message().contains("open it again"), "{refused}");
    let target = folder.path().join("copy.db");
    assert!(store.export_snapshot(&target).is_err(), "a copy of nothing is no copy");
    assert!(!target.exists() && !file.exists());
    std::fs::write(&file, "another file").unwrap();
    assert!(commit("b").is_err());
    std::fs::rename(&aside, &file).unwrap();
    commit("b").unwrap();
}

#[test]
fn any_patience_is_taken() {
    let (_folder, file) = folder();
    let options = Options { busy_timeout: std::time::Duration::MAX, ..Options::default() };
    SqliteRepository::open(file.to_str().unwrap(), options).unwrap();
}

/// The tables as the first layout had them.
const FIRST_LAYOUT: &str = "
CREATE TABLE crm_meta(name text NOT NULL PRIMARY KEY, value bigint NOT NULL);
CREATE TABLE crm_record(tenant text NOT NULL, kind text NOT NULL, id text NOT NULL, version bigint NOT NULL, schema int NOT NULL,
 k1 blob NOT NULL DEFAULT x'', k2 blob NOT NULL DEFAULT x'', k3 blob NOT NULL DEFAULT x'', k4 blob NOT NULL DEFAULT x'',
 k5 blob NOT NULL DEFAULT x'', k6 blob NOT NULL DEFAULT x'', k7 blob NOT NULL DEFAULT x'', k8 blob NOT NULL DEFAULT x'',
 k9 blob NOT NULL DEFAULT x'', k10 blob NOT NULL DEFAULT x'', k11 blob NOT NULL DEFAULT x'', k12 blob NOT NULL DEFAULT x'',
 body text NOT NULL, UNIQUE(tenant, kind, id));
CREATE TABLE crm_event(seq integer PRIMARY KEY AUTOINCREMENT, tenant text NOT NULL, data text NOT NULL);
CREATE INDEX crm_event_tenant ON crm_event(tenant, seq);
CREATE TABLE crm_idem(tenant text NOT NULL, key text NOT NULL, hash text NOT NULL, response text NOT NULL, at bigint, PRIMARY KEY(tenant, key));
INSERT INTO crm_meta(name, value) VALUES('layout', 1);
INSERT INTO crm_record(tenant, kind, id, version, schema, k1, body) VALUES('t', 'deal', 'old', 3, 1, x'0105', '{\"n\":1.50}');
INSERT INTO crm_idem(tenant, key, hash, response) VALUES('t', 'k', 'h', '1.50');
";

#[test]
fn a_file_of_the_first_layout_is_brought_up_to_date() {
    let (_folder, file) = folder();
    Connection::open(&file).unwrap().execute_batch(FIRST_LAYOUT).unwrap();
    let store = open(&file);
    let key = Key::new("deal", &Id::new("old").unwrap());
    let found = now(store.get("t", &[key])).unwrap().remove(0).unwrap();
    assert_eq!((found.version, found.body.text(), found.keys.len()), (3, "{\"n\":1.50}", 1));
    let fresh = ChangeSet {
        allocate: vec![Allocate { token: 0, scope: "s".to_owned() }],
        ..puts(vec![put(record("deal", "new", 1, &[]), Expect::Absent)])
    };
    assert_eq!(now(store.commit(&fresh)).unwrap(), Committed::Done { numbers: [(0, 1)].into() });
}
