//! Accounts in a table of a host's, and the same accounts in memory: random conditions, orders and pages, answered alike.
//!
//! Included by the tests of each store that can hold a host's tables.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;

use crm_core::base::change::{ChangeSet, Expect, Put};
use crm_core::base::context::Context;
use crm_core::base::id::Id;
use crm_core::crm::hosting::{Mapping, tables};
use crm_core::crm::{Crm, block_on, kinds};
use crm_core::store::memory::MemoryRepository;
use crm_core::store::repository::Repository;
use crm_core::store::sql::host::HostTables;
use serde_json::{Map, Value, json};

/// A row of `customers`, its columns in the order of [`COLUMNS`].
#[derive(Clone, Debug)]
pub struct Customer {
    pub id: i64,
    pub name: String,
    pub owner: Option<i64>,
    pub industry: Option<String>,
    pub revenue: Option<String>,
    pub founded: Option<i64>,
    pub tier: Option<String>,
}

/// Makes the host's tables, for either database.
pub const TABLES: &str =
    "CREATE TABLE customers(id bigint PRIMARY KEY, company_name text NOT NULL, rep_id bigint, industry text,
 revenue numeric(30, 2), founded int, tier text, lock_version int NOT NULL DEFAULT 0);
 CREATE TABLE staff(id bigint PRIMARY KEY, full_name text NOT NULL);";

pub fn mapping() -> Mapping {
    serde_json::from_value(json!({
        "account": {
            "table": "customers", "id": {"column": "id", "type": "int8"}, "version": "lock_version", "writable": true,
            "fields": {
                "name": "company_name", "owner": {"column": "rep_id", "type": "int8"}, "industry": "industry",
                "annual_revenue.amount": {"column": "revenue"}, "annual_revenue.currency": "tier",
                "founded": {"column": "founded", "type": "int8"},
            },
        },
        "user": {"table": "staff", "id": {"column": "id", "type": "int8"}, "fields": {"name": "full_name"}},
    }))
    .unwrap()
}

pub fn hosted() -> HostTables {
    tables(&mapping()).unwrap()
}

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % (sides.max(1) as u64)).unwrap()
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())].clone()
    }

    fn maybe<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        (self.roll(4) != 0).then(|| self.pick(from))
    }
}

const NAMES: [&str; 12] = ["a", "A", "ab", "aB c", "b", "ä", "Äb", "\u{ffff}", "\u{1F600}", "ß", "ss", "zz top"];
const INDUSTRIES: [&str; 5] = ["", " ", "Steel", "steel", "Öl"];
const REVENUES: [&str; 6] = ["0.00", "1.00", "9.50", "10.00", "-9.50", "9999999999999999999999999.99"];
const OWNERS: [i64; 5] = [1, 7, 10, 70, 100];

/// Random customers with ids of one to six digits, so that the order of numbers is not that of texts.
pub fn customers(seed: u64, count: usize) -> Vec<Customer> {
    let mut dice = Dice(seed);
    let mut taken = std::collections::BTreeSet::new();
    while taken.len() < count {
        let digits = u32::try_from(dice.roll(6)).unwrap();
        taken.insert(i64::try_from(dice.roll(9 * 10_usize.pow(digits)) + 1).unwrap());
    }
    let made = taken.into_iter().map(|id| {
        let revenue = dice.maybe(&REVENUES).map(str::to_owned);
        let tier = revenue.is_some().then(|| dice.pick(&["USD", "JPY"]).to_owned());
        let name = format!("{}{}", dice.pick(&NAMES), dice.pick(&["", "1", " 2"]));
        let (owner, industry) = (dice.maybe(&OWNERS), dice.maybe(&INDUSTRIES).map(str::to_owned));
        Customer { id, name, owner, industry, revenue, founded: dice.maybe(&[1, 1999, 2026]), tier }
    });
    made.collect()
}

/// The same customers as records in memory.
pub fn in_memory(customers: &[Customer]) -> Arc<dyn Repository> {
    let memory = MemoryRepository::new();
    let kind = kinds::find("account").unwrap();
    let puts =
        customers.iter().map(|customer| {
            let mut body = Map::new();
            body.insert("name".into(), json!(customer.name));
            let owner = customer.owner.map(|owner| owner.to_string());
            let industry = customer.industry.clone().filter(|text| !text.is_empty());
            let texts = [("owner", owner), ("industry", industry)];
            body.extend(texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), json!(text?)))));
            body.extend(customer.founded.map(|year| ("founded".to_owned(), json!(year))));
            let revenue = customer.revenue.as_ref().zip(customer.tier.as_ref());
            body.extend(revenue.map(|(amount, currency)| {
                ("annual_revenue".to_owned(), json!({"amount": amount, "currency": currency}))
            }));
            let record = (kind.record)(&Id::new(&customer.id.to_string()).unwrap(), body, 1).unwrap();
            Put { record, changed: Default::default(), expect: Expect::Absent }
        });
    let changes = ChangeSet { tenant: "main".to_owned(), puts: puts.collect(), ..ChangeSet::default() };
    block_on(memory.commit(&changes)).unwrap().unwrap();
    Arc::new(memory)
}

fn leaf(dice: &mut Dice) -> Value {
    let field =
        dice.pick(&["name", "owner", "industry", "annual_revenue.amount", "annual_revenue.currency", "founded", "id"]);
    let value = |dice: &mut Dice| match field {
        "name" => json!(dice.pick(&NAMES)),
        "owner" => json!(dice.pick(&["1", "7", "10", "abc", "007"])),
        "industry" => json!(dice.pick(&["Steel", "STEEL", "öl"])),
        "annual_revenue.amount" => json!(dice.pick(&REVENUES)),
        "annual_revenue.currency" => json!(dice.pick(&["USD", "JPY"])),
        "founded" => json!(dice.pick(&["1", "1999", "2000"])),
        _ => json!(dice.pick(&["1", "10", "77"])),
    };
    let wide = matches!(field, "name" | "industry" | "annual_revenue.amount" | "founded");
    let op = dice.pick(&["equal", "not_equal", "in", "is_set", "is_empty", "less_than", "at_least", "starts_with"]);
    match op {
        "is_set" | "is_empty" => json!({"field": field, "op": op}),
        "in" => json!({"field": field, "op": op, "values": [value(dice), value(dice)]}),
        "less_than" | "at_least" if !wide => json!({"field": field, "op": "equal", "value": value(dice)}),
        "starts_with" if !matches!(field, "name" | "industry") => {
            json!({"field": field, "op": "not_equal", "value": value(dice)})
        }
        op => json!({"field": field, "op": op, "value": value(dice)}),
    }
}

fn condition(dice: &mut Dice) -> Value {
    match dice.roll(4) {
        0 => json!({"all": [leaf(dice), leaf(dice)]}),
        1 => json!({"any": [leaf(dice), leaf(dice)]}),
        2 => json!({"not": leaf(dice)}),
        _ => leaf(dice),
    }
}

fn request(dice: &mut Dice) -> Value {
    let mut asked = json!({"limit": dice.pick(&[4, 17, 1000])});
    match dice.roll(4) {
        0 => {}
        1 => asked["owner"] = json!(dice.pick(&["1", "7", "abc"])),
        2 => asked["name_prefix"] = json!(dice.pick(&["a", "Ä", "s"])),
        _ => {
            asked["where"] = condition(dice);
            let field = dice.pick(&["name", "id", "owner", "industry", "annual_revenue", "founded"]);
            asked["order"] = json!({"field": field, "descending": dice.roll(2) == 0});
        }
    }
    asked
}

async fn pages(crm: &Crm, asked: &Value) -> Vec<Value> {
    let (mut found, mut cursor) = (Vec::new(), None);
    for _ in 0..2_000 {
        let mut asked = asked.clone();
        asked["cursor"] = json!(cursor);
        let page = crm.accounts().find(&serde_json::from_value(asked.clone()).unwrap()).await;
        let page = page.unwrap_or_else(|error| panic!("{asked}: {error:?}")).value;
        found.extend(page.items.iter().map(|account| {
            let mut plain = serde_json::to_value(account).unwrap();
            plain.as_object_mut().unwrap().remove("version");
            plain
        }));
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    found
}

/// Asks both and compares; gives how many questions found some of the customers but not all.
pub async fn compare(host: Arc<dyn Repository>, customers: &[Customer], seed: u64, rounds: usize) -> usize {
    let context = Context { now: "2026-01-31T09:00:00Z".parse().ok(), ..Context::default() };
    let (own, other) = (Crm::new(in_memory(customers)).at(context.clone()), Crm::new(host).at(context));
    let mut dice = Dice(seed);
    let mut telling = 0;
    for _ in 0..rounds {
        let asked = request(&mut dice);
        let (wanted, found) = (pages(&own, &asked).await, pages(&other, &asked).await);
        let ids = |list: &[Value]| list.iter().map(|account| account["id"].clone()).collect::<Vec<_>>();
        assert_eq!(ids(&wanted), ids(&found), "{asked}");
        assert_eq!(wanted, found, "{asked}");
        telling += usize::from(!wanted.is_empty() && wanted.len() < customers.len());
    }
    telling
}
