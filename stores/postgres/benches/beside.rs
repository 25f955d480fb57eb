//! crm-core over PostgreSQL beside pgbench running the same statements: eight clients each, taking turns.
//!
//! `cargo xtask with-postgres --durable -- cargo bench -p crm-store-postgres` prints the table of `docs/benchmarks.md`. pgbench is
//! looked for beside the server's programs (`CRM_PGBENCH` names another).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant as Clock};

use crm_core::base::change::{ChangeSet, Expect, Put, StoredEvent, StoredTimer, TenantDue};
use crm_core::base::context::Context;
use crm_core::base::entity::Entity;
use crm_core::base::error::Result;
use crm_core::base::record::{Key, Record};
use crm_core::base::time::Instant;
use crm_core::crm::Crm;
use crm_core::pipeline::opportunity::Opportunity;
use crm_core::pipeline::requests::OpportunityUpdate;
use crm_core::store::query::Query;
use crm_core::store::repository::{BoxFuture, Capabilities, Committed, Repository};
use crm_core::store::sql::{Dialect, Param, Statement};
use crm_store_postgres::{Options, PostgresRepository};
use tokio_postgres::NoTls;

const CLIENTS: u64 = 8;
const RECORDS: u64 = 20_000;
/// How many turns each contender takes, and how long one is, in seconds.
const ROUNDS: usize = 5;
const TURN: u64 = 4;

fn url() -> String {
    std::env::var("CRM_POSTGRES_URL")
        .expect("run `cargo xtask with-postgres --durable -- cargo bench -p crm-store-postgres`")
}

fn pgbench() -> PathBuf {
    std::env::var_os("CRM_PGBENCH").map_or_else(
        || {
            let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
                .into_iter()
                .flatten()
                .flatten()
                .map(|entry| entry.path().join("bin/pgbench"))
                .filter(|path| path.is_file())
                .collect();
            found.sort();
            found.pop().unwrap_or_else(|| "pgbench".into())
        },
        PathBuf::from,
    )
}

fn deal(n: u64) -> Opportunity {
    let at = "2026-01-31T09:00:00Z";
    serde_json::from_value(serde_json::json!({
        "id": format!("d{n}"), "name": format!("Deal number {n} of the fair in Hannover"), "pipeline": "sales", "stage": "proposal",
        "status": "open", "probability": "10", "account": format!("a{}", n % 5_000), "owner": format!("u{}", n % 350),
        "amount": format!("{}.50", n % 90_000), "currency": "EUR", "expected_close": "2026-06-30",
        "next_step": "call back after the fair", "source": "fair", "created_at": at, "updated_at": at,
        "history": [{"stage": "proposal", "kind": "open", "entered_at": at, "recorded_at": at, "actor": "u1"}],
    }))
    .unwrap()
}

fn update(n: u64) -> OpportunityUpdate {
    serde_json::from_value(
        serde_json::json!({"id": format!("d{}", n * 7_919 % RECORDS), "next_step": format!("step {n}")}),
    )
    .unwrap()
}

fn context() -> Context {
    let now = Some("2026-02-01T09:00:00Z".parse().unwrap());
    Context { now, seed: Some("bench".to_owned()), actor: Some("u1".to_owned()), ..Context::default() }
}

/// Notes what an operation asks of its store.
struct Noting {
    inner: Arc<dyn Repository>,
    gets: Mutex<Vec<Vec<Key>>>,
    commits: Mutex<Vec<ChangeSet>>,
}

impl Repository for Noting {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
    fn get<'a>(&'a self, tenant: &'a str, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Record>>>> {
        self.gets.lock().unwrap().push(keys.to_vec());
        self.inner.get(tenant, keys)
    }
    fn find<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Record>>> {
        self.inner.find(query)
    }
    fn commit<'a>(&'a self, changes: &'a ChangeSet) -> BoxFuture<'a, Result<Committed>> {
        self.commits.lock().unwrap().push(changes.clone());
        self.inner.commit(changes)
    }
    fn events<'a>(
        &'a self,
        tenant: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredEvent>>> {
        self.inner.events(tenant, after, limit)
    }
    fn due<'a>(&'a self, tenant: &'a str, now: Instant, limit: usize) -> BoxFuture<'a, Result<Vec<StoredTimer>>> {
        self.inner.due(tenant, now, limit)
    }
    fn next_due(&self, limit: usize) -> BoxFuture<'_, Result<Vec<TenantDue>>> {
        self.inner.next_due(limit)
    }
}

/// A statement as pgbench takes it: the noted values as they were, but the record's id drawn and its version read.
fn scripted(statement: &Statement<'_>, id: &str, version: i64) -> String {
    let mut text = statement.text.to_string();
    for (place, param) in statement.params.iter().enumerate().rev() {
        let value = match param {
            Param::Text(value) if value == id => "('d' || :n::text)".to_owned(),
            Param::Text(value) => format!("'{}'", value.replace('\'', "''")),
            Param::Int8(value) if *value == version && version > 1 => ":version".to_owned(),
            Param::Int8(value) if *value == version + 1 && version > 1 => "(:version + 1)".to_owned(),
            Param::Int8(value) => value.to_string(),
            Param::Bytes(bytes) => {
                let digits = bytes.iter().fold(String::new(), |mut text, byte| {
                    let _ = write!(text, "{byte:02x}");
                    text
                });
                format!("'\\x{digits}'")
            }
            Param::Null(_) => "NULL".to_owned(),
        };
        text = text.replace(&format!("${}::", place + 1), &format!("{value}::"));
    }
    text
}

/// The statements of one update, in their order, as a script of pgbench's.
async fn script(store: Arc<PostgresRepository>) -> String {
    let noting = Arc::new(Noting { inner: store, gets: Mutex::new(Vec::new()), commits: Mutex::new(Vec::new()) });
    let crm = Crm::new(noting.clone()).at(context());
    // The record gets a version that no other value of the statements is.
    for change in 1..80 {
        noting.gets.lock().unwrap().clear();
        noting.commits.lock().unwrap().clear();
        crm.opportunities().update(&update(change * RECORDS)).await.unwrap();
    }
    let (gets, commits) = (noting.gets.lock().unwrap().clone(), noting.commits.lock().unwrap().clone());
    let put = &commits[0].puts[0];
    let version = i64::try_from(put.record.version).unwrap() - 1;
    let id = put.record.id.to_string();
    let mut out = format!("\\set n random(0, {})\n", RECORDS - 1);
    for keys in &gets {
        let several = keys.len() > 1;
        if several {
            out.push_str("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n");
        }
        for get in Dialect::Postgres.get("main", keys).unwrap() {
            let end = if get.kind == "opportunity" { " \\gset\n" } else { ";\n" };
            out.push_str(&(scripted(&get.statement, &id, version) + end));
        }
        if several {
            out.push_str("COMMIT;\n");
        }
    }
    out.push_str("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;\n");
    for step in Dialect::Postgres.commit(&commits[0]).unwrap() {
        out.push_str(&(scripted(&step.statement, &id, version) + ";\n"));
    }
    out.push_str("COMMIT;\n");
    out
}

/// Operations a second, by so many clients at once.
async fn ours(crm: &Crm, next: &Arc<AtomicU64>) -> f64 {
    let start = Clock::now();
    let clients = (0..CLIENTS).map(|_| {
        let (crm, next) = (crm.clone(), next.clone());
        tokio::spawn(async move {
            let mut count = 0_u64;
            while start.elapsed() < Duration::from_secs(TURN) {
                let n = next.fetch_add(1, Ordering::Relaxed);
                crm.opportunities().update(&update(n)).await.unwrap();
                count += 1;
            }
            count
        })
    });
    let mut sum = 0;
    for client in clients.collect::<Vec<_>>() {
        sum += client.await.unwrap();
    }
    sum as f64 / start.elapsed().as_secs_f64()
}

fn theirs(script: &std::path::Path, schema: &str) -> f64 {
    let mut command = Command::new(pgbench());
    command
        .args(["-n", "-M", "prepared", "-c", &CLIENTS.to_string(), "-j", "2", "-T", &TURN.to_string(), "-f"])
        .arg(script);
    let output = command.arg(format!("{}?options=-csearch_path%3D{schema}", url())).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let tps = said.lines().find_map(|line| line.strip_prefix("tps = ")).and_then(|rest| rest.split(' ').next());
    tps.unwrap_or_else(|| panic!("{said}{}", String::from_utf8_lossy(&output.stderr))).parse().unwrap()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Lists of 16 ids, read as a padded `IN` list and as an array, in turns; microseconds a read.
async fn lists(schema: &str) -> (f64, f64) {
    let (client, connection) = tokio_postgres::connect(&url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("SET search_path = {schema}")).await.unwrap();
    let ids = |n: u64| (0..16).map(|i| format!("d{}", (n * 16 + i) * 7_919 % RECORDS)).collect::<Vec<String>>();
    let keys: Vec<Key> = ids(0)
        .iter()
        .map(|id| serde_json::from_value(serde_json::json!({"kind": "opportunity", "id": id})).unwrap())
        .collect();
    let listed = Dialect::Postgres.get("main", &keys).unwrap().remove(0).statement.text.into_owned();
    let (head, _) = listed.split_once(" AND id IN (").unwrap();
    let array = format!("{head} AND id = ANY($2::text[])");
    let (listed, array) = (client.prepare(&listed).await.unwrap(), client.prepare(&array).await.unwrap());
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for round in 0..12_u64 {
        let start = Clock::now();
        for n in 0..200 {
            let ids = ids(round * 200 + n);
            let mut params: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> = vec![&"main"];
            params.extend(ids.iter().map(|id| id as &(dyn tokio_postgres::types::ToSql + Sync)));
            assert_eq!(client.query(&listed, &params).await.unwrap().len(), 16);
        }
        let between = Clock::now();
        for n in 0..200 {
            assert_eq!(client.query(&array, &[&"main", &ids(round * 200 + n)]).await.unwrap().len(), 16);
        }
        if round > 1 {
            first.push((between - start).as_secs_f64() * 1e6 / 200.0);
            second.push(between.elapsed().as_secs_f64() * 1e6 / 200.0);
        }
    }
    (median(first), median(second))
}

async fn filled(schema: &str) -> Arc<PostgresRepository> {
    let options = Options { schema: Some(schema.to_owned()), connections: CLIENTS as usize, ..Options::default() };
    let store = PostgresRepository::connect(&url(), options).await.unwrap();
    for thousand in 0..RECORDS / 1_000 {
        let puts = (thousand * 1_000..(thousand + 1) * 1_000).map(|n| {
            let record = deal(n).to_record(1);
            Put { record, changed: Default::default(), expect: Expect::Absent }
        });
        let changes = ChangeSet { tenant: "main".to_owned(), puts: puts.collect(), ..ChangeSet::default() };
        store.commit(&changes).await.unwrap();
    }
    Arc::new(store)
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let schema = format!("bench_{}", std::process::id());
    // pgbench writes one body into many records, so it has tables of its own.
    let other = format!("{schema}_by_hand");
    let store = filled(&schema).await;
    drop(filled(&other).await);
    let file = std::env::temp_dir().join(format!("crm-{schema}.sql"));
    let script = script(store.clone()).await;
    std::fs::write(&file, &script).unwrap();
    if std::env::var_os("CRM_BENCH_SHOW").is_some() {
        println!("{script}");
    }
    let durability = store.capabilities().durability;
    let (crm, next) = (Crm::new(store).at(context()), Arc::new(AtomicU64::new(1)));
    let (mut first, mut second, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (a, b) = (ours(&crm, &next).await, theirs(&file, &other));
        // The first round warms up.
        if round > 0 {
            first.push(a);
            second.push(b);
            ratios.push(a / b);
        }
    }
    std::fs::remove_file(&file).unwrap();
    println!("| {CLIENTS} clients, durability `{durability}` | crm-core | pgbench | ratio |\n|---|---:|---:|---:|");
    println!(
        "| `opportunities.update`, operations a second | {:.0} | {:.0} | {:.2} |",
        median(first),
        median(second),
        median(ratios)
    );
    let (listed, array) = lists(&schema).await;
    println!(
        "\n| 16 records by id, one client | us |\n|---|---:|\n| padded `IN` list | {listed:.0} |\n| `= ANY` of an array | {array:.0} |"
    );
}
