//! Kinds in the host's own tables, in a pool and in the host's transaction; and the views for plain SQL.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;
#[path = "../../tests/hosted.rs"]
mod shared;

use std::sync::Arc;

use common::{host, schema, url};
use crm_core::base::change::{ChangeSet, Expect, Require};
use crm_core::base::context::Context;
use crm_core::base::id::Id;
use crm_core::base::record::Key;
use crm_core::config::Config;
use crm_core::crm::Crm;
use crm_core::crm::hosting::{Mapping, tables};
use crm_core::store::repository::Repository;
use crm_store_postgres::{Options, PostgresRepository, TransactionRepository};
use serde_json::{Value, json};
use shared::Customer;

fn context() -> Context {
    Context { now: Some("2026-01-31T09:00:00Z".parse().unwrap()), seed: Some("host".to_owned()), ..Context::default() }
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// A store beside the host's tables, and the host's own connection.
async fn database(name: &str, customers: &[Customer]) -> (PostgresRepository, tokio_postgres::Client) {
    let schema = schema(name);
    let client = host(&schema).await;
    client.batch_execute(&format!("CREATE SCHEMA {schema}; {}", shared::TABLES)).await.unwrap();
    for c in customers {
        let text = "INSERT INTO customers(id, company_name, rep_id, industry, revenue, founded, tier) \
                    VALUES($1, $2, $3, $4, CAST(CAST($5 AS text) AS numeric), $6, $7)";
        let founded = c.founded.map(|year| i32::try_from(year).unwrap());
        client.execute(text, &[&c.id, &c.name, &c.owner, &c.industry, &c.revenue, &founded, &c.tier]).await.unwrap();
    }
    client.batch_execute("INSERT INTO staff VALUES(17, 'Ada'), (18, 'Grace')").await.unwrap();
    let options = Options { tables: shared::hosted(), ..common::options(&schema) };
    (PostgresRepository::connect(&url(), options).await.unwrap(), client)
}

async fn text(client: &tokio_postgres::Client, text: &str) -> String {
    client.query_one(text, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_hosts_table_answers_as_memory_does() {
    for seed in 10..12 {
        let customers = shared::customers(seed, 50);
        let (store, _client) = database("alike", &customers).await;
        let telling = shared::compare(Arc::new(store), &customers, seed, 40).await;
        assert!(telling > 12, "{telling} questions told something");
    }
}

#[tokio::test]
async fn a_host_row_and_a_deal_on_it_stay_or_go_together() {
    let (store, mut client) = database("together", &[]).await;
    for is_kept in [false, true] {
        let transaction = client.transaction().await.unwrap();
        transaction.execute("INSERT INTO customers(id, company_name) VALUES(4711, 'Steel')", &[]).await.unwrap();
        let repository = TransactionRepository::new(&transaction).hosting(shared::hosted());
        let made = repository.run(|repository| async move {
            let crm = Crm::new(repository).at(context());
            crm.opportunities()
                .create(&read(json!({"id": "d1", "name": "Beams", "account": "4711", "owner": "17"})))
                .await?;
            crm.accounts().update(&read(json!({"id": "4711", "owner": "18"}))).await?;
            let found = crm.opportunities().find(&read(json!({"owner": "17"}))).await?.value.items;
            Ok::<_, crm_core::base::error::Error>(found.len())
        });
        assert_eq!(made.await.unwrap(), 1);
        if is_kept {
            transaction.commit().await.unwrap()
        } else {
            transaction.rollback().await.unwrap()
        }
        let wanted = if is_kept { "1 1" } else { "0 0" };
        let counts = "SELECT (SELECT count(*) FROM customers WHERE rep_id = 18 AND lock_version = 1) || ' ' || (SELECT count(*) FROM crm_record)";
        assert_eq!(text(&client, counts).await, wanted);
    }
    let crm = Crm::new(Arc::new(store)).at(context());
    assert_eq!(crm.accounts().get(&read(json!({"id": "4711"}))).await.unwrap().value.name, "Steel");
    assert_eq!(
        text(&client, "SELECT CAST(count(*) AS text) FROM crm_record WHERE kind IN ('account', 'user')").await,
        "0"
    );
}

#[tokio::test]
async fn a_row_that_was_read_is_held_until_the_commit() {
    let (store, client) = database("held", &[]).await;
    client.batch_execute("INSERT INTO customers(id, company_name) VALUES(1, 'A'), (2, 'B')").await.unwrap();
    let needs = |kind: &str, id: &str, expect| Require { key: Key::new(kind, &Id::new(id).unwrap()), expect };
    let changes = |requires| ChangeSet { tenant: "main".to_owned(), requires, ..ChangeSet::default() };
    let held = [
        needs("account", "1", Expect::Version(0)),
        needs("user", "17", Expect::Version(1)),
        needs("account", "abc", Expect::Absent),
    ];
    store.commit(&changes(held.to_vec())).await.unwrap();
    client.batch_execute("DELETE FROM customers WHERE id = 1; UPDATE customers SET lock_version = 1 WHERE id = 2; DELETE FROM staff WHERE id = 17").await.unwrap();
    for gone in [
        needs("account", "1", Expect::Version(0)),
        needs("account", "2", Expect::Version(0)),
        needs("user", "17", Expect::Version(1)),
        needs("account", "abc", Expect::Version(1)),
        needs("user", "18", Expect::Absent),
    ] {
        let error = store.commit(&changes(vec![gone.clone()])).await.unwrap_err();
        assert_eq!(error.code(), "version_conflict", "{gone:?}");
    }
    // A row whose table counts no changes may be changed meanwhile, but not removed.
    client.batch_execute("BEGIN").await.unwrap();
    let repository = TransactionRepository::new(&client).hosting(shared::hosted());
    repository.commit(&changes(vec![needs("user", "18", Expect::Version(1))])).await.unwrap();
    let other = host(&text(&client, "SELECT current_schema()").await).await;
    other.batch_execute("SET lock_timeout = 200; UPDATE staff SET full_name = 'G' WHERE id = 18").await.unwrap();
    assert!(other.batch_execute("DELETE FROM staff WHERE id = 18").await.is_err());
    client.batch_execute("ROLLBACK").await.unwrap();
}

#[tokio::test]
async fn columns_of_every_type_come_and_go() {
    let schema = schema("types");
    let client = host(&schema).await;
    let table = "CREATE TABLE people(id uuid PRIMARY KEY, tenant_id bigint NOT NULL, nick varchar(40) NOT NULL, boss uuid, works boolean,
                 made timestamptz, changed timestamp, rev int NOT NULL DEFAULT 1, limit_ numeric(12, 2), since date, grade text)";
    client.batch_execute(&format!("CREATE SCHEMA {schema}; {table}")).await.unwrap();
    let mapping: Mapping = read(json!({"user": {
        "table": format!("{schema}.people"), "id": {"column": "id", "type": "uuid"}, "tenant": {"column": "tenant_id", "type": "int8"},
        "version": "rev", "writable": true,
        "fields": {
            "name": "nick", "manager": {"column": "boss", "type": "uuid"}, "active": "works", "created_at": "made",
            "updated_at": {"column": "changed", "type": "timestamp"}, "custom.limit": {"column": "limit_", "type": "numeric"},
            "custom.since": {"column": "since", "type": "date"}, "custom.grade": "grade",
        },
    }}));
    let options = Options { tables: tables(&mapping).unwrap(), ..common::options(&schema) };
    // What a session shows of times must not matter.
    let url = format!("{}?options=-ctimezone%3DAsia/Tokyo%20-cdatestyle%3DGerman", url());
    let store = Arc::new(PostgresRepository::connect(&url, options).await.unwrap());
    let fields = [("limit", "decimal"), ("since", "date"), ("grade", "text")];
    let fields = fields.map(|(id, kind)| json!({"kind": "user", "id": id, "type": kind}));
    let config: Config = read(json!({"version": 1, "pipelines": Config::default().pipelines, "custom_fields": fields}));
    let at = |tenant: &str| {
        Crm::new(store.clone()).at(Context { tenant: tenant.to_owned(), ..context() }).under(config.clone())
    };
    let crm = at("7");
    // The engine's own ids fit a column of uuids.
    let other = crm.at(Context { tenant: "7".to_owned(), seed: Some("boss".to_owned()), ..context() });
    let boss = other.users().create(&read(json!({"name": "Boss"}))).await.unwrap().value;
    let custom = json!({"limit": "1234.50", "since": "2026-01-02", "grade": "a"});
    let made = json!({"name": "Ada", "manager": boss.id, "active": true, "custom": custom});
    let made = crm.users().create(&read(made)).await.unwrap().value;
    let found = crm.users().get(&read(json!({"id": made.id}))).await.unwrap().value;
    assert_eq!(found, made);
    let found = crm.users().find(&read(json!({"manager": boss.id}))).await.unwrap().value.items;
    assert_eq!(found.first(), Some(&made));
    let changed = json!({"id": made.id, "active": false, "manager": null, "custom": {"grade": null}});
    let changed = crm.users().update(&read(changed)).await.unwrap().value;
    assert_eq!(crm.users().get(&read(json!({"id": made.id}))).await.unwrap().value, changed);
    let shown = "SELECT to_char(made AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || ' ' || to_char(changed, 'YYYY-MM-DD HH24:MI') || ' ' || limit_ || ' ' || rev || ' ' || works
                 FROM people WHERE nick = 'Ada'";
    assert_eq!(text(&client, shown).await, "2026-01-31 09:00 2026-01-31 09:00 1234.50 2 false");
    for (tenant, code) in [("8", "record_not_found"), ("main", "record_not_found")] {
        let error = at(tenant).users().get(&read(json!({"id": made.id}))).await.unwrap_err();
        assert_eq!(error.code(), code);
    }
    let error = at("main").users().create(&read(json!({"name": "Eve"}))).await.unwrap_err();
    assert_eq!((error.code(), error.path()), ("id_not_possible", "context.tenant"));

    for (table, said) in
        [("nowhere", "relation \"nowhere\" does not exist"), ("people", "column people.nick2 does not exist")]
    {
        let mapping: Mapping = read(json!({"user": {"table": table, "id": "id", "fields": {"name": "nick2"}}}));
        let options = Options { tables: tables(&mapping).unwrap(), ..common::options(&schema) };
        let error = PostgresRepository::connect(&url, options).await.err().unwrap();
        assert!(error.code() == "storage_unavailable" && error.message().contains(said), "{error}");
    }
}

#[tokio::test]
async fn views_answer_what_a_dashboard_asks() {
    let schema = schema("views");
    let store = Arc::new(PostgresRepository::connect(&url(), common::options(&schema)).await.unwrap());
    let client = host(&schema).await;
    let crm = Crm::new(store.clone()).at(context());
    crm.users().create(&read(json!({"id": "u1", "name": "Ada"}))).await.unwrap();
    for (id, amount, close) in [
        ("d1", "0.1", "2026-01-05T00:00:00Z"),
        ("d2", "0.2", "2026-01-20T00:00:00Z"),
        ("d3", "7", "2025-12-31T00:00:00Z"),
    ] {
        let deal = json!({"id": id, "name": id, "owner": "u1", "amount": amount, "currency": "EUR", "effective_at": "2025-12-01T00:00:00Z"});
        crm.opportunities().create(&read(deal)).await.unwrap();
        crm.opportunities().win(&read(json!({"id": id, "effective_at": close}))).await.unwrap();
    }
    crm.accounts().create(&read(json!({"id": "a1", "name": "Steel", "employees": 12, "annual_revenue": {"amount": "5.10", "currency": "EUR"}}))).await.unwrap();
    assert!(store.create_views(&Config::default()).await.unwrap().contains(&"crm_opportunities".to_owned()));
    assert_eq!(store.create_views(&Config::default()).await.unwrap(), Vec::<String>::new());

    let won = "SELECT string_agg(w, ';' ORDER BY w) FROM (SELECT u.name || ' ' || date_trunc('month', o.closed_on)::date || ' ' || count(*) || ' ' || sum(o.amount) AS w
               FROM crm_opportunities o JOIN crm_users u USING (tenant) WHERE u.id = o.owner AND o.status = 'won'
               GROUP BY u.name, date_trunc('month', o.closed_on)) AS m";
    assert_eq!(text(&client, won).await, "Ada 2025-12-01 1 7;Ada 2026-01-01 2 0.3");
    let types =
        "SELECT string_agg(column_name || ' ' || data_type, ', ' ORDER BY column_name) FROM information_schema.columns
                 WHERE table_schema = current_schema() AND table_name = 'crm_opportunities'
                 AND column_name IN ('amount', 'closed_on', 'created_at', 'stage_since', 'version', 'name')";
    assert_eq!(
        text(&client, types).await,
        "amount numeric, closed_on date, created_at timestamp with time zone, name text, stage_since timestamp with time zone, version bigint"
    );
    let account = "SELECT (employees + 1) || ' ' || annual_revenue_amount * 2 || ' ' || annual_revenue_currency FROM crm_accounts";
    assert_eq!(text(&client, account).await, "13 10.20 EUR");

    // A view of the host's over one of ours is not torn away: it is refused, and nothing changes.
    client.batch_execute("CREATE VIEW mine AS SELECT name FROM crm_accounts").await.unwrap();
    let config: Config = read(
        json!({"version": 1, "pipelines": Config::default().pipelines, "custom_fields": [{"kind": "account", "id": "tier", "type": "text"}]}),
    );
    let error = store.create_views(&config).await.unwrap_err();
    assert!(error.code() == "storage_failed" && error.message().contains("depend"), "{error}");
    client.batch_execute("DROP VIEW mine").await.unwrap();
    assert_eq!(store.create_views(&config).await.unwrap(), ["crm_accounts"]);
    assert_eq!(text(&client, "SELECT coalesce(custom_tier, '-') FROM crm_accounts").await, "-");
}
