//! Kinds in the host's own tables, and the views for plain SQL.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../tests/hosted.rs"]
mod shared;

use std::sync::Arc;

use crm_core::base::context::Context;
use crm_core::config::Config;
use crm_core::crm::hosting::{Mapping, tables};
use crm_core::crm::{Crm, block_on};
use crm_store_sqlite::{Options, SqliteRepository};
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use shared::Customer;

fn context() -> Context {
    Context { now: Some("2026-01-31T09:00:00Z".parse().unwrap()), seed: Some("host".to_owned()), ..Context::default() }
}

fn host(customers: &[Customer]) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.db").display().to_string();
    let mut connection = Connection::open(&file).unwrap();
    connection.execute_batch(shared::TABLES).unwrap();
    let transaction = connection.transaction().unwrap();
    for c in customers {
        let values = params![c.id, c.name, c.owner, c.industry, c.revenue, c.founded, c.tier];
        let text = "INSERT INTO customers(id, company_name, rep_id, industry, revenue, founded, tier) VALUES(?, ?, ?, ?, ?, ?, ?)";
        transaction.execute(text, values).unwrap();
    }
    transaction.execute_batch("INSERT INTO staff VALUES(17, 'Ada'), (18, 'Grace')").unwrap();
    transaction.commit().unwrap();
    (folder, file)
}

fn open(file: &str) -> SqliteRepository {
    SqliteRepository::open(file, Options { tables: shared::hosted(), ..Options::default() }).unwrap()
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// SQLite keeps no decimals of more than 15 digits, nor the zeros behind their points.
fn plain(mut customers: Vec<Customer>) -> Vec<Customer> {
    for revenue in customers.iter_mut().filter_map(|c| c.revenue.as_mut()) {
        *revenue = match revenue.as_str() {
            "9.50" => "9.5",
            "-9.50" => "-9.5",
            "10.00" => "10",
            "0.00" => "0",
            _ => "1",
        }
        .to_owned();
    }
    customers
}

#[test]
fn a_hosts_table_answers_as_memory_does() {
    for seed in 0..4 {
        let customers = plain(shared::customers(seed, 50));
        let (_folder, file) = host(&customers);
        let telling = block_on(shared::compare(Arc::new(open(&file)), &customers, seed, 40)).unwrap();
        assert!(telling > 12, "{telling} questions told something");
    }
}

#[test]
fn fifty_thousand_customers_are_ordered_by_name_and_one_more_is_too_many() {
    let (_folder, file) = host(&[]);
    let connection = Connection::open(&file).unwrap();
    let many = "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
                INSERT INTO customers(id, company_name, rep_id) SELECT i, 'Customer ' || (50001 - i), i % 100 FROM n";
    connection.execute_batch(many).unwrap();
    let crm = Crm::new(Arc::new(open(&file))).at(context());
    let find = |asked: Value| block_on(crm.accounts().find(&read(asked))).unwrap();
    let first = find(json!({"limit": 2})).unwrap().value;
    let names: Vec<&str> = first.items.iter().map(|account| account.name.as_str()).collect();
    assert_eq!(names, ["Customer 1", "Customer 10"]);
    let asked = json!({"where": {"field": "name", "op": "ends_with", "value": "999"}, "order": {"field": "name", "descending": true}, "limit": 1000});
    assert_eq!(find(asked).unwrap().value.items.len(), 50);
    connection.execute("INSERT INTO customers(id, company_name, rep_id) VALUES(50001, 'Z', 7)", []).unwrap();
    assert_eq!(find(json!({})).unwrap_err().code(), "scan_limit_reached");
    // What an index holds exactly narrows it in the database.
    assert_eq!(find(json!({"owner": "7", "limit": 1000})).unwrap().value.items.len(), 501);
}

#[test]
fn a_writable_table_is_written_by_its_columns() {
    let (_folder, file) = host(&[]);
    let crm = Crm::new(Arc::new(open(&file))).at(context());
    let made =
        json!({"id": "4711", "name": "Steel", "owner": "17", "annual_revenue": {"amount": "12.50", "currency": "EUR"}});
    let made = block_on(crm.accounts().create(&read(made))).unwrap().unwrap().value;
    assert_eq!(made.version, 1);
    let twice = block_on(crm.accounts().create(&read(json!({"id": "4711", "name": "Two"})))).unwrap().unwrap_err();
    assert_eq!(twice.code(), "record_exists");
    let changed = json!({"id": "4711", "name": "Steel Ltd", "annual_revenue": null, "founded": 1999});
    let changed = block_on(crm.accounts().update(&read(changed))).unwrap().unwrap().value;
    assert_eq!((changed.version, changed.owner.map(|id| id.to_string())), (2, Some("17".to_owned())));
    let stale = crm.expecting(1);
    let stale = block_on(stale.accounts().update(&read(json!({"id": "4711", "name": "X"})))).unwrap().unwrap_err();
    assert_eq!(stale.code(), "version_conflict");

    let connection = Connection::open(&file).unwrap();
    let row = |text: &str| connection.query_row(text, [], |row| row.get::<_, String>(0)).unwrap();
    let shown = row(
        "SELECT group_concat(id || '|' || company_name || '|' || rep_id || '|' || coalesce(revenue, '-') || '|' || founded || '|' || lock_version) FROM customers",
    );
    assert_eq!(shown, "4711|Steel Ltd|17|-|1999|2");
    assert_eq!(row("SELECT CAST(count(*) AS text) FROM crm_record"), "0");
    assert_eq!(row("SELECT CAST(count(*) AS text) FROM crm_event"), "2");

    let refused = [
        (json!({"id": "4712", "name": "A", "website": "x.example", "phone": "1"}), "invalid_request", ""),
        (json!({"id": "4712", "name": "A", "website": "x.example"}), "field_not_mapped", "website"),
        (json!({"id": "4712", "name": "A", "owner": "99"}), "record_not_found", "owner"),
        (json!({"id": "c-1", "name": "A"}), "id_not_possible", "id"),
        (json!({"name": "A"}), "id_not_possible", "id"),
    ];
    for (asked, code, path) in refused {
        let error = block_on(crm.accounts().create(&read(asked.clone()))).unwrap().unwrap_err();
        assert_eq!((error.code(), error.path()), (code, path), "{asked} {error}");
    }
    let error = block_on(crm.users().create(&read(json!({"id": "19", "name": "Eve"})))).unwrap().unwrap_err();
    assert_eq!((error.code(), error.details()["table"].as_str()), ("kind_read_only", Some("staff")));
    assert_eq!(row("SELECT CAST(count(*) AS text) FROM crm_event"), "2");
}

#[test]
fn a_row_that_is_no_account_is_named() {
    let (_folder, file) = host(&[]);
    let connection = Connection::open(&file).unwrap();
    connection
        .execute_batch(
            "INSERT INTO customers(id, company_name, founded) VALUES(1, '', 1999), (2, 'B', 'old'), (3, 'C', 1)",
        )
        .unwrap();
    let crm = Crm::new(Arc::new(open(&file))).at(context());
    for (id, column) in [("1", "company_name"), ("2", "founded")] {
        let error = block_on(crm.accounts().get(&read(json!({"id": id})))).unwrap().unwrap_err();
        let told = ["table", "id", "column"].map(|name| error.details()[name].as_str().unwrap().to_owned());
        assert_eq!(
            (error.code(), told),
            ("host_row_unreadable", ["customers", id, column].map(str::to_owned)),
            "{error}"
        );
    }
    assert_eq!(block_on(crm.accounts().get(&read(json!({"id": "3"})))).unwrap().unwrap().value.founded, Some(1));
    // What cannot be an id there is not there.
    for id in ["abc", "007", "99999999999999999999"] {
        let error = block_on(crm.accounts().get(&read(json!({"id": id})))).unwrap().unwrap_err();
        assert_eq!(error.code(), "record_not_found");
    }
}

#[test]
fn what_is_not_in_the_database_is_named_when_the_store_is_opened() {
    let (_folder, file) = host(&[]);
    let cases = [
        ("customer", "company_name", "no such table: customer"),
        ("customers", "companyname", "no such column: customers.companyname"),
    ];
    for (table, column, said) in cases {
        let mapping: Mapping = read(json!({"account": {"table": table, "id": "id", "fields": {"name": column}}}));
        let options = Options { tables: tables(&mapping).unwrap(), ..Options::default() };
        let error = SqliteRepository::open(&file, options).err().unwrap();
        assert!(error.code() == "storage_unavailable" && error.message().contains(said), "{error}");
    }
}

#[test]
fn views_answer_what_a_dashboard_asks() {
    let (_folder, file) = host(&[]);
    let store = Arc::new(SqliteRepository::open(&file, Options::default()).unwrap());
    let crm = Crm::new(store.clone()).at(context());
    block_on(crm.users().create(&read(json!({"id": "u1", "name": "Ada"})))).unwrap().unwrap();
    for (id, amount, close) in [
        ("d1", "0.1", "2026-01-05T00:00:00Z"),
        ("d2", "0.2", "2026-01-20T00:00:00Z"),
        ("d3", "7", "2025-12-31T00:00:00Z"),
    ] {
        let deal = json!({"id": id, "name": id, "owner": "u1", "amount": amount, "currency": "EUR", "effective_at": "2025-12-01T00:00:00Z"});
        block_on(crm.opportunities().create(&read(deal))).unwrap().unwrap();
        block_on(crm.opportunities().win(&read(json!({"id": id, "effective_at": close})))).unwrap().unwrap();
    }
    let made = store.create_views(&Config::default()).unwrap();
    assert!(
        ["crm_accounts", "crm_opportunities", "crm_price_books", "crm_users"]
            .iter()
            .all(|name| made.contains(&(*name).to_owned())),
        "{made:?}"
    );
    assert_eq!(store.create_views(&Config::default()).unwrap(), Vec::<String>::new());

    let connection = Connection::open(&file).unwrap();
    let text = "SELECT u.name, substr(o.closed_on, 1, 7), count(*), sum(o.amount), group_concat(o.amount) FROM crm_opportunities o JOIN crm_users u
                ON u.tenant = o.tenant AND u.id = o.owner WHERE o.status = 'won' GROUP BY 1, 2 ORDER BY 2";
    let mut asked = connection.prepare(text).unwrap();
    let rows: Vec<(String, String, i64, f64, String)> = asked
        .query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(rows[0], ("Ada".to_owned(), "2025-12".to_owned(), 1, 7.0, "7".to_owned()));
    assert_eq!((rows[1].2, rows[1].4.as_str()), (2, "0.1,0.2"));

    let config: Config = read(
        json!({"version": 1, "pipelines": Config::default().pipelines, "custom_fields": [{"kind": "account", "id": "tier", "type": "text"}]}),
    );
    assert_eq!(store.create_views(&config).unwrap(), ["crm_accounts"]);
    let columns: i64 = connection
        .query_row("SELECT count(*) FROM pragma_table_info('crm_accounts') WHERE name = 'custom_tier'", [], |r| {
            r.get(0)
        })
        .unwrap();
    assert_eq!(columns, 1);
}
