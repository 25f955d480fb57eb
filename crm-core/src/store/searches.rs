//! A check for any store: random conditions over random records, in random orders, answered as brute force answers them.
//!
//! [`run`] writes its records into a tenant that must be empty, then searches with a plan and compares with asking every record.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::conformance::{Broken, KIND};
use super::plan::{Coding, Index, Order, Sorting, index, key, plan};
use super::query::After;
use super::repository::Repository;
use super::search::Search;
use crate::base::canonical::Fields;
use crate::base::change::{ChangeSet, Expect, Put};
use crate::base::context::Context;
use crate::base::error::{Error, Result};
use crate::base::id::Id;
use crate::base::record::{Body, KeyBytes, Record};
use crate::condition::catalogue::{Catalogue, Source, Type};
use crate::condition::compile::compile;
use crate::condition::row::Row;
use crate::condition::wire::{Condition, ConditionOp, ConditionValue};

/// What a run did and found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Searches {
    /// The conditions that were asked.
    pub asked: usize,
    /// Those of them that an index helped with.
    pub planned: usize,
    /// Those of them that matched some records, but not all.
    pub telling: usize,
    /// What differed.
    pub broken: Vec<Broken>,
}

impl Searches {
    /// Says whether the run told something and nothing differed.
    pub fn is_kept(&self) -> bool {
        self.broken.is_empty()
            && self.planned.saturating_mul(4) > self.asked
            && self.telling.saturating_mul(4) > self.asked
    }
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % (sides.max(1) as u64)).unwrap_or(0)
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.roll(from.len()))
    }
}

const DECIMALS: [&str; 14] = [
    "0",
    "1",
    "1.0",
    "10",
    "9.5",
    "100",
    "-1",
    "-9.5",
    "-10",
    "1000.50",
    "0.0000000000000000000000000001",
    "-0.0000000000000000000000000001",
    "79228162514264337593543950335",
    "-79228162514264337593543950335",
];
const TEXTS: [&str; 16] =
    ["", " ", "a", "A", "ab", "aB c", "b", "ä", "Äb", "\u{ffff}", "\u{1F600}", "İ", "i\u{307}", "ß", "ss", "zz top"];
const NAMES: [&str; 5] = ["lead", "Lead", "offer", "u1", "u2"];
const DATES: [&str; 9] = [
    "0001-01-01",
    "2025-12-31",
    "2026-01-29",
    "2026-01-30",
    "2026-01-31",
    "2026-02-01",
    "2026-02-02",
    "2026-03-01",
    "9999-12-31",
];
const INSTANTS: [&str; 8] = [
    "0001-01-01T00:00:00Z",
    "2026-01-29T10:00:00Z",
    "2026-01-30T23:59:59.999999Z",
    "2026-01-31T00:00:00Z",
    "2026-01-31T12:00:00Z",
    "2026-02-01T00:00:00Z",
    "2026-02-03T09:30:00Z",
    "9999-12-31T23:59:59Z",
];
const FIELDS: [&str; 11] =
    ["name", "note", "stage", "owner", "score", "rank", "close", "made", "active", "amount", "tags"];

fn catalogue() -> Catalogue {
    let choices = ["hot", "cold"].map(str::to_owned).to_vec();
    Catalogue::new()
        .field("name", Type::Text)
        .field("note", Type::Text)
        .field("stage", Type::Name)
        .field("owner", Type::Id)
        .field("score", Type::Decimal)
        .field("rank", Type::Decimal)
        .field("close", Type::Date)
        .field("made", Type::Instant)
        .field("active", Type::Flag)
        .from("amount", Type::Money, Source::Amount("amount".to_owned(), "currency".to_owned()))
        .field("tags", Type::Choices(choices))
}

fn indexes() -> Vec<Index> {
    vec![
        index(&[("name", Coding::Text)]),
        index(&[("score", Coding::Decimal)]),
        index(&[("owner", Coding::Exact), ("stage", Coding::Exact), ("close", Coding::Date)]),
        index(&[("made", Coding::Instant)]),
        index(&[("active", Coding::Flag), ("score", Coding::Decimal)]),
    ]
}

/// A text; now and then one that is longer than a key and differs only behind it.
fn text(dice: &mut Dice) -> String {
    match dice.roll(12) {
        0 => format!("{}{}", "x".repeat(KeyBytes::TEXT), dice.roll(3)),
        _ => dice.pick(&TEXTS).copied().unwrap_or_default().to_owned(),
    }
}

fn value(dice: &mut Dice, field: &str) -> Value {
    let mut pick = |from: &[&str]| Value::from(dice.pick(from).copied().unwrap_or_default());
    match field {
        "stage" | "owner" => pick(&NAMES),
        "score" | "rank" | "amount" => pick(&DECIMALS),
        "close" => pick(&DATES),
        "made" => pick(&INSTANTS),
        "active" => Value::Bool(dice.roll(2) == 0),
        "tags" => json!(["hot", "cold"].into_iter().take(dice.roll(3)).collect::<Vec<_>>()),
        _ => Value::from(text(dice)),
    }
}

fn record(dice: &mut Dice, number: usize) -> Result<Record> {
    let mut body = Map::new();
    for field in FIELDS {
        if dice.roll(4) != 0 {
            body.insert(field.to_owned(), value(dice, field));
        }
    }
    if body.contains_key("amount") {
        body.insert("currency".to_owned(), ["USD", "JPY"].get(dice.roll(2)).copied().into());
    }
    let fields: Vec<_> = catalogue().fields().cloned().collect();
    let row = Row::of(&fields, &body)?;
    let of = |name: &str| fields.iter().position(|field| field.name == name).and_then(|slot| row.value(slot));
    let keys = indexes().iter().map(|index| key(index, of)).collect();
    let id = Id::new(&format!("{}{number}", ["r", "R", "é"].get(dice.roll(3)).copied().unwrap_or_default()))?;
    let body = Body::write(&Value::Object(body));
    Ok(Record { kind: KIND.to_owned(), id, version: 1, schema: 1, keys, body, numbers: Default::default() })
}

/// A random condition that compiles.
fn condition(dice: &mut Dice, depth: usize) -> Condition {
    let group = |dice: &mut Dice| Some((0..dice.roll(4)).map(|_| condition(dice, depth.saturating_sub(1))).collect());
    match dice.roll(if depth == 0 { 5 } else { 9 }) {
        5 | 6 => Condition { all: group(dice), ..Condition::default() },
        7 => Condition { any: group(dice), ..Condition::default() },
        8 => Condition { not: Some(Box::new(condition(dice, depth.saturating_sub(1)))), ..Condition::default() },
        _ => leaf(dice),
    }
}

fn leaf(dice: &mut Dice) -> Condition {
    use ConditionOp as Op;
    let field = dice.pick(&FIELDS).copied().unwrap_or_default();
    let kind = catalogue().find(field).map_or(Type::Text, |field| field.kind.clone());
    let ops: Vec<Op> = Op::ALL.into_iter().filter(|op| kind.allows(*op)).collect();
    let op = dice.pick(&ops).copied().unwrap_or(Op::IsSet);
    let literal = |dice: &mut Dice| match value(dice, field) {
        Value::Bool(flag) => ConditionValue::Flag(flag),
        Value::Array(_) => ConditionValue::Text("hot".to_owned()),
        Value::String(_) if field == "made" && dice.roll(3) == 0 => {
            ConditionValue::Text(dice.pick(&DATES).copied().unwrap_or_default().to_owned())
        }
        other => ConditionValue::Text(other.as_str().unwrap_or_default().to_owned()),
    };
    let mut made = Condition { field: Some(field.to_owned()), op: Some(op), ..Condition::default() };
    match op {
        Op::IsSet | Op::IsEmpty => {}
        Op::In | Op::NotIn => made.values = Some((0..dice.roll(4)).map(|_| literal(dice)).collect()),
        Op::OlderThan | Op::WithinLast | Op::WithinNext | Op::FurtherThan => {
            made.days = Some([0, 1, 2, 30, 100_000].get(dice.roll(5)).copied().unwrap_or(0));
        }
        Op::Contains | Op::StartsWith | Op::EndsWith => {
            let wanted = literal(dice);
            made.value = Some(if wanted == ConditionValue::Text(String::new()) {
                ConditionValue::Text("a".to_owned())
            } else {
                wanted
            });
        }
        _ if dice.roll(8) == 0 => made.other_field = Some(twin(field).to_owned()),
        _ => made.value = Some(literal(dice)),
    }
    if field == "amount" && (made.value.is_some() || made.values.is_some()) && dice.roll(2) == 0 {
        made.currency = "JPY".parse().ok();
    }
    made
}

/// A field of the same type, or the field itself.
fn twin(field: &str) -> &str {
    match field {
        "name" => "note",
        "note" => "name",
        "score" => "rank",
        "rank" => "score",
        "close" => "made",
        "made" => "close",
        other => other,
    }
}

/// Runs `rounds` random conditions over `records` random records in an empty tenant; the same seed asks the same.
///
/// # Errors
/// Whatever the store meets while the records are written.
pub async fn run(store: &dyn Repository, tenant: &str, seed: u64, records: usize, rounds: usize) -> Result<Searches> {
    let mut dice = Dice(seed);
    let all: Vec<Record> = (0..records).map(|number| record(&mut dice, number)).collect::<Result<_>>()?;
    for some in all.chunks(500) {
        let put = |record: &Record| Put { record: record.clone(), changed: Fields::new(), expect: Expect::Absent };
        let changes =
            ChangeSet { tenant: tenant.to_owned(), puts: some.iter().map(put).collect(), ..ChangeSet::default() };
        store.commit(&changes).await?;
    }
    let mut done = Searches::default();
    for _ in 0..rounds {
        let condition = condition(&mut dice, 3);
        let descending = dice.roll(2) == 0;
        let field = dice.pick(&["id", "name", "score", "close", "made", "note", "rank", "owner", "amount", "active"]);
        let order = Order { field: field.copied().unwrap_or("id").to_owned(), descending };
        let zone = ["UTC", "+14:00", "-12:00"].get(dice.roll(3)).copied().unwrap_or("UTC");
        let (limit, scan) = (dice.roll(7).saturating_add(1), dice.roll(20).saturating_add(1));
        if let Err(found) = round(store, tenant, &all, &condition, &order, zone, (limit, scan), &mut done).await {
            let asked = serde_json::to_string(&condition).unwrap_or_default();
            done.broken.push(Broken { check: "searches", found: format!("{asked} by {order:?} in {zone}: {found}") });
        }
    }
    Ok(done)
}

#[allow(clippy::too_many_arguments)]
async fn round(
    store: &dyn Repository,
    tenant: &str,
    all: &[Record],
    condition: &Condition,
    order: &Order,
    zone: &str,
    (limit, scan): (usize, usize),
    done: &mut Searches,
) -> std::result::Result<(), String> {
    let told = |error: Error| format!("{error:?}");
    let catalogue = catalogue();
    let predicate = compile(condition, &catalogue).map_err(told)?;
    let now = "2026-01-31T11:00:00Z".parse().ok();
    let moment = predicate.moment(&Context { now, zone: zone.to_owned(), ..Context::default() }).map_err(told)?;
    let plan = plan(&predicate, &moment, &indexes(), &catalogue, order).map_err(told)?;
    let keep =
        |record: &Record| Row::parse(predicate.slots(), record.body.text()).map(|row| predicate.holds(&row, &moment));
    let sort_field = catalogue.find(&order.field).cloned();
    let slots = sort_field.as_slice();
    let field = |record: &Record| Row::parse(slots, record.body.text());

    let coding = sort_field.as_ref().and_then(|field| Coding::of(&field.kind));
    let mut wanted: Vec<(KeyBytes, &str)> = Vec::new();
    for record in all {
        if keep(record).map_err(told)? {
            let row = field(record).map_err(told)?;
            let key = coding.map_or_else(KeyBytes::new, |coding| coding.add(KeyBytes::new(), row.value(0)));
            wanted.push((key, record.id.as_str()));
        }
    }
    wanted.sort();
    if order.descending {
        wanted.reverse();
    }
    done.asked = done.asked.saturating_add(1);
    done.planned = done.planned.saturating_add(usize::from(!plan.tests.is_empty() || plan.nothing));
    done.telling = done.telling.saturating_add(usize::from(!wanted.is_empty() && wanted.len() < all.len()));

    // What is sorted in memory is read whole; a stored order goes on behind a search that was cut.
    let scan = if matches!(plan.sorting, Sorting::InMemory(..)) { all.len() } else { scan };
    let (mut found, mut after): (Vec<String>, Option<After>) = (Vec::new(), None);
    for _ in 0..all.len().saturating_mul(2).saturating_add(2) {
        let search = Search { tenant, kind: KIND, plan: &plan, after: after.take(), limit, scan };
        let page = search.run(&store, keep, field).await.map_err(told)?;
        if page.records.len() > limit {
            return Err(format!("a page of {} records, {limit} were asked", page.records.len()));
        }
        found.extend(page.records.iter().map(|record| record.id.to_string()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let expected: Vec<&str> = wanted.iter().map(|(_, id)| *id).collect();
    if found != expected {
        let mut text = String::new();
        let _ = write!(text, "expected {expected:?}, found {found:?}, plan {plan:?}");
        return Err(text);
    }
    Ok(())
}
