//! crm-core over SQLite beside the same statements written by hand on rusqlite: in one process, taking turns, as medians of ratios.
//!
//! `cargo bench -p crm-store-sqlite` prints the tables of `docs/benchmarks.md`; `-- --large` goes up to 10,000,000 records.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::cast_precision_loss)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant as Clock;

use crm_core::base::change::{ChangeSet, Expect, Put};
use crm_core::base::context::Context;
use crm_core::base::entity::Entity;
use crm_core::base::error::Result;
use crm_core::base::id::Id;
use crm_core::base::time::Date;
use crm_core::crm::records::ById;
use crm_core::crm::{Crm, block_on};
use crm_core::pipeline::opportunity::Opportunity;
use crm_core::pipeline::requests::{FindOpportunities, OpportunityUpdate};
use crm_core::store::repository::Repository;
use crm_core::store::sql::Dialect;
use crm_store_sqlite::{Durability, Options, SqliteRepository};
use rusqlite::{Connection, params};

/// How many turns each contender takes.
const ROUNDS: usize = 15;
/// The records that operations and reads choose from.
const RECORDS: u64 = 20_000;
const OWNERS: u64 = 350;
const STAGES: [&str; 4] = ["prospecting", "qualification", "proposal", "negotiation"];

fn deal(n: u64) -> Opportunity {
    let stage = STAGES[usize::try_from(n / OWNERS).unwrap() % STAGES.len()];
    let at = "2026-01-31T09:00:00Z";
    serde_json::from_value(serde_json::json!({
        "id": format!("d{n}"), "name": format!("Deal number {n} of the fair in Hannover"), "pipeline": "sales", "stage": stage,
        "status": "open", "probability": "10", "account": format!("a{}", n % 5_000), "owner": format!("u{}", n % OWNERS),
        "amount": format!("{}.50", n % 90_000), "currency": "EUR",
        "expected_close": Date::from_days(20_000 + i32::try_from(n * 7 % 900).unwrap()).unwrap().to_string(),
        "next_step": "call back after the fair", "source": "fair", "created_at": at, "updated_at": at,
        "history": [{"stage": stage, "kind": "open", "entered_at": at, "recorded_at": at, "actor": "u1"}],
    }))
    .unwrap()
}

fn context() -> Context {
    let now = Some("2026-02-01T09:00:00Z".parse().unwrap());
    Context { now, seed: Some("bench".to_owned()), actor: Some("u1".to_owned()), ..Context::default() }
}

fn open(file: &Path, durability: Durability) -> SqliteRepository {
    SqliteRepository::open(file.to_str().unwrap(), Options { durability, ..Options::default() }).unwrap()
}

fn fill(store: &SqliteRepository, from: u64, to: u64) -> Result<()> {
    let mut n = from;
    while n < to {
        let end = to.min(n + 1_000);
        let puts = (n..end).map(|n| {
            let record = deal(n).to_record(1);
            Put { record, changed: Default::default(), expect: Expect::Absent }
        });
        let changes = ChangeSet { tenant: "main".to_owned(), puts: puts.collect(), ..ChangeSet::default() };
        block_on(store.commit(&changes))??;
        n = end;
    }
    Ok(())
}

/// A connection as the store opens its own.
fn by_hand(file: &Path, durability: Durability) -> Connection {
    let connection = Connection::open(file).unwrap();
    let synchronous = if durability == Durability::Power { "FULL" } else { "NORMAL" };
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).unwrap();
    connection.pragma_update(None, "synchronous", synchronous).unwrap();
    connection.pragma_update(None, "cache_size", -65_536).unwrap();
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 4_000, |_| Ok(())).unwrap();
    connection.set_prepared_statement_cache_capacity(256);
    connection
}

/// Two contenders in turns: the medians of each one's microseconds, and of theirs over ours.
fn race(turn: usize, mut ours: impl FnMut(usize), mut theirs: impl FnMut(usize)) -> (f64, f64, f64) {
    let time = |run: &mut dyn FnMut(usize), round: usize| {
        let start = Clock::now();
        (0..turn).for_each(|n| run(round * turn + n));
        start.elapsed().as_secs_f64() * 1e6 / turn as f64
    };
    let (mut a, mut b, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (first, second) = (time(&mut ours, round), time(&mut theirs, round));
        // The first round warms up.
        if round > 0 {
            a.push(first);
            b.push(second);
            ratios.push(second / first);
        }
    }
    (median(a), median(b), median(ratios))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn row(what: &str, (ours, theirs, ratio): (f64, f64, f64)) {
    println!("| {what} | {ours:.1} | {theirs:.1} | {ratio:.2} |");
}

const READ: &str = "SELECT id, version, schema, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10, k11, k12, body, alloc FROM crm_record \
                    WHERE tenant = ? AND kind = 'opportunity' AND id IN (?)";

fn read(connection: &Connection, id: &str) -> (i64, String) {
    let mut statement = connection.prepare_cached(READ).unwrap();
    statement.query_row(params!["main", id], |row| Ok((row.get(1)?, row.get(15)?))).unwrap()
}

fn operations(folder: &Path, durability: Durability) {
    let (ours, theirs) = (folder.join("ours.db"), folder.join("theirs.db"));
    for file in [&ours, &theirs] {
        let store = open(file, durability);
        store.bulk(|store| fill(store, 0, RECORDS)).unwrap();
    }
    let crm = Crm::new(Arc::new(open(&ours, durability))).at(context());
    let (writer, reader) = (by_hand(&theirs, durability), by_hand(&theirs, durability));
    let id = |n: usize| format!("d{}", n * 7_919 % usize::try_from(RECORDS).unwrap());
    let update = |n: usize| -> OpportunityUpdate {
        serde_json::from_value(serde_json::json!({"id": id(n), "next_step": format!("step {n}")})).unwrap()
    };
    let updates: Vec<OpportunityUpdate> = (0..20_000).map(update).collect();
    // What an update writes, taken from the engine once, with this record's values put in by hand each time.
    let write = |n: usize| {
        let id = id(n);
        let (version, body) = read(&reader, &id);
        let mut deal: serde_json::Value = serde_json::from_str(&body).unwrap();
        deal["next_step"] = serde_json::Value::String(format!("step {n}"));
        deal["updated_at"] = serde_json::Value::String("2026-02-01T09:00:00Z".to_owned());
        let body = deal.to_string();
        let keys = serde_json::from_value::<Opportunity>(deal).unwrap().keys();
        let event = serde_json::json!({"kind": "opportunity.updated", "record_kind": "opportunity", "record_id": id,
            "effective_at": "2026-02-01T09:00:00Z", "recorded_at": "2026-02-01T09:00:00Z", "actor": "u1",
            "data": {"changed": {"next_step": format!("step {n}")}}});
        writer.prepare_cached("BEGIN IMMEDIATE").unwrap().execute([]).unwrap();
        let mut statement = writer
            .prepare_cached(
                "UPDATE crm_record SET k1 = ?, k2 = ?, k3 = ?, k4 = ?, k5 = ?, schema = ?, body = ?, version = ? \
                 WHERE tenant = ? AND kind = ? AND id = ? AND version = ?",
            )
            .unwrap();
        let k: Vec<&[u8]> = keys.iter().map(|key| key.bytes()).collect();
        let row = params![k[0], k[1], k[2], k[3], k[4], 1, body, version + 1, "main", "opportunity", id, version];
        assert_eq!(statement.execute(row).unwrap(), 1);
        let mut statement = writer.prepare_cached("INSERT INTO crm_event(tenant, data) VALUES(?, ?)").unwrap();
        statement.execute(params!["main", event.to_string()]).unwrap();
        writer.prepare_cached("COMMIT").unwrap().execute([]).unwrap();
    };
    let turn = if durability == Durability::Power { 40 } else { 400 };
    let measured = race(turn, |n| drop(block_on(crm.opportunities().update(&updates[n])).unwrap().unwrap()), write);
    row(&format!("an operation: `opportunities.update`, durability `{}`", durability.name()), measured);
    if durability == Durability::Process {
        let get = |n: usize| ById { id: Id::new(&id(n)).unwrap() };
        let gets: Vec<ById> = (0..60_000).map(get).collect();
        let measured = race(
            2_000,
            |n| drop(block_on(crm.opportunities().get(&gets[n])).unwrap().unwrap()),
            |n| drop(read(&reader, gets[n].id.as_str())),
        );
        row("a point read: `opportunities.get` (by hand: the row, its body as text)", measured);
        let measured = race(
            2_000,
            |n| drop(block_on(crm.opportunities().get(&gets[n])).unwrap().unwrap()),
            |n| drop(serde_json::from_str::<Opportunity>(&read(&reader, gets[n].id.as_str()).1).unwrap()),
        );
        row("the same, by hand into the same struct", measured);
    }
}

/// Imports through operations, 500 a commit, beside the same rows inserted by hand; a millisecond figure per 1,000 deals.
fn imports(folder: &Path) {
    const DEALS: usize = 10_000;
    let host = crm_core::api::host::Host::new();
    let requests: Vec<String> = (0..DEALS / 500)
        .map(|batch| {
            let items = (batch * 500..(batch + 1) * 500).map(|n| {
                let deal = deal(n as u64);
                serde_json::json!({"op": "opportunities.create", "input": {
                    "id": deal.id, "name": deal.name, "stage": deal.stage, "amount": deal.amount, "currency": "EUR",
                    "expected_close": deal.expected_close, "next_step": deal.next_step, "source": deal.source,
                }})
            });
            let context = serde_json::json!({"tenant": "main", "now": "2026-02-01T09:00:00Z", "seed": format!("b{batch}")});
            serde_json::json!({"op": "batch", "explain": "none", "context": context, "input": {"requests": items.collect::<Vec<_>>()}})
                .to_string()
        })
        .collect();
    for bulk in [false, true] {
        let mut results = Vec::new();
        for round in 0..5 {
            let (ours, theirs) = (folder.join(format!("i{bulk}{round}.db")), folder.join(format!("h{bulk}{round}.db")));
            let store = Arc::new(open(&ours, Durability::Power));
            let engine = host.attach(store.clone());
            let run = || -> Result<()> {
                for request in &requests {
                    let answer = host.call_on(engine, request);
                    assert!(answer.starts_with(r#"{"ok":true"#), "{answer}");
                }
                Ok(())
            };
            let start = Clock::now();
            if bulk {
                store.bulk(|_| run()).unwrap();
            } else {
                run().unwrap();
            }
            let first = start.elapsed().as_secs_f64();
            host.detach(engine);
            drop(store);
            // The same rows, as they stand in our file; prepared beforehand.
            let rows = rows_of(&ours);
            drop(open(&theirs, Durability::Power));
            let connection = by_hand(&theirs, Durability::Power);
            let indexes = Dialect::Sqlite.indexes(&[("opportunity", 5)]).unwrap();
            let start = Clock::now();
            if bulk {
                indexes.iter().for_each(|i| connection.execute_batch(&format!("DROP INDEX {}", i.name)).unwrap());
            }
            insert(&connection, &rows);
            if bulk {
                indexes.iter().for_each(|i| connection.execute_batch(&i.text).unwrap());
            }
            let second = start.elapsed().as_secs_f64();
            results.push((first, second));
        }
        let each = |f: fn(&(f64, f64)) -> f64| median(results.iter().map(f).collect());
        let per = 1e6 / DEALS as f64;
        let what = if bulk { "`bulk`: indexes built afterwards" } else { "indexes kept up" };
        row(
            &format!("import through `batch`, 500 deals a commit, a deal; {what}"),
            (each(|r| r.0) * per, each(|r| r.1) * per, each(|r| r.1 / r.0)),
        );
    }
}

type Row = (Vec<Vec<u8>>, String, String, String);

fn rows_of(file: &Path) -> Vec<Row> {
    let connection = Connection::open(file).unwrap();
    let mut statement = connection
        .prepare(
            "SELECT k1, k2, k3, k4, k5, id, body, (SELECT data FROM crm_event WHERE seq = r.rowid) FROM crm_record r \
             WHERE kind = 'opportunity' ORDER BY rowid",
        )
        .unwrap();
    let rows = statement.query_map([], |row| {
        let keys = (0..5).map(|n| row.get(n)).collect::<Result<_, _>>()?;
        Ok((keys, row.get(5)?, row.get(6)?, row.get::<_, Option<String>>(7)?.unwrap_or_default()))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

fn insert(connection: &Connection, rows: &[Row]) {
    for rows in rows.chunks(500) {
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        let mut record = connection
            .prepare_cached(
                "INSERT INTO crm_record(k1, k2, k3, k4, k5, schema, body, version, tenant, kind, id) \
                 VALUES(?, ?, ?, ?, ?, 1, ?, 1, 'main', 'opportunity', ?) ON CONFLICT DO NOTHING",
            )
            .unwrap();
        let mut event = connection.prepare_cached("INSERT INTO crm_event(tenant, data) VALUES('main', ?)").unwrap();
        for (keys, id, body, data) in rows {
            record.execute(params![keys[0], keys[1], keys[2], keys[3], keys[4], body, id]).unwrap();
            event.execute([data]).unwrap();
        }
        drop((record, event));
        connection.execute_batch("COMMIT").unwrap();
    }
}

/// The resident memory of this process in MiB, where the system says it.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|l| l.starts_with("VmRSS:")).unwrap_or("VmRSS: 0");
    line.split_whitespace().nth(1).and_then(|k| k.parse::<u64>().ok()).unwrap_or(0) / 1_024
}

fn growth(folder: &Path, sizes: &[u64]) {
    println!(
        "\n| deals in the store | 50 by owner and stage, sorted by expected close (µs) | one by id (µs) | one update, `process` (µs) | memory of the process (MiB) | file (MiB) |"
    );
    println!("|---|---|---|---|---|---|");
    let file: PathBuf = folder.join("growth.db");
    let mut there = 0;
    for &size in sizes {
        let store = Arc::new(open(&file, Durability::Process));
        store.bulk(|store| fill(store, there, size)).unwrap();
        there = size;
        let crm = Crm::new(store.clone()).at(context());
        let find = |n: usize| -> FindOpportunities {
            let owner = format!("u{}", n as u64 * 31 % OWNERS);
            serde_json::from_value(serde_json::json!({"owner": owner, "stage": STAGES[n % 4], "limit": 50})).unwrap()
        };
        let mut times = [Vec::new(), Vec::new(), Vec::new()];
        for n in 0..400_usize {
            let (find, id) = (find(n), format!("d{}", n as u64 * 7_919 % size));
            let start = Clock::now();
            let page = block_on(crm.opportunities().find(&find)).unwrap().unwrap().value;
            times[0].push(start.elapsed().as_secs_f64() * 1e6);
            assert!(size < 100_000 || page.items.len() == 50);
            let get = ById { id: Id::new(&id).unwrap() };
            let start = Clock::now();
            block_on(crm.opportunities().get(&get)).unwrap().unwrap();
            times[1].push(start.elapsed().as_secs_f64() * 1e6);
            let update: OpportunityUpdate =
                serde_json::from_value(serde_json::json!({"id": id, "next_step": format!("step {n} of {size}")}))
                    .unwrap();
            let start = Clock::now();
            block_on(crm.opportunities().update(&update)).unwrap().unwrap();
            times[2].push(start.elapsed().as_secs_f64() * 1e6);
        }
        let [find, get, update] = times.map(median);
        let bytes = std::fs::metadata(&file).map_or(0, |m| m.len()) / 1_048_576;
        println!("| {size} | {find:.0} | {get:.0} | {update:.0} | {} | {bytes} |", resident());
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let wanted = |name: &str| {
        !arguments.iter().any(|a| a.starts_with("--only=")) || arguments.iter().any(|a| a == &format!("--only={name}"))
    };
    let folder = tempfile::tempdir().unwrap();
    let check = deal(1).to_record(1);
    assert_eq!(check.keys.len(), 5);
    println!("| | crm-core (µs) | by hand (µs) | by hand / crm-core |\n|---|---|---|---|");
    if wanted("operations") {
        for durability in [Durability::Process, Durability::Power] {
            let folder = tempfile::tempdir_in(folder.path()).unwrap();
            operations(folder.path(), durability);
        }
    }
    if wanted("imports") {
        imports(folder.path());
    }
    if wanted("growth") {
        let large: &[u64] = &[10_000, 100_000, 1_000_000, 10_000_000];
        growth(folder.path(), if arguments.iter().any(|a| a == "--large") { large } else { &large[..3] });
    }
}
