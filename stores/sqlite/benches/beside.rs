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
use crm_core::base::time::{Date, Instant};
use crm_core::crm::records::ById;
use crm_core::crm::{Crm, block_on};
use crm_core::pipeline::definition::StageKind;
use crm_core::pipeline::opportunity::{Opportunity, StageEntry};
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
    let stage = STAGES[usize::try_from(n / OWNERS).unwrap() % STAGES.len()].to_owned();
    let at: Instant = "2026-01-31T09:00:00Z".parse().unwrap();
    let id = |text: String| Id::new(&text).unwrap();
    Opportunity {
        id: id(format!("d{n}")),
        version: 0,
        name: format!("Deal number {n} of the fair in Hannover"),
        pipeline: "sales".to_owned(),
        stage: stage.clone(),
        status: StageKind::Open,
        probability: Some("10".parse().unwrap()),
        account: Some(id(format!("a{}", n % 5_000))),
        owner: Some(id(format!("u{}", n % OWNERS))),
        product: None,
        amount: Some(format!("{}.50", n % 90_000).parse().unwrap()),
        currency: Some("EUR".parse().unwrap()),
        expected_close: Date::from_days(20_000 + i32::try_from(n * 7 % 900).unwrap()),
        closed_on: None,
        lost_reason: None,
        source: Some("fair".to_owned()),
        next_step: Some("call back after the fair".to_owned()),
        description: None,
        history: vec![StageEntry {
            stage,
            kind: StageKind::Open,
            entered_at: at,
            recorded_at: at,
            actor: Some("u1".to_owned()),
        }],
        custom: Default::default(),
        created_at: Some(at),
        updated_at: Some(at),
    }
}

fn context() -> Context {
    let now = Some("2026-02-01T09:00:00Z".parse().unwrap());
    Context { now, seed: Some("bench".to_owned()), actor: Some("u1".to_owned()), ..Context::default() }
}

fn open(file: &Path, durability: Durability) -> SqliteRepository {
    SqliteRepository::open(file.to_str().unwrap(), Options { durability, ..Options::default() }).unwrap()
}

/// Loads ready records, 1,000 a commit, and says how many seconds the store took for them.
fn fill(store: &SqliteRepository, from: u64, to: u64) -> f64 {
    let (start, mut made) = (Clock::now(), 0.0);
    let load = |store: &SqliteRepository| -> Result<()> {
        for n in (from..to).step_by(1_000) {
            let making = Clock::now();
            let puts = (n..to.min(n + 1_000)).map(|n| {
                let record = deal(n).to_record(1).unwrap();
                Put { record, changed: Default::default(), expect: Expect::Absent }
            });
            let changes = ChangeSet { tenant: "main".to_owned(), puts: puts.collect(), ..ChangeSet::default() };
            made += making.elapsed().as_secs_f64();
            block_on(store.commit(&changes))??;
        }
        Ok(())
    };
    store.bulk(load).unwrap();
    start.elapsed().as_secs_f64() - made
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

/// The seconds that something took, and of them those on the processor: the latter say the same whatever else the machine does.
#[derive(Clone, Copy)]
struct Took {
    whole: f64,
    processor: f64,
}

/// The seconds that this thread was on a processor, where the system says it.
fn processor() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}

fn time(work: impl FnOnce()) -> Took {
    let (start, on) = (Clock::now(), processor());
    work();
    Took { whole: start.elapsed().as_secs_f64(), processor: processor() - on }
}

/// Two contenders in turns.
fn race(turn: usize, mut ours: impl FnMut(usize), mut theirs: impl FnMut(usize)) -> Vec<(Took, Took)> {
    let mut rounds = Vec::new();
    for round in 0..=ROUNDS {
        let turns = round * turn..(round + 1) * turn;
        let first = time(|| turns.clone().for_each(&mut ours));
        let second = time(|| turns.for_each(&mut theirs));
        // The first round warms up.
        if round > 0 {
            rounds.push((first, second));
        }
    }
    rounds
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The medians of each one's microseconds and of the ratios within a round; a round did something so many times.
fn row(what: &str, times: usize, rounds: &[(Took, Took)]) {
    let each = |f: &dyn Fn(&(Took, Took)) -> f64| median(rounds.iter().map(f).collect());
    let per = 1e6 / times as f64;
    println!(
        "| {what} | {:.1} | {:.1} | {:.2} | {:.2} |",
        each(&|(ours, _)| ours.whole * per),
        each(&|(_, theirs)| theirs.whole * per),
        each(&|(ours, theirs)| theirs.whole / ours.whole),
        each(&|(ours, theirs)| theirs.processor / ours.processor),
    );
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
        fill(&open(file, durability), 0, RECORDS);
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
    row(&format!("an operation: `opportunities.update`, durability `{}`", durability.name()), turn, &measured);
    if durability == Durability::Process {
        let get = |n: usize| ById { id: Id::new(&id(n)).unwrap() };
        let gets: Vec<ById> = (0..60_000).map(get).collect();
        let measured = race(
            2_000,
            |n| drop(block_on(crm.opportunities().get(&gets[n])).unwrap().unwrap()),
            |n| drop(read(&reader, gets[n].id.as_str())),
        );
        row("a point read: `opportunities.get` (by hand: the row, its body as text)", 2_000, &measured);
        let measured = race(
            2_000,
            |n| drop(block_on(crm.opportunities().get(&gets[n])).unwrap().unwrap()),
            |n| drop(serde_json::from_str::<Opportunity>(&read(&reader, gets[n].id.as_str()).1).unwrap()),
        );
        row("the same, by hand into the same struct", 2_000, &measured);
    }
}

/// Imports through operations beside the same rows inserted by hand; a figure a deal.
fn imports(folder: &Path, deals: usize, together: usize, rounds: usize) {
    let host = crm_core::api::host::Host::new();
    let requests: Vec<String> = (0..deals / together)
        .map(|batch| {
            let items = (batch * together..(batch + 1) * together).map(|n| {
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
        for _ in 0..rounds {
            let folder = tempfile::tempdir_in(folder).unwrap();
            let (ours, theirs) = (folder.path().join("ours.db"), folder.path().join("theirs.db"));
            let store = Arc::new(open(&ours, Durability::Power));
            let engine = host.attach(store.clone());
            let run = || -> Result<()> {
                for request in &requests {
                    let answer = host.call_on(engine, request);
                    assert!(answer.starts_with(r#"{"ok":true"#), "{answer}");
                }
                Ok(())
            };
            let first = time(|| if bulk { store.bulk(|_| run()).unwrap() } else { run().unwrap() });
            host.detach(engine);
            drop(store);
            // The same rows, as they stand in our file; prepared beforehand.
            let rows = rows_of(&ours);
            assert_eq!(rows.len(), deals);
            drop(open(&theirs, Durability::Power));
            let connection = by_hand(&theirs, Durability::Power);
            let indexes = Dialect::Sqlite.indexes(&[("opportunity", 5)]).unwrap();
            let all = |texts: Vec<String>| {
                connection.execute_batch(&format!("BEGIN IMMEDIATE; {}; COMMIT", texts.join("; "))).unwrap();
            };
            let second = time(|| {
                if bulk {
                    all(indexes.iter().map(|i| format!("DROP INDEX {}", i.name)).collect());
                }
                insert(&connection, &rows, together);
                if bulk {
                    all(indexes.iter().map(|i| i.text.clone()).collect());
                }
            });
            results.push((first, second));
        }
        let what = if bulk { "`bulk`: indexes built afterwards" } else { "indexes kept up" };
        let what = format!("import of {deals} through `batch`, {together} deals a commit, a deal; {what}");
        row(&what, deals, &results);
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

fn insert(connection: &Connection, rows: &[Row], together: usize) {
    for rows in rows.chunks(together) {
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

/// The most resident memory of this process in MiB since the last question, where the system says it.
fn peak() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|l| l.starts_with("VmHWM:")).unwrap_or("VmHWM: 0");
    // From here on the system counts anew.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    line.split_whitespace().nth(1).and_then(|k| k.parse::<u64>().ok()).unwrap_or(0) / 1_024
}

fn growth(folder: &Path, sizes: &[u64]) {
    println!(
        "\n| deals in the store | loading, a deal (µs) | 50 by owner and stage, sorted by expected close (µs) | the same by `where` and `order` (µs) \
         | one by id (µs) | one update, `process` (µs) | most memory, loading (MiB) | most memory, then (MiB) | file (MiB) |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let file: PathBuf = folder.join("growth.db");
    let mut there = 0;
    for &size in sizes {
        let store = Arc::new(open(&file, Durability::Process));
        peak();
        let load = fill(&store, there, size) * 1e6 / (size - there) as f64;
        let loading = peak();
        there = size;
        let crm = Crm::new(store.clone()).at(context());
        let find = |request: serde_json::Value| serde_json::from_value::<FindOpportunities>(request).unwrap();
        let equal = |field: &str, value: &str| serde_json::json!({"field": field, "op": "equal", "value": value});
        let mut times = [Vec::new(), Vec::new(), Vec::new(), Vec::new()];
        for n in 0..400_usize {
            let (owner, stage) = (format!("u{}", n as u64 * 31 % OWNERS), STAGES[n % 4]);
            let by_filter = find(serde_json::json!({"owner": owner, "stage": stage, "limit": 50}));
            let condition = serde_json::json!({"all": [equal("owner", &owner), equal("stage", stage)]});
            let by_where =
                find(serde_json::json!({"where": condition, "order": {"field": "expected_close"}, "limit": 50}));
            let id = format!("d{}", n as u64 * 7_919 % size);
            let get = ById { id: Id::new(&id).unwrap() };
            let update: OpportunityUpdate =
                serde_json::from_value(serde_json::json!({"id": id, "next_step": format!("step {n} of {size}")}))
                    .unwrap();
            let mut time = |what: usize, run: &mut dyn FnMut()| {
                let start = Clock::now();
                run();
                times[what].push(start.elapsed().as_secs_f64() * 1e6);
            };
            let mut pages = Vec::new();
            for (what, find) in [(0, &by_filter), (1, &by_where)] {
                time(what, &mut || pages.push(block_on(crm.opportunities().find(find)).unwrap().unwrap().value.items));
            }
            assert!(pages[0] == pages[1] && (size < 100_000 || pages[0].len() == 50));
            assert!(pages[0].is_sorted_by_key(|deal| deal.expected_close));
            time(2, &mut || drop(block_on(crm.opportunities().get(&get)).unwrap().unwrap()));
            time(3, &mut || drop(block_on(crm.opportunities().update(&update)).unwrap().unwrap()));
        }
        let [filter, by_where, get, update] = times.map(median);
        let bytes = std::fs::metadata(&file).map_or(0, |m| m.len()) / 1_048_576;
        println!(
            "| {size} | {load:.1} | {filter:.0} | {by_where:.0} | {get:.0} | {update:.0} | {loading} | {} | {bytes} |",
            peak()
        );
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let wanted = |name: &str| {
        !arguments.iter().any(|a| a.starts_with("--only=")) || arguments.iter().any(|a| a == &format!("--only={name}"))
    };
    let folder = tempfile::tempdir().unwrap();
    let check = deal(1).to_record(1).unwrap();
    assert_eq!(check.keys.len(), 5);
    println!("| | crm-core (µs) | by hand (µs) | by hand / crm-core | on the processor |\n|---|---|---|---|---|");
    if wanted("operations") {
        for durability in [Durability::Process, Durability::Power] {
            let folder = tempfile::tempdir_in(folder.path()).unwrap();
            operations(folder.path(), durability);
        }
    }
    if wanted("imports") {
        imports(folder.path(), 10_000, 500, 5);
        imports(folder.path(), 100_000, 5_000, 3);
    }
    if wanted("growth") {
        let large: &[u64] = &[10_000, 100_000, 1_000_000, 10_000_000];
        growth(folder.path(), if arguments.iter().any(|a| a == "--large") { large } else { &large[..3] });
    }
}
